//! Numbers of the run that is shown, each with its unit. All of them come from its steps.

use std::sync::Arc;

use leptos::prelude::*;
use model_loader::tokenizer::END;

use crate::run::{Run, RunState, Source};
use crate::texts::{fill, say};
use crate::view::{Cell, Mark, bits, mean_entropy_nats};

/// What stands for a number that is not there yet.
const NONE: &str = "–";

/// The numbers.
#[component]
pub fn Facts(
    /// The slots at the cursor.
    cells: Memo<Vec<Cell>>,
    /// All cells of the run. `// (steps + 1, positions)`
    columns: Memo<Arc<Vec<Vec<Cell>>>>,
) -> impl IntoView {
    let run = expect_context::<Run>();
    let entropy = Memo::new(move |_| {
        let cursor = run.cursor.get();
        run.state.with(|state| state.trajectory.as_ref().and_then(|run| mean_entropy_nats(run, cursor)))
    });
    let hidden = Memo::new(move |_| columns.with(|columns| columns.first().map(|start| masked(start))));
    let latency = Memo::new(move |_| run.state.with(RunState::mean_latency_ms));
    let fact = |name: &'static str, id: &'static str, value: Signal<String>| {
        view! {
            <dt>{name}</dt>
            <dd data-testid=id>{value}</dd>
        }
    };
    view! {
        <section class="panel" aria-label=say("facts.title")>
            <h2>{say("facts.title")}</h2>
            <dl>
                {fact(say("facts.start"), "hidden", Signal::derive(move || {
                    hidden.get().map_or(NONE.into(), |(masked, slots)| fill("facts.of", &[("masked", &masked.to_string()), ("slots", &slots.to_string())]))
                }))}
                {fact(say("facts.now"), "masked", Signal::derive(move || cells.with(|cells| masked(cells).0.to_string())))}
                {fact(say("facts.entropy"), "entropy", Signal::derive(move || {
                    entropy.get().map_or(NONE.into(), |nats| fill("facts.bits", &[("bits", &format!("{:.2}", bits(nats)))]))
                }))}
                {fact(say("facts.ends"), "effective-length", Signal::derive(move || cells.with(|cells| text_end(cells))))}
                {fact(say("facts.latency"), "latency", Signal::derive(move || {
                    latency.get().map_or(NONE.into(), |ms| fill("facts.ms", &[("ms", &format!("{ms:.0}"))]))
                }))}
            </dl>
        </section>
    }
}

/// Which model wrote it, and whether just now.
#[component]
pub fn AboutModel() -> impl IntoView {
    let run = expect_context::<Run>();
    let about = Memo::new(move |_| run.state.with(about));
    view! { <p class="hint about-model" data-testid="model">{about}</p> }
}

/// Masked slots, and all slots.
fn masked(cells: &[Cell]) -> (usize, usize) {
    (cells.iter().filter(|cell| cell.mark == Mark::Masked).count(), cells.len())
}

/// The effective length: slots before the first end of text.
fn text_end(cells: &[Cell]) -> String {
    let Some(slots) = cells.iter().position(|cell| cell.token.0 == END) else {
        let slots = cells.len().to_string();
        let open = masked(cells).0 > 0;
        return if open { say("facts.no-end").into() } else { fill("facts.slots", &[("slots", &slots)]) };
    };
    // A hidden slot before the end may still become an earlier end.
    let is_bound = masked(&cells[..slots]).0 > 0;
    let slots = slots.to_string();
    if is_bound {
        fill("facts.at-most", &[("slots", &slots)])
    } else {
        fill("facts.slots", &[("slots", &slots)])
    }
}

/// The model in one line.
fn about(state: &RunState) -> String {
    let recorded = match state.source {
        Source::Recording => say("facts.recorded"),
        Source::Nothing | Source::Live => "",
    };
    let model = state.model.as_ref().map(|model| {
        let millions = model.parameters as f64 / 1e6;
        let (millions, tokens) = (format!("{millions:.1}"), model.vocabulary.to_string());
        fill("facts.model", &[("name", &model.name), ("millions", &millions), ("tokens", &tokens)])
    });
    format!("{recorded} {}", model.unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::columns;
    use crate::view::tests::trajectory;

    #[test]
    fn the_end_is_a_bound_while_slots_before_it_are_hidden() {
        let columns = columns(&trajectory());
        let with_end = |column: usize| {
            let mut cells: Vec<Cell> = columns[column].clone();
            cells[3].token = diffusion::TokenId(END);
            text_end(&cells)
        };
        assert_eq!(text_end(&columns[0]), "no end yet");
        assert_eq!(text_end(&columns[3]), "4 slots");
        assert_eq!([with_end(1), with_end(2)], ["at most 3 slots", "3 slots"]);
    }
}
