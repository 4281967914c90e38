//! Two measures of the traced process: in what portions its trajectory falls, and whether the chain agrees with the direct draw.

use diffusion::measure::agreement::{Agreement, LIMIT};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::chain::{CHAINS, STEPS, push, push_vectors};
use super::shown::{Corruption, Shown};
use super::title;
use super::vectors::Vectors;
use crate::components::table_file::TableFile;
use crate::platform::time::Turns;
use crate::session::studies::surprisal::Surprisal;
use crate::settings::Settings;
use crate::texts::{fill, say};

/// Both measures.
#[component]
pub fn Tried(
    text: RwSignal<Option<Surprisal>>,
    vectors: RwSignal<Option<Vectors>>,
    traced: Memo<Shown>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let jumps = Memo::new(move |_| {
        if traced.get() == Shown::Gaussian {
            return vectors.with(|vectors| vectors.as_ref()?.jumps());
        }
        let (settings, text) = (settings.read(), text.read());
        Corruption::new(traced.get(), text.as_ref()?, settings.schedule, settings.seed)?.jumps()
    });
    let found = RwSignal::new(None::<Agreement>);
    let running = RwSignal::new(false);
    // What was found is of one process at one time on one text.
    Effect::new(move |_| {
        traced.track();
        text.track();
        settings.with(|s| (s.level, s.schedule, s.seed));
        found.set(None);
    });
    let run = move |_| {
        if running.get_untracked() {
            return;
        }
        running.set(true);
        spawn_local(async move {
            found.set(simulate(&settings.get_untracked(), text, traced.get_untracked()).await);
            running.set(false);
        });
    };
    view! {
        <section class="measures">
            <div>
                <h2>{say("corrupt.jumps")}</h2>
                <p data-testid="jumps">{move || jumps.get().map(|jumps| fill("corrupt.jumps.says", &[
                    ("process", title(traced.get())),
                    ("largest", &format!("{:.1}", jumps.largest)),
                    ("count", &format!("{:.1}", jumps.participation)),
                ]))}</p>
                <p class="hint">{say("corrupt.jumps.about")}</p>
            </div>
            <div>
                <h2>{say("corrupt.chain")}</h2>
                <p class="hint">
                    {fill("corrupt.chain.about", &[("steps", &STEPS.to_string()), ("chains", &CHAINS.to_string())])}
                </p>
                <button class="button" data-testid="run-chain" disabled=move || running.get() on:click=run>
                    {move || if running.get() { say("corrupt.chain.running") } else { say("corrupt.chain.run") }}
                </button>
                {move || found.get().map(|agreement| table(&agreement, traced.get_untracked()))}
            </div>
        </section>
    }
}

/// Runs the chains in slices; nothing if the text changes meanwhile.
async fn simulate(settings: &Settings, text: RwSignal<Option<Surprisal>>, shown: Shown) -> Option<Agreement> {
    let text = text.get_untracked()?;
    let corruption = Corruption::new(shown, &text, settings.schedule, settings.seed);
    let mut agreement = Agreement::default();
    let turns = Turns::begin();
    // Seeds side by side share nothing, so neither do their chains.
    for seed in (0..CHAINS).map(|chain| settings.seed.wrapping_mul(CHAINS).wrapping_add(chain)) {
        match &corruption {
            Some(corruption) => push(&mut agreement, corruption, &text.tokens, settings.level, seed),
            None => push_vectors(&mut agreement, settings.schedule, text.tokens.len(), settings.level, seed),
        }
        turns.give_way().await;
    }
    Some(agreement)
}

/// Counts side by side, and the verdict.
fn table(agreement: &Agreement, shown: Shown) -> impl IntoView + use<> {
    let rows = match shown {
        Shown::Gaussian => [say("corrupt.lower"), say("corrupt.middle"), say("corrupt.upper")],
        _ => [say("corrupt.stayed"), say("corrupt.hidden"), say("corrupt.replaced")],
    };
    let what = if shown == Shown::Gaussian { say("corrupt.vector") } else { say("corrupt.word") };
    let row = |(index, name): (usize, &'static str)| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td>{agreement.chain[index]}</td>
                <td>{agreement.direct[index]}</td>
                <td>{format!("{:.1}", agreement.expected[index])}</td>
            </tr>
        }
    };
    let verdict = if agreement.agrees() { say("corrupt.agree") } else { say("corrupt.disagree") };
    let z = format!("{:.2}", agreement.largest_z());
    view! {
        <table class="numbers" data-testid="chain-table">
            <thead>
                <tr>
                    <th scope="col">{what}</th>
                    <th scope="col">{say("corrupt.by-chain")}</th>
                    <th scope="col">{say("corrupt.by-draw")}</th>
                    <th scope="col">{say("corrupt.by-formula")}</th>
                </tr>
            </thead>
            <tbody>{rows.into_iter().enumerate().map(row).collect_view()}</tbody>
        </table>
        <TableFile name="chain" />
        <p data-testid="chain-verdict">{fill("corrupt.verdict", &[("verdict", verdict), ("z", &z), ("limit", &LIMIT.to_string())])}</p>
    }
}
