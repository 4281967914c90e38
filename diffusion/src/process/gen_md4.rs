//! A mask with a schedule per token: α_t(v) = 1 − t^{w_v} (GenMD4, Shi et al., arXiv 2406.04329).
//!
//! Knobs: exponents w_v above 0 (1 is the linear schedule; larger ones keep a token longer). The source learns them
//! and lets the share ε survive; this leaves ε out. Another schedule takes the place of t by [`Clocked`](super::Clocked). D2 holds. The posterior given the clean token is exact, and the
//! evidence bound with these weights is proper. Known failure: on the way back the probability to reveal depends on
//! the hidden token; draw it first (as `reverse` does) or average over the prediction, never use the mean schedule.

use super::salience::SalienceError;
use super::{Masses, TokenProcess, Words};
use crate::sequence::TokenId;

/// The mask process with a schedule per token.
#[derive(Clone, Debug, PartialEq)]
pub struct GenMd4 {
    mask: TokenId,
    /// `// (vocabulary)`
    exponents: Vec<f64>,
}

impl GenMd4 {
    /// From one exponent per token; tokens beyond them have 1. `// (vocabulary)`
    pub fn new(mask: TokenId, exponents: Vec<f64>) -> Result<Self, SalienceError> {
        if exponents.is_empty() {
            return Err(SalienceError::Nothing("exponents"));
        }
        match exponents.iter().position(|w| !(w.is_finite() && *w > 0.0)) {
            Some(item) => {
                let found = exponents[item];
                Err(SalienceError::Value { name: "exponent", item, found, expected: "above 0" })
            }
            None => Ok(Self { mask, exponents }),
        }
    }

    /// Rare tokens are hidden first: exponents from `rarest` (of a token never counted) to `commonest`, along the logarithm of a
    /// token's count. `// (vocabulary)`
    ///
    /// # Errors
    /// If nothing was counted, or an exponent is not above 0.
    pub fn by_frequency(
        mask: TokenId,
        counts: &[u64],
        rarest: f64,
        commonest: f64,
    ) -> Result<Self, SalienceError> {
        let logarithms: Vec<f64> = counts.iter().map(|&count| (count as f64 + 1.0).ln()).collect();
        let most = logarithms.iter().copied().fold(0.0, f64::max);
        if most == 0.0 {
            return Err(SalienceError::Nothing("counts"));
        }
        let exponent = |logarithm: &f64| rarest + (commonest - rarest) * logarithm / most;
        Self::new(mask, logarithms.iter().map(exponent).collect())
    }

    /// Exponent of a token.
    pub fn exponent(&self, token: TokenId) -> f64 {
        self.exponents.get(token.0 as usize).copied().unwrap_or(1.0)
    }
}

impl TokenProcess for GenMd4 {
    /// The mean over the exponents, for a token of which nothing is known.
    fn masses(&self, t: f64) -> Masses {
        let masked = self.exponents.iter().map(|&w| t.powf(w)).sum::<f64>() / self.exponents.len() as f64;
        Masses { kept: 1.0 - masked, masked, uniform: 0.0 }
    }

    fn masses_of(&self, clean: TokenId, t: f64) -> Masses {
        let masked = t.powf(self.exponent(clean));
        Masses { kept: 1.0 - masked, masked, uniform: 0.0 }
    }

    fn mask(&self) -> TokenId {
        self.mask
    }

    /// Noise never draws a word.
    fn words(&self) -> Words {
        Words { first: 0, count: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{information_left_bits, two_sentences};
    use crate::testing::near;

    #[test]
    fn a_masked_token_is_revealed_by_its_own_schedule() {
        let process = GenMd4::new(TokenId(0), vec![1.0, 2.0, 0.5]).unwrap();
        let reveal = |v| process.posterior(TokenId(v), TokenId(0), TokenId(v), 0.25, 0.5);
        assert!(near(reveal(1), 1.0 - 0.25, 1e-14), "1 - (s / t)^w");
        assert!(near(reveal(2), 1.0 - 0.5_f64.sqrt(), 1e-14));
    }

    #[test]
    fn the_mean_schedule_weighs_every_token_evenly() {
        let process = GenMd4::new(TokenId(0), vec![1.0, 2.0, 0.5]).unwrap();
        // (.25 + .0625 + .5) / 3.
        assert!(near(process.masses(0.25).masked, 0.8125 / 3.0, 1e-14));
        assert!(near(process.masses_of(TokenId(1), 0.25).masked, 0.0625, 1e-14));
    }

    #[test]
    fn information_is_lost_later_with_larger_exponents() {
        let corpus = two_sentences::corpus(0.5).unwrap();
        let left = |w| {
            let process = GenMd4::new(TokenId(0), vec![w; 9]).unwrap();
            information_left_bits(&corpus, &process, 0.5)
        };
        // Any visible word tells all: 1 - (1/2)^(3w).
        assert!(near(left(1.0), 0.875, 1e-12) && near(left(2.0), 1.0 - 1.0 / 64.0, 1e-12));
    }

    #[test]
    fn exponents_follow_the_logarithm_of_the_counts() {
        let process = GenMd4::by_frequency(TokenId(0), &[0, 9, 99], 1.0, 3.0).unwrap();
        let exponents = [0, 1, 2].map(|token| process.exponent(TokenId(token)));
        assert!(near(exponents[0], 1.0, 1e-12) && near(exponents[1], 2.0, 1e-12), "{exponents:?}");
        assert!(near(exponents[2], 3.0, 1e-12), "{exponents:?}");
        assert!(GenMd4::by_frequency(TokenId(0), &[0, 0], 1.0, 3.0).is_err());
    }

    #[test]
    fn senseless_exponents_are_refused() {
        for w in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(GenMd4::new(TokenId(0), vec![1.0, w]).is_err(), "{w}");
        }
        assert!(GenMd4::new(TokenId(0), Vec::new()).is_err());
    }
}
