//! Whether the page is there without a network, and whether a newer one waits.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::platform::{frame, offline};
use crate::run::Run;
use crate::texts::say;

/// One line of the foot.
#[component]
pub fn Offline() -> impl IntoView {
    let run = expect_context::<Run>();
    let kept = RwSignal::new(false);
    let newer = RwSignal::new(false);
    let path =
        Memo::new(move |_| run.state.with(|state| state.model.as_ref().map(|model| model.path.clone())));
    // An embed keeps nothing: its reader came for an article.
    let stands_alone = !frame::is_embed();
    // Only once the model is there: the worker fetches the page again, which must not hold up the first run.
    Effect::new(move |started: Option<bool>| {
        let Some(path) = path.get().filter(|_| stands_alone) else { return started.unwrap_or(false) };
        kept.set(false);
        spawn_local(async move {
            if !started.unwrap_or(false) {
                offline::start(move || newer.set(true)).await;
            }
            kept.set(offline::keep(&path).await);
        });
        true
    });
    let take = move |_| spawn_local(offline::take_new_version());
    let forgotten = RwSignal::new(false);
    let forget = move |_| {
        spawn_local(async move {
            forgotten.set(offline::forget_models().await);
            kept.set(false);
        });
    };
    let says = move || match (kept.get(), forgotten.get()) {
        (true, _) => say("offline.kept"),
        (false, true) => say("offline.forgotten"),
        (false, false) => "",
    };
    view! {
        <span data-testid="offline" data-kept=move || kept.get().then_some("") role="status">
            {says}
        </span>
        <Show when=move || kept.get()>
            <button class="link" data-testid="forget-models" on:click=forget>{say("offline.forget")}</button>
        </Show>
        <Show when=move || newer.get()>
            <span>
                {say("offline.newer")} " "
                <button class="link" data-testid="take-new-version" on:click=take>{say("offline.take")}</button>
            </span>
        </Show>
    }
}
