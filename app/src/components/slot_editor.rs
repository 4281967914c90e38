//! What a visitor can do to the slot under the glass: put another word there or hide it, and have the run branch off.

use diffusion::TokenId;
use diffusion::decode::Edit;
use leptos::html::Input;
use leptos::prelude::*;
use model_loader::Tokenizer;
use model_loader::tokenizer::{END, UNKNOWN};
use wasm_bindgen::JsCast;

use super::text_grid::Which;
use crate::branch::{Moment, likely, station};
use crate::run::{Run, Source};
use crate::settings::Settings;
use crate::texts::{fill, say};
use crate::view::{Cell, Mark};

/// Branches off with a change of the chosen slot.
#[derive(Clone, Copy)]
pub struct Branch {
    settings: RwSignal<Settings>,
    run: Run,
    cells: Memo<Vec<Cell>>,
    /// What the visitor said about when, for the chosen slot.
    said: RwSignal<Option<Moment>>,
}

impl Branch {
    /// For the slots at the cursor.
    pub fn new(cells: Memo<Vec<Cell>>) -> Self {
        let (settings, run) = (expect_context::<RwSignal<Settings>>(), expect_context::<Run>());
        let said = RwSignal::new(None);
        Effect::new(move |_| {
            run.selected.track();
            said.set(None);
        });
        Self { settings, run, cells, said }
    }

    /// Whether the run that is shown is one that can be changed: a live one.
    pub fn is_possible(self) -> bool {
        self.run.state.with(|state| state.source == Source::Live)
    }

    /// The moment that a new word goes to.
    fn moment(self, slot: usize) -> Moment {
        self.said.get().unwrap_or_else(|| self.cells.with(|cells| likely(cells, slot)))
    }

    /// Puts a word there, or hides the slot.
    pub fn make(self, token: Option<TokenId>) {
        let Some(slot) = self.run.selected.get_untracked() else { return };
        let cursor = self.run.cursor.get_untracked();
        // A slot is hidden where the visitor sees it stand; hiding it before its call would change nothing.
        let moment = if token.is_some() { untrack(|| self.moment(slot)) } else { Moment::Here };
        let calls = self.cells.with_untracked(|cells| station(moment, cells, cursor, slot));
        let edit = Edit { slot: slot as u32, token };
        self.settings.update(|s| s.edits = s.edits.branched(calls, edit));
        focus_slot(Which::First, slot);
    }
}

/// The glass shows other things after a change: whoever works by keys goes on at the slot.
pub fn focus_slot(which: Which, slot: usize) {
    let element = document().get_element_by_id(&format!("{}-{slot}", which.slot()));
    if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        let calm = web_sys::FocusOptions::new();
        calm.set_prevent_scroll(true);
        drop(element.focus_with_options(&calm));
    }
}

/// The controls.
#[component]
pub fn SlotEditor(
    /// Branches off.
    branch: Branch,
) -> impl IntoView {
    let slot = move || branch.run.selected.get();
    let cell = Memo::new(move |_| branch.cells.with(|cells| cells.get(slot()?).copied()));
    let is_hidden = Memo::new(move |_| cell.get().is_none_or(|cell| cell.mark == Mark::Masked));
    view! {
        <div class="slot-editor" data-testid="slot-editor">
            <Show
                when=move || branch.is_possible()
                fallback=|| view! { <p class="hint">{say("edit.recorded")}</p> }
            >
                <p class="hint">{say("edit.about")}</p>
                <WordField branch />
                <MomentChoice branch cell />
                <Show when=move || !is_hidden.get()>
                    <button class="button" data-testid="hide-slot" on:click=move |_| branch.make(None)>
                        {say("edit.hide")}
                    </button>
                </Show>
            </Show>
        </div>
    }
}

/// A word of the visitor's own.
#[component]
fn WordField(branch: Branch) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    let problem = RwSignal::new(String::new());
    let put = move || {
        let Some(field) = field.get_untracked() else { return };
        let words = branch.run.state.with_untracked(|state| state.words.clone());
        match words.map(|words| token_of(&words, &field.value())) {
            Some(Ok(token)) => {
                problem.set(String::new());
                field.set_value("");
                branch.make(Some(token));
            }
            Some(Err(sentence)) => problem.set(sentence),
            None => {}
        }
    };
    view! {
        <form
            class="seed-row"
            on:submit=move |event| {
                event.prevent_default();
                put();
            }
        >
            <input
                class="field"
                node_ref=field
                data-testid="edit-word"
                aria-label=say("edit.word")
                placeholder=say("edit.word")
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
            />
            <button class="button" data-testid="put-word">{say("edit.put")}</button>
        </form>
        <p class="warning" role="status" data-testid="edit-problem">{problem}</p>
    }
}

/// The one token that a word is.
///
/// # Errors
/// A sentence for the visitor.
fn token_of(words: &Tokenizer, typed: &str) -> Result<TokenId, String> {
    let typed = typed.trim();
    match words.encode(typed).tokens.as_slice() {
        [] => Err(say("edit.empty").into()),
        [UNKNOWN] => Err(fill("edit.unknown", &[("word", typed)])),
        [token] if *token >= END => Ok(TokenId(*token)),
        [_] => Err(fill("edit.unknown", &[("word", typed)])),
        several => Err(fill("edit.several", &[("word", typed), ("count", &several.len().to_string())])),
    }
}

/// When the new word goes in, where there is a choice.
#[component]
fn MomentChoice(branch: Branch, cell: Memo<Option<Cell>>) -> impl IntoView {
    let call = Memo::new(move |_| cell.get().and_then(|cell| cell.call));
    let moment = Memo::new(move |_| branch.run.selected.get().map(|slot| branch.moment(slot)));
    let option = move |name: &'static str, this: Moment, says: Signal<String>| {
        view! {
            <label class="row-check">
                <input
                    type="radio"
                    name="moment"
                    data-testid=name
                    prop:checked=move || moment.get() == Some(this)
                    on:change=move |_| branch.said.set(Some(this))
                />
                {says}
            </label>
        }
    };
    let here = Signal::derive(move || fill("edit.here", &[("calls", &branch.run.cursor.get().to_string())]));
    let earlier = Signal::derive(move || {
        fill("edit.before-its-call", &[("call", &call.get().unwrap_or_default().to_string())])
    });
    view! {
        <Show when=move || call.get().is_some()>
            <fieldset class="moment">
                <legend class="hint">{say("edit.when")}</legend>
                {option("moment-here", Moment::Here, here)}
                {option("moment-call", Moment::BeforeItsCall, earlier)}
            </fieldset>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::start::tests::tokenizer;

    #[test]
    fn one_known_word_fits_a_slot_and_anything_else_is_one_sentence() {
        let read = |typed| token_of(&tokenizer(), typed);
        assert_eq!(read(" cat "), Ok(TokenId(4)));
        for wrong in ["", "xylophone", "the cat", "_"] {
            let sentence = read(wrong).unwrap_err();
            assert!(sentence.ends_with('.') && sentence.contains(wrong), "{sentence}");
        }
    }
}
