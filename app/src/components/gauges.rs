//! The five gauges beside the stage: a number with its unit, a small chart, a sentence, and behind one click what it means.

use diffusion::measure::scorecard::Property;
use leptos::prelude::*;

use crate::draw::plot::{Scale, path};
use crate::gauges::{Curves, Gauge};
use crate::run::Run;
use crate::texts::say;

/// View box of a small chart.
const WIDTH: f64 = 96.0;
/// Its height.
const HEIGHT: f64 = 26.0;

/// The gauges.
#[component]
pub fn Gauges() -> impl IntoView {
    let run = expect_context::<Run>();
    let read = Memo::new(move |_| run.state.with(|state| (state.runs, state.steps())));
    // A run that grows goes on where it was read last.
    let curves = Memo::new_owning(move |before: Option<(usize, Option<Curves>)>| {
        let (runs, _) = read.get();
        let known = before.filter(|(of, _)| *of == runs).and_then(|(_, curves)| curves);
        let curves = run.state.with_untracked(|state| {
            let whole = state.trajectory.as_ref()?;
            match known {
                None => Curves::of(whole),
                Some(mut curves) => curves.extend(whole).map(|()| curves),
            }
        });
        ((runs, curves), true)
    });
    let gauges = Memo::new(move |_| {
        let (curves, cursor) = (curves.read(), run.cursor.get());
        run.state.with_untracked(|state| Some(curves.1.as_ref()?.gauges(state.trajectory.as_ref()?, cursor)))
    });
    view! {
        <section class="panel gauges" aria-label=say("gauges.title") data-testid="gauges">
            <h2>{say("gauges.title")}</h2>
            {(0..Property::ALL.len()).map(|index| view! { <GaugeView index gauges /> }).collect_view()}
        </section>
    }
}

#[component]
fn GaugeView(index: usize, gauges: Memo<Option<[Gauge; 5]>>) -> impl IntoView {
    let run = expect_context::<Run>();
    let (name, unit, about) = texts(Property::ALL[index]);
    let get = move |read: fn(&Gauge) -> String| {
        gauges.read().as_ref().map(|gauges| read(&gauges[index])).unwrap_or_default()
    };
    let curve = Memo::new(move |_| gauges.read().as_ref().map(|gauges| gauges[index].curve.clone()));
    let planned = Memo::new(move |_| run.state.with(|state| state.planned.max(1)) as f64);
    let across =
        move || Scale { low: 0.0, high: planned.get(), from: 1.0, to: WIDTH - 1.0, logarithmic: false };
    let line = move || {
        let points = curve.get().unwrap_or_default();
        let highest = points.iter().map(|point| point.1).fold(1e-9, f64::max);
        let up = Scale { low: 0.0, high: highest, from: HEIGHT - 2.0, to: 2.0, logarithmic: false };
        path(&points, across(), up, false)
    };
    let marker = move || format!("M{:.1} 0V{HEIGHT}", across().at(run.cursor.get() as f64));
    view! {
        <details class="gauge" data-testid=format!("gauge-{index}")>
            <summary>
                <span class="gauge-name">{name}</span>
                <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") aria-hidden="true">
                    <path class="marker" d=marker />
                    <path class="line" d=line />
                </svg>
                <span class="gauge-value">
                    <span class="number">{move || get(|gauge| gauge.value.clone())}</span>
                    <span class="hint">{unit}</span>
                </span>
                <span class="gauge-says hint">{move || get(|gauge| gauge.says.clone())}</span>
            </summary>
            <p class="hint">{about}</p>
        </details>
    }
}

/// Name, unit and meaning.
fn texts(property: Property) -> (&'static str, &'static str, &'static str) {
    match property {
        Property::D1 => (say("gauge.d1"), say("gauge.d1.unit"), say("gauge.d1.about")),
        Property::D2 => (say("gauge.d2"), say("gauge.d2.unit"), say("gauge.d2.about")),
        Property::D3 => (say("gauge.d3"), say("gauge.d3.unit"), say("gauge.d3.about")),
        Property::L1 => (say("gauge.l1"), say("gauge.l1.unit"), say("gauge.l1.about")),
        Property::L2 => (say("gauge.l2"), say("gauge.l2.unit"), say("gauge.l2.about")),
    }
}
