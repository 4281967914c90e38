//! The text as a reader sees it: capitals, attached punctuation, blanks where slots are masked.

use diffusion::TokenId;
use leptos::prelude::*;
use model_loader::tokenizer::{END, MASK};

use crate::run::Run;
use crate::texts::say;
use crate::view::Cell;

/// A piece of the running text.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Words(String),
    Hole,
}

/// The running text.
#[component]
pub fn Prose(
    /// The slots at the cursor.
    cells: Memo<Vec<Cell>>,
) -> impl IntoView {
    let run = expect_context::<Run>();
    let parts = Memo::new(move |_| {
        let words = run.state.with(|state| state.words.clone());
        let tokens: Vec<u32> = cells.with(|cells| cells.iter().map(|cell| cell.token.0).collect());
        let end = tokens.iter().position(|&token| token == END).unwrap_or(tokens.len());
        let mut pieces = words.map(|words| words.pieces(&tokens[..end])).unwrap_or_default();
        run.state.with(|state| {
            for (slot, piece) in pieces.iter_mut().enumerate() {
                let typed = state.typed(slot, TokenId(tokens[slot]));
                typed.into_iter().for_each(|word| word.clone_into(&mut piece.text));
            }
        });
        let text = pieces.into_iter().zip(&tokens);
        join(text.map(|(piece, &token)| (piece.space_before, (token != MASK).then_some(piece.text))))
    });
    // Words that arrive one by one would push the others about: the text is set when time stands still.
    let still = Memo::new(move |_| !run.playback.get().moves());
    let shown = move |part: Part| match part {
        Part::Words(words) => words.into_any(),
        Part::Hole => {
            view! { <span class="hole" role="img" aria-label=say("legend.masked")></span> }.into_any()
        }
    };
    view! {
        <section class="prose" aria-label=say("prose.label")>
            <h2>{say("prose.title")}</h2>
            <p data-testid="prose" data-pending=move || (!still.get()).then_some("")>
                {move || match still.get() {
                    true => parts.get().into_iter().map(shown).collect_view().into_any(),
                    false => say("prose.pending").into_any(),
                }}
            </p>
        </section>
    }
}

/// Joins pieces, each with whether a space stands before it; `None` is a hole. Holes in a row become one.
fn join(pieces: impl Iterator<Item = (bool, Option<String>)>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (space, text) in pieces {
        let space = if space { " " } else { "" };
        match (parts.last_mut(), text) {
            (Some(Part::Hole), None) => {}
            (Some(Part::Words(words)), Some(text)) => words.extend([space, &text]),
            (Some(Part::Words(words)), None) => {
                words.push_str(space);
                parts.push(Part::Hole);
            }
            (_, Some(text)) => parts.push(Part::Words(format!("{space}{text}"))),
            (None, None) => parts.push(Part::Hole),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_in_a_row_become_one() {
        let piece = |space, text: &str| (space, (text != "_").then(|| text.to_owned()));
        let pieces = [(false, "_"), (true, "_"), (true, "cat"), (false, ","), (true, "_"), (true, "ran")];
        let words = |text: &str| Part::Words(text.into());
        assert_eq!(
            join(pieces.into_iter().map(|(space, text)| piece(space, text))),
            [Part::Hole, words(" cat, "), Part::Hole, words(" ran")]
        );
    }
}
