//! Both charts, at one temperature.

use diffusion::decode::Order;
use diffusion::measure::Estimate;
use leptos::prelude::*;

use super::table::table;
use crate::components::chart::{Axis, Chart, Form, Plot, Series};
use crate::components::more::ORDERS;
use crate::session::studies::frontier::{Frontier, Place, Point};
use crate::settings::{Quality, Settings};
use crate::texts::{fill, say};

/// Both charts and the table, at one temperature.
#[component]
pub fn Curves(found: RwSignal<Option<Frontier>>) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let temperatures =
        Memo::new(move |_| found.with(|found| found.as_ref().map(temperatures).unwrap_or_default()));
    let temperature = Memo::new(move |_| {
        let all = temperatures.get();
        let wanted = settings.with(|s| [s.looked_at, Some(s.temperature)]);
        let measured = wanted.into_iter().flatten().find(|wanted| all.contains(wanted));
        measured.or(all.first().copied())
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
    let yours = move || settings.with(Place::of);
    let most_calls = Memo::new(move |_| found.with(|f| f.as_ref().map_or(2, Frontier::most_calls).max(2)));
    let chart = move |axis, of: fn(&Point) -> Option<Estimate>| {
        plot(&points.read(), yours(), most_calls.get() as f64, axis, of)
    };
    let choice = move |value: f32| {
        view! {
            <button
                class="button"
                aria-pressed=move || (temperature.get() == Some(value)).to_string()
                on:click=move |_| settings.update(|s| s.looked_at = Some(value))
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
            Quality::Broken => chart(say("frontier.axis.broken"), |point| point.broken),
            Quality::Surprise | Quality::Fitting => chart(say("frontier.axis.surprise"), |point| point.surprise),
        }) />
        <h2>{say("frontier.entropy")}</h2>
        <Chart id="diversity-chart" plot=Signal::derive(move || {
            chart(say("frontier.axis.entropy"), |point| point.entropy)
        }) />
        {move || table(&points.read(), yours())}
    }
}

fn temperatures(found: &Frontier) -> Vec<f32> {
    let mut all: Vec<f32> = found.points.iter().map(|point| point.place.temperature).collect();
    all.sort_by(f32::total_cmp);
    all.dedup();
    all
}

/// What visitors call an order.
pub fn order_name(order: Order) -> &'static str {
    ORDERS.iter().find(|(known, _)| *known == order).map_or("", |(_, name)| say(name))
}

/// A measure against calls: one line per order, and the visitor's setting as a dot.
fn plot(
    points: &[Point],
    yours: Place,
    most_calls: f64,
    axis: &'static str,
    of: fn(&Point) -> Option<Estimate>,
) -> Plot {
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
    series.push(drawn(say("frontier.yours").into(), 5, Form::Dots, &|point| point.place == yours));
    // The legend names what is drawn.
    series.retain(|series| !series.points.is_empty());
    let tops =
        series.iter().flat_map(|s| s.points.iter().zip(&s.errors)).map(|(point, error)| point.1 + error);
    let y = Axis::up_to(axis, tops.fold(0.0, f64::max));
    let x = Axis { name: say("frontier.axis.calls").into(), low: 1.0, high: most_calls, logarithmic: true };
    Plot { title: fill("frontier.title", &[("measure", axis)]), series, x, y, marker: None }
}
