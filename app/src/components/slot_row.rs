//! Words of a lab in a row of slots that look as on the stage, and wrap. What there is to know about a word stands below the row when it is
//! chosen: by the pointer, a finger or the arrow keys.

use leptos::ev::KeyboardEvent;
use leptos::html::Ol;
use leptos::prelude::*;
use model_loader::Tokenizer;
use model_loader::tokenizer::{END, MASK};
use wasm_bindgen::JsCast;

use crate::keys::move_in_grid;
use crate::texts::say;

/// One word in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// What is written there; nothing where it is hidden.
    pub text: String,
    /// How it stands, by the names that style sheets know: `masked`, `given`, `committed`, `noisy`, `unknown`, `fault`.
    pub state: &'static str,
    /// A line about it; nothing for a word that cannot be chosen.
    pub note: String,
    /// How far the slot is filled, 0 to 1; none for no filling.
    pub filled: Option<f64>,
}

impl Word {
    /// A token as it is shown.
    pub fn of(words: &Tokenizer, token: u32, state: &'static str) -> Self {
        let text = match token {
            MASK => String::new(),
            END => say("grid.end").into(),
            other => words.word(other).unwrap_or("?").trim().to_owned(),
        };
        Self { text, state, note: String::new(), filled: None }
    }
}

/// The row.
#[component]
pub fn SlotRow(
    /// The words.
    #[prop(into)]
    words: Signal<Vec<Word>>,
    /// What the row is, for screen readers.
    label: &'static str,
    /// For tests.
    id: &'static str,
    /// Whether room is kept below for the line about a word.
    #[prop(optional)]
    noted: bool,
) -> impl IntoView {
    let count = Memo::new(move |_| words.with(Vec::len));
    let chosen = RwSignal::new(None::<usize>);
    // One word is in the order of the Tab key; arrows reach the others.
    let stop = Memo::new(move |_| words.with(|words| tab_stop(words, chosen.get())));
    let row = NodeRef::<Ol>::new();
    let walk = move |event: KeyboardEvent| {
        let notes: Vec<usize> = words.with_untracked(|words| noted_words(words).collect());
        let at = notes.iter().position(|index| Some(*index) == stop.get_untracked());
        let next = at.and_then(|at| move_in_grid(&event.key(), at, notes.len(), notes.len()));
        if let Some(next) = next {
            event.prevent_default();
            focus(row, notes[next]);
        }
    };
    let says = move || words.with(|words| chosen.get().and_then(|chosen| words.get(chosen)).map(about));
    view! {
        <ol class="slot-row" aria-label=label data-testid=id node_ref=row on:keydown=walk>
            {move || (0..count.get()).map(|index| view! { <SlotOf words index chosen stop /> }).collect_view()}
        </ol>
        {noted.then(|| view! { <p class="hint slot-note" data-testid=format!("{id}-note") aria-hidden="true">{says}</p> })}
    }
}

/// One word.
#[component]
fn SlotOf(
    words: Signal<Vec<Word>>,
    index: usize,
    chosen: RwSignal<Option<usize>>,
    stop: Memo<Option<usize>>,
) -> impl IntoView {
    let word = Memo::new(move |_| words.with(|words| words.get(index).cloned()));
    let has_note = Memo::new(move |_| word.with(|word| word.as_ref().is_some_and(Word::is_noted)));
    let long = move || word.with(|word| word.as_ref().is_some_and(|word| word.text.chars().count() > 8));
    let filled = move || {
        word.with(|word| word.as_ref()?.filled.map(|share| format!("{:.0}%", share.clamp(0.0, 1.0) * 100.0)))
    };
    let choose = move || {
        if has_note.get_untracked() {
            chosen.set(Some(index));
        }
    };
    view! {
        <li>
            <span
                class="slot"
                data-state=move || word.with(|word| word.as_ref().map(|word| word.state))
                data-long=move || long().then_some("")
                data-filled=move || filled().map(|_| "")
                style:--filled=move || filled().unwrap_or_default()
                role=move || has_note.get().then_some("button")
                tabindex=move || has_note.get().then(|| if stop.get() == Some(index) { "0" } else { "-1" })
                on:focus=move |_| choose()
                // A finger enters too.
                on:pointerenter=move |_| choose()
            >
                {move || word.with(|word| word.as_ref().map(|word| word.text.clone()))}
                <span class="visually-hidden">{move || word.with(|word| word.as_ref().map(aside))}</span>
            </span>
        </li>
    }
}

impl Word {
    fn is_noted(&self) -> bool {
        !self.note.is_empty()
    }
}

/// The places of words that have a note.
fn noted_words(words: &[Word]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().filter(|(_, word)| word.is_noted()).map(|(index, _)| index)
}

/// The word that the Tab key reaches: the chosen one, or the first that has a note.
fn tab_stop(words: &[Word], chosen: Option<usize>) -> Option<usize> {
    let is_noted = |index: &usize| words.get(*index).is_some_and(Word::is_noted);
    chosen.filter(is_noted).or_else(|| noted_words(words).next())
}

/// The line below the row.
fn about(word: &Word) -> String {
    let shown = if word.text.is_empty() { say("grid.hidden") } else { &word.text };
    format!("“{shown}”: {}", word.note)
}

/// What a screen reader says beside what is written in the slot.
fn aside(word: &Word) -> String {
    let hidden = if word.text.is_empty() { say("grid.hidden") } else { "" };
    if word.is_noted() { format!("{hidden}: {}", word.note) } else { hidden.to_owned() }
}

/// Moves the focus to a word of a row.
fn focus(row: NodeRef<Ol>, index: usize) {
    let word = row.get_untracked().and_then(|row| row.children().item(index as u32)?.first_element_child());
    if let Some(word) = word.and_then(|word| word.dyn_into::<web_sys::HtmlElement>().ok()) {
        drop(word.focus());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, note: &str) -> Word {
        Word { text: text.into(), state: "committed", note: note.into(), filled: None }
    }

    #[test]
    fn the_tab_key_reaches_one_word_that_has_a_note() {
        let words = [word("a", ""), word("b", "twice"), word("c", "tense")];
        assert_eq!(
            [None, Some(2), Some(0)].map(|chosen| tab_stop(&words, chosen)),
            [Some(1), Some(2), Some(1)]
        );
        assert_eq!(tab_stop(&words[..1], None), None);
    }

    #[test]
    fn a_note_is_read_with_its_word_and_stands_below_the_row() {
        assert_eq!(about(&word("b", "twice")), "“b”: twice");
        assert_eq!(aside(&word("", "12 bits")), "hidden: 12 bits");
        assert_eq!(aside(&word("a", "")), "");
    }
}
