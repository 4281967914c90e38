//! Two runs side by side: the same seed, one setting changed, differences marked.

use diffusion::TokenId;
use diffusion::decode::Order;
use leptos::prelude::*;

use super::more::{MODELS, ORDERS};
use super::study_bar::StudyBar;
use super::text_grid::{TextGrid, Which};
use crate::draw::slots::Scale;
use crate::labs::ask;
use crate::labs::store::Findings;
use crate::run::Run;
use crate::session::Request;
use crate::session::link::Session;
use crate::session::models::ShippedModel;
use crate::session::studies::beside::Second;
use crate::settings::beside::{Beside, Knob};
use crate::settings::query::Named;
use crate::settings::{HIGHEST_TEMPERATURE, LENGTHS, Settings};
use crate::texts::{fill, say};
use crate::view::{Cell, Mark, columns};

/// Stands for no second run in the menu.
const ALONE: &str = "";

/// The menu: what a second run has otherwise.
#[component]
pub fn BesideMenu() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let chosen = move || settings.with(|s| s.beside.as_ref().map_or(ALONE, |beside| beside.knob.name()));
    let choose = move |name: String| {
        settings.update(|s| s.beside = Knob::named(&name).map(|knob| Beside::suggested(knob, s)));
    };
    let options =
        Knob::NAMES.iter().map(|(knob, name)| view! { <option value=*name>{title(*knob)}</option> });
    view! {
        <label class="colour-by beside-menu">
            {say("beside.menu")}
            <select data-testid="beside" prop:value=chosen on:change:target=move |event| choose(event.target().value())>
                <option value=ALONE>{say("beside.nothing")}</option>
                {options.collect_view()}
            </select>
        </label>
    }
}

/// What visitors call what differs.
fn title(knob: Knob) -> &'static str {
    match knob {
        Knob::Corruption => say("beside.corruption"),
        Knob::Temperature => say("beside.temperature"),
        Knob::Parallelism => say("beside.parallelism"),
        Knob::Order => say("beside.order"),
        Knob::Model => say("beside.model"),
        Knob::Edits => say("beside.edits"),
    }
}

/// The text on the stage, and another beside it if the visitor wants one.
#[component]
pub fn Pair(
    /// The slots at the cursor.
    cells: Memo<Vec<Cell>>,
    /// What full colour means.
    scale: Memo<Scale>,
    /// How many slots stand side by side where there is one text.
    side_by_side: RwSignal<usize>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let two = Memo::new(move |_| settings.with(|s| s.second().is_some()));
    let second = second_cells();
    let differs = Memo::new(move |_| {
        let both = || cells.with(|cells| second.with(|second| differing(cells, second)));
        two.get().then(both).unwrap_or_default()
    });
    let differs_beside =
        Memo::new(move |_| second.with(|second| cells.with(|cells| differing(second, cells))));
    // On a phone one stands below the other. Side by side they are narrow and low, so that what is below them stays in sight.
    let wide = Memo::new(move |_| side_by_side.get() > 4);
    let columns =
        Signal::derive(
            move || {
                if two.get() && wide.get() { side_by_side.get() * 5 / 8 } else { side_by_side.get() }
            },
        );
    view! {
        <div class="pair" data-two=move || two.get().then_some("")>
            <Show when=move || two.get()>
                <Outcome cells second differs />
            </Show>
            <div class="pair-text">
                <Show when=move || two.get()>
                    <p class="pair-head">{move || settings.with(first_says)}</p>
                </Show>
                <TextGrid cells scale columns which=Which::First differs />
            </div>
            <Show when=move || two.get()>
                <div class="pair-text" data-testid="second">
                    <div class="pair-head">
                        <SecondValue />
                    </div>
                    <TextGrid cells=second scale columns which=Which::Second differs=differs_beside />
                </div>
            </Show>
        </div>
    }
}

/// The slots of the second run when the same share of it is done.
fn second_cells() -> Memo<Vec<Cell>> {
    let found = expect_context::<Findings>().second;
    let run = expect_context::<Run>();
    let all =
        Memo::new(move |_| found.with(|found| found.as_ref().map(|second| columns(&second.trajectory))));
    Memo::new(move |_| {
        let step = found.with(|found| found.as_ref().map_or(0, |second| shown_beside(second, run)));
        all.with(|all| all.as_deref().and_then(|columns| columns.get(step)).cloned().unwrap_or_default())
    })
}

/// After how many of its calls the second run is shown.
pub fn shown_beside(second: &Second, run: Run) -> usize {
    let planned = run.state.with(|state| state.planned);
    same_share(run.cursor.get(), planned, second.planned).min(second.trajectory.steps.len())
}

/// So many calls of the second run are as large a share of it as `cursor` calls are of the first.
fn same_share(cursor: usize, planned: usize, second: usize) -> usize {
    (cursor * second + planned / 2) / planned.max(1)
}

/// The slots where both show a word, and not the same: what the other one shows there.
fn differing(one: &[Cell], other: &[Cell]) -> Vec<(usize, TokenId)> {
    let pairs = one.iter().zip(other).enumerate();
    let differ = pairs.filter(|(_, (a, b))| both_show(a, b) && a.token != b.token);
    differ.map(|(slot, (_, b))| (slot, b.token)).collect()
}

fn both_show(a: &Cell, b: &Cell) -> bool {
    a.mark != Mark::Masked && b.mark != Mark::Masked
}

/// What the run on the stage has where the other has something else.
fn first_says(settings: &Settings) -> String {
    let Some(Beside { knob, .. }) = settings.beside else { return String::new() };
    let value = match knob {
        Knob::Corruption => format!("{:.2}", settings.time),
        Knob::Temperature => format!("{:.2}", settings.temperature),
        Knob::Parallelism => super::knobs::says_parallelism(settings),
        Knob::Order => named(&ORDERS, settings.order).into(),
        Knob::Model => named(&MODELS, settings.model).into(),
        Knob::Edits => say("beside.with-edits").into(),
    };
    format!("{}: {value}", title(knob))
}

fn named<T: PartialEq>(names: &'static [(T, &'static str)], value: T) -> &'static str {
    names.iter().find(|(other, _)| *other == value).map_or("", |(_, name)| say(name))
}

/// What the second run has, to be changed.
#[component]
fn SecondValue() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let knob = Memo::new(move |_| settings.with(|s| s.beside.as_ref().map(|beside| beside.knob)));
    let value =
        Memo::new(move |_| settings.with(|s| s.beside.as_ref().map(|b| b.value.clone()).unwrap_or_default()));
    let write = Callback::new(move |value: String| {
        settings.update(|s| {
            if let Some(beside) = &mut s.beside {
                beside.value = value;
            }
        });
    });
    move || {
        let Some(knob) = knob.get() else { return ().into_any() };
        let highest = f64::from(HIGHEST_TEMPERATURE);
        let most = *LENGTHS.end() as f64;
        let control = match knob {
            Knob::Corruption => view! { <NumberField range=(0.0, 1.0, 0.05) value write /> }.into_any(),
            Knob::Temperature => view! { <NumberField range=(0.0, highest, 0.05) value write /> }.into_any(),
            Knob::Parallelism => view! { <NumberField range=(1.0, most, 1.0) value write /> }.into_any(),
            Knob::Order => {
                let names = ORDERS.iter().map(|(order, says)| (Order::name(*order), say(says))).collect();
                view! { <Choice names value write /> }.into_any()
            }
            Knob::Model => {
                let english = settings.with_untracked(|s| s.model.is_english());
                let same = MODELS.iter().filter(|(model, _)| model.is_english() == english);
                let names = same.map(|(model, says)| (ShippedModel::name(*model), say(says))).collect();
                view! { <Choice names value write /> }.into_any()
            }
            Knob::Edits => view! { <span>{say("beside.without-edits")}</span> }.into_any(),
        };
        view! {
            <label>
                <span>{format!("{}:", title(knob))}</span>
                {control}
            </label>
        }
        .into_any()
    }
}

/// A number of the second run.
#[component]
fn NumberField(range: (f64, f64, f64), value: Memo<String>, write: Callback<String>) -> impl IntoView {
    let (low, high, step) = range;
    view! {
        <input
            type="number"
            class="field number"
            data-testid="beside-value"
            min=low
            max=high
            step=step
            prop:value=value
            on:change:target=move |event| {
                // What is not a number comes back as it was.
                if let Ok(typed) = event.target().value().parse::<f64>() {
                    write.run(typed.clamp(low, high).to_string());
                }
                event.target().set_value(&value.get_untracked());
            }
        />
    }
}

/// A named value of the second run.
#[component]
fn Choice(
    names: Vec<(&'static str, &'static str)>,
    value: Memo<String>,
    write: Callback<String>,
) -> impl IntoView {
    let options = names.into_iter().map(|(name, says)| view! { <option value=name>{says}</option> });
    view! {
        <select
            data-testid="beside-value"
            prop:value=value
            on:change:target=move |event| write.run(event.target().value())
        >
            {options.collect_view()}
        </select>
    }
}

/// How far the second run is, how much differs, and what is broken in both texts.
#[component]
fn Outcome(
    cells: Memo<Vec<Cell>>,
    second: Memo<Vec<Cell>>,
    differs: Memo<Vec<(usize, TokenId)>>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let session = expect_context::<Session>();
    let found = expect_context::<Findings>().second;
    let run = expect_context::<Run>();
    let steps = Memo::new(move |_| run.state.with(|state| state.planned));
    let again = Callback::new(move |()| {
        if let Some(study) = settings.with_untracked(ask::study) {
            session.post(Request::Study(study));
        }
    });
    let says = move || {
        let both = cells.with(|a| second.with(|b| a.iter().zip(b).filter(|(a, b)| both_show(a, b)).count()));
        found
            .with(|found| found.as_ref().map(|found| outcome(found, steps.get(), differs.read().len(), both)))
    };
    view! {
        <div class="pair-outcome">
            <p class="number" data-testid="pair-says">{says}</p>
            <StudyBar again />
        </div>
    }
}

/// The comparison in words.
fn outcome(second: &Second, planned: usize, differing: usize, both: usize) -> String {
    let count = |count: usize| count.to_string();
    let calls = fill("beside.calls", &[("first", &count(planned)), ("second", &count(second.planned))]);
    let words = fill("beside.differ", &[("count", &count(differing)), ("both", &count(both))]);
    match second.broken {
        None => format!("{calls} {words}"),
        Some([first, second]) => {
            let broken = fill("beside.broken", &[("first", &count(first)), ("second", &count(second))]);
            format!("{calls} {words} {broken}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::trajectory;

    #[test]
    fn both_runs_begin_and_end_together() {
        assert_eq!([0, 12, 24].map(|cursor| same_share(cursor, 24, 6)), [0, 3, 6]);
        assert_eq!([0, 3, 6].map(|cursor| same_share(cursor, 6, 24)), [0, 12, 24]);
        assert_eq!(same_share(0, 0, 5), 0);
    }

    #[test]
    fn words_differ_where_both_show_one() {
        let columns = columns(&trajectory());
        let mut other = columns[3].clone();
        other[0].token.0 += 1;
        other[2].token.0 += 1;
        assert_eq!(differing(&columns[3], &other), [0, 2].map(|slot| (slot, other[slot].token)));
        assert_eq!(differing(&columns[1], &other), [(0, other[0].token)], "slot 2 is still hidden there");
        assert!(differing(&columns[3], &columns[3]).is_empty());
    }
}
