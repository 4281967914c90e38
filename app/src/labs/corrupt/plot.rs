//! The chart: information left against time under every process, and one trajectory.

use super::shown::{Corruption, Shown};
use super::title;
use super::vectors::Vectors;
use crate::components::chart::{Axis, Form, Plot, Series};
use crate::session::studies::surprisal::Surprisal;
use crate::settings::Settings;
use crate::texts::say;

type Points = Vec<(f64, f64)>;

/// Of the traced process the trajectory too. Before anything is known, the axes alone.
pub fn plot(settings: &Settings, text: Option<&Surprisal>, vectors: Option<&Vectors>, traced: Shown) -> Plot {
    let series = text.and_then(|text| series(settings, text, vectors, traced)).unwrap_or_default();
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let y = Axis::up_to(say("corrupt.axis.bits"), values().fold(0.0, f64::max));
    Plot {
        title: say("corrupt.chart").into(),
        x: Axis { name: say("corrupt.axis.time").into(), low: 0.0, high: 1.0, logarithmic: false },
        y: Axis { low: values().fold(0.0, f64::min), ..y },
        marker: Some(settings.level),
        series,
    }
}

fn series(
    settings: &Settings,
    text: &Surprisal,
    vectors: Option<&Vectors>,
    traced: Shown,
) -> Option<Vec<Series>> {
    let of_tokens = |shown| Corruption::new(shown, text, settings.schedule, settings.seed);
    let of_vectors = |points: fn(&Vectors) -> &Points| vectors.map(points).cloned().unwrap_or_default();
    let mean = |(style, shown): (usize, Shown)| {
        let points = match shown {
            Shown::Gaussian => of_vectors(|vectors| &vectors.carried),
            _ => of_tokens(shown)?.curve(|tokens, t| tokens.carried_bits(t)),
        };
        Some(Series { name: title(shown).into(), points, style, ..Series::default() })
    };
    let mut series: Vec<Series> = Shown::ALL.into_iter().enumerate().map(mean).collect::<Option<_>>()?;
    let points = match traced {
        Shown::Gaussian => of_vectors(|vectors| &vectors.told),
        _ => of_tokens(traced)?.curve(|tokens, t| tokens.told_bits(t)),
    };
    let style = Shown::ALL.iter().position(|shown| *shown == traced).unwrap_or_default();
    let (name, form) = (say("corrupt.trajectory").into(), Form::Steps);
    series.push(Series { name, points, form, style, errors: vec![] });
    Some(series)
}
