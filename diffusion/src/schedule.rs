//! Schedules: how much of the signal a forward process keeps at time t.

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

/// Signal kept as a function of time: α(0) = 1 (clean), α(1) = 0 (noise), strictly falling between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// α(t) = 1 − t, for masks the log-linear schedule of MDLM (Sahoo et al., arXiv 2406.07524) without its ε.
    #[default]
    Linear,
    /// α(t) = 1 − cos(π/2 · (1 − t)): most slots are lost early, so the last steps back to clean text
    /// commit many (MD4, Shi et al., arXiv 2406.04329; as in the `duo` code).
    Cosine,
}

impl Schedule {
    /// Every schedule, for menus and tests.
    pub const ALL: [Self; 2] = [Self::Linear, Self::Cosine];

    /// Share of the signal kept at `t` in [0, 1].
    pub fn alpha(self, t: f64) -> f64 {
        match self {
            Self::Linear => 1.0 - t,
            // 1 - sin(x) written as a square, which does not cancel near t = 1.
            Self::Cosine => 2.0 * (FRAC_PI_2 * (1.0 - t) / 2.0).sin().powi(2),
        }
    }

    /// 1 − α(t), without the cancellation near t = 0 where it divides.
    pub fn lost(self, t: f64) -> f64 {
        match self {
            Self::Linear => t,
            Self::Cosine => (FRAC_PI_2 * t).sin(),
        }
    }

    /// dα/dt.
    pub fn alpha_derivative(self, t: f64) -> f64 {
        match self {
            Self::Linear => -1.0,
            Self::Cosine => -FRAC_PI_2 * (FRAC_PI_2 * t).cos(),
        }
    }

    /// The time at which the share `lost` in [0, 1] is lost: the inverse of [`Schedule::lost`].
    pub fn time_of_lost(self, lost: f64) -> f64 {
        match self {
            Self::Linear => lost,
            Self::Cosine => lost.asin() / FRAC_PI_2,
        }
    }

    /// Probability that what is hidden at `t` is revealed on the way back to `s` < `t`:
    /// (α(s) − α(t)) / (1 − α(t)).
    pub fn reveal_probability(self, s: f64, t: f64) -> f64 {
        1.0 - self.lost(s) / self.lost(t)
    }

    /// Weight of the cross-entropy at time `t` in the negative evidence bound: −α′(t) / (1 − α(t)).
    pub fn bound_weight(self, t: f64) -> f64 {
        -self.alpha_derivative(t) / self.lost(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::near;

    fn grid() -> impl Iterator<Item = f64> {
        (1..100).map(|i| f64::from(i) / 100.0)
    }

    #[test]
    fn ends_are_clean_and_noise() {
        for schedule in Schedule::ALL {
            assert!(near(schedule.alpha(0.0), 1.0, 1e-15), "{schedule:?}");
            assert!(near(schedule.alpha(1.0), 0.0, 1e-15), "{schedule:?}");
            assert_eq!(schedule.reveal_probability(0.0, 0.3), 1.0, "the last step reveals everything");
        }
    }

    #[test]
    fn kept_and_lost_sum_to_one_and_fall() {
        for schedule in Schedule::ALL {
            for t in grid() {
                assert!(near(schedule.alpha(t) + schedule.lost(t), 1.0, 1e-14), "{schedule:?} at {t}");
                assert!(schedule.alpha(t) < schedule.alpha(t - 0.01), "{schedule:?} at {t}");
            }
        }
    }

    #[test]
    fn derivative_agrees_with_differences() {
        for schedule in Schedule::ALL {
            for t in grid() {
                let h = 1e-5;
                let difference = (schedule.alpha(t + h) - schedule.alpha(t - h)) / (2.0 * h);
                assert!(near(schedule.alpha_derivative(t), difference, 1e-8), "{schedule:?} at {t}");
            }
        }
    }

    #[test]
    fn inverse_undoes_lost() {
        for schedule in Schedule::ALL {
            for t in grid() {
                assert!(near(schedule.time_of_lost(schedule.lost(t)), t, 1e-12), "{schedule:?} at {t}");
            }
        }
    }

    #[test]
    fn golden_values() {
        // 1 - cos(pi/4) at the middle; linear weight is 1/t.
        assert!(near(Schedule::Cosine.alpha(0.5), 0.292_893_218_813_452_5, 1e-15));
        assert!(near(Schedule::Linear.bound_weight(0.25), 4.0, 1e-15));
        assert!(near(Schedule::Linear.reveal_probability(0.25, 0.5), 0.5, 1e-15));
    }

    #[test]
    fn names_are_snake_case() {
        assert_eq!(serde_json::to_string(&Schedule::Cosine).unwrap(), "\"cosine\"");
    }
}
