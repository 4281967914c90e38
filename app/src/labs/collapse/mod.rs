//! Frequency collapse: far from everything visible, one call predicts the commonest words.

mod rows;

use diffusion::measure::Estimate;
use diffusion::measure::prospect::{Prospect, ProspectEstimate};
use leptos::prelude::*;
use model_loader::Tokenizer;

use super::ask::{OPENING, opening};
use super::faults::unknown_words;
use super::store::Findings;
use crate::components::chart::{Axis, Chart, Plot, Series};
use crate::components::later::a_frame_later;
use crate::components::more::ModelMenu;
use crate::components::prompt_box::Prompt;
use crate::components::slot_row::{SlotRow, Word};
use crate::components::study_bar::StudyBar;
use crate::components::table_file::RowsFile;
use crate::session::studies::collapse::{Collapse, MASKS, STORIES};
use crate::settings::Settings;
use crate::texts::{fill, say};

/// Slots over which the fall of the divergence is fitted: beyond, there is nothing left to fall.
const FITTED: usize = 16;

/// The lab.
#[component]
pub fn CollapseLab(
    /// Asks again.
    again: Callback<()>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let found = expect_context::<Findings>().collapse;
    // A call draws some two thousand elements: charts, cards and words have a frame each.
    let found_later = a_frame_later(found);
    let found_last = a_frame_later(found_later);
    let unprompted = move || {
        settings.with(|s| opening(s) == OPENING).then(|| fill("collapse.opening", &[("opening", OPENING)]))
    };
    let unknown = move || found.read().as_ref().and_then(|found| unknown_words(&found.unknown));
    let prompt = Signal::derive(move || found.read().as_ref().map(prompt).unwrap_or_default());
    let committed = Signal::derive(move || found_last.read().as_ref().map(committed).unwrap_or_default());
    view! {
        <section class="lab" aria-label=say("labs.collapse") data-testid="collapse">
            <div class="lab-controls">
                <Prompt />
                <p class="hint">{unprompted}</p>
                <p class="warning" role="status">{unknown}</p>
                <ModelMenu />
            </div>
            <div class="lab-main">
                <h2 class="visually-hidden">{say("labs.collapse")}</h2>
                <p class="intro">{say("collapse.intro")}</p>
                <StudyBar again />
                <SlotRow words=prompt label=say("collapse.prompt") id="collapse-prompt" />
                <p data-testid="collapse-says">{move || found.read().as_ref().map(verdict)}</p>
                <h2>{say("collapse.entropy")}</h2>
                <Chart id="entropy-chart" plot=Signal::derive(move || entropy(found.read().as_ref())) />
                <h2>{say("collapse.kl")}</h2>
                <Chart id="kl-chart" plot=Signal::derive(move || divergence(found.read().as_ref())) />
                <p class="hint">{move || found.read().as_ref().map(decay)}</p>
                <h2>{say("collapse.best")}</h2>
                <p class="hint">{say("collapse.best.about")}</p>
                {move || found_later.read().as_ref().map(cards)}
                <RowsFile name="collapse" rows=move |()| found.read_untracked().as_ref().map(rows::rows).unwrap_or_default() />
                <h2>{say("collapse.commit")}</h2>
                <p class="hint">{say("collapse.commit.about")}</p>
                <SlotRow words=committed label=say("collapse.commit") id="collapse-commit" />
                <p class="hint">{fill("collapse.truth.about", &[("stories", &STORIES.to_string())])}</p>
            </div>
        </section>
    }
}

fn prompt(found: &Collapse) -> Vec<Word> {
    let state = |token: u32| if token == model_loader::tokenizer::UNKNOWN { "unknown" } else { "given" };
    found.prompt.iter().map(|token| Word::of(&found.words, token.0, state(token.0))).collect()
}

/// The text if every slot took its best candidate at once.
fn committed(found: &Collapse) -> Vec<Word> {
    let best =
        found.model.iter().filter_map(|prospect| prospect.best.first().map(|(token, _)| (token, prospect)));
    best.map(|(token, prospect)| {
        let state = if prospect.is_common(&found.common) { "noisy" } else { "committed" };
        Word::of(&found.words, token.0, state)
    })
    .collect()
}

fn verdict(found: &Collapse) -> String {
    let last = found.model.last().map_or(0.0, |prospect| prospect.entropy_bits);
    let share = format!("{:.0}", found.collapsed() * 100.0);
    let true_share = found.truth.iter().filter(|prospect| prospect.is_common(&found.common)).count();
    let truth = match found.truth.len() {
        0 => say("collapse.no-truth").to_owned(),
        all => fill(
            "collapse.true-share",
            &[("share", &format!("{:.0}", true_share as f64 / all as f64 * 100.0))],
        ),
    };
    let said = fill(
        "collapse.says",
        &[
            ("masks", &found.model.len().to_string()),
            ("share", &share),
            ("last", &format!("{last:.1}")),
            ("unigram", &format!("{:.1}", found.unigram_bits)),
        ],
    );
    format!("{} {said} {truth}", window(found))
}

/// What keeps this from being the paper's own setting, if anything does.
fn window(found: &Collapse) -> String {
    let (prompt, masks) = (found.prompt.len(), found.model.len());
    if masks == MASKS {
        return String::new();
    }
    let numbers = [MASKS, prompt + masks, masks].map(|number| number.to_string());
    let [paper, slots, masks] = numbers.each_ref().map(String::as_str);
    fill("collapse.window", &[("paper", paper), ("slots", slots), ("masks", masks)])
}

/// Points of a measure by distance.
fn by_distance(prospects: &[Prospect], of: impl Fn(&Prospect) -> f64) -> Vec<(f64, f64)> {
    prospects.iter().enumerate().map(|(index, prospect)| (index as f64 + 1.0, of(prospect))).collect()
}

fn plot(
    found: Option<&Collapse>,
    of: impl Fn(&Prospect) -> f64,
    estimate: impl Fn(&ProspectEstimate) -> Estimate,
    title: &'static str,
    unigram: bool,
) -> Plot {
    let mut series = Vec::new();
    let masks = found.map_or(1, |found| found.model.len().max(2)) as f64;
    if let Some(found) = found {
        let line = |name: &'static str, points, style| Series {
            name: name.into(),
            points,
            style,
            ..Series::default()
        };
        series.push(line(say("collapse.model"), by_distance(&found.model, &of), 0));
        if !found.truth.is_empty() {
            let errors = found.estimates.iter().map(|slot| estimate(slot).standard_error).collect();
            let truth = line(say("collapse.truth"), by_distance(&found.truth, &of), 1);
            series.push(Series { errors, ..truth });
        }
        if unigram {
            series.push(line(
                say("collapse.unigram"),
                vec![(1.0, found.unigram_bits), (masks, found.unigram_bits)],
                4,
            ));
        }
    }
    let values = series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    Plot {
        title: title.into(),
        x: Axis { name: say("collapse.axis.distance").into(), low: 1.0, high: masks, logarithmic: false },
        y: Axis::up_to(say("collapse.axis.bits"), largest),
        marker: None,
        series,
    }
}

fn entropy(found: Option<&Collapse>) -> Plot {
    let estimate = |slot: &ProspectEstimate| slot.entropy_bits;
    plot(found, |prospect| prospect.entropy_bits, estimate, say("collapse.entropy"), true)
}

fn divergence(found: Option<&Collapse>) -> Plot {
    let estimate = |slot: &ProspectEstimate| slot.kl_bits;
    plot(found, |prospect| prospect.kl_bits, estimate, say("collapse.kl"), false)
}

/// How far the prompt reaches, for the model and in truth.
fn decay(found: &Collapse) -> String {
    let length = |prospects: &[Prospect]| {
        let decay = Collapse::decay(prospects, FITTED)?;
        Some(format!("{:.1} ± {:.1}", decay.e_folding_slots, decay.standard_error))
    };
    let slots = FITTED.min(found.model.len()).to_string();
    let model = match length(&found.model) {
        Some(length) => fill("collapse.decay", &[("slots", &slots), ("length", &length)]),
        None => fill("collapse.no-decay", &[("slots", &slots)]),
    };
    match (found.truth.is_empty(), length(&found.truth)) {
        (true, _) => model,
        (false, Some(length)) => format!("{model} {}", fill("collapse.true-decay", &[("length", &length)])),
        (false, None) => format!("{model} {}", say("collapse.no-true-decay")),
    }
}

/// The best candidates slot by slot.
fn cards(found: &Collapse) -> impl IntoView + use<> {
    let card = |(index, prospect): (usize, &Prospect)| {
        let common = prospect.is_common(&found.common).then_some("");
        let truth = found.truth.get(index).map(|truth| line(&found.words, truth.best.first(), "true-best"));
        view! {
            <li class="card" data-common=common>
                <span class="hint number">{format!("+{}", index + 1)}</span>
                {prospect.best.iter().map(|best| line(&found.words, Some(best), "best")).collect_view()}
                {truth}
            </li>
        }
    };
    view! { <ol class="cards" data-testid="collapse-cards">{found.model.iter().enumerate().map(card).collect_view()}</ol> }
}

fn line(
    words: &Tokenizer,
    candidate: Option<&(diffusion::TokenId, f64)>,
    class: &'static str,
) -> impl IntoView + use<> {
    candidate.map(|(token, p)| {
        view! {
            <span class=format!("candidate {class}") style:--share=format!("{:.1}%", p * 100.0)>
                <span class="token">{Word::of(words, token.0, "committed").text}</span>
                <span class="number">{format!("{:.0}", p * 100.0)}</span>
            </span>
        }
    })
}
