//! Five properties by four or five families. Every reading opens the instrument that made it.

use diffusion::measure::scorecard::{Family, Instrument, Mark, Property, Reading};
use leptos::prelude::*;

use super::title;
use crate::components::table_file::TableFile;
use crate::labs::store::Findings;
use crate::session::studies::families::Member;
use crate::texts::{fill, say};

/// One column: a family that ran, or one that has not.
#[derive(Clone, PartialEq)]
struct Column {
    name: &'static str,
    family: Family,
    /// Nothing for a family that did not run.
    readings: Vec<Reading>,
}

/// The table and the instrument that is open.
#[component]
pub fn PropertyTable() -> impl IntoView {
    let found = expect_context::<Findings>().families;
    let opened = RwSignal::new(None::<Instrument>);
    let columns = Memo::new(move |_| {
        let column =
            |m: &Member| Column { name: title(m.model), family: m.family, readings: m.readings.clone() };
        let mut columns: Vec<Column> =
            found.with(|found| found.iter().flat_map(|found| &found.members).map(column).collect());
        // Not every language has a model of this kind.
        if columns.iter().all(|column| column.family != Family::Continuous) {
            let name = say("families.continuous");
            columns.push(Column { name, family: Family::Continuous, readings: vec![] });
        }
        columns
    });
    let row = move |property: Property| {
        view! {
            <tr>
                <th scope="row">
                    {format!("{property:?} ")}
                    <span class="hint">{name(property)}</span>
                </th>
                {move || columns.get().into_iter().map(|column| cell(property, &column, opened)).collect_view()}
            </tr>
        }
    };
    view! {
        <div class="scroll-x">
            <table class="numbers properties" data-testid="properties">
                <thead>
                    <tr>
                        <th scope="col">{say("families.property")}</th>
                        {move || columns.get().into_iter().map(|c| view! { <th scope="col">{c.name}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>{Property::ALL.map(row).into_iter().collect_view()}</tbody>
            </table>
        </div>
        <TableFile name="properties" />
        <section class="instrument" data-testid="instrument" aria-live="polite">
            {move || opened.get().map_or_else(
                || view! { <p class="hint">{say("families.open")}</p> }.into_any(),
                |instrument| about(instrument).into_any(),
            )}
        </section>
        <p class="hint">{say("families.marks")}</p>
    }
}

/// The paper's mark and the readings.
fn cell(property: Property, column: &Column, opened: RwSignal<Option<Instrument>>) -> impl IntoView + use<> {
    let reading = move |reading: &Reading| {
        let instrument = reading.instrument;
        let value = match reading.estimate {
            Some(estimate) => format!("{:.2} ± {:.2}", estimate.value + 0.0, estimate.standard_error),
            None => "–".into(),
        };
        view! {
            <button
                class="reading"
                aria-pressed=move || (opened.get() == Some(instrument)).to_string()
                on:click=move |_| opened.set(Some(instrument))
            >
                <span class="number">{value}</span>
                <span class="hint">{instrument.unit()}</span>
            </button>
        }
    };
    let own = column.readings.iter().filter(|reading| reading.instrument.property() == property);
    let own: Vec<_> = own.map(reading).collect();
    let unmeasured =
        column.readings.is_empty().then(|| view! { <span class="hint">{say("families.not-run")}</span> });
    let mark = column.family.mark(property);
    view! {
        <td>
            <span class="mark" data-mark=format!("{mark:?}").to_lowercase()>{mark_text(mark)}</span>
            {own}
            {unmeasured}
        </td>
    }
}

fn mark_text(mark: Mark) -> &'static str {
    match mark {
        Mark::Has => say("mark.has"),
        Mark::Partly => say("mark.partly"),
        Mark::Lacks => say("mark.lacks"),
    }
}

/// What visitors call a property.
fn name(property: Property) -> &'static str {
    match property {
        Property::D1 => say("property.d1"),
        Property::D2 => say("property.d2"),
        Property::D3 => say("property.d3"),
        Property::L1 => say("property.l1"),
        Property::L2 => say("property.l2"),
    }
}

/// Definition, cost and blind spot of an instrument; none for those that the page does not read, because they need held-out texts or
/// take long.
fn about(instrument: Instrument) -> Option<impl IntoView> {
    let (title, text) = match instrument {
        Instrument::LargestJump => (say("instrument.jump"), say("instrument.jump.about")),
        Instrument::EqualJumps => (say("instrument.equal"), say("instrument.equal.about")),
        Instrument::CallsToState => (say("instrument.calls"), say("instrument.calls.about")),
        Instrument::OnPathGap => (say("instrument.gap"), say("instrument.gap.about")),
        Instrument::Revised => (say("instrument.revised"), say("instrument.revised.about")),
        Instrument::SlotsPerCall => (say("instrument.slots"), say("instrument.slots.about")),
        Instrument::ReadingOrder => (say("instrument.tau"), say("instrument.tau.about")),
        Instrument::SymbolShare => (say("instrument.symbols"), say("instrument.symbols.about")),
        Instrument::AtStake => (say("instrument.stake"), say("instrument.stake.about")),
        Instrument::Violations => (say("instrument.violations"), say("instrument.violations.about")),
        Instrument::PeakSpeed
        | Instrument::Deviation
        | Instrument::Heterogeneity
        | Instrument::ByDistance
        | Instrument::ChainGap
        | Instrument::Repair
        | Instrument::RoundingGap
        | Instrument::Damage => return None,
    };
    let head = fill(
        "instrument.head",
        &[
            ("property", &format!("{:?}", instrument.property())),
            ("name", title),
            ("unit", instrument.unit()),
        ],
    );
    Some(view! {
        <h3>{head}</h3>
        <p>{text}</p>
    })
}
