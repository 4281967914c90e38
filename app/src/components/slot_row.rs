//! Words of a lab in a row of slots that look as on the stage, and wrap.

use crate::texts::say;
use leptos::prelude::*;
use model_loader::Tokenizer;
use model_loader::tokenizer::{END, MASK};

/// One word in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// What is written there; nothing where it is hidden.
    pub text: String,
    /// How it stands, by the names that style sheets know: `masked`, `given`, `committed`, `noisy`, `unknown`, `fault`.
    pub state: &'static str,
    /// A line about it, for the pointer and for screen readers.
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
) -> impl IntoView {
    let count = Memo::new(move |_| words.with(Vec::len));
    let slot = move |index: usize| {
        let word = Memo::new(move |_| words.with(|words| words.get(index).cloned()));
        let get =
            move |read: fn(&Word) -> String| word.with(|word| word.as_ref().map(read).unwrap_or_default());
        let long = move || word.with(|word| word.as_ref().is_some_and(|word| word.text.chars().count() > 8));
        let filled = move || {
            word.with(|word| {
                word.as_ref()?.filled.map(|share| format!("{:.0}%", share.clamp(0.0, 1.0) * 100.0))
            })
        };
        view! {
            <li
                class="slot"
                data-state=move || word.with(|word| word.as_ref().map(|word| word.state))
                data-long=move || long().then_some("")
                data-filled=move || filled().map(|_| "")
                style:--filled=move || filled().unwrap_or_default()
                title=move || get(|word| word.note.clone())
            >
                <span>{move || get(|word| word.text.clone())}</span>
                <span class="visually-hidden">
                    {move || get(|word| if word.text.is_empty() { say("grid.hidden").into() } else { String::new() })}
                </span>
            </li>
        }
    };
    view! {
        <ol class="slot-row" aria-label=label data-testid=id>
            {move || (0..count.get()).map(slot).collect_view()}
        </ol>
    }
}
