//! Means of independent draws with their standard errors.

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
    fn the_error_is_that_of_the_mean() {
        let draws = |n: u32| (0..n).map(|i| uniform(word(1, 0, 0, i))).collect::<Moments>();
        let estimate = draws(10_000).estimate().unwrap();
        assert!(near(estimate.standard_error, (1.0_f64 / 12.0 / 10_000.0).sqrt(), 1e-4));
        assert!(near(estimate.value, 0.5, 4.0 * estimate.standard_error));
    }
}
