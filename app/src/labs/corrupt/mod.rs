//! The forward process alone: what is lost of a text, how fast, in what portions, and that no chain is needed to see it.

pub mod chain;
mod plot;
mod rows;
pub mod shown;
mod tried;
mod vectors;

use leptos::prelude::*;
use leptos::task::spawn_local;

use self::plot::plot;
use self::rows::rows;
use self::shown::{Corruption, Shown};
use self::tried::Tried;
use self::vectors::{Noise, Vectors};
use super::store::Findings;
use crate::components::chart::Chart;
use crate::components::knobs::Knob;
use crate::components::more::{ModelMenu, Seed};
use crate::components::prompt_box::OwnText;
use crate::components::slot_row::{SlotRow, Word};
use crate::components::study_bar::StudyBar;
use crate::components::table_file::RowsFile;
use crate::platform::time::Turns;
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
        Shown::Gaussian => say("corrupt.gaussian"),
    }
}

/// What it does to a word.
fn about(shown: Shown) -> &'static str {
    match shown {
        Shown::Mask => say("corrupt.mask.about"),
        Shown::Informed => say("corrupt.informed.about"),
        Shown::MaskUniform => say("corrupt.mask-uniform.about"),
        Shown::Uniform => say("corrupt.uniform.about"),
        Shown::Gaussian => say("corrupt.gaussian.about"),
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
    let traced = Memo::new(move |_| settings.with(|s| s.traced));
    let vectors = drawn(settings, text);
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
                {Shown::ALL.map(|shown| view! { <Process shown text vectors traced /> }).into_iter().collect_view()}
                <RowsFile name="corrupt" rows=move |()| {
                    let (settings, vectors) = (settings.read_untracked(), vectors.read_untracked());
                    let text = text.read_untracked();
                    text.as_ref().map(|text| rows(&settings, text, vectors.as_ref())).unwrap_or_default()
                } />
                <h2>{say("corrupt.left")}</h2>
                <Chart id="corrupt-chart" plot=Signal::derive(move || plot(&settings.read(), text.read().as_ref(), vectors.read().as_ref(), traced.get())) />
                <p class="hint">{say("corrupt.left.about")}</p>
                <Tried text vectors traced />
            </div>
        </section>
    }
}

/// Noise on the vectors of the text, drawn anew whenever text, schedule or seed change; nothing meanwhile.
fn drawn(settings: RwSignal<Settings>, text: RwSignal<Option<Surprisal>>) -> RwSignal<Option<Vectors>> {
    let vectors = RwSignal::new(None);
    let newest = StoredValue::new(0_u32);
    let noise = Memo::new(move |_| settings.with(|s| Noise { schedule: s.schedule, seed: s.seed }));
    Effect::new(move |_| {
        let (noise, text) = (noise.get(), text.get());
        vectors.set(None);
        newest.update_value(|count| *count += 1);
        let own = newest.get_value();
        // The lab may be gone before the draws are done.
        let goes_on = move || newest.try_get_value() == Some(own);
        spawn_local(async move {
            let Some(text) = text else { return };
            let turns = Turns::begin();
            let pause = async || {
                turns.give_way().await;
                goes_on()
            };
            let found = Vectors::draw(&text, noise, pause).await;
            if goes_on() {
                drop(vectors.try_set(found));
            }
        });
    });
    vectors
}

/// The clean text; each slot is filled as far as its word tells.
#[component]
fn Original(text: RwSignal<Option<Surprisal>>) -> impl IntoView {
    let words = Signal::derive(move || text.read().as_ref().map(original).unwrap_or_default());
    let total = move || {
        let bits: f64 =
            text.read().as_ref().map_or(0.0, |text| text.bits.iter().flatten().sum::<f64>() + 0.0);
        fill("corrupt.total", &[("bits", &format!("{bits:.1}"))])
    };
    view! {
        <section class="process" data-testid="corruption">
            <div class="process-head">
                <h3>{say("corrupt.original")}</h3>
                <span class="number">{total}</span>
            </div>
            <p class="hint">{say("corrupt.original.about")}</p>
            <SlotRow words label=say("corrupt.original") id="corrupt-original" noted=true />
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
        // A probability of 1 is 0 bits, not minus 0.
        let shown = (bits * 10.0).round() / 10.0 + 0.0;
        let note = fill("corrupt.bits", &[("bits", &format!("{shown:.1}"))]);
        Word { note, filled: Some(bits / most), ..Word::of(&text.words, text.tokens[slot].0, "committed") }
    };
    text.bits.iter().enumerate().map(word).collect()
}

/// What one process makes of the text.
#[component]
fn Process(
    shown: Shown,
    text: RwSignal<Option<Surprisal>>,
    vectors: RwSignal<Option<Vectors>>,
    traced: Memo<Shown>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let found = Memo::new(move |_| {
        let (settings, text) = (settings.read(), text.read());
        let text = text.as_ref()?;
        if shown == Shown::Gaussian {
            let vectors = vectors.read();
            let vectors = vectors.as_ref()?;
            return Some((rounded(vectors, text, settings.level), vectors.carried_bits(settings.level)));
        }
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
        <section class="process" data-testid="corruption">
            <div class="process-head">
                <label class="trace">
                    <input
                        type="radio"
                        name="trace"
                        data-testid=name
                        prop:checked=move || traced.get() == shown
                        on:change=move |_| settings.update(|s| s.traced = shown)
                    />
                    <h3>{title(shown)}</h3>
                </label>
                <span class="number" data-testid=format!("left-{shown:?}").to_lowercase()>{left}</span>
            </div>
            <p class="hint">{about(shown)}</p>
            <SlotRow words label=title(shown) id="corrupt-row" noted=true />
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

/// x_t of vectors: the word that is nearest to each.
fn rounded(vectors: &Vectors, text: &Surprisal, t: f64) -> Vec<Word> {
    let left = format!("{:.0}", vectors.power_left(t) * 100.0);
    let word = |(nearest, clean): (Option<diffusion::TokenId>, &diffusion::TokenId)| match nearest {
        None => Word { note: say("corrupt.unknown").into(), ..Word::of(&text.words, clean.0, "unknown") },
        Some(nearest) => {
            let state = if nearest == *clean { "committed" } else { "noisy" };
            let note = fill("corrupt.power", &[("left", &left)]);
            Word { note, ..Word::of(&text.words, nearest.0, state) }
        }
    };
    vectors.nearest(t).zip(&text.tokens).map(word).collect()
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
