//! One line that says what is going on, with a bar where there is a measure of it.

use leptos::prelude::*;

use crate::run::{Phase, Run, RunState, Source};
use crate::texts::{fill, say};

/// The status line. Screen readers hear changes of phase, not every call.
#[component]
pub fn Status(
    /// Tries again after a failure.
    retry: Callback<()>,
) -> impl IntoView {
    let run = expect_context::<Run>();
    let says = Memo::new(move |_| run.state.with(sentence));
    let aloud =
        Memo::new(move |_| run.state.with(|state| state.problem().unwrap_or_else(|| spoken(state).into())));
    let failed = Memo::new(move |_| run.state.with(|state| state.failure.is_some()));
    let stuck = Memo::new(move |_| run.state.with(|state| state.phase == Phase::Failed));
    let share = Memo::new(move |_| run.state.with(|state| share(&state.phase)));
    let phase = Memo::new(move |_| run.state.with(|state| state.phase.name()));
    view! {
        <div
            class="status"
            data-testid="status"
            data-phase=phase
            data-kind=move || if failed.get() { "failed" } else { "well" }
        >
            <span class="number">
                {says} " " <Show when=move || stuck.get()>
                    <button class="button" data-testid="retry" on:click=move |_| retry.run(())>{say("status.retry")}</button>
                </Show>
            </span>
            <progress
                max="1"
                prop:value=move || share.get().unwrap_or(0.0)
                style:visibility=move || if share.get().is_some() { "visible" } else { "hidden" }
                aria-hidden="true"
            ></progress>
            <span class="visually-hidden" role="status">{aloud}</span>
        </div>
    }
}

/// What sighted visitors read.
pub fn sentence(state: &RunState) -> String {
    if let Some(problem) = state.problem() {
        return problem;
    }
    if let Some(file) = &state.file {
        return fill("run.saved", &[("file", file)]);
    }
    let recorded = |says: String| match state.source {
        Source::Recording => format!("{} {says}", say("status.recorded")),
        _ => says,
    };
    let count = |count: usize| count.to_string();
    match &state.phase {
        Phase::Opening => say("status.opening").into(),
        Phase::Loading { received, total } => {
            recorded(fill("status.loading", &[("amount", &amount(*received, *total))]))
        }
        Phase::Compiling { done, total } => {
            recorded(fill("status.compiling", &[("done", &count(*done)), ("total", &count(*total))]))
        }
        Phase::Testing => recorded(say("status.testing").into()),
        Phase::Ready => recorded(say("status.ready").into()),
        Phase::Running => {
            fill("status.running", &[("call", &count(state.steps())), ("planned", &count(state.planned))])
        }
        Phase::Resuming => fill("status.resuming", &[("call", &count(state.steps()))]),
        Phase::Finished => match state.steps() {
            0 if state.source != Source::Recording => say("status.untouched").into(),
            1 => say("status.written-one").into(),
            calls => fill("status.written", &[("calls", &count(calls))]),
        },
        Phase::Failed => say("status.stopped").into(),
    }
}

/// What is said aloud: short, and the same through a whole phase.
fn spoken(state: &RunState) -> &'static str {
    match state.phase {
        Phase::Opening | Phase::Loading { .. } => say("status.aloud.loading"),
        Phase::Compiling { .. } => say("status.aloud.compiling"),
        Phase::Testing | Phase::Ready => say("status.aloud.ready"),
        Phase::Running => say("status.aloud.writing"),
        Phase::Resuming => say("status.aloud.resuming"),
        Phase::Finished => say("status.aloud.complete"),
        Phase::Failed => say("status.stopped"),
    }
}

/// How much of the present phase is done, where that is known.
pub fn share(phase: &Phase) -> Option<f64> {
    match *phase {
        Phase::Loading { received, total: Some(total) } => Some(received as f64 / total.max(1) as f64),
        Phase::Compiling { done, total } => Some(done as f64 / total.max(1) as f64),
        _ => None,
    }
}

/// Bytes for people: megabytes of 10^6 bytes, as browsers count downloads.
fn amount(received: u64, total: Option<u64>) -> String {
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    match total {
        Some(total) => {
            fill("status.amount-of", &[("received", &megabytes(received)), ("total", &megabytes(total))])
        }
        None => fill("status.amount", &[("received", &megabytes(received))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_shaders_are_told_apart() {
        let phase = Phase::Loading { received: 1_250_000, total: Some(4_000_000) };
        let state = RunState { phase, ..RunState::default() };
        assert_eq!(sentence(&state), "Downloading the model: 1.2 of 4.0 MB");
        let phase = Phase::Compiling { done: 3, total: 12 };
        assert_eq!(share(&phase), Some(0.25));
        assert_eq!(sentence(&RunState { phase, ..RunState::default() }), "Compiling shaders: 3 of 12");
    }

    #[test]
    fn a_saved_run_is_named_and_a_way_back_told() {
        let state = RunState { file: Some("mine.json".into()), ..RunState::default() };
        let says = sentence(&state);
        assert!(says.contains("mine.json") && says.contains("live"), "{says}");
    }

    #[test]
    fn a_recording_is_called_one() {
        let state = RunState { source: Source::Recording, phase: Phase::Testing, ..RunState::default() };
        assert!(sentence(&state).contains("recorded"), "{}", sentence(&state));
    }
}
