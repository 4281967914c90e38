//! Absorbing mask: a token survives with probability α(t), otherwise the mask symbol takes its place for good.
//!
//! Austin et al. (D3PM, arXiv 2107.03006); Sahoo et al. (MDLM, arXiv 2406.07524); Shi et al. (MD4, arXiv 2406.04329).

use super::{ForwardProcess, TokenProcess};
use crate::random::{Purpose, Stream, bernoulli};
use crate::schedule::Schedule;
use crate::sequence::{Sequence, Slot, TokenId};

/// The absorbing-mask process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    /// Signal kept over time.
    pub schedule: Schedule,
    /// The mask symbol.
    pub mask: TokenId,
}

impl Mask {
    /// Corrupts a text at time `t`: survivors are given, the others masked. With one seed the masks grow with
    /// `t`: what is hidden at some time is hidden at every later one.
    pub fn corrupt(&self, text: &[TokenId], t: f64, seed: u32) -> Sequence {
        let slot = |(index, &token): (usize, &TokenId)| {
            let mut stream = Stream::new(seed, 0, index as u32, Purpose::Sample);
            match self.sample(token, t, &mut stream) {
                hidden if hidden == self.mask => Slot::masked(self.mask),
                kept => Slot::given(kept),
            }
        };
        Sequence { slots: text.iter().enumerate().map(slot).collect() }
    }

    /// Probability that a survivor at `s` survives until `t`: α(t) / α(s).
    fn survival(&self, s: f64, t: f64) -> f64 {
        if s >= t { 1.0 } else { self.schedule.alpha(t) / self.schedule.alpha(s) }
    }
}

impl ForwardProcess for Mask {
    type State = TokenId;

    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> TokenId {
        if bernoulli(stream.word(), self.schedule.alpha(t)) { clean } else { self.mask }
    }

    fn step(&self, present: TokenId, s: f64, t: f64, stream: &mut Stream) -> TokenId {
        if bernoulli(stream.word(), self.survival(s, t)) { present } else { self.mask }
    }

    fn signal_left(&self, t: f64) -> f64 {
        self.schedule.alpha(t)
    }
}

impl TokenProcess for Mask {
    fn marginal(&self, clean: TokenId, token: TokenId, t: f64) -> f64 {
        self.transition(clean, token, 0.0, t)
    }

    fn transition(&self, from: TokenId, to: TokenId, s: f64, t: f64) -> f64 {
        let survival = self.survival(s, t);
        match (from == self.mask, to == self.mask) {
            (true, at_mask) => f64::from(u8::from(at_mask)),
            (false, true) => 1.0 - survival,
            (false, false) => survival * f64::from(u8::from(from == to)),
        }
    }

    /// A visible token stays; a masked one is revealed with probability (α(s) − α(t)) / (1 − α(t)).
    fn posterior(&self, clean: TokenId, noisy: TokenId, token: TokenId, s: f64, t: f64) -> f64 {
        if noisy != self.mask {
            return f64::from(u8::from(token == noisy));
        }
        let reveal = self.schedule.reveal_probability(s, t);
        match token {
            token if token == self.mask => 1.0 - reveal,
            token if token == clean => reveal,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::SlotState;
    use crate::testing::{LIMIT, misfit, near};

    const MASK: TokenId = TokenId(0);
    const CLEAN: TokenId = TokenId(2);
    const VOCABULARY: [TokenId; 4] = [MASK, TokenId(1), CLEAN, TokenId(3)];
    const TIMES: [f64; 5] = [0.0, 0.2, 0.5, 0.7, 0.9];

    fn processes() -> impl Iterator<Item = Mask> {
        Schedule::ALL.into_iter().map(|schedule| Mask { schedule, mask: MASK })
    }

    /// Counts of x_t by token after walking the chain through [`TIMES`].
    fn chain_counts(step: impl Fn(TokenId, f64, f64, &mut Stream) -> TokenId) -> [u64; 4] {
        let mut counts = [0; 4];
        for seed in 0..20_000 {
            let mut token = CLEAN;
            for (number, times) in TIMES.windows(2).enumerate() {
                let mut stream = Stream::new(seed, number as u32, 0, Purpose::Chain);
                token = step(token, times[0], times[1], &mut stream);
            }
            counts[token.0 as usize] += 1;
        }
        counts
    }

    fn marginals(process: Mask, t: f64) -> [f64; 4] {
        VOCABULARY.map(|token| process.marginal(CLEAN, token, t))
    }

    #[test]
    fn direct_draws_follow_the_marginal() {
        for process in processes() {
            let mut counts = [0; 4];
            for seed in 0..20_000 {
                let mut stream = Stream::new(seed, 0, 0, Purpose::Sample);
                counts[process.sample(CLEAN, 0.9, &mut stream).0 as usize] += 1;
            }
            assert!(misfit(&counts, &marginals(process, 0.9)) < LIMIT, "{process:?}");
        }
    }

    #[test]
    fn the_chain_ends_where_the_direct_draw_does_and_a_wrong_chain_does_not() {
        for process in processes() {
            let right = chain_counts(|token, s, t, stream| process.step(token, s, t, stream));
            assert!(misfit(&right, &marginals(process, 0.9)) < LIMIT, "{process:?}");
            // The usual mistake: every step corrupts as if it began at clean text.
            let wrong = chain_counts(|token, _, t, stream| process.step(token, 0.0, t, stream));
            assert!(misfit(&wrong, &marginals(process, 0.9)) > LIMIT, "{process:?} has no power");
        }
    }

    #[test]
    fn two_steps_of_the_chain_are_one() {
        for process in processes() {
            for (from, to) in VOCABULARY.into_iter().flat_map(|from| VOCABULARY.map(|to| (from, to))) {
                let through =
                    |via| process.transition(from, via, 0.2, 0.5) * process.transition(via, to, 0.5, 0.7);
                let two: f64 = VOCABULARY.into_iter().map(through).sum();
                assert!(
                    near(two, process.transition(from, to, 0.2, 0.7), 1e-14),
                    "{process:?}: {from:?} {to:?}"
                );
            }
        }
    }

    #[test]
    fn posterior_sums_to_one_and_is_bayes_rule() {
        for process in processes() {
            for noisy in [MASK, CLEAN] {
                let posterior = |token| process.posterior(CLEAN, noisy, token, 0.4, 0.8);
                assert!(near(VOCABULARY.into_iter().map(posterior).sum(), 1.0, 1e-14));
                for token in VOCABULARY {
                    let joint =
                        process.transition(token, noisy, 0.4, 0.8) * process.marginal(CLEAN, token, 0.4);
                    let bayes = joint / process.marginal(CLEAN, noisy, 0.8);
                    assert!(near(posterior(token), bayes, 1e-14), "{process:?}: {noisy:?} from {token:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_hidden_at_the_beginning_and_all_at_the_end() {
        let text = [CLEAN; 50];
        for process in processes() {
            assert_eq!(process.corrupt(&text, 0.0, 1).masked_count(), 0);
            assert_eq!(process.corrupt(&text, 1.0, 1).masked_count(), 50);
            assert!(near(process.signal_left(0.0), 1.0, 1e-15));
        }
    }

    #[test]
    fn masks_grow_with_time() {
        let text: Vec<TokenId> = (1..65).map(TokenId).collect();
        for process in processes() {
            for i in 0..20 {
                let [early, late] = [i, i + 1].map(|i| process.corrupt(&text, f64::from(i) / 20.0, 7));
                let late_slots = |slot: &usize| late.slots[*slot].state == SlotState::Masked;
                assert!(early.masked_slots().all(|slot| late_slots(&slot)), "{process:?}");
            }
        }
    }

    #[test]
    fn survivors_are_given() {
        let text: Vec<TokenId> = (1..65).map(TokenId).collect();
        let sequence = Mask { schedule: Schedule::Linear, mask: MASK }.corrupt(&text, 0.5, 3);
        assert!((20..45).contains(&sequence.masked_count()), "about half of 64");
        for (slot, &token) in sequence.slots.iter().zip(&text) {
            assert!(*slot == Slot::given(token) || *slot == Slot::masked(MASK));
        }
    }
}
