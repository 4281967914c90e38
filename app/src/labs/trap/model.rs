//! The trap on the real model: one slot per call and several, from the same start with the same seed.

use crate::components::chart::{Axis, Chart, Form, Plot, Series};
use crate::components::slot_row::{SlotRow, Word};
use crate::components::study_bar::StudyBar;
use crate::components::table_file::TableFile;
use crate::labs::faults::{marked, unknown_words};
use crate::labs::store::Findings;
use crate::session::studies::together::{Together, Written};
use crate::texts::{fill, say};
use diffusion::decode::Noise;
use leptos::prelude::*;

/// Calls that are shown in words.
const WORST: usize = 4;

/// Both texts and what they cost.
#[component]
pub fn OnModel(
    /// Writes both again.
    again: Callback<()>,
) -> impl IntoView {
    let found = expect_context::<Findings>().together;
    let unknown = move || found.read().as_ref().and_then(|found| unknown_words(&found.unknown));
    let apart = Signal::derive(move || {
        found
            .read()
            .as_ref()
            .map(|f| marked(&f.apart.text, f.apart.violations.as_deref(), &f.words))
            .unwrap_or_default()
    });
    let together = Signal::derive(move || {
        let found = found.read();
        let written = found.as_ref().and_then(|f| Some((f.together.as_ref()?, &f.words)));
        written
            .map(|(written, words)| marked(&written.text, written.violations.as_deref(), words))
            .unwrap_or_default()
    });
    view! {
        <section class="process" data-part="on-model">
            <h2>{say("trap.on-model")}</h2>
            <p>{say("trap.on-model.about")}</p>
            <StudyBar again />
            <p class="warning" role="status">{unknown}</p>
            <h3>{say("trap.apart")}</h3>
            <SlotRow words=apart label=say("trap.apart") id="trap-apart" noted=true />
            <h3>{move || found.read().as_ref().map(|f| fill("trap.several", &[("count", &f.slots.to_string())]))}</h3>
            <SlotRow words=together label=say("trap.several-label") id="trap-together" noted=true />
            <p class="hint">{say("trap.marks")}</p>
            {move || found.read().as_ref().map(table)}
            <Chart id="joint-chart" plot=Signal::derive(move || plot(found.read().as_ref())) />
            <p class="hint">{say("trap.joint.about")}</p>
            {move || found.read().as_ref().map(worst)}
        </section>
    }
}

/// Numbers of both texts side by side.
fn table(found: &Together) -> impl IntoView + use<> {
    type Read = fn(&Written) -> Option<String>;
    let rows: [(&'static str, Read); 4] = [
        (say("trap.calls"), |w| Some(w.trajectory.steps.len().to_string())),
        (say("trap.duplicates"), |w| Some(w.duplicates.to_string())),
        (say("trap.violations"), |w| w.violations.as_ref().map(|list| list.len().to_string())),
        // A model that revises its words cannot be asked about one after the other.
        (say("trap.damage"), |w| {
            let is_defined = w.trajectory.settings.noise == Noise::Mask;
            is_defined.then(|| format!("{:.1}", w.damage_bits() + 0.0))
        }),
    ];
    let cell = |written: Option<&Written>, read: Read| written.and_then(read).unwrap_or("–".into());
    let row = |(name, read): (&'static str, Read)| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td>{cell(Some(&found.apart), read)}</td>
                <td>{cell(found.together.as_ref(), read)}</td>
            </tr>
        }
    };
    view! {
        <table class="numbers" data-testid="trap-table">
            <thead>
                <tr>
                    <th scope="col">{say("trap.number")}</th>
                    <th scope="col">{say("trap.apart")}</th>
                    <th scope="col">{fill("trap.several", &[("count", &found.slots.to_string())])}</th>
                </tr>
            </thead>
            <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
        </table>
        <TableFile name="trap" />
    }
}

/// Bits of what every call committed: as a product, and one after the other.
fn plot(found: Option<&Together>) -> Plot {
    let calls = found
        .and_then(|found| found.together.as_ref())
        .map(|written| written.calls.clone())
        .unwrap_or_default();
    let series = |name: &'static str, style, bits: fn(&_) -> f64| Series {
        name: name.into(),
        points: calls.iter().map(|call| (call.call as f64, bits(call))).collect(),
        style,
        form: Form::Dots,
        errors: vec![],
    };
    let product = series(say("trap.product"), 0, |call: &crate::session::studies::together::JointCall| {
        -call.product_bits
    });
    let chain = series(say("trap.chain"), 1, |call| -call.chain_bits);
    let largest = product.points.iter().chain(&chain.points).map(|point| point.1).fold(1.0, f64::max);
    let last = calls.last().map_or(1, |call| call.call).max(2);
    Plot {
        title: say("trap.joint").into(),
        series: vec![product, chain],
        x: Axis { name: say("trap.axis.call").into(), low: 0.0, high: last as f64 + 1.0, logarithmic: false },
        y: Axis::up_to(say("trap.axis.bits"), largest),
        marker: None,
    }
}

/// The calls whose words go together worst, in words.
fn worst(found: &Together) -> impl IntoView + use<> {
    let mut calls = found.together.as_ref().map(|written| written.calls.clone()).unwrap_or_default();
    calls.sort_by(|a, b| b.damage_bits().total_cmp(&a.damage_bits()));
    let row = |call: &crate::session::studies::together::JointCall| {
        let tokens = call.commits.iter().map(|(_, token)| Word::of(&found.words, token.0, "committed").text);
        view! {
            <tr>
                <th scope="row">{call.call}</th>
                <td class="words">{tokens.collect::<Vec<_>>().join(" · ")}</td>
                <td>{format!("{:.1}", call.damage_bits())}</td>
            </tr>
        }
    };
    (!calls.is_empty()).then(|| {
        view! {
            <table class="numbers" data-testid="worst-calls">
                <thead>
                    <tr>
                        <th scope="col">{say("trap.axis.call")}</th>
                        <th scope="col" class="words">{say("trap.at-once")}</th>
                        <th scope="col">{say("trap.damage")}</th>
                    </tr>
                </thead>
                <tbody>{calls.iter().take(WORST).map(row).collect_view()}</tbody>
            </table>
            <TableFile name="worst-calls" />
        }
    })
}
