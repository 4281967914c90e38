//! What the visitor changed by hand in this run, each with a way back.

use diffusion::decode::Edit;
use leptos::prelude::*;

use super::icons::{CLOSE, Icon};
use super::inspector::spell;
use crate::run::Run;
use crate::settings::Settings;
use crate::settings::beside::{Beside, Knob};
use crate::settings::edits::Edits;
use crate::texts::{fill, say};

/// The list; nothing where nothing was changed.
#[component]
pub fn Changes() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let all = Memo::new(move |_| settings.with(|s| s.edits.all().to_vec()));
    let says = move |(calls, edit): (usize, Edit)| {
        let (slot, calls) = ((edit.slot + 1).to_string(), calls.to_string());
        let place = [("slot", slot.as_str()), ("calls", calls.as_str())];
        match edit.token {
            None => fill("changes.hidden", &place),
            Some(token) => {
                let word = run.state.with(|state| {
                    state.model_words.as_ref().map_or_else(String::new, |words| spell(words, token.0))
                });
                fill("changes.put", &[place[0], place[1], ("word", &word)])
            }
        }
    };
    let entry = move |change: (usize, Edit)| {
        let text = says(change);
        view! {
            <li>
                <button class="link" data-testid="change" on:click=move |_| run.go_to(change.0, change.1.slot as usize)>
                    {text.clone()}
                </button>
                <button
                    class="icon-button plain"
                    data-testid="undo-change"
                    title=say("changes.undo")
                    on:click=move |_| settings.update(|s| s.edits = s.edits.without(change))
                >
                    <Icon path=CLOSE />
                    <span class="visually-hidden">{format!("{}: {text}", say("changes.undo"))}</span>
                </button>
            </li>
        }
    };
    view! {
        <Show when=move || !all.read().is_empty()>
            <section class="changes" aria-label=say("changes.title") data-testid="changes">
                <h3>{say("changes.title")}</h3>
                <ol>{move || all.get().into_iter().map(entry).collect_view()}</ol>
                <Show when=move || settings.with(|s| s.beside.is_none())>
                    <button
                        class="button"
                        data-testid="beside-before"
                        on:click=move |_| settings.update(|s| s.beside = Some(Beside::suggested(Knob::Edits, s)))
                    >
                        {say("changes.beside")}
                    </button>
                </Show>
                <button
                    class="button"
                    data-testid="undo-all"
                    on:click=move |_| settings.update(|s| s.edits = Edits::default())
                >
                    {say("changes.undo-all")}
                </button>
            </section>
        </Show>
    }
}
