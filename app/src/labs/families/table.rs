//! Five properties by the families of a language. Every reading opens the instrument that made it.

use diffusion::measure::scorecard::{Family, Instrument, Mark, Property, Reading};
use leptos::prelude::*;

use super::title;
use crate::components::table_file::RowsFile;
use crate::gauges::number;
use crate::labs::store::Findings;
use crate::session::models::ShippedModel;
use crate::session::studies::families::Families;
use crate::settings::Settings;
use crate::texts::{fill, say};

/// One column: a family, and what is known of it.
#[derive(Clone, PartialEq)]
struct Column {
    name: &'static str,
    family: Family,
    known: Known,
}

/// What is known of a family.
#[derive(Clone, PartialEq)]
enum Known {
    /// What was read off its runs.
    Readings(Vec<Reading>),
    /// It will run, or its run has failed.
    NotYet,
    /// No such model was trained on this language.
    NoModel,
}

/// The families of the present language, and continuous ones in any case.
fn columns(settings: &Settings, found: Option<&Families>) -> Vec<Column> {
    let member = |model| found.and_then(|found| found.members.iter().find(|member| member.model == model));
    let column = |&model: &ShippedModel| Column {
        name: title(model),
        family: model.family(),
        known: member(model).map_or(Known::NotYet, |member| Known::Readings(member.readings.clone())),
    };
    let mut columns: Vec<Column> = settings.model.families().iter().map(column).collect();
    if columns.iter().all(|column| column.family != Family::Continuous) {
        let name = say("families.continuous");
        columns.push(Column { name, family: Family::Continuous, known: Known::NoModel });
    }
    columns
}

/// The table as rows of a file: one reading each, and one of every mark that has none.
fn rows(columns: &[Column]) -> Vec<Vec<String>> {
    let names =
        ["property", "family", "paper's mark", "instrument", "mean", "standard error", "texts", "unit"];
    let row = |property: Property, column: &Column, read: [String; 5]| -> Vec<String> {
        let mark = format!("{:?}", column.family.mark(property)).to_lowercase();
        [format!("{property:?}"), column.name.to_owned(), mark].into_iter().chain(read).collect()
    };
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    for (property, column) in Property::ALL.into_iter().flat_map(|p| columns.iter().map(move |c| (p, c))) {
        let Known::Readings(readings) = &column.known else {
            rows.push(row(property, column, Default::default()));
            continue;
        };
        for reading in readings.iter().filter(|reading| reading.instrument.property() == property) {
            let instrument = reading.instrument;
            let [mean, error, texts] = reading.estimate.map_or_else(Default::default, |estimate| {
                [
                    estimate.value.to_string(),
                    estimate.standard_error.to_string(),
                    estimate.samples.to_string(),
                ]
            });
            let read = [instrument.name().to_owned(), mean, error, texts, instrument.unit().to_owned()];
            rows.push(row(property, column, read));
        }
    }
    rows
}

/// The table and the instrument that is open.
#[component]
pub fn PropertyTable() -> impl IntoView {
    let found = expect_context::<Findings>().families;
    let opened = RwSignal::new(None::<Instrument>);
    let settings = expect_context::<RwSignal<Settings>>();
    let columns = Memo::new(move |_| settings.with(|s| found.with(|found| columns(s, found.as_ref()))));
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
        <RowsFile name="properties" rows=move |()| rows(&columns.get_untracked()) />
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
            Some(estimate) => format!("{} ± {:.2}", number(Some(estimate.value), 2), estimate.standard_error),
            None => number(None, 2),
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
    let (readings, missing): (&[Reading], _) = match &column.known {
        Known::Readings(readings) => (readings, None),
        Known::NotYet => (&[], Some(say("families.not-yet"))),
        Known::NoModel => (&[], Some(say("families.not-run"))),
    };
    let own = readings.iter().filter(|reading| reading.instrument.property() == property);
    let own: Vec<_> = own.map(reading).collect();
    let unmeasured = missing.map(|missing| view! { <span class="hint">{missing}</span> });
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
        | Instrument::PathSurprise
        | Instrument::Repair
        | Instrument::Quality
        | Instrument::RoundingGap
        | Instrument::Damage
        | Instrument::OrderGap => return None,
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

#[cfg(test)]
mod tests {
    use diffusion::measure::Estimate;

    use super::*;

    #[test]
    fn every_family_has_its_column_before_anything_is_measured() {
        let known = |settings: &Settings| -> Vec<(Family, bool)> {
            let columns = columns(settings, None);
            columns.iter().map(|column| (column.family, column.known == Known::NoModel)).collect()
        };
        let (ar, discrete, continuous) = (Family::Autoregressive, Family::Discrete, Family::Continuous);
        let storyworld =
            [(ar, false), (discrete, false), (discrete, false), (discrete, false), (continuous, false)];
        assert_eq!(known(&Settings::default()), storyworld);
        let english = Settings { model: ShippedModel::EnglishMask, ..Settings::default() };
        assert_eq!(known(&english).last(), Some(&(continuous, true)));
    }

    #[test]
    fn the_file_has_one_reading_a_row_with_all_its_digits() {
        let estimate = Estimate { value: 0.123_456_789, standard_error: 0.01, samples: 4 };
        let reading = Reading { instrument: Instrument::AtStake, estimate: Some(estimate) };
        let known = Known::Readings(vec![reading]);
        let columns = [Column { name: "Masked", family: Family::Discrete, known }];
        let rows = rows(&columns);
        assert_eq!(rows[1][..4], ["L2", "Masked", &rows[1][2], Instrument::AtStake.name()]);
        assert_eq!((rows[1][4].as_str(), rows.len()), ("0.123456789", 2));
        assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    }
}
