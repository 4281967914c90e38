//! "He likes apple" and "I play tennis": predicted and drawn.

use diffusion::TokenId;
use diffusion::exact::two_sentences::unseen_at_once;
use diffusion::measure::Estimate;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::toy::{LOWEST_TEMPERATURE, RUNS, Tally, Toy, is_written, sentences, text};
use crate::components::chart::{Axis, Chart, Plot, Series};
use crate::components::table_file::RowsFile;
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
            <RowsFile name="two-sentences" rows=move |()| rows(&toy.get_untracked(), &tally.read_untracked()) />
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

/// What stands above the chart as rows of a file, names first: the setting, both answers, and every sentence with its count.
fn rows(toy: &Toy, tally: &Tally) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let unseen = tally.unseen();
    let answer =
        |of: fn(&Estimate) -> f64| unseen.as_ref().map_or(String::new(), |unseen| of(unseen).to_string());
    let answers = vec![
        row(say("trap.row.what"), say("trap.row.value").into()),
        row(say("trap.row.weight"), toy.weight.to_string()),
        row(say("trap.row.temperature"), toy.temperature.to_string()),
        row(say("trap.row.together"), toy.together.to_string()),
        row(say("trap.row.seed"), toy.seed.to_string()),
        row(say("trap.predicted"), toy.predicted().to_string()),
        row(say("trap.row.drawn"), answer(|unseen| unseen.value)),
        row(say("trap.row.error"), answer(|unseen| unseen.standard_error)),
        row(say("trap.row.runs"), tally.runs.to_string()),
    ];
    let count = |sentence: Vec<TokenId>| {
        row(&text(&sentence), tally.counts.get(&sentence).copied().unwrap_or(0).to_string())
    };
    answers.into_iter().chain(sentences().into_iter().map(count)).collect()
}

/// One sentence and its share.
fn bar(sentence: Vec<TokenId>, tally: RwSignal<Tally>) -> impl IntoView {
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

#[cfg(test)]
mod tests {
    use diffusion::exact::two_sentences::FIRST;

    use super::*;

    #[test]
    fn the_file_has_both_answers_and_every_sentence() {
        let toy = Toy { weight: 0.5, temperature: 1.0, together: 3, seed: 9 };
        let mut tally = Tally::default();
        (0..4).for_each(|_| tally.push(FIRST.to_vec()));
        let rows = rows(&toy, &tally);
        assert_eq!(rows.len(), 9 + sentences().len());
        assert!(rows.iter().all(|row| row.len() == 2));
        assert_eq!(rows[5][1], "0.75", "three fair words make two of eight sentences");
        assert_eq!((rows[6][1].as_str(), rows[8][1].as_str()), ("0", "4"));
        let counted: Vec<&str> = rows[9..].iter().map(|row| row[1].as_str()).collect();
        assert_eq!(counted.iter().filter(|count| **count == "4").count(), 1);
    }
}
