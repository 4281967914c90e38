//! How the study of a lab stands: a bar, the time that is left, and a way to stop it.

use leptos::prelude::*;

use super::status;
use crate::failure::explain;
use crate::labs::Lab;
use crate::labs::store::{Findings, Standing};
use crate::platform::time;
use crate::run::{Run, RunState};
use crate::session::Request;
use crate::session::link::Session;
use crate::session::studies::Ending;
use crate::settings::Settings;
use crate::texts::{fill, say};

/// The bar. Room is kept for it, so that nothing moves when a study begins or ends. Before the first call it tells how the model comes.
#[component]
pub fn StudyBar(
    /// Asks the same question again.
    again: Callback<()>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let session = expect_context::<Session>();
    let all = expect_context::<Findings>().standing;
    // What another lab has asked is not this one's.
    let standing = move || {
        let lab = settings.with(|s| s.lab);
        all.get().filter(|standing| standing.question.lab() == lab)
    };
    let stand = Memo::new(move |_| Stand::of(standing().as_ref()));
    // The stage has a line of its own for that.
    let coming =
        Memo::new(move |_| settings.with(|s| s.lab != Lab::Generate) && run.state.with(RunState::is_coming));
    let goes_on = move || matches!(stand.get(), Stand::GoesOn) || (stand.get() == Stand::Not && coming.get());
    let share = move || {
        let done = standing().map(|s| s.done as f64 / s.total.max(1) as f64);
        done.or_else(|| run.state.with(|state| status::share(&state.phase))).unwrap_or(0.0)
    };
    let says = move || match standing() {
        Some(standing) => sentence(&standing, time::now_ms()),
        None if coming.get() => run.state.with(status::sentence),
        None => String::new(),
    };
    let aloud = move || match stand.get() {
        Stand::GoesOn => say("study.goes-on").to_owned(),
        Stand::Failed => says(),
        Stand::Not | Stand::Finished | Stand::Cancelled => String::new(),
    };
    view! {
        <div
            class="study-bar"
            data-testid="study"
            data-going=move || (stand.get() == Stand::GoesOn).then_some("")
            data-failed=move || (stand.get() == Stand::Failed).then_some("")
        >
            <progress
                max="1"
                prop:value=share
                aria-label=say("study.progress")
                style:visibility=move || if goes_on() { "visible" } else { "hidden" }
            ></progress>
            <span class="hint number" data-testid="study-says">{says}</span>
            {move || match stand.get() {
                Stand::GoesOn => view! {
                    <button class="button" data-testid="study-cancel" on:click=move |_| session.post(Request::CancelStudy)>
                        {say("study.cancel")}
                    </button>
                }.into_any(),
                Stand::Cancelled => begin_again(again, say("study.again")).into_any(),
                Stand::Failed => begin_again(again, say("status.retry")).into_any(),
                Stand::Not | Stand::Finished => ().into_any(),
            }}
            <span class="visually-hidden" role="status">{aloud}</span>
        </div>
    }
}

/// How the study stands, without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Nothing was asked yet.
    Not,
    /// It goes on.
    GoesOn,
    /// All is found.
    Finished,
    /// The visitor stopped it.
    Cancelled,
    /// Something failed.
    Failed,
}

impl Stand {
    fn of(standing: Option<&Standing>) -> Self {
        match standing.map(|standing| &standing.ending) {
            None => Self::Not,
            Some(None) => Self::GoesOn,
            Some(Some(Ending::Finished)) => Self::Finished,
            Some(Some(Ending::Cancelled)) => Self::Cancelled,
            Some(Some(Ending::Failed(_))) => Self::Failed,
        }
    }
}

fn begin_again(again: Callback<()>, says: &'static str) -> impl IntoView {
    view! { <button class="button" data-testid="study-again" on:click=move |_| again.run(())>{says}</button> }
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
