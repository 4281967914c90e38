//! Soft masks: a masked slot shows a mixture of what the model thought last, instead of the mask's own embedding.
//!
//! Soft-Masked Diffusion (arXiv 2510.17206): masks as in [`Mask`], then (1 − λ) E(mask) + λ Σ π_v E(v) over the best
//! candidates; the knobs are those of [`SoftFeedback`]. D2 fails: the mixture is made of the model's prediction in the plain
//! masked state, so a draw costs one call, and so does every further state of a chain.
//!
//! *Given* the prediction, as saliences are given to [`Spindle`](super::Spindle), all is known: [`SoftSlot`] is kept or softened,
//! and has marginal, transition and posterior in closed form. That holds for one prediction: the paper asks again for every state,
//! because another draw of the masks is another context. A soft slot tells no more of its clean token than a mask does, but for
//! what the model makes of the slots in sight. Known failure: a network not trained on such states leaves its ground.

use super::{ForwardProcess, Likelihood, Mask, TokenProcess};
use crate::decode::SoftFeedback;
use crate::denoiser::{Mixture, Prediction};
use crate::random::Stream;
use crate::sequence::TokenId;

/// The soft-mask process; [`slot`](Self::slot) gives that of one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftMask {
    /// Which slots are masked.
    pub mask: Mask,
    /// What they show.
    pub feedback: SoftFeedback,
}

/// The soft-mask process at one slot of one sequence, for the prediction that it was made with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftSlot {
    mask: Mask,
    softened: Mixture,
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
    /// What happens to a slot, given the model's prediction for it in the plain masked state: one call for all slots.
    pub fn slot(&self, slot: u32, prediction: &Prediction) -> SoftSlot {
        let softened = self.feedback.soften(0, slot, prediction.entropy_nats, &prediction.top);
        SoftSlot { mask: self.mask, softened }
    }
}

impl SoftSlot {
    /// q(x_t = `state` | x_0 = `clean`, prediction): α(t) for the token, the rest for the slot's own mixture, 0 for any other.
    pub fn marginal(&self, clean: TokenId, state: &SoftState, t: f64) -> f64 {
        self.token(state).map_or(0.0, |token| self.mask.marginal(clean, token, t))
    }

    /// q(x_t = `to` | x_s = `from`, prediction), s ≤ t.
    pub fn transition(&self, from: &SoftState, to: &SoftState, s: f64, t: f64) -> f64 {
        let pair = self.token(from).zip(self.token(to));
        pair.map_or(0.0, |(from, to)| self.mask.transition(from, to, s, t))
    }

    /// q(x_s = `state` | x_t = `noisy`, x_0 = `clean`, prediction), s < t, by Bayes' rule. Not a number if `noisy` cannot come
    /// from `clean`.
    pub fn posterior(&self, clean: TokenId, noisy: &SoftState, state: &SoftState, s: f64, t: f64) -> f64 {
        self.transition(state, noisy, s, t) * self.marginal(clean, state, s) / self.marginal(clean, noisy, t)
    }

    /// The state of the plain mask process that stands behind; none behind a mixture of another prediction.
    fn token(&self, state: &SoftState) -> Option<TokenId> {
        match state {
            SoftState::Kept(token) => Some(*token),
            SoftState::Softened(mixture) => (*mixture == self.softened).then_some(self.mask.mask),
        }
    }

    fn state(&self, token: TokenId) -> SoftState {
        if token == self.mask.mask { SoftState::Softened(self.softened) } else { SoftState::Kept(token) }
    }
}

impl ForwardProcess for SoftSlot {
    type State = SoftState;

    /// The slot's masks are those of [`Mask`] for the same words.
    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> SoftState {
        self.state(self.mask.sample(clean, t, stream))
    }

    fn step(&self, present: SoftState, s: f64, t: f64, stream: &mut Stream) -> SoftState {
        match present {
            SoftState::Kept(token) => self.state(self.mask.step(token, s, t, stream)),
            softened @ SoftState::Softened(_) => softened,
        }
    }

    fn reverse(&self, clean: TokenId, noisy: SoftState, s: f64, t: f64, stream: &mut Stream) -> SoftState {
        match noisy {
            SoftState::Softened(_) => self.state(self.mask.reverse(clean, self.mask.mask, s, t, stream)),
            kept @ SoftState::Kept(_) => kept,
        }
    }

    /// Share of slots that keep their token. What the mixtures add is the model's and has no closed form.
    fn signal_left(&self, t: f64) -> f64 {
        self.mask.signal_left(t)
    }
}

impl Likelihood for SoftSlot {
    fn log_likelihood(&self, clean: TokenId, state: &SoftState, t: f64) -> f64 {
        self.marginal(clean, state, t).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::schedule::Schedule;
    use crate::testing::{LIMIT, misfit, near, prediction};

    const CLEAN: TokenId = TokenId(9);
    const TIMES: [f64; 4] = [0.0, 0.2, 0.5, 0.7];

    fn process(schedule: Schedule, nats: f32) -> SoftSlot {
        let mask = Mask { schedule, mask: TokenId(0) };
        let soft = SoftMask { mask, feedback: SoftFeedback::default() };
        soft.slot(4, &prediction(0.0, [0.7_f32.ln(), 0.3_f32.ln()], nats))
    }

    /// All states that a slot of this clean token can be in.
    fn states(process: &SoftSlot) -> [SoftState; 2] {
        [SoftState::Kept(CLEAN), SoftState::Softened(process.softened)]
    }

    /// How often each state is drawn; any other state is a failure.
    fn count(process: &SoftSlot, draw: impl Fn(u32) -> SoftState) -> [u64; 2] {
        let mut counts = [0; 2];
        for seed in 0..20_000 {
            let drawn = draw(seed);
            counts[states(process).iter().position(|state| *state == drawn).unwrap()] += 1;
        }
        counts
    }

    fn walk(seed: u32, step: impl Fn(SoftState, f64, f64, &mut Stream) -> SoftState) -> SoftState {
        TIMES.windows(2).zip(0..).fold(SoftState::Kept(CLEAN), |state, (times, call)| {
            step(state, times[0], times[1], &mut Stream::new(seed, call, 4, Purpose::Chain))
        })
    }

    #[test]
    fn chain_and_direct_draw_agree_and_a_wrong_chain_does_not() {
        for schedule in Schedule::ALL {
            let process = process(schedule, 0.6);
            let kept = schedule.alpha(0.7);
            let expected = states(&process).map(|state| process.marginal(CLEAN, &state, 0.7));
            assert!(near(expected[0], kept, 1e-15) && near(expected[1], 1.0 - kept, 1e-14), "{schedule:?}");
            assert!(near(process.signal_left(0.7), kept, 1e-15));
            let direct = |seed| process.sample(CLEAN, 0.7, &mut Stream::new(seed, 0, 4, Purpose::Sample));
            let chain = |seed| walk(seed, |state, s, t, stream| process.step(state, s, t, stream));
            // The usual mistake: every step corrupts as if it began at clean text.
            let wrong = |seed| walk(seed, |state, _, t, stream| process.step(state, 0.0, t, stream));
            assert!(misfit(&count(&process, direct), &expected) < LIMIT, "{schedule:?}");
            assert!(misfit(&count(&process, chain), &expected) < LIMIT, "{schedule:?}");
            assert!(misfit(&count(&process, wrong), &expected) > LIMIT, "{schedule:?} has no power");
        }
    }

    #[test]
    fn posteriors_sum_to_one_and_are_bayes_rule_over_all_states() {
        for schedule in Schedule::ALL {
            let process = process(schedule, 0.6);
            let (states, s, t) = (states(&process), 0.4, 0.7);
            for noisy in states {
                let joint = states.map(|state| {
                    process.marginal(CLEAN, &state, s) * process.transition(&state, &noisy, s, t)
                });
                let evidence: f64 = joint.iter().sum();
                assert!(near(evidence, process.marginal(CLEAN, &noisy, t), 1e-14), "{schedule:?}: the chain");
                let posterior = states.map(|state| process.posterior(CLEAN, &noisy, &state, s, t));
                assert!(near(posterior.iter().sum(), 1.0, 1e-14), "{schedule:?}");
                assert!((0..2).all(|i| near(posterior[i], joint[i] / evidence, 1e-14)), "{schedule:?}");
                let back = |seed| {
                    process.reverse(CLEAN, noisy, s, t, &mut Stream::new(seed, 0, 4, Purpose::Reverse))
                };
                assert!(misfit(&count(&process, back), &posterior) < LIMIT, "{schedule:?}");
            }
            // (α_s − α_t) / (1 − α_t), as for masks.
            let revealed = process.posterior(CLEAN, &states[1], &states[0], s, t);
            assert!(near(revealed, schedule.reveal_probability(s, t), 1e-14), "{schedule:?}");
        }
    }

    #[test]
    fn a_mixture_of_another_prediction_cannot_be_shown() {
        let [sure, unsure] = [0.1, 1.0].map(|nats| process(Schedule::Linear, nats));
        let foreign = SoftState::Softened(unsure.softened);
        assert_eq!(sure.marginal(CLEAN, &foreign, 0.5), 0.0);
        assert_eq!(sure.log_likelihood(CLEAN, &foreign, 0.5), f64::NEG_INFINITY);
        assert!(near(unsure.log_likelihood(CLEAN, &foreign, 0.25), 0.25_f64.ln(), 1e-15));
        let weight = |slot: SoftSlot| slot.softened.parts.iter().map(|part| f64::from(part.1)).sum::<f64>();
        // Half of the scale of 0.5 where the entropy is minus the offset.
        assert!(near(weight(unsure), 0.25, 1e-6) && weight(sure) > weight(unsure));
    }
}
