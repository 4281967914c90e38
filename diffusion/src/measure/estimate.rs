//! Means and medians of independent draws with their standard errors.

use serde::{Deserialize, Serialize};

/// A number that was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Number of independent draws behind it.
    pub samples: u64,
}

/// Running mean and variance (Welford's recurrence).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes in one draw.
    pub fn push(&mut self, draw: f64) {
        self.count += 1;
        let before = draw - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (draw - self.mean);
    }

    /// Mean of the draws; not a number for none.
    pub fn mean(&self) -> f64 {
        if self.count > 0 { self.mean } else { f64::NAN }
    }

    /// Sum of the squared distances from the mean.
    pub fn squares(&self) -> f64 {
        self.squares
    }

    /// Mean of the draws and its standard error; `None` for fewer than two draws, which do not tell it.
    pub fn estimate(&self) -> Option<Estimate> {
        let n = self.count as f64;
        let standard_error = (self.squares / (n - 1.0) / n).sqrt();
        (self.count >= 2).then_some(Estimate { value: self.mean, standard_error, samples: self.count })
    }
}

/// Median of independent draws and its standard error, half the distance between the ⌈(n − √n) / 2⌉th draw from below and from
/// above; `None` for fewer than two. If one is no number, nothing is.
pub fn median(draws: &[f64]) -> Option<Estimate> {
    let mut sorted = draws.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    if n < 2 {
        return None;
    }
    let from_below = (((n as f64 - (n as f64).sqrt()) / 2.0).ceil() as usize).max(1) - 1;
    let is_sound = draws.iter().all(|draw| !draw.is_nan());
    let unless_broken = |number: f64| if is_sound { number } else { f64::NAN };
    Some(Estimate {
        value: unless_broken((sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0),
        standard_error: unless_broken((sorted[n - 1 - from_below] - sorted[from_below]) / 2.0),
        samples: n as u64,
    })
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(draws: I) -> Self {
        let mut moments = Self::default();
        draws.into_iter().for_each(|draw| moments.push(draw));
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{uniform, word};
    use crate::testing::near;

    #[test]
    fn mean_and_error_of_four_numbers() {
        let estimate = [1.0, 2.0, 3.0, 6.0].into_iter().collect::<Moments>().estimate().unwrap();
        assert!(near(estimate.value, 3.0, 1e-15));
        // Squared deviations 4 + 1 + 0 + 9 = 14; 14 / 3 / 4.
        assert!(near(estimate.standard_error, (14.0_f64 / 12.0).sqrt(), 1e-15));
        assert_eq!(estimate.samples, 4);
    }

    #[test]
    fn one_draw_does_not_tell_its_error() {
        assert_eq!([1.0].into_iter().collect::<Moments>().estimate(), None);
    }

    #[test]
    fn a_median_of_nine_by_hand() {
        // In order: −10, −1, −1, −1, 0, 0, 1, 1, 20; the third from either end are −1 and 1.
        let draws = [-1.0, 20.0, 0.0, -1.0, 1.0, 0.0, 1.0, -1.0, -10.0];
        assert_eq!(median(&draws), Some(Estimate { value: 0.0, standard_error: 1.0, samples: 9 }));
        assert_eq!(median(&[1.0, 4.0]).unwrap().value, 2.5);
        assert_eq!(median(&draws[..1]), None);
        let broken = median(&[0.0, f64::NAN, 1.0]).unwrap();
        assert!(broken.value.is_nan() && broken.standard_error.is_nan(), "{broken:?}");
    }

    #[test]
    fn the_error_of_a_median_is_its_scatter() {
        let draws = |seed| (0..100).map(move |i| uniform(word(seed, 0, 0, i))).collect::<Vec<f64>>();
        let medians: Vec<Estimate> = (0..1000).filter_map(|seed| median(&draws(seed))).collect();
        let values = medians.iter().map(|median| median.value).collect::<Moments>();
        let scatter = (values.squares() / 999.0).sqrt();
        let typical = medians.iter().map(|median| median.standard_error).collect::<Moments>().mean();
        // The 45th and 56th of 100 lie 11 / 101 apart in the mean; the median of 100 scatters by 1 / (2 √102).
        let expected = 11.0 / 101.0 * 102.0_f64.sqrt();
        // A standard deviation of 1000 has a relative error of 1 / √2000 = .022.
        assert!(near(typical / scatter, expected, 0.1), "{typical} for {scatter}, expected {expected}");
        assert!(near(values.mean(), 0.5, 4.0 * scatter / 1000.0_f64.sqrt()));
    }

    #[test]
    fn the_error_is_that_of_the_mean() {
        let draws = |n: u32| (0..n).map(|i| uniform(word(1, 0, 0, i))).collect::<Moments>();
        let estimate = draws(10_000).estimate().unwrap();
        assert!(near(estimate.standard_error, (1.0_f64 / 12.0 / 10_000.0).sqrt(), 1e-4));
        assert!(near(estimate.value, 0.5, 4.0 * estimate.standard_error));
    }
}
