//! Whether the page is there without a network, and whether a newer one waits.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::platform::{frame, offline};
use crate::run::Run;
use crate::session::models::ShippedModel;
use crate::texts::{fill, key, say};

/// Size of all shipped models together, in 10^6 bytes; a test compares it with the files.
const MEGABYTES: u64 = 59;

/// What is there without a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Nothing that is known of.
    Nothing,
    /// The page, and the models that were used.
    Used,
    /// More models are coming: so many are there, of [`ShippedModel::files`].
    Coming(usize),
    /// So many could be kept and no more: the network or the room for them ended.
    Fewer(usize),
    /// The page and all models.
    All,
    /// The visitor has removed the models.
    Removed,
}

/// One line of the foot.
#[component]
pub fn Offline() -> impl IntoView {
    let run = expect_context::<Run>();
    let kept = RwSignal::new(Kept::Nothing);
    let newer = RwSignal::new(false);
    let path =
        Memo::new(move |_| run.state.with(|state| state.model.as_ref().map(|model| model.path.clone())));
    // An embed keeps nothing: its reader came for an article.
    let stands_alone = !frame::is_embed();
    // Only once the model is there: the worker fetches the page again, which must not hold up the first run.
    Effect::new(move |started: Option<bool>| {
        let Some(path) = path.get().filter(|_| stands_alone) else { return started.unwrap_or(false) };
        spawn_local(async move {
            if !started.unwrap_or(false) {
                offline::start(move || newer.set(true)).await;
            }
            let is_kept = offline::keep(&path).await;
            // A visitor who keeps all is told of that alone.
            if !matches!(kept.get_untracked(), Kept::Coming(_)) {
                kept.set(standing(is_kept).await);
            }
        });
        true
    });
    let take = move |_| spawn_local(offline::take_new_version());
    let forget = move |_| {
        spawn_local(async move {
            offline::forget_models().await;
            kept.set(Kept::Removed);
        });
    };
    view! {
        <span data-testid="offline" data-kept=move || shown(kept.get()) role="status">
            {move || sentence(kept.get())}
        </span>
        {move || match kept.get() {
            Kept::Used | Kept::Fewer(_) => view! {
                <button class="link" data-testid="keep-models" on:click=move |_| spawn_local(keep_all(kept))>
                    {fill("offline.keep-all", &[("megabytes", &MEGABYTES.to_string())])}
                </button>
            }.into_any(),
            Kept::Coming(_) => view! {
                <button class="link" data-testid="stop-keeping" on:click=move |_| kept.set(Kept::Used)>{say("offline.stop")}</button>
            }.into_any(),
            Kept::Nothing | Kept::All | Kept::Removed => ().into_any(),
        }}
        <Show when=move || matches!(kept.get(), Kept::Used | Kept::Fewer(_) | Kept::All)>
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

async fn standing(is_kept: bool) -> Kept {
    match is_kept {
        true if offline::has_all().await => Kept::All,
        true => Kept::Used,
        false => Kept::Nothing,
    }
}

/// Keeps one model after the other, until all are there, one fails, or the visitor has enough.
async fn keep_all(kept: RwSignal<Kept>) {
    for (done, path) in ShippedModel::files().enumerate() {
        kept.set(Kept::Coming(done));
        let is_kept = offline::keep(&path).await;
        if kept.get_untracked() != Kept::Coming(done) {
            return;
        }
        if !is_kept {
            return kept.set(Kept::Fewer(done));
        }
    }
    kept.set(Kept::All);
}

/// For tests of the page.
fn shown(kept: Kept) -> Option<&'static str> {
    match kept {
        Kept::Nothing | Kept::Removed => None,
        Kept::Used | Kept::Coming(_) | Kept::Fewer(_) => Some("used"),
        Kept::All => Some("all"),
    }
}

fn sentence(kept: Kept) -> String {
    let count = |key, done: usize| {
        let all = ShippedModel::files().count();
        fill(key, &[("done", &done.to_string()), ("all", &all.to_string())])
    };
    match kept {
        Kept::Nothing => String::new(),
        Kept::Used => say("offline.kept").into(),
        Kept::Coming(done) => count(key("offline.keeping"), done),
        Kept::Fewer(done) => count(key("offline.not-all"), done),
        Kept::All => say("offline.all").into(),
        Kept::Removed => say("offline.forgotten").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_says_how_much_it_fetches() {
        let size = |path: String| {
            let path = format!("{}/../static/{path}", env!("CARGO_MANIFEST_DIR"));
            std::fs::metadata(&path).unwrap_or_else(|error| panic!("{path}: {error}")).len()
        };
        let bytes: u64 = ShippedModel::files().map(size).sum();
        assert_eq!(bytes.div_ceil(1_000_000), MEGABYTES);
    }
}
