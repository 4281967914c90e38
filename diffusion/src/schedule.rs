//! Schedules: how much of the signal a forward process keeps at time t.

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

/// ε of [`Schedule::LogLinear`], as in the `mdlm` and `sedd` code.
pub const LOG_LINEAR_EPSILON: f64 = 1e-3;
/// Total noise of [`Schedule::Geometric`] just after time 0, as in the `sedd` configuration.
pub const SIGMA_MIN: f64 = 1e-4;
/// Total noise of [`Schedule::Geometric`] at time 1, as there.
pub const SIGMA_MAX: f64 = 20.0;

/// Signal kept as a function of time: α(0) = 1 (clean), strictly falling to α(1), which is 0 (noise) but for
/// [`LogLinear`](Self::LogLinear) (10⁻³) and [`Geometric`](Self::Geometric) (2 · 10⁻⁹). What starts from pure noise
/// with one of those begins a little beyond x_1; the last step to time 0 is complete with every schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// α(t) = 1 − t, for masks the log-linear schedule of MDLM (Sahoo et al., arXiv 2406.07524) without its ε.
    #[default]
    Linear,
    /// α(t) = 1 − cos(π/2 · (1 − t)): most slots are lost early, so the last steps back to clean text
    /// commit many (MD4, Shi et al., arXiv 2406.04329; as in the `duo` code).
    Cosine,
    /// σ(t) = −ln(1 − (1 − ε)t), ε = [`LOG_LINEAR_EPSILON`], so α(t) = 1 − (1 − ε)t (SEDD, Lou et al., arXiv
    /// 2310.16834; MDLM). Differs from [`Linear`](Self::Linear) in one way: the share ε survives to t = 1. For
    /// masks, probabilities of revealing, quotas and weights of the bound are exactly those of `Linear`.
    LogLinear,
    /// σ(t) = σ_min^(1−t) σ_max^t and α = e^−σ, from [`SIGMA_MIN`] to [`SIGMA_MAX`] (SEDD, for uniform noise): little
    /// happens before t ≈ 0.6, nearly all between there and 0.9. The formula leaves the share σ_min lost
    /// at t = 0, which its authors remove by a denoising step at the end; here time 0 is clean text, so
    /// that the last step does so: α jumps there by σ_min.
    Geometric,
}

impl Schedule {
    /// Every schedule, for menus and tests.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Cosine, Self::LogLinear, Self::Geometric];

    /// Share of the signal kept at `t` in [0, 1].
    pub fn alpha(self, t: f64) -> f64 {
        match self {
            Self::Linear => 1.0 - t,
            // 1 - sin(x) written as a square, which does not cancel near t = 1.
            Self::Cosine => 2.0 * (FRAC_PI_2 * (1.0 - t) / 2.0).sin().powi(2),
            Self::LogLinear => 1.0 - (1.0 - LOG_LINEAR_EPSILON) * t,
            Self::Geometric => (-geometric_noise(t)).exp(),
        }
    }

    /// 1 − α(t), without the cancellation near t = 0 where it divides.
    pub fn lost(self, t: f64) -> f64 {
        match self {
            Self::Linear => t,
            Self::Cosine => (FRAC_PI_2 * t).sin(),
            Self::LogLinear => (1.0 - LOG_LINEAR_EPSILON) * t,
            Self::Geometric => -(-geometric_noise(t)).exp_m1(),
        }
    }

    /// dα/dt.
    pub fn alpha_derivative(self, t: f64) -> f64 {
        match self {
            Self::Linear => -1.0,
            Self::Cosine => -FRAC_PI_2 * (FRAC_PI_2 * t).cos(),
            Self::LogLinear => LOG_LINEAR_EPSILON - 1.0,
            Self::Geometric => {
                let noise = geometric_noise(t);
                -noise * (SIGMA_MAX / SIGMA_MIN).ln() * (-noise).exp()
            }
        }
    }

    /// Total noise σ(t) = −ln α(t): the time that networks of SEDD are told. Infinite where nothing is left.
    pub fn total_noise(self, t: f64) -> f64 {
        -(-self.lost(t)).ln_1p()
    }

    /// The time in [0, 1] at which the share `lost` in [0, 1] is lost: the inverse of [`Schedule::lost`]. 1 for more than
    /// is ever lost. Within 10⁻¹⁰ for [`Geometric`](Self::Geometric), where α is tiny, and near the last bit otherwise.
    pub fn time_of_lost(self, lost: f64) -> f64 {
        match self {
            Self::Linear => lost,
            Self::Cosine => lost.asin() / FRAC_PI_2,
            Self::LogLinear => (lost / (1.0 - LOG_LINEAR_EPSILON)).min(1.0),
            Self::Geometric => {
                let noise = -(-lost).ln_1p();
                ((noise / SIGMA_MIN).ln() / (SIGMA_MAX / SIGMA_MIN).ln()).clamp(0.0, 1.0)
            }
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

/// σ of the geometric schedule; time 0 is clean.
fn geometric_noise(t: f64) -> f64 {
    if t == 0.0 { 0.0 } else { SIGMA_MIN.powf(1.0 - t) * SIGMA_MAX.powf(t) }
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
            let left = match schedule {
                Schedule::Linear | Schedule::Cosine => 0.0,
                Schedule::LogLinear => 1e-3,
                Schedule::Geometric => (-20.0_f64).exp(),
            };
            assert!(near(schedule.alpha(1.0), left, 1e-15), "{schedule:?}");
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
                let h = 1e-6;
                let difference = (schedule.alpha(t + h) - schedule.alpha(t - h)) / (2.0 * h);
                assert!(near(schedule.alpha_derivative(t), difference, 1e-8), "{schedule:?} at {t}");
            }
        }
    }

    #[test]
    fn inverse_undoes_lost() {
        for schedule in Schedule::ALL {
            for t in grid() {
                let tolerance = if schedule == Schedule::Geometric { 1e-10 } else { 1e-12 };
                assert!(near(schedule.time_of_lost(schedule.lost(t)), t, tolerance), "{schedule:?} at {t}");
            }
            assert_eq!((schedule.time_of_lost(0.0), schedule.time_of_lost(1.0)), (0.0, 1.0), "{schedule:?}");
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
    fn log_linear_is_linear_but_for_what_survives() {
        for t in grid() {
            let [log_linear, linear] = [Schedule::LogLinear, Schedule::Linear];
            assert!(near(log_linear.bound_weight(t), linear.bound_weight(t), 1e-12));
            assert!(near(
                log_linear.reveal_probability(t / 3.0, t),
                linear.reveal_probability(t / 3.0, t),
                1e-14
            ));
            assert!(near(log_linear.total_noise(t), -(1.0 - 0.999 * t).ln(), 1e-14));
        }
    }

    #[test]
    fn geometric_noise_grows_by_equal_factors() {
        // The mean of the logarithms of 1e-4 and 20 is that of 0.0447.
        assert!(near(Schedule::Geometric.total_noise(0.5), 0.002_f64.sqrt(), 1e-14));
        assert!(
            near(Schedule::Geometric.lost(1e-9), SIGMA_MIN, 1e-8),
            "the formula's value, at once after 0"
        );
    }

    #[test]
    fn names_are_snake_case() {
        let names = Schedule::ALL.map(|schedule| serde_json::to_string(&schedule).unwrap());
        assert_eq!(names, ["\"linear\"", "\"cosine\"", "\"log_linear\"", "\"geometric\""]);
    }
}
