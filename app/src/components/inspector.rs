//! One slot under the glass: what the model thought of it in the last call that asked.

use diffusion::decode::Trajectory;
use diffusion::{Candidate, Prediction, TokenId};
use leptos::prelude::*;
use model_loader::Tokenizer;
use model_loader::tokenizer::END;

use super::changes::Changes;
use super::icons::{CLOSE, Icon};
use super::pair::shown_beside;
use super::slot_editor::{Branch, SlotEditor, focus_slot};
use super::text_grid::Which;
use crate::history::{Change, history};
use crate::labs::store::Findings;
use crate::run::Run;
use crate::session::studies::beside::Second;
use crate::texts::{fill, key, say};
use crate::view::{Cell, Mark, bits, columns, last_prediction, visible};

/// The newest changes of a slot that are listed; noise may change in every call.
const LISTED: usize = 6;

/// What the inspector shows of one slot.
#[derive(Clone, Debug, PartialEq)]
struct Finding {
    /// Where it stands and in what state.
    says: String,
    /// The word, or nothing while masked.
    word: String,
    /// Entropy in words.
    entropy: String,
    /// The best candidates, and the one that was drawn.
    candidates: Vec<Choice>,
    /// How far the nearest word is that stands.
    nearest: String,
    /// The newest changes of the slot, oldest first.
    history: Vec<String>,
}

/// A candidate for the slot.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    token: TokenId,
    word: String,
    probability: f32,
    drawn: bool,
}

/// The inspector. It opens over the numbers beside the text, so that choosing a slot moves nothing.
#[component]
pub fn Inspector(
    /// The slots at the cursor.
    cells: Memo<Vec<Cell>>,
) -> impl IntoView {
    let run = expect_context::<Run>();
    let second = expect_context::<Findings>().second;
    let beside = Memo::new(move |_| run.chosen_beside.get() && second.with(Option::is_some));
    let finding = Memo::new(move |_| {
        let slot = run.selected.get()?;
        if beside.get() {
            return second.with(|second| find_beside(second.as_ref()?, run, slot));
        }
        run.state.with(|state| {
            let trajectory = state.trajectory.as_ref()?;
            cells.with(|cells| {
                let found = find(trajectory, state.words.as_deref()?, run.cursor.get(), slot, cells)?;
                let typed = state.typed(slot, cells.get(slot)?.token).map(str::to_owned);
                Some(Finding { word: typed.unwrap_or(found.word), ..found })
            })
        })
    });
    let branch = Branch::new(cells);
    // Back to where the visitor came from.
    let close = move || {
        if let Some(slot) = run.selected.get_untracked() {
            run.selected.set(None);
            focus_slot(if beside.get_untracked() { Which::Second } else { Which::First }, slot);
        }
    };
    view! {
        <section class="panel inspector" aria-label=say("inspector.title") data-testid="inspector"
            on:keydown=move |event| if event.key() == "Escape" { close() }
        >
            // Heard at every choice: the word and its state; the rest is there to be read.
            <span class="visually-hidden" role="status">
                {move || finding.with(|f| f.as_ref().map(|f| format!("{}. {}", f.word, f.says)))}
            </span>
            <div class="panel-head">
                <h2>
                    {move || run.selected.get().map_or_else(
                        || say("inspector.title").into(),
                        |slot| {
                            let says = if beside.get() { key("inspector.slot-beside") } else { key("inspector.slot") };
                            fill(says, &[("slot", &(slot + 1).to_string())])
                        },
                    )}
                </h2>
                <Show when=move || run.selected.with(Option::is_some)>
                    <button
                        class="icon-button plain"
                        title=say("inspector.close")
                        data-testid="close-inspector"
                        on:click=move |_| close()
                    >
                        <Icon path=CLOSE />
                        <span class="visually-hidden">{say("inspector.close")}</span>
                    </button>
                </Show>
            </div>
            {move || match finding.get() {
                None => view! { <p class="hint">{say("inspector.hint")}</p> }.into_any(),
                Some(finding) => show(finding, branch, beside).into_any(),
            }}
            {move || run.selected.with(Option::is_some).then(|| match beside.get() {
                false => view! { <SlotEditor branch /> }.into_any(),
                true => view! { <p class="hint">{say("inspector.beside")}</p> }.into_any(),
            })}
            <Changes />
        </section>
    }
}

fn show(finding: Finding, branch: Branch, beside: Memo<bool>) -> impl IntoView {
    // A change is made in the text of the stage.
    let is_possible = move || !beside.get() && branch.is_possible();
    let candidate = |Choice { token, word, probability, drawn }: Choice| {
        view! {
            <li>
                <button
                    class="candidate"
                    data-testid="candidate"
                    style:--share=format!("{:.1}%", probability * 100.0)
                    data-chosen=drawn.then_some("")
                    aria-disabled=move || (!is_possible()).to_string()
                    title=say("edit.pick")
                    on:click=move |_| if untrack(is_possible) { branch.make(Some(token)) }
                >
                    <span class="token">{word} {drawn.then_some(" ✓")}</span>
                    <span class="number">{percent(probability)}</span>
                </button>
            </li>
        }
    };
    view! {
        <p class="word">{finding.word}</p>
        <p class="hint">{finding.says}</p>
        <ol class="candidates" aria-label=say("inspector.candidates")>
            {finding.candidates.into_iter().map(candidate).collect_view()}
        </ol>
        <p class="hint number">{finding.entropy}</p>
        <p class="hint" data-testid="nearest">{finding.nearest}</p>
        <ol class="hint slot-history" aria-label=say("inspector.history") data-testid="slot-history">
            {finding.history.into_iter().map(|change| view! { <li>{change}</li> }).collect_view()}
        </ol>
    }
}

/// Looks a slot up in the run beside the stage's, as far as that is shown.
fn find_beside(second: &Second, run: Run, slot: usize) -> Option<Finding> {
    let step = shown_beside(second, run);
    let cells = columns(&second.trajectory).into_iter().nth(step)?;
    run.state.with(|state| find(&second.trajectory, state.words.as_deref()?, step, slot, &cells))
}

/// Looks a slot up in a run.
fn find(
    trajectory: &Trajectory,
    words: &Tokenizer,
    cursor: usize,
    slot: usize,
    cells: &[Cell],
) -> Option<Finding> {
    let cell = cells.get(slot)?;
    let shown =
        if cell.mark == Mark::Masked { say("legend.masked").to_owned() } else { spell(words, cell.token.0) };
    let nearest = nearest(cells, slot);
    let history = changes(words, history(trajectory, cursor, slot));
    let Some((call, prediction)) = last_prediction(trajectory, cursor, slot) else {
        let says = match cell.mark {
            Mark::Given => say("inspector.given"),
            _ => say("inspector.unasked"),
        };
        let (entropy, candidates) = (String::new(), vec![]);
        return Some(Finding { says: says.into(), word: shown, entropy, candidates, nearest, history });
    };
    let says = match cell.call {
        Some(call) => fill(
            "inspector.committed",
            &[("call", &call.to_string()), ("probability", &percent(cell.confidence?))],
        ),
        None if cell.mark == Mark::Given => fill("inspector.by-hand", &[("call", &call.to_string())]),
        None => fill("inspector.open", &[("call", &call.to_string())]),
    };
    let candidates = choices(words, prediction, cell.call.is_some());
    let entropy = fill(
        "inspector.entropy",
        &[("bits", &format!("{:.2}", bits(prediction.entropy_nats))), ("call", &call.to_string())],
    );
    Some(Finding { says, word: shown, entropy, candidates, nearest, history })
}

/// The best candidates, and what was drawn if the slot is written.
fn choices(words: &Tokenizer, prediction: &Prediction, is_written: bool) -> Vec<Choice> {
    let drawn = is_written.then_some(prediction.drawn.token);
    let choice = |candidate: &Candidate| Choice {
        token: candidate.token,
        word: spell(words, candidate.token.0),
        probability: candidate.log_probability.exp(),
        drawn: Some(candidate.token) == drawn,
    };
    let mut choices: Vec<Choice> = prediction.top.iter().map(choice).collect();
    if is_written && choices.iter().all(|choice| !choice.drawn) {
        choices.push(choice(&prediction.drawn));
    }
    choices
}

/// How far the nearest other word is that is given or committed: noise tells the model little.
fn nearest(cells: &[Cell], slot: usize) -> String {
    let stands = |cell: &Cell| matches!(cell.mark, Mark::Given | Mark::Fresh | Mark::Committed);
    let others = cells.iter().enumerate().filter(|(other, cell)| *other != slot && stands(cell));
    match others.map(|(other, _)| other.abs_diff(slot)).min() {
        None => say("inspector.alone").into(),
        Some(1) => say("inspector.next").into(),
        Some(slots) => fill("inspector.nearest", &[("slots", &slots.to_string())]),
    }
}

/// The newest changes in words.
fn changes(words: &Tokenizer, all: Vec<(usize, Change)>) -> Vec<String> {
    let earlier = all.len().saturating_sub(LISTED);
    let says = |(call, change): (usize, Change)| {
        let call = call.to_string();
        let told = |key: &'static str, token: TokenId| {
            fill(key, &[("call", &call), ("word", &spell(words, token.0))])
        };
        match change {
            Change::Drawn(token) => told(key("history.drawn"), token),
            Change::Remasked => fill("history.remasked", &[("call", &call)]),
            Change::Committed(token) => told(key("history.committed"), token),
            Change::Put(token) => told(key("history.put"), token),
            Change::Hidden => fill("history.hidden", &[("call", &call)]),
        }
    };
    let before = (earlier > 0).then(|| fill("history.earlier", &[("count", &earlier.to_string())]));
    before.into_iter().chain(all.into_iter().skip(earlier).map(says)).collect()
}

/// A token as it is written in lists.
pub fn spell(words: &Tokenizer, token: u32) -> String {
    if token == END { say("inspector.end").into() } else { visible(words.word(token).unwrap_or("?")) }
}

/// A probability with as many digits as it deserves, never broken at a line's end.
fn percent(probability: f32) -> String {
    match probability * 100.0 {
        small if small < 0.1 => "< 0.1\u{a0}%".into(),
        small if small < 10.0 => format!("{small:.1}\u{a0}%"),
        large => format!("{large:.0}\u{a0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::tokenizer;
    use crate::view::tests::trajectory;

    fn words() -> Tokenizer {
        let words: Vec<String> = ["[MASK]", "[UNK]", "[EOS]"]
            .map(String::from)
            .into_iter()
            .chain((3..20).map(|id| format!("w{id}")))
            .collect();
        tokenizer(&words).unwrap()
    }

    fn found(cursor: usize, slot: usize) -> Finding {
        let trajectory = trajectory();
        find(&trajectory, &words(), cursor, slot, &columns(&trajectory)[cursor]).unwrap()
    }

    #[test]
    fn a_committed_slot_shows_its_call_and_what_was_drawn() {
        let finding = found(3, 2);
        assert!(finding.says.contains("call 2") && finding.says.contains("50\u{a0}%"), "{}", finding.says);
        let drawn: Vec<&str> =
            finding.candidates.iter().filter(|c| c.drawn).map(|c| c.word.as_str()).collect();
        assert_eq!(drawn, ["w12"]);
    }

    #[test]
    fn a_drawn_token_outside_the_best_five_is_listed_too() {
        let mut run = trajectory();
        run.steps[1].predictions[0].prediction.drawn.token = TokenId(19);
        let finding = find(&run, &words(), 3, 2, &columns(&trajectory())[3]).unwrap();
        assert_eq!(finding.candidates.len(), 6);
        assert_eq!((finding.candidates[5].word.as_str(), finding.candidates[5].drawn), ("w19", true));
    }

    #[test]
    fn a_slot_that_was_never_asked_about_says_so() {
        assert!(found(0, 2).says.starts_with("No call"));
        assert!(found(3, 1).says.starts_with("Given"));
    }

    #[test]
    fn a_slot_tells_its_history_and_how_far_words_are() {
        assert_eq!(found(3, 2).history, ["Call 2: committed w12"]);
        assert_eq!(found(0, 3).nearest, "The nearest word that stands is 2 slots away.");
        assert_eq!(found(0, 2).nearest, "The nearest word that stands is next to it.");
        assert_eq!(found(0, 1).nearest, "No other word stands yet.", "a word is not its own neighbour");
    }

    #[test]
    fn of_many_changes_the_newest_are_listed_and_the_others_counted() {
        let all = (1..=9).map(|call| (call, Change::Drawn(TokenId(5)))).collect();
        let told = changes(&words(), all);
        assert_eq!((told.len(), told[0].as_str()), (LISTED + 1, "3 earlier changes"));
        assert_eq!(told[LISTED], "Call 9: became w5, which may change");
    }

    #[test]
    fn probabilities_keep_the_digits_they_deserve() {
        assert_eq!(
            [percent(0.5), percent(0.025), percent(0.0001)],
            ["50\u{a0}%", "2.5\u{a0}%", "< 0.1\u{a0}%"]
        );
    }
}
