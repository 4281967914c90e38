//! The forward process alone: what is lost of a text, how fast, in what portions, and that no chain is needed to see it.

pub mod chain;
pub mod shown;
mod tried;

use leptos::prelude::*;

use self::shown::{Corruption, Shown};
use self::tried::Tried;
use super::store::Findings;
use crate::components::chart::{Axis, Chart, Form, Plot, Series};
use crate::components::knobs::Knob;
use crate::components::more::{ModelMenu, Seed};
use crate::components::prompt_box::OwnText;
use crate::components::slot_row::{SlotRow, Word};
use crate::components::study_bar::StudyBar;
use crate::session::studies::surprisal::Surprisal;
use crate::settings::Settings;
use crate::texts::{fill, say};

/// What visitors call a process.
pub fn title(shown: Shown) -> &'static str {
    match shown {
        Shown::Mask => say("corrupt.mask"),
        Shown::Informed => say("corrupt.informed"),
        Shown::MaskUniform => say("corrupt.mask-uniform"),
        Shown::Uniform => say("corrupt.uniform"),
    }
}

/// What it does to a word.
fn about(shown: Shown) -> &'static str {
    match shown {
        Shown::Mask => say("corrupt.mask.about"),
        Shown::Informed => say("corrupt.informed.about"),
        Shown::MaskUniform => say("corrupt.mask-uniform.about"),
        Shown::Uniform => say("corrupt.uniform.about"),
    }
}

/// The lab.
#[component]
pub fn Corrupt(
    /// Asks for the bits of every word again.
    again: Callback<()>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let text = expect_context::<Findings>().surprisal;
    let traced = RwSignal::new(Shown::Mask);
    let level = Memo::new(move |_| settings.with(|s| s.level));
    view! {
        <section class="lab" aria-label=say("labs.corrupt") data-testid="corrupt">
            <div class="lab-controls">
                <label class="field-label" for="own-text">{say("corrupt.text")}</label>
                <OwnText />
                <p class="warning" data-testid="corrupt-notice" role="status">
                    {move || text.with(|text| text.as_ref().and_then(notice))}
                </p>
                <Knob
                    id="knob-level"
                    name=say("corrupt.level")
                    hint=say("corrupt.level.hint")
                    range=(0.0, 1.0, 0.01)
                    value=level
                    write=Callback::new(move |t: f64| settings.update(|s| s.level = t))
                    says=Signal::derive(move || format!("t = {:.2}", level.get()))
                />
                <ModelMenu />
                <Seed />
            </div>
            <div class="lab-main">
                <h2 class="visually-hidden">{say("labs.corrupt")}</h2>
                <p class="intro">{say("corrupt.intro")}</p>
                <StudyBar again />
                <Original text />
                {Shown::ALL.map(|shown| view! { <Process shown text traced /> }).into_iter().collect_view()}
                <h2>{say("corrupt.left")}</h2>
                <Chart id="corrupt-chart" plot=Signal::derive(move || plot(&settings.read(), text.read().as_ref(), traced.get())) />
                <p class="hint">{say("corrupt.left.about")}</p>
                <Tried text traced />
            </div>
        </section>
    }
}

/// The clean text; each slot is filled as far as its word tells.
#[component]
fn Original(text: RwSignal<Option<Surprisal>>) -> impl IntoView {
    let words = Signal::derive(move || text.read().as_ref().map(original).unwrap_or_default());
    let total = move || {
        let bits: f64 = text.read().as_ref().map_or(0.0, |text| text.bits.iter().flatten().sum());
        fill("corrupt.total", &[("bits", &format!("{bits:.1}"))])
    };
    view! {
        <section class="process">
            <div class="process-head">
                <h3>{say("corrupt.original")}</h3>
                <span class="number">{total}</span>
            </div>
            <p class="hint">{say("corrupt.original.about")}</p>
            <SlotRow words label=say("corrupt.original") id="corrupt-original" />
        </section>
    }
}

fn original(text: &Surprisal) -> Vec<Word> {
    let most = text.bits.iter().flatten().copied().fold(1.0, f64::max);
    let word = |(slot, bits): (usize, &Option<f64>)| {
        let Some(bits) = bits else {
            let typed = text.unknown.iter().find(|(position, _)| *position == slot);
            let written = typed.map_or("?", |(_, word)| word).to_owned();
            return Word {
                text: written,
                state: "unknown",
                note: say("corrupt.unknown").into(),
                filled: None,
            };
        };
        let note = fill("corrupt.bits", &[("bits", &format!("{bits:.1}"))]);
        Word { note, filled: Some(bits / most), ..Word::of(&text.words, text.tokens[slot].0, "committed") }
    };
    text.bits.iter().enumerate().map(word).collect()
}

/// What one process makes of the text.
#[component]
fn Process(shown: Shown, text: RwSignal<Option<Surprisal>>, traced: RwSignal<Shown>) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let found = Memo::new(move |_| {
        let (settings, text) = (settings.read(), text.read());
        let text = text.as_ref()?;
        let corruption = Corruption::new(shown, text, settings.schedule, settings.seed)?;
        Some((corrupted(&corruption, text, settings.level), corruption.carried_bits(settings.level)))
    });
    let words =
        Signal::derive(move || found.read().as_ref().map(|(words, _)| words.clone()).unwrap_or_default());
    let left = move || {
        let bits = found.read().as_ref().map_or("–".into(), |(_, bits)| format!("{bits:.1}"));
        fill("corrupt.bits-left", &[("bits", &bits)])
    };
    let name = format!("trace-{shown:?}").to_lowercase();
    view! {
        <section class="process">
            <div class="process-head">
                <label class="trace">
                    <input
                        type="radio"
                        name="trace"
                        data-testid=name
                        prop:checked=move || traced.get() == shown
                        on:change=move |_| traced.set(shown)
                    />
                    <h3>{title(shown)}</h3>
                </label>
                <span class="number" data-testid=format!("left-{shown:?}").to_lowercase()>{left}</span>
            </div>
            <p class="hint">{about(shown)}</p>
            <SlotRow words label=title(shown) id="corrupt-row" />
        </section>
    }
}

/// x_t, word by word.
fn corrupted(corruption: &Corruption<'_>, text: &Surprisal, t: f64) -> Vec<Word> {
    let mask = diffusion::SpecialTokens::default().mask;
    let word = |(slot, (seen, clean)): (usize, (diffusion::TokenId, &diffusion::TokenId))| {
        let state = match seen {
            hidden if hidden == mask => "masked",
            _ if seen != *clean => "noisy",
            _ if text.bits[slot].is_none() => "unknown",
            _ => "committed",
        };
        let kept = format!("{:.0}", corruption.kept(slot, t) * 100.0);
        let note = fill("corrupt.kept", &[("kept", &kept)]);
        Word { note, ..Word::of(&text.words, seen.0, state) }
    };
    corruption.at(t).into_iter().zip(&text.tokens).enumerate().map(word).collect()
}

/// Information left against time, and one trajectory.
fn plot(settings: &Settings, text: Option<&Surprisal>, traced: Shown) -> Plot {
    let curves = |text: &Surprisal| -> Option<Vec<Series>> {
        let of = |shown| Corruption::new(shown, text, settings.schedule, settings.seed);
        let mean = |(style, shown): (usize, Shown)| {
            let points = of(shown)?.curve(Corruption::carried_bits);
            Some(Series { name: title(shown).into(), points, style, ..Series::default() })
        };
        let mut series: Vec<Series> = Shown::ALL.into_iter().enumerate().map(mean).collect::<Option<_>>()?;
        let style = Shown::ALL.iter().position(|shown| *shown == traced).unwrap_or_default();
        let points = of(traced)?.curve(Corruption::told_bits);
        series.push(Series {
            name: say("corrupt.trajectory").into(),
            points,
            form: Form::Steps,
            style,
            errors: vec![],
        });
        Some(series)
    };
    let series = text.and_then(curves).unwrap_or_default();
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let y = Axis::up_to(say("corrupt.axis.bits"), values().fold(0.0, f64::max));
    Plot {
        title: say("corrupt.chart").into(),
        x: Axis { name: say("corrupt.axis.time").into(), low: 0.0, high: 1.0, logarithmic: false },
        y: Axis { low: values().fold(0.0, f64::min), ..y },
        marker: Some(settings.level),
        series,
    }
}

/// What did not go into the study as written.
fn notice(text: &Surprisal) -> Option<String> {
    let words: Vec<String> = text.unknown.iter().map(|(_, word)| format!("“{word}”")).collect();
    match (words.len(), text.cut) {
        (0, 0) => None,
        (0, cut) => Some(fill("corrupt.cut", &[("count", &cut.to_string())])),
        _ => Some(fill("corrupt.unknown-words", &[("words", &words.join(", "))])),
    }
}
