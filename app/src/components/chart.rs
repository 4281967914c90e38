//! A chart: lines and dots over two axes, with a legend in words, and its numbers for those who want them.

use leptos::html;
use leptos::prelude::*;

use super::chart_files::ChartFiles;
use crate::draw::plot::{Scale, path, tick_text};
use crate::export::table::to_csv;

/// Height of the view box.
const HEIGHT: f64 = 260.0;
/// Room for the numbers of the vertical axis.
const LEFT: f64 = 46.0;
/// Room for the numbers and the name of the horizontal axis.
const BELOW: f64 = 40.0;
/// Room to the right.
const RIM: f64 = 10.0;
/// Room above, for the name of the vertical axis.
const ABOVE: f64 = 24.0;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// From point to point.
    #[default]
    Line,
    /// Level until the next point.
    Steps,
    /// Points alone.
    Dots,
}

/// One series of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Standard error of every value; empty where there is none.
    pub errors: Vec<f64>,
    /// How it is drawn.
    pub form: Form,
    /// Colour and dashes: 0 to 5.
    pub style: usize,
}

/// One axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it counts, with its unit.
    pub name: String,
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
    /// Whether equal ratios lie equally far apart.
    pub logarithmic: bool,
}

impl Axis {
    /// From 0 to a little above the largest value.
    pub fn up_to(name: impl Into<String>, largest: f64) -> Self {
        let high = if largest.is_finite() && largest > 0.0 { largest * 1.05 } else { 1.0 };
        Self { name: name.into(), low: 0.0, high, logarithmic: false }
    }
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// One sentence for those who cannot see it, and the file's name when it is saved.
    pub title: String,
    /// Its series.
    pub series: Vec<Series>,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// Where the visitor stands on the horizontal axis.
    pub marker: Option<f64>,
}

impl Plot {
    /// The numbers as comma-separated values: series, x, y, standard error.
    pub fn csv(&self) -> String {
        let names = ["series", &self.x.name, &self.y.name, "standard error"].map(str::to_owned);
        let rows = self.series.iter().flat_map(|series| {
            series.points.iter().enumerate().map(|(index, (x, y))| {
                let error = series.errors.get(index).map(f64::to_string).unwrap_or_default();
                vec![series.name.clone(), x.to_string(), y.to_string(), error]
            })
        });
        to_csv(&std::iter::once(names.to_vec()).chain(rows).collect::<Vec<_>>())
    }
}

/// The chart.
#[component]
pub fn Chart(
    /// What it shows.
    #[prop(into)]
    plot: Signal<Plot>,
    /// For tests.
    id: &'static str,
) -> impl IntoView {
    let width = expect_context::<PlotWidth>().0;
    let figure = NodeRef::<html::Figure>::new();
    view! {
        <figure class="chart" data-testid=id node_ref=figure>
            <svg
                viewBox=move || format!("0 0 {} {HEIGHT}", width.get())
                role="img"
                aria-label=move || plot.with(|plot| plot.title.clone())
            >
                {move || plot.with(|plot| drawing(plot, width.get()))}
            </svg>
            <figcaption class="chart-foot">
                <ul class="chart-legend">
                    {move || plot.with(|plot| plot.series.iter().map(legend).collect_view())}
                </ul>
                <ChartFiles plot figure />
            </figcaption>
        </figure>
    }
}

/// Width of a chart's view box in CSS pixels, from the page.
#[derive(Clone, Copy)]
pub struct PlotWidth(pub RwSignal<f64>);

fn legend(series: &Series) -> impl IntoView + use<> {
    let dots = series.form == Form::Dots;
    view! {
        <li>
            <svg viewBox="0 0 26 10" class="chart-key" aria-hidden="true">
                {if dots {
                    dot(13.0, 5.0, series.style).into_any()
                } else {
                    view! { <path d="M1 5H25" class=line_class(series) /> }.into_any()
                }}
            </svg>
            {series.name.clone()}
        </li>
    }
}

fn line_class(series: &Series) -> String {
    let steps = if series.form == Form::Steps { "steps " } else { "" };
    format!("line {steps}series-{}", series.style)
}

/// A mark at a place: round, or for every other style a square, so that colour alone tells nothing.
fn dot(x: f64, y: f64, style: usize) -> impl IntoView + use<> {
    let (half, side) = (4.0, 8.0);
    let corner = if style.is_multiple_of(2) { half } else { 0.0 };
    view! {
        <rect class=format!("dot series-{style}") x=x - half y=y - half width=side height=side rx=corner />
    }
}

/// Axes, series and marker.
fn drawing(plot: &Plot, width: f64) -> impl IntoView + use<> {
    let Axis { low, high, logarithmic, .. } = plot.x;
    let x = Scale { low, high, logarithmic, from: LEFT, to: width - RIM };
    let Axis { low, high, logarithmic, .. } = plot.y;
    let y = Scale { low, high, logarithmic, from: HEIGHT - BELOW, to: ABOVE };
    let marker = plot
        .marker
        .map(|at| view! { <path class="marker" d=format!("M{:.1} {ABOVE}V{}", x.at(at), y.from) /> });
    view! {
        <g class="axes">{grid(x, y)}</g>
        <text class="axis-name" x=(LEFT + width - RIM) / 2.0 y=HEIGHT - 4.0 text-anchor="middle">
            {plot.x.name.clone()}
        </text>
        <text class="axis-name" x=4.0 y=11.0>{plot.y.name.clone()}</text>
        {marker}
        {plot.series.iter().map(|series| drawn(series, x, y)).collect_view()}
    }
}

fn grid(x: Scale, y: Scale) -> impl IntoView {
    let across = y.ticks(5).into_iter().map(move |value| {
        let at = y.at(value);
        view! {
            <path d=format!("M{:.1} {at:.1}H{:.1}", x.from, x.to) />
            <text x=x.from - 6.0 y=at + 4.0 text-anchor="end">{tick_text(value)}</text>
        }
    });
    let along = x.ticks(6).into_iter().map(move |value| {
        view! { <text x=x.at(value) y=y.from + 16.0 text-anchor="middle">{tick_text(value)}</text> }
    });
    (across.collect_view(), along.collect_view())
}

fn drawn(series: &Series, x: Scale, y: Scale) -> impl IntoView + use<> {
    let class = format!("series-{}", series.style);
    let finite = |(point, error): &(&(f64, f64), &f64)| point.1.is_finite() && error.is_finite();
    let bars = series.points.iter().zip(&series.errors).filter(finite).map(|(point, error)| {
        let d = format!("M{:.1} {:.1}V{:.1}", x.at(point.0), y.at(point.1 - error), y.at(point.1 + error));
        view! { <path class=format!("error {class}") d=d /> }
    });
    let bars = bars.collect_view();
    let shape = match series.form {
        Form::Line | Form::Steps => {
            let d = path(&series.points, x, y, series.form == Form::Steps);
            view! { <path class=line_class(series) d=d /> }.into_any()
        }
        Form::Dots => {
            let seen = series.points.iter().filter(|(a, b)| a.is_finite() && b.is_finite());
            seen.map(|&(a, b)| dot(x.at(a), y.at(b), series.style)).collect_view().into_any()
        }
    };
    (bars, shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_chart_can_be_read_by_any_table() {
        let series = Series {
            name: "a \"b\"".into(),
            points: vec![(1.0, 2.5), (2.0, 3.0)],
            errors: vec![0.5],
            ..Series::default()
        };
        let plot = Plot {
            title: String::new(),
            series: vec![series],
            x: Axis::up_to("t", 1.0),
            y: Axis::up_to("bits", 3.0),
            marker: None,
        };
        assert_eq!(
            plot.csv(),
            "series,t,bits,standard error\r\n\"a \"\"b\"\"\",1,2.5,0.5\r\n\"a \"\"b\"\"\",2,3,\r\n"
        );
    }
}
