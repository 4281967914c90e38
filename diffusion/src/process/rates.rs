//! How fast noise of tokens lands: what the exact continuous-time bound weighs its terms with.

use std::f64::consts::PI;

use super::{FrequencyMask, GenMd4, Mask, MaskUniform, Spindle, TokenProcess, Uniform};
use crate::sequence::TokenId;

/// Rates per unit of time at which noise lands on a token, whatever the token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// On the mask symbol.
    pub to_mask: f64,
    /// On the words together, evenly.
    pub to_words: f64,
}

/// A process whose rates are known, for t in (0, 1): with loss β = −kept′ / kept, they are masked′ + β masked and
/// uniform′ + β uniform.
pub trait NoiseRates: TokenProcess {
    /// The rates at `t`.
    fn rates(&self, t: f64) -> Rates;
}

/// A process of masks with a schedule per token, for t in (0, 1).
pub trait RevealRates: TokenProcess {
    /// Rate per unit of time at which a hidden token of this kind is revealed on the way back: masked′(t) / masked(t) of the token.
    fn reveal_rate(&self, token: TokenId, t: f64) -> f64;
}

impl RevealRates for GenMd4 {
    /// w / t.
    fn reveal_rate(&self, token: TokenId, t: f64) -> f64 {
        self.exponent(token) / t
    }
}

impl RevealRates for Spindle {
    /// (1 − λπ cos(πt) d) / masked(t), whatever the token.
    fn reveal_rate(&self, _token: TokenId, t: f64) -> f64 {
        (1.0 - self.strength * PI * (PI * t).cos() * self.deviation) / self.masses(t).masked
    }
}

impl RevealRates for FrequencyMask {
    /// That of the token's own spindle.
    fn reveal_rate(&self, token: TokenId, t: f64) -> f64 {
        self.spindle(token).reveal_rate(token, t)
    }
}

impl NoiseRates for Mask {
    fn rates(&self, t: f64) -> Rates {
        Rates { to_mask: -self.schedule.alpha_derivative(t) / self.schedule.alpha(t), to_words: 0.0 }
    }
}

impl NoiseRates for Uniform {
    fn rates(&self, t: f64) -> Rates {
        Rates { to_mask: 0.0, to_words: -self.schedule.alpha_derivative(t) / self.schedule.alpha(t) }
    }
}

impl NoiseRates for MaskUniform {
    /// With c and C = 1 + c of the masses and c′ = c (1 − 2t) / (2t (1 − t)).
    fn rates(&self, t: f64) -> Rates {
        let uniform = self.uniform_mass(t);
        let slope = uniform * (1.0 - 2.0 * t) / (2.0 * t * (1.0 - t));
        let total = 1.0 + uniform;
        Rates { to_mask: 1.0 / ((1.0 - t) * total), to_words: (uniform / (1.0 - t) + slope) / total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Clocked, Words};
    use crate::schedule::Schedule;
    use crate::testing::near;

    /// What noise adds in a short step, over the step.
    fn check<P: NoiseRates>(process: &P) {
        for t in [0.1, 0.3, 0.5, 0.8] {
            let (rates, h) = (process.rates(t), 1e-6);
            let added = process.masses_between(TokenId(3), t - h / 2.0, t + h / 2.0);
            assert!(near(rates.to_mask, added.masked / h, 1e-3 * (1.0 + rates.to_mask)), "at {t}: {rates:?}");
            assert!(
                near(rates.to_words, added.uniform / h, 1e-3 * (1.0 + rates.to_words)),
                "at {t}: {rates:?}"
            );
        }
    }

    #[test]
    fn rates_are_what_a_short_step_adds() {
        let (mask, words) = (TokenId(0), Words { first: 3, count: 6 });
        for schedule in Schedule::ALL {
            check(&Mask { schedule, mask });
            check(&Uniform { schedule, words });
        }
        for uniform_share in [0.0, 0.1, 0.2] {
            let process = MaskUniform { mask, words, uniform_share };
            check(&process);
            Schedule::ALL.iter().for_each(|&schedule| check(&Clocked { schedule, process }));
        }
    }
}
