//! Soft feedback: masked slots show what the last call thought of them.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use super::memory::SlotMemory;
use super::validation::within;
use crate::denoiser::{Candidate, MIXTURE_PARTS, Mixture, TOP_CANDIDATES};
use crate::sequence::TokenId;

/// A masked slot's input becomes (1 − λ) E(mask) + λ Σ π_v E(v) over the best candidates of the last call, π
/// renormalised, λ = scale · sigmoid(steepness · (−H − offset)), H the entropy in nats (soft masking, arXiv
/// 2510.17206). Cost: no call. Known failure: a network that was not trained with it leaves its training states, and
/// there is no closed form for such a state (D2 fails).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftFeedback {
    /// Number of candidates, from 1 to 5; the paper's is 3, the default.
    pub candidates: u32,
    /// Largest λ, from 0 (off) to 1; the default is .5, ours, as are the two below: the paper learns all three.
    pub scale: f64,
    /// How sharply λ falls with entropy, from 0 (not at all) to 10⁹; the default is 1.
    pub steepness: f64,
    /// Minus the entropy in nats at which λ is half of `scale`, from −10⁹ to 10⁹; the default is −1.
    pub offset: f64,
}

impl Default for SoftFeedback {
    fn default() -> Self {
        Self { candidates: 3, scale: 0.5, steepness: 1.0, offset: -1.0 }
    }
}

impl SoftFeedback {
    /// Whether every knob is in its range.
    pub fn validate(self) -> Result<(), SettingsError> {
        within("candidates", self.candidates.into(), 1.0, MIXTURE_PARTS as f64)?;
        within("scale", self.scale, 0.0, 1.0)?;
        within("steepness", self.steepness, 0.0, 1e9)?;
        within("offset", self.offset, -1e9, 1e9)
    }

    /// What a masked slot shows; `None` if no call has asked about it yet.
    pub(super) fn mixture(self, sequence: u32, slot: u32, memory: &SlotMemory) -> Option<Mixture> {
        memory.last.map(|(entropy_nats, top)| self.soften(sequence, slot, entropy_nats, &top))
    }

    /// What a masked slot shows after a call with this entropy (nats) and these best candidates.
    pub fn soften(
        self,
        sequence: u32,
        slot: u32,
        entropy_nats: f32,
        top: &[Candidate; TOP_CANDIDATES],
    ) -> Mixture {
        let share = self.scale / (1.0 + (self.steepness * (f64::from(entropy_nats) + self.offset)).exp());
        let best = &top[..self.candidates as usize];
        let total: f64 = best.iter().map(|c| f64::from(c.log_probability).exp()).sum();
        let mut parts = [(TokenId(0), 0.0); MIXTURE_PARTS];
        for (part, candidate) in parts.iter_mut().zip(best) {
            *part = (candidate.token, (share * f64::from(candidate.log_probability).exp() / total) as f32);
        }
        Mixture { sequence, slot, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{near, prediction};

    #[test]
    fn the_surer_the_last_call_was_the_less_mask_is_left() {
        let soft = SoftFeedback { candidates: 2, scale: 0.8, steepness: 2.0, offset: -1.0 };
        let memory = |nats: f32| SlotMemory {
            last: Some((nats, prediction(0.0, [0.6_f32.ln(), 0.2_f32.ln()], nats).top)),
            ..SlotMemory::default()
        };
        let even = soft.mixture(0, 4, &memory(1.0)).unwrap();
        assert!(near(even.parts[0].1.into(), 0.4 * 0.75, 1e-6), "half of the scale, three quarters of it");
        assert!(near(even.parts[1].1.into(), 0.4 * 0.25, 1e-6));
        let sure = soft.mixture(0, 4, &memory(0.0)).unwrap();
        assert!(sure.parts[0].1 > even.parts[0].1);
        assert_eq!(soft.mixture(0, 4, &SlotMemory::default()), None);
    }
}
