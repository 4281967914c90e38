//! Soft masks: a masked slot shows a mixture of what the model thought last, instead of the mask's own embedding.
//!
//! Soft-Masked Diffusion (arXiv 2510.17206): masks as in [`Mask`], then (1 − λ) E(mask) + λ Σ π_v E(v) over the best
//! candidates; the knobs are those of [`SoftFeedback`]. D2 fails, and the type says so: [`sample`](SoftMask::sample)
//! wants a prediction of the plain masked state, so a draw costs one call. There is no closed form, hence neither
//! marginal nor posterior, no chain step (the next state needs the next call), and this is no
//! [`ForwardProcess`]. Known failure: a network not trained on such states leaves its ground.

use super::{ForwardProcess, Mask};
use crate::decode::SoftFeedback;
use crate::denoiser::{Mixture, Prediction};
use crate::random::Stream;
use crate::sequence::TokenId;

/// The soft-mask process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftMask {
    /// Which slots are masked.
    pub mask: Mask,
    /// What they show.
    pub feedback: SoftFeedback,
}

/// What one slot shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SoftState {
    /// Its clean token.
    Kept(TokenId),
    /// A mixture; its weights lack to one what the mask's embedding weighs.
    Softened(Mixture),
}

impl SoftMask {
    /// Draws the state of a slot at `t`, given the model's prediction for it in the plain masked state at this
    /// time. The slot's masks are those of [`Mask`] for the same words.
    pub fn sample(
        &self,
        clean: TokenId,
        slot: u32,
        t: f64,
        prediction: &Prediction,
        stream: &mut Stream,
    ) -> SoftState {
        if self.mask.sample(clean, t, stream) != self.mask.mask {
            return SoftState::Kept(clean);
        }
        SoftState::Softened(self.feedback.soften(0, slot, prediction.entropy_nats, &prediction.top))
    }

    /// Share of slots that keep their token. What mixtures add depends on the model and has no closed form.
    pub fn tokens_left(&self, t: f64) -> f64 {
        self.mask.signal_left(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::schedule::Schedule;
    use crate::testing::{near, prediction, share_fits};

    const CLEAN: TokenId = TokenId(9);

    fn state(seed: u32, prediction: &Prediction) -> SoftState {
        let mask = Mask { schedule: Schedule::Linear, mask: TokenId(0) };
        let process = SoftMask { mask, feedback: SoftFeedback::default() };
        process.sample(CLEAN, 4, 0.3, prediction, &mut Stream::new(seed, 0, 4, Purpose::Sample))
    }

    fn weight(state: SoftState) -> Option<f64> {
        match state {
            SoftState::Kept(_) => None,
            SoftState::Softened(mixture) => Some(mixture.parts.iter().map(|part| f64::from(part.1)).sum()),
        }
    }

    #[test]
    fn as_many_slots_are_softened_as_masks_hide() {
        let prediction = prediction(0.0, [0.7_f32.ln(), 0.3_f32.ln()], 0.6);
        let softened = (0..20_000).filter(|&seed| weight(state(seed, &prediction)).is_some()).count() as u64;
        assert!(share_fits(softened, 20_000, 0.3), "{softened}");
        assert!(!share_fits(softened, 20_000, 0.3 * 0.9), "no power");
    }

    #[test]
    fn the_state_depends_on_the_model() {
        let seed = (0..100).find(|&seed| weight(state(seed, &prediction(0.0, [0.0, -9.0], 0.0))).is_some());
        let share = |nats: f32| {
            let prediction = prediction(0.0, [0.7_f32.ln(), 0.3_f32.ln()], nats);
            weight(state(seed.unwrap(), &prediction)).unwrap()
        };
        // Half of the scale of 0.5 where the entropy is minus the offset.
        assert!(near(share(1.0), 0.25, 1e-6) && share(0.1) > share(1.0));
    }
}
