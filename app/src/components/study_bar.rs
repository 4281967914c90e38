//! How the study of a lab stands: a bar, the time that is left, and a way to stop it.

use leptos::prelude::*;

use crate::failure::explain;
use crate::labs::store::{Findings, Standing};
use crate::platform::time;
use crate::session::Request;
use crate::session::link::Session;
use crate::session::studies::Ending;
use crate::texts::{fill, say};

/// The bar. Room is kept for it, so that nothing moves when a study begins or ends.
#[component]
pub fn StudyBar(
    /// Asks the same question again.
    again: Callback<()>,
) -> impl IntoView {
    let standing = expect_context::<Findings>().standing;
    let session = expect_context::<Session>();
    let goes_on = Memo::new(move |_| standing.with(|s| s.as_ref().is_some_and(|s| s.ending.is_none())));
    let stopped = Memo::new(move |_| {
        standing.with(|s| s.as_ref().is_some_and(|s| !matches!(s.ending, None | Some(Ending::Finished))))
    });
    let share = move || standing.with(|s| s.as_ref().map_or(0.0, |s| s.done as f64 / s.total.max(1) as f64));
    view! {
        <div class="study-bar" data-testid="study" data-going=move || goes_on.get().then_some("")>
            <progress
                max="1"
                prop:value=share
                aria-label=say("study.progress")
                style:visibility=move || if goes_on.get() { "visible" } else { "hidden" }
            ></progress>
            <span class="hint number" data-testid="study-says">
                {move || standing.with(|s| s.as_ref().map(|s| sentence(s, time::now_ms())))}
            </span>
            <Show when=move || goes_on.get()>
                <button class="button" data-testid="study-cancel" on:click=move |_| session.post(Request::CancelStudy)>
                    {say("study.cancel")}
                </button>
            </Show>
            <Show when=move || stopped.get()>
                <button class="button" data-testid="study-again" on:click=move |_| again.run(())>
                    {say("study.again")}
                </button>
            </Show>
            <span class="visually-hidden" role="status">
                {move || if goes_on.get() { say("study.goes-on") } else { say("study.ended") }}
            </span>
        </div>
    }
}

fn sentence(standing: &Standing, now_ms: f64) -> String {
    match &standing.ending {
        Some(Ending::Finished) => String::new(),
        Some(Ending::Cancelled) => say("study.cancelled").into(),
        Some(Ending::Failed(failure)) => explain(failure),
        None if standing.total == 0 => say("study.waiting").into(),
        None => {
            let (done, total) = (standing.done.to_string(), standing.total.to_string());
            let seconds = standing.seconds_left(now_ms).map_or(String::new(), |s| format!("{:.0}", s.ceil()));
            fill("study.calls", &[("done", &done), ("total", &total), ("seconds", &seconds)])
        }
    }
}
