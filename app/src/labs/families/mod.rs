//! The families side by side on one prompt, and the table of the five properties: the paper's mark beside what was measured.

mod table;

use leptos::html::Canvas;
use leptos::prelude::*;

use self::table::PropertyTable;
use super::faults::{marked, unknown_words};
use super::store::Findings;
use crate::components::knobs::{SlotsKnob, TemperatureKnob};
use crate::components::legend::FilmLegend;
use crate::components::more::{OrderMenu, Seed};
use crate::components::prompt_box::Prompt;
use crate::components::slot_row::SlotRow;
use crate::components::study_bar::StudyBar;
use crate::draw::palette::Theme;
use crate::draw::slots::{Scale, film};
use crate::platform::canvas;
use crate::session::models::ShippedModel;
use crate::session::studies::families::{Families, Member, RUNS};
use crate::settings::{ColourBy, Settings};
use crate::texts::{fill, say};

/// What visitors call a family.
pub fn title(model: ShippedModel) -> &'static str {
    match model {
        ShippedModel::Autoregressive | ShippedModel::EnglishAutoregressive => say("families.autoregressive"),
        ShippedModel::Uniform => say("families.uniform"),
        ShippedModel::Gaussian => say("families.continuous"),
        ShippedModel::MaskUniform | ShippedModel::EnglishMaskUniform => say("families.mask-uniform"),
        _ => say("families.mask"),
    }
}

/// The lab.
#[component]
pub fn FamiliesLab(
    /// Light or dark.
    theme: RwSignal<Theme>,
    /// Writes all texts again.
    again: Callback<()>,
) -> impl IntoView {
    let found = expect_context::<Findings>().families;
    let settings = expect_context::<RwSignal<Settings>>();
    let models = Memo::new(move |_| settings.with(|s| s.model.families()));
    let unknown = move || found.read().as_ref().and_then(|found| unknown_words(&found.unknown));
    view! {
        <section class="lab" aria-label=say("labs.families") data-testid="families">
            <div class="lab-controls">
                <Prompt />
                <p class="warning" role="status">{unknown}</p>
                <Language />
                <SlotsKnob hint=say("families.slots.hint") />
                <TemperatureKnob hint=say("families.temperature.hint") />
                <OrderMenu />
                <Seed />
            </div>
            <div class="lab-main">
                <h2 class="visually-hidden">{say("labs.families")}</h2>
                <p class="intro">{say("families.intro")}</p>
                <StudyBar again />
                <FilmLegend />
                <p class="hint">{say("trap.marks")}</p>
                {move || models.get().iter().map(|&model| view! { <Text model theme /> }).collect_view()}
                <h2>{say("families.table")}</h2>
                <p class="hint">{fill("families.table.about", &[("runs", &RUNS.to_string())])}</p>
                <PropertyTable />
            </div>
        </section>
    }
}

/// Storyworld or natural English: a whole set of models.
#[component]
fn Language() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let choose = move |name: String| {
        let model = if name == "english" { ShippedModel::EnglishMask } else { ShippedModel::Mask };
        settings.update(|s| s.model = model);
    };
    view! {
        <div class="row">
            <label for="language">{say("families.language")}</label>
            <select
                id="language"
                data-testid="language"
                prop:value=move || settings.with(|s| if s.model.is_english() { "english" } else { "storyworld" })
                on:change:target=move |event| choose(event.target().value())
            >
                <option value="storyworld">{say("families.storyworld")}</option>
                <option value="english">{say("families.english")}</option>
            </select>
        </div>
    }
}

/// The text of one family, with its film strip; room is kept for it until it is written.
#[component]
fn Text(model: ShippedModel, theme: RwSignal<Theme>) -> impl IntoView {
    let found = expect_context::<Findings>().families;
    let of_model = move |found: &Families| found.members.iter().find(|member| member.model == model).cloned();
    let member = Memo::new(move |_| found.with(|found| found.as_ref().and_then(of_model)));
    let words = Signal::derive(move || {
        let (found, member) = (found.read(), member.read());
        let member = found.as_ref().and_then(|f| Some((member.as_ref()?, &f.words)));
        let marked = member.map(|(member, words)| marked(&member.text, member.violations.as_deref(), words));
        marked.unwrap_or_default()
    });
    let picture = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        if let (Some(canvas), Some(member)) = (picture.get(), member.get()) {
            let scale = Scale { most_nats: 1.0, calls: member.calls(), revisions: 0 };
            canvas::paint(&canvas, &film(&member.columns, ColourBy::State, scale, theme.get()));
        }
    });
    let says = move || member.read().as_ref().map(summary);
    view! {
        <section class="process" data-testid="family">
            <div class="process-head">
                <h3>{title(model)}</h3>
                <span class="number">{says}</span>
            </div>
            <canvas class="small-film" node_ref=picture role="img" aria-label=format!("{}: {}", title(model), say("film.name"))></canvas>
            <SlotRow words label=say("families.text") id="family-text" noted=true />
        </section>
    }
}

/// Calls and broken rules in words.
fn summary(member: &Member) -> String {
    let calls = fill("families.calls", &[("calls", &member.calls().to_string())]);
    match &member.broken {
        Some(broken) => {
            let rules = format!("{:.1} ± {:.1}", broken.value, broken.standard_error);
            format!("{calls}, {}", fill("families.broken", &[("rules", &rules)]))
        }
        None => calls,
    }
}
