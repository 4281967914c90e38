//! "He likes apple" and "I play tennis": predicted and drawn.

use diffusion::exact::two_sentences::unseen_at_once;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::toy::{LOWEST_TEMPERATURE, RUNS, Tally, Toy, is_written, sentences, text};
use crate::components::chart::{Axis, Chart, Plot, Series};
use crate::platform::time::Turns;
use crate::settings::{HIGHEST_TEMPERATURE, Settings, TOY_WORDS};
use crate::texts::{fill, say};

/// The corpus with its exact answer.
#[component]
pub fn TwoSentences() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let toy = Memo::new(move |_| settings.with(Toy::of));
    let tally = drawn(toy);
    let predicted = move || format!("{:.3}", toy.get().predicted());
    let sampled = move || {
        let unseen = tally.read().unseen();
        unseen.map_or("–".into(), |unseen| format!("{:.3} ± {:.3}", unseen.value, unseen.standard_error))
    };
    let runs = move || fill("trap.runs", &[("runs", &tally.read().runs.to_string())]);
    let stake = move || fill("trap.stake", &[("bits", &format!("{:.2}", toy.get().stake_bits()))]);
    view! {
        <section class="process" data-part="toy">
            <h2>{say("trap.toy")}</h2>
            <p>{say("trap.toy.about")}</p>
            <div class="big-numbers">
                <div>
                    <span class="big number" data-testid="predicted">{predicted}</span>
                    <span class="hint">{say("trap.predicted")}</span>
                </div>
                <div>
                    <span class="big number" data-testid="sampled">{sampled}</span>
                    <span class="hint">{runs}</span>
                </div>
                <p class="hint">{stake}</p>
            </div>
            <ol class="bars" aria-label=say("trap.sentences") data-testid="toy-bars">
                {sentences().into_iter().map(|sentence| bar(sentence, tally)).collect_view()}
            </ol>
            <Chart id="trap-chart" plot=Signal::derive(move || plot(toy.get())) />
            <p class="hint">{say("trap.chart.about")}</p>
        </section>
    }
}

/// Draws anew whenever the toy changes, in slices; the newest wins.
fn drawn(toy: Memo<Toy>) -> RwSignal<Tally> {
    let tally = RwSignal::new(Tally::default());
    let newest = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let toy = toy.get();
        newest.update_value(|number| *number += 1);
        let number = newest.get_value();
        spawn_local(async move {
            let (mut drawn, turns) = (Tally::default(), Turns::begin());
            for run in 0..RUNS {
                let Some(sentence) = toy.draw(run).await else { return };
                drawn.push(sentence);
                if turns.give_way().await {
                    // The lab may have been left, and its signals with it.
                    if newest.try_get_value() != Some(number) {
                        return;
                    }
                    tally.set(drawn.clone());
                }
            }
            tally.try_set(drawn);
        });
    });
    tally
}

/// One sentence and its share.
fn bar(sentence: Vec<diffusion::TokenId>, tally: RwSignal<Tally>) -> impl IntoView {
    let name = text(&sentence);
    let written = is_written(&sentence);
    let share = Memo::new(move |_| {
        let tally = tally.read();
        f64::from(tally.counts.get(&sentence).copied().unwrap_or(0)) / f64::from(tally.runs.max(1))
    });
    view! {
        <li data-unseen=(!written).then_some("") style:--share=move || format!("{:.2}%", share.get() * 100.0)>
            <span>{name}</span>
            <span class="hint">{(!written).then(|| say("trap.nobody"))}</span>
            <span class="number">{move || format!("{:.1} %", share.get() * 100.0)}</span>
        </li>
    }
}

/// P(unseen) against temperature, for every number of words at once.
fn plot(toy: Toy) -> Plot {
    let temperatures = || (0..=100).map(|k| f64::from(k) / 100.0 * f64::from(HIGHEST_TEMPERATURE));
    let curve = |k: u32| {
        let usable = temperatures().filter(|t| *t >= f64::from(LOWEST_TEMPERATURE));
        let points = usable.map(|t| (t, unseen_at_once(toy.weight, t, k))).collect();
        let name = fill("trap.curve", &[("count", &k.to_string())]);
        Series { name, points, style: k as usize - 1, ..Series::default() }
    };
    Plot {
        title: say("trap.chart").into(),
        series: (1..=TOY_WORDS).map(curve).collect(),
        x: Axis {
            name: say("trap.axis.temperature").into(),
            low: 0.0,
            high: f64::from(HIGHEST_TEMPERATURE),
            logarithmic: false,
        },
        y: Axis { name: say("trap.axis.unseen").into(), low: 0.0, high: 0.8, logarithmic: false },
        marker: Some(f64::from(toy.temperature)),
    }
}
