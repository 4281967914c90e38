//! What the colours and shapes of the slots mean, and the menu that chooses them.

use diffusion::decode::{Noise, Trajectory};
use leptos::prelude::*;

use crate::draw::palette::ramp;
use crate::draw::slots::Scale;
use crate::run::Run;
use crate::settings::query::Named;
use crate::settings::{ColourBy, Settings};
use crate::texts::{fill, say};
use crate::view::bits;

/// Stops of the gradient in the legend.
const STOPS: usize = 9;

/// The menu: what colour says.
#[component]
pub fn ColourMenu() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let options = ColourBy::ALL.map(|by| view! { <option value=by.name()>{title(by)}</option> });
    view! {
        <label class="colour-by">
            {say("legend.menu")}
            <select
                data-testid="colour-by"
                prop:value=move || settings.with(|s| s.colour.name())
                on:change:target=move |event| {
                    if let Some(by) = ColourBy::named(&event.target().value()) {
                        settings.update(|s| s.colour = by);
                    }
                }
            >
                {options.collect_view()}
            </select>
        </label>
    }
}

/// The legend of the present choice.
#[component]
pub fn Legend(
    /// What full colour means.
    scale: Memo<Scale>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let colour = Memo::new(move |_| settings.with(|s| s.colour));
    let run = expect_context::<Run>();
    let is_noisy = |trajectory: &Trajectory| trajectory.settings.noise != Noise::Mask;
    let noisy = Memo::new(move |_| run.state.with(|state| state.trajectory.as_ref().is_some_and(is_noisy)));
    view! {
        <div class="legend" data-testid="legend">
            {move || match ends(colour.get(), scale.get()) {
                None => states(noisy.get()).into_any(),
                Some((low, high)) => gradient(low, high).into_any(),
            }}
        </div>
    }
}

/// The states, each with its shape in the text and its colour in the film strip; words that may be noise only where there are any.
fn states(noisy: bool) -> impl IntoView {
    let item = |state: &'static str, says: &'static str| {
        view! {
            <span class="item">
                <span class="slot swatch" data-state=state aria-hidden="true"></span>
                {chip(state)}
                {says}
            </span>
        }
    };
    view! {
        {item("masked", say("legend.masked"))} {item("fresh", say("legend.fresh"))} {item("committed", say("legend.committed"))}
        {item("given", say("legend.given"))} {noisy.then(|| item("noisy", say("legend.noisy")))}
        <span class="looks">{say("legend.looks")}</span>
    }
}

/// The colour of a state in film strips.
fn chip(state: &'static str) -> impl IntoView {
    view! { <span class="chip" data-state=state aria-hidden="true"></span> }
}

/// The legend of film strips that stand by themselves.
#[component]
pub fn FilmLegend() -> impl IntoView {
    let item =
        |state: &'static str, says: &'static str| view! { <span class="item">{chip(state)} {says}</span> };
    view! {
        <div class="legend" data-testid="film-legend">
            <span>{say("legend.strips")}</span>
            {item("masked", say("legend.masked"))} {item("fresh", say("legend.fresh"))}
            {item("committed", say("legend.committed"))} {item("given", say("legend.given"))}
            {item("noisy", say("legend.noisy-now"))} {item("noisy-still", say("legend.noisy-still"))}
        </div>
    }
}

/// The sequential scale between its two ends.
fn gradient(low: String, high: String) -> impl IntoView {
    let stops = (0..STOPS).map(|i| ramp(i as f32 / (STOPS - 1) as f32).css()).collect::<Vec<_>>().join(",");
    view! {
        <span class="item number">
            {low} <span class="scale" style:background=format!("linear-gradient(to right,{stops})")></span> {high}
        </span>
        <span class="item">
            <span class="slot swatch" data-state="masked" data-hatched="" aria-hidden="true"></span>
            {say("legend.still")}
        </span>
    }
}

/// What the two ends of the scale mean; none where colour shows states.
fn ends(by: ColourBy, scale: Scale) -> Option<(String, String)> {
    match by {
        ColourBy::State => None,
        ColourBy::Confidence => Some((say("legend.probability").into(), "1".into())),
        ColourBy::Entropy => Some((
            say("legend.entropy").into(),
            fill("facts.bits", &[("bits", &format!("{:.1}", bits(scale.most_nats)))]),
        )),
        ColourBy::Revisions => Some((say("legend.revisions").into(), scale.revisions.max(1).to_string())),
        ColourBy::CommitTime => {
            Some((say("legend.call").into(), fill("film.end", &[("planned", &scale.calls.to_string())])))
        }
    }
}

/// What visitors call a choice.
fn title(by: ColourBy) -> &'static str {
    match by {
        ColourBy::State => say("legend.by-state"),
        ColourBy::Confidence => say("legend.by-confidence"),
        ColourBy::Entropy => say("legend.by-entropy"),
        ColourBy::CommitTime => say("legend.by-time"),
        ColourBy::Revisions => say("legend.by-revisions"),
    }
}
