//! Information-aware masks: what tells much is lost sooner, or later, than what tells little.
//!
//! The spindle of DiffusionBERT (He et al., arXiv 2211.15029): kept(t) = 1 − t + λ sin(πt) d, d how far a token's
//! commonness lies above the mean, on the linear schedule of the source (others by [`Clocked`](super::Clocked)). Knob: strength λ in
//! [−1/π, 1/π], default 0.3; within this range masks only grow and no clipping is needed. The source clips at 0.999 as well, which this
//! leaves out: time 0 is clean text. D2 holds given the saliences; for saliences from a model, its call comes first.
//!
//! Known failure: a hidden token's d is unknown on the way back. [`FrequencyMask`] has an exact posterior given the
//! clean token, but samplers with one reveal probability for all can only use the mean schedule, 1 − t, and are then
//! not its reverse; a bound with the mean schedule's weights is no bound for it, one by each token's own
//! ([`RevealRates`](super::RevealRates)) is. With saliences per position
//! ([`Spindle`]), the sampler would have to know them beforehand.

use std::f64::consts::{FRAC_1_PI, PI};

use super::{Masses, TokenProcess, Words};
use crate::sequence::TokenId;

/// Strength of the source.
pub const DEFAULT_STRENGTH: f64 = 0.3;

/// Knobs of an information-aware mask that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SalienceError {
    /// Masks would not grow.
    #[error("strength: found {0}, expected a number from -1/pi to 1/pi")]
    Strength(f64),
    /// Nothing to compare.
    #[error("{0}: found no value above 0, expected at least one")]
    Nothing(&'static str),
    /// A value that cannot be.
    #[error("{name} of item {item}: found {found}, expected a finite number {expected}")]
    Value {
        /// What it is.
        name: &'static str,
        /// Its index.
        item: usize,
        /// Its value.
        found: f64,
        /// What it should be.
        expected: &'static str,
    },
}

/// The spindle for one slot: a small value, made anew for each slot from [`deviations_of_surprisal`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spindle {
    /// The mask symbol.
    pub mask: TokenId,
    /// λ in [−1/π, 1/π].
    pub strength: f64,
    /// d in [−1, 1]: above 0 the token is kept longer than the mean.
    pub deviation: f64,
}

impl TokenProcess for Spindle {
    fn masses(&self, t: f64) -> Masses {
        let shift = self.strength * (PI * t).sin() * self.deviation;
        // sin π is not quite 0.
        let kept = (1.0 - t + shift).clamp(0.0, 1.0);
        Masses { kept, masked: 1.0 - kept, uniform: 0.0 }
    }

    fn mask(&self) -> TokenId {
        self.mask
    }

    /// Noise never draws a word.
    fn words(&self) -> Words {
        Words { first: 0, count: 0 }
    }
}

/// The spindle with commonness from counts: d = ln(count + 1) / max − mean over all occurrences, so that the mean
/// token follows 1 − t. Frequent tokens are kept longer.
#[derive(Clone, Debug, PartialEq)]
pub struct FrequencyMask {
    mask: TokenId,
    strength: f64,
    /// `// (vocabulary)`
    deviations: Vec<f64>,
}

impl FrequencyMask {
    /// From how often each token occurs in the training text. `// (vocabulary)`
    pub fn new(mask: TokenId, strength: f64, counts: &[u64]) -> Result<Self, SalienceError> {
        check_strength(strength)?;
        let logarithms: Vec<f64> = counts.iter().map(|&count| (count as f64).ln_1p()).collect();
        let largest = logarithms.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(SalienceError::Nothing("counts"));
        }
        let total: f64 = counts.iter().map(|&count| count as f64).sum();
        let weighted = |(x, &count): (&f64, &u64)| x / largest * count as f64 / total;
        let mean: f64 = logarithms.iter().zip(counts).map(weighted).sum();
        let deviations = logarithms.iter().map(|x| x / largest - mean).collect();
        Ok(Self { mask, strength, deviations })
    }

    /// The spindle of a token.
    pub(super) fn spindle(&self, token: TokenId) -> Spindle {
        // Tokens beyond the counts, the mask symbol among them, follow the mean.
        let deviation = self.deviations.get(token.0 as usize).copied().unwrap_or(0.0);
        Spindle { mask: self.mask, strength: self.strength, deviation }
    }
}

impl TokenProcess for FrequencyMask {
    /// The mean schedule, 1 − t.
    fn masses(&self, t: f64) -> Masses {
        Masses { kept: 1.0 - t, masked: t, uniform: 0.0 }
    }

    fn masses_of(&self, clean: TokenId, t: f64) -> Masses {
        self.spindle(clean).masses(t)
    }

    fn mask(&self) -> TokenId {
        self.mask
    }

    /// Noise never draws a word.
    fn words(&self) -> Words {
        Words { first: 0, count: 0 }
    }
}

/// Deviations d per position from the model's own surprisals −ln p (nats): mean − surprisal, both over the largest.
/// What surprises is lost sooner. All 0 if nothing surprises. `// (length)`
pub fn deviations_of_surprisal(surprisals_nats: &[f64]) -> Result<Vec<f64>, SalienceError> {
    let wrong = |found: &f64| !(found.is_finite() && *found >= 0.0);
    if let Some(item) = surprisals_nats.iter().position(wrong) {
        let found = surprisals_nats[item];
        return Err(SalienceError::Value { name: "surprisal", item, found, expected: "of at least 0" });
    }
    let largest = surprisals_nats.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Ok(vec![0.0; surprisals_nats.len()]);
    }
    let mean = surprisals_nats.iter().sum::<f64>() / surprisals_nats.len() as f64;
    Ok(surprisals_nats.iter().map(|surprisal| (mean - surprisal) / largest).collect())
}

/// Whether masks only grow under this strength.
pub fn check_strength(strength: f64) -> Result<(), SalienceError> {
    if strength.abs() <= FRAC_1_PI { Ok(()) } else { Err(SalienceError::Strength(strength)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::near;

    const MASK: TokenId = TokenId(0);

    #[test]
    fn at_the_strongest_masks_still_only_grow() {
        for (strength, deviation) in [(FRAC_1_PI, 1.0), (FRAC_1_PI, -1.0), (-FRAC_1_PI, 1.0), (0.0, 1.0)] {
            let kept = |i: i32| Spindle { mask: MASK, strength, deviation }.masses(f64::from(i) / 100.0).kept;
            assert!((1..=100).all(|i| kept(i) <= kept(i - 1) + 1e-15), "{strength}, {deviation}");
            assert!(kept(0) == 1.0 && near(kept(100), 0.0, 1e-15));
        }
        assert_eq!(check_strength(0.32), Err(SalienceError::Strength(0.32)));
        assert!(check_strength(f64::NAN).is_err());
    }

    #[test]
    fn frequent_words_are_kept_longer_and_the_mean_token_follows_the_schedule() {
        let counts = [0, 900, 90, 9];
        let process = FrequencyMask::new(MASK, DEFAULT_STRENGTH, &counts).unwrap();
        let kept = |v: u32| process.masses_of(TokenId(v), 0.4).kept;
        assert!(kept(1) > kept(2) && kept(2) > kept(3));
        let mean: f64 = (0..4).map(|v| kept(v) * counts[v as usize] as f64 / 999.0).sum();
        assert!(near(mean, process.masses(0.4).kept, 1e-15));
        assert_eq!(FrequencyMask::new(MASK, 0.3, &[0, 0]), Err(SalienceError::Nothing("counts")));
    }

    #[test]
    fn what_surprises_is_lost_sooner() {
        let deviations = deviations_of_surprisal(&[0.0, 1.0, 5.0]).unwrap();
        assert!(deviations.iter().zip([0.4, 0.2, -0.6]).all(|(a, b)| near(*a, b, 1e-15)), "{deviations:?}");
        assert_eq!(deviations_of_surprisal(&[0.0, 0.0]), Ok(vec![0.0, 0.0]));
        assert!(deviations_of_surprisal(&[1.0, f64::NAN]).is_err());
    }
}
