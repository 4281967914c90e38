//! Quality against calls over a grid of settings, with entropy beside it, and the visitor's own setting on the plot.

use diffusion::decode::Order;
use diffusion::measure::Estimate;
use leptos::prelude::*;

use super::ask;
use super::store::Findings;
use crate::components::chart::{Axis, Chart, Form, Plot, Series};
use crate::components::knobs::{SlotsKnob, TemperatureKnob};
use crate::components::more::{ModelMenu, Number, ORDERS, OrderMenu, Seed};
use crate::components::prompt_box::Prompt;
use crate::components::study_bar::StudyBar;
use crate::components::table_file::TableFile;
use crate::session::Request;
use crate::session::link::Session;
use crate::session::studies::frontier::{Frontier, Point};
use crate::settings::{Quality, STORIES, Settings};
use crate::texts::{fill, say};

/// The lab.
#[component]
pub fn FrontierLab() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let session = expect_context::<Session>();
    let found = expect_context::<Findings>().frontier;
    let begin = move |()| session.post(Request::Study(settings.with_untracked(ask::sweep)));
    view! {
        <section class="lab" aria-label=say("labs.frontier") data-testid="frontier">
            <div class="lab-controls">
                <Prompt />
                <ModelMenu />
                <h2>{say("frontier.yours")}</h2>
                <SlotsKnob hint=say("frontier.slots.hint") />
                <TemperatureKnob hint=say("frontier.temperature.hint") />
                <OrderMenu />
                <Seed />
                <Number id="stories" label=say("frontier.stories")
                    range=(f64::from(*STORIES.start()), f64::from(*STORIES.end()), 1.0)
                    read=|s| f64::from(s.stories) write=|s, n| s.stories = n as u32 />
                <button class="button primary" data-testid="sweep" on:click=move |_| begin(())>
                    {say("frontier.begin")}
                </button>
            </div>
            <div class="lab-main">
                <h2 class="visually-hidden">{say("labs.frontier")}</h2>
                <p class="intro">{say("frontier.intro")}</p>
                <StudyBar again=Callback::new(begin) />
                <Curves found />
                <p class="hint">{say("frontier.about")}</p>
            </div>
        </section>
    }
}

/// Both charts and the table, at one temperature.
#[component]
fn Curves(found: RwSignal<Option<Frontier>>) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let chosen = RwSignal::new(None::<f32>);
    let temperatures =
        Memo::new(move |_| found.with(|found| found.as_ref().map(temperatures).unwrap_or_default()));
    let temperature = Memo::new(move |_| {
        let all = temperatures.get();
        let wanted = chosen.get().unwrap_or_else(|| settings.with(|s| s.temperature));
        if all.contains(&wanted) { Some(wanted) } else { all.first().copied() }
    });
    let measured = Memo::new(move |_| {
        let is_known =
            found.with(|f| f.as_ref().is_some_and(|f| f.points.iter().any(|p| p.broken.is_some())));
        match settings.with(|s| s.quality) {
            Quality::Fitting | Quality::Broken if is_known => Quality::Broken,
            _ => Quality::Surprise,
        }
    });
    let points = Memo::new(move |_| {
        let at = |point: &&Point| Some(point.place.temperature) == temperature.get();
        found.with(|found| found.iter().flat_map(|f| &f.points).filter(at).copied().collect::<Vec<_>>())
    });
    let choice = move |value: f32| {
        view! {
            <button
                class="button"
                aria-pressed=move || (temperature.get() == Some(value)).to_string()
                on:click=move |_| chosen.set(Some(value))
            >
                {format!("{value:.2}")}
            </button>
        }
    };
    let of = move |which: Quality, says: &'static str, id: &'static str| {
        view! {
            <button
                class="button"
                data-testid=id
                aria-pressed=move || (measured.get() == which).to_string()
                on:click=move |_| settings.update(|s| s.quality = which)
            >
                {says}
            </button>
        }
    };
    view! {
        <div class="choices">
            <span class="choice" role="group" aria-label=say("frontier.quality")>
                <span class="hint">{say("frontier.quality")}</span>
                {of(Quality::Broken, say("frontier.broken"), "quality-broken")}
                {of(Quality::Surprise, say("frontier.surprise"), "quality-surprise")}
            </span>
            <span class="choice" role="group" aria-label=say("trap.temperature")>
                <span class="hint">{say("trap.temperature")}</span>
                {move || temperatures.get().into_iter().map(choice).collect_view()}
            </span>
        </div>
        <h2>{say("frontier.chart")}</h2>
        <Chart id="frontier-chart" plot=Signal::derive(move || match measured.get() {
            Quality::Broken => plot(&points.read(), say("frontier.axis.broken"), |point| point.broken),
            Quality::Surprise | Quality::Fitting => plot(&points.read(), say("frontier.axis.surprise"), |point| point.surprise),
        }) />
        <h2>{say("frontier.entropy")}</h2>
        <Chart id="diversity-chart" plot=Signal::derive(move || {
            plot(&points.read(), say("frontier.axis.entropy"), |point| point.entropy)
        }) />
        {move || table(&points.read())}
    }
}

fn temperatures(found: &Frontier) -> Vec<f32> {
    let mut all: Vec<f32> = found.points.iter().map(|point| point.place.temperature).collect();
    all.sort_by(f32::total_cmp);
    all.dedup();
    all
}

fn order_name(order: Order) -> &'static str {
    ORDERS.iter().find(|(known, _)| *known == order).map_or("", |(_, name)| say(name))
}

/// A measure against calls: one line per order, and the visitor's setting as a dot.
fn plot(points: &[Point], axis: &'static str, of: impl Fn(&Point) -> Option<Estimate>) -> Plot {
    let mut orders: Vec<Order> = Vec::new();
    points.iter().for_each(|point| {
        if !orders.contains(&point.place.order) {
            orders.push(point.place.order);
        }
    });
    let drawn = |name: String, style: usize, form: Form, keep: &dyn Fn(&Point) -> bool| {
        let found =
            points.iter().filter(|point| keep(point)).filter_map(|point| Some((point.calls, of(point)?)));
        let (points, errors) = found.map(|(calls, e)| ((calls, e.value), e.standard_error)).unzip();
        Series { name, points, errors, form, style }
    };
    let line = |(style, order): (usize, &Order)| {
        drawn(order_name(*order).into(), style, Form::Line, &|point| point.place.order == *order)
    };
    let mut series: Vec<Series> = orders.iter().enumerate().map(line).collect();
    series.push(drawn(say("frontier.yours").into(), 5, Form::Dots, &|point| point.place.is_visitors));
    let tops =
        series.iter().flat_map(|s| s.points.iter().zip(&s.errors)).map(|(point, error)| point.1 + error);
    let y = Axis::up_to(axis, tops.fold(0.0, f64::max));
    let most = points.iter().map(|point| point.calls).fold(2.0, f64::max);
    let x = Axis { name: say("frontier.axis.calls").into(), low: 1.0, high: most, logarithmic: true };
    Plot { title: fill("frontier.title", &[("measure", axis)]), series, x, y, marker: None }
}

/// The same numbers in rows.
fn table(points: &[Point]) -> impl IntoView + use<> {
    let says = |estimate: Option<Estimate>| {
        estimate.map_or("–".into(), |e| format!("{:.2} ± {:.2}", e.value, e.standard_error))
    };
    let row = |point: &Point| {
        view! {
            <tr data-yours=point.place.is_visitors.then_some("")>
                <th scope="row">{order_name(point.place.order)}</th>
                <td>{point.place.slots}</td>
                <td>{format!("{:.1}", point.calls)}</td>
                <td>{says(point.broken)}</td>
                <td>{says(point.surprise)}</td>
                <td>{says(point.entropy)}</td>
                <td>{point.distinct.map_or("–".into(), |share| format!("{share:.2}"))}</td>
            </tr>
        }
    };
    (!points.is_empty()).then(|| {
        view! {
            <details>
                <summary>{say("frontier.table")}</summary>
                <div class="scroll-x">
                    <table class="numbers" data-testid="frontier-table">
                        <thead>
                            <tr>
                                <th scope="col">{say("frontier.order")}</th>
                                <th scope="col">{say("families.slots")}</th>
                                <th scope="col">{say("frontier.axis.calls")}</th>
                                <th scope="col">{say("frontier.broken")}</th>
                                <th scope="col">{say("frontier.surprise")}</th>
                                <th scope="col">{say("frontier.axis.entropy")}</th>
                                <th scope="col">{say("frontier.distinct")}</th>
                            </tr>
                        </thead>
                        <tbody>{points.iter().map(row).collect_view()}</tbody>
                    </table>
                    <TableFile name="frontier" />
                </div>
            </details>
        }
    })
}
