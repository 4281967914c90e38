//! Where the visitor writes: a prompt that stays, and a text that is corrupted.

use leptos::prelude::*;

use crate::run::Run;
use crate::settings::Settings;
use crate::texts::{fill, say};

/// Prompt and text, and a word about words that the model does not know.
#[component]
pub fn PromptBox() -> impl IntoView {
    let run = expect_context::<Run>();
    let notice = Memo::new(move |_| run.state.with(|state| notice(&state.unknown, state.cut)));
    view! {
        <div class="prompt-box">
            <Prompt />
            <details class="own-text">
                <summary>{say("prompt.own")}</summary>
                <OwnText />
            </details>
            <p class="warning" data-testid="notice" role="status">{notice}</p>
        </div>
    }
}

/// Words that stay.
#[component]
pub fn Prompt() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <label for="prompt">{say("prompt.name")}</label>
        <input
            class="field"
            id="prompt"
            data-testid="prompt"
            autocomplete="off"
            spellcheck="false"
            placeholder=say("prompt.placeholder")
            prop:value=move || settings.with(|s| s.prompt.clone())
            on:input:target=move |event| settings.update(|s| s.prompt = event.target().value())
        />
        <p class="hint">{say("prompt.hint")}</p>
    }
}

/// The visitor's own text.
#[component]
pub fn OwnText() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <textarea
            class="field"
            id="own-text"
            rows="4"
            data-testid="own-text"
            aria-label=say("prompt.text")
            spellcheck="false"
            prop:value=move || settings.with(|s| s.text.clone())
            on:input:target=move |event| settings.update(|s| s.text = event.target().value())
        ></textarea>
    }
}

/// What did not go into the starting state as written.
fn notice(unknown: &[(usize, String)], cut: usize) -> Option<String> {
    let words = unknown.iter().map(|(_, word)| format!("“{word}”")).collect::<Vec<_>>().join(", ");
    match (unknown.len(), cut) {
        (0, 0) => None,
        (0, 1) => Some(say("prompt.cut-one").into()),
        (0, n) => Some(fill("prompt.cut", &[("count", &n.to_string())])),
        (1, _) => Some(fill("prompt.unknown-one", &[("words", &words)])),
        _ => Some(fill("prompt.unknown", &[("words", &words)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_named() {
        assert_eq!(notice(&[], 0), None);
        let both = notice(&[(0, "zebu".into()), (4, "quark".into())], 0).unwrap();
        assert!(both.contains("“zebu”, “quark”"), "{both}");
        assert!(notice(&[], 3).unwrap().contains('3'));
    }
}
