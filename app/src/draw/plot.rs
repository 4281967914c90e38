//! Charts as pure functions: numbers in, places and paths out, in the units of an SVG's view box.
//!
//! Libraries were looked at: `leptos-chartistry` is under a licence that this project does not take (MPL-2.0); `plotters` makes
//! finished pictures, not elements that follow the theme and a marker; both are larger than what the labs need.

/// Maps values to places along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Value at the beginning.
    pub low: f64,
    /// Value at the end.
    pub high: f64,
    /// Place of `low`.
    pub from: f64,
    /// Place of `high`.
    pub to: f64,
    /// Whether places follow the logarithm; values must then be above 0.
    pub logarithmic: bool,
}

impl Scale {
    /// The place of a value; those outside lie at the rim.
    pub fn at(&self, value: f64) -> f64 {
        let [low, value, high] =
            [self.low, value, self.high].map(|v| if self.logarithmic { v.ln() } else { v });
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        self.from + share * (self.to - self.from)
    }

    /// Round values to write along the axis: at most about `most`.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        if self.logarithmic {
            let power = |exponent: i32| 2.0_f64.powi(exponent);
            let all: Vec<f64> =
                (-20..40).map(power).filter(|v| *v >= self.low * 0.999 && *v <= self.high * 1.001).collect();
            let every = all.len().div_ceil(most.max(1)).max(1);
            return all.into_iter().step_by(every).collect();
        }
        let span = self.high - self.low;
        if span.is_nan() || span <= 0.0 {
            return vec![self.low];
        }
        let rough = span / most.max(1) as f64;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        (first..).map(|k| k as f64 * step).take_while(|v| *v <= self.high + step * 1e-9).collect()
    }
}

/// A path through points; not through those that are no numbers. As `steps`, it goes level to the next point, then up or down.
pub fn path(points: &[(f64, f64)], x: Scale, y: Scale, steps: bool) -> String {
    let mut path = String::new();
    let mut is_drawing = false;
    for &(a, b) in points {
        if !(a.is_finite() && b.is_finite()) {
            is_drawing = false;
            continue;
        }
        let (at_x, at_y) = (x.at(a), y.at(b));
        path.push_str(&match (is_drawing, steps) {
            (false, _) => format!("M{at_x:.1} {at_y:.1}"),
            (true, false) => format!("L{at_x:.1} {at_y:.1}"),
            (true, true) => format!("H{at_x:.1}V{at_y:.1}"),
        });
        is_drawing = true;
    }
    path
}

/// A number with as many digits as it deserves on an axis.
pub fn tick_text(value: f64) -> String {
    let rounded = (value * 1e4).round() / 1e4;
    format!("{rounded}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(low: f64, high: f64) -> Scale {
        Scale { low, high, from: 0.0, to: 100.0, logarithmic: false }
    }

    #[test]
    fn values_lie_where_they_should_and_stay_inside() {
        let scale = scale(2.0, 4.0);
        assert_eq!([2.0, 3.0, 4.0, 9.0].map(|v| scale.at(v)), [0.0, 50.0, 100.0, 100.0]);
        let upward = Scale { from: 100.0, to: 0.0, logarithmic: true, low: 1.0, high: 64.0 };
        assert!((upward.at(8.0) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(scale(0.0, 1.0).ticks(5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(scale(0.0, 87.0).ticks(4), [0.0, 50.0]);
        assert_eq!(scale(3.0, 3.0).ticks(4), [3.0]);
        let octaves = Scale { logarithmic: true, ..scale(1.0, 64.0) };
        assert_eq!(octaves.ticks(7), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
        assert_eq!(octaves.ticks(4), [1.0, 4.0, 16.0, 64.0]);
    }

    #[test]
    fn paths_break_at_what_is_no_number() {
        let points = [(2.0, 2.0), (3.0, 4.0), (3.5, f64::INFINITY), (4.0, 2.0)];
        assert_eq!(path(&points, scale(2.0, 4.0), scale(2.0, 4.0), false), "M0.0 0.0L50.0 100.0M100.0 0.0");
        assert_eq!(path(&points[..2], scale(2.0, 4.0), scale(2.0, 4.0), true), "M0.0 0.0H50.0V100.0");
    }

    #[test]
    fn tick_texts_are_short() {
        assert_eq!([0.6000000000000001, -2.0, 50.0].map(tick_text), ["0.6", "−2", "50"]);
    }
}
