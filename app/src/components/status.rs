//! One line that says what is going on, with a bar where there is a measure of it.

use leptos::prelude::*;

use crate::run::{Phase, Run, RunState, Source};
use crate::texts::fill;

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
                    <button class="button" data-testid="retry" on:click=move |_| retry.run(())>"Try again"</button>
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
fn sentence(state: &RunState) -> String {
    if let Some(problem) = state.problem() {
        return problem;
    }
    if let Some(file) = &state.file {
        return fill("run.saved", &[("file", file)]);
    }
    let recorded = if state.source == Source::Recording { "A recorded run plays. " } else { "" };
    match &state.phase {
        Phase::Opening => "Opening".into(),
        Phase::Loading { received, total } => {
            format!("{recorded}Downloading the model: {}", amount(*received, *total))
        }
        Phase::Compiling { done, total } => format!("{recorded}Compiling shaders: {done} of {total}"),
        Phase::Testing => format!("{recorded}Testing the back end"),
        Phase::Ready => format!("{recorded}Ready"),
        Phase::Running => format!("Writing: call {} of {}", state.steps(), state.planned),
        Phase::Resuming => format!("Resuming at call {}", state.steps()),
        Phase::Finished => match state.steps() {
            1 => "Written in 1 call".into(),
            calls => format!("Written in {calls} calls"),
        },
        Phase::Failed => "Stopped".into(),
    }
}

/// What is said aloud: short, and the same through a whole phase.
fn spoken(state: &RunState) -> &'static str {
    match state.phase {
        Phase::Opening | Phase::Loading { .. } => "Downloading the model",
        Phase::Compiling { .. } => "Compiling shaders",
        Phase::Testing | Phase::Ready => "Almost ready",
        Phase::Running => "Writing",
        Phase::Resuming => "Resuming",
        Phase::Finished => "The text is complete",
        Phase::Failed => "Stopped",
    }
}

/// How much of the present phase is done, where that is known.
fn share(phase: &Phase) -> Option<f64> {
    match *phase {
        Phase::Loading { received, total: Some(total) } => Some(received as f64 / total.max(1) as f64),
        Phase::Compiling { done, total } => Some(done as f64 / total.max(1) as f64),
        _ => None,
    }
}

/// Bytes for people: megabytes of 10^6 bytes, as browsers count downloads.
fn amount(received: u64, total: Option<u64>) -> String {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    match total {
        Some(total) => format!("{:.1} of {:.1} MB", megabytes(received), megabytes(total)),
        None => format!("{:.1} MB", megabytes(received)),
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
