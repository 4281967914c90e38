//! Absorbing mask: a token survives with probability α(t), otherwise the mask symbol takes its place for good.
//!
//! Austin et al. (D3PM, arXiv 2107.03006); Sahoo et al. (MDLM, arXiv 2406.07524); Shi et al. (MD4, arXiv 2406.04329).
//! On the way back a visible token stays, and a masked one is revealed with probability
//! [`Schedule::reveal_probability`]. A network for it need not be told t. Known failures: what is revealed is never
//! revised, so a mistake stays; and t merely counts hidden words, each of which takes its information in one jump.

use super::{ForwardProcess, Masses, TokenProcess, Words};
use crate::random::{Purpose, Stream};
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
}

impl TokenProcess for Mask {
    fn masses(&self, t: f64) -> Masses {
        Masses { kept: self.schedule.alpha(t), masked: self.schedule.lost(t), uniform: 0.0 }
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
    use crate::sequence::SlotState;
    use crate::testing::near;

    const MASK: TokenId = TokenId(0);

    fn processes() -> impl Iterator<Item = Mask> {
        Schedule::ALL.into_iter().map(|schedule| Mask { schedule, mask: MASK })
    }

    #[test]
    fn nothing_is_hidden_at_the_beginning_and_all_at_the_end() {
        for process in processes() {
            assert_eq!(process.corrupt(&[TokenId(2); 50], 0.0, 1).masked_count(), 0);
            assert_eq!(process.corrupt(&[TokenId(2); 50], 1.0, 1).masked_count(), 50);
        }
    }

    #[test]
    fn masks_grow_with_time() {
        let text: Vec<TokenId> = (1..65).map(TokenId).collect();
        for process in processes() {
            for i in 0..20 {
                let [early, late] = [i, i + 1].map(|i| process.corrupt(&text, f64::from(i) / 20.0, 7));
                let still_masked = |slot: usize| late.slots[slot].state == SlotState::Masked;
                assert!(early.masked_slots().all(still_masked), "{process:?}");
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

    #[test]
    fn a_masked_token_is_revealed_with_the_closed_form() {
        for process in processes() {
            let (s, t, clean) = (0.4, 0.8, TokenId(2));
            let reveal = process.schedule.reveal_probability(s, t);
            assert!(near(process.posterior(clean, MASK, clean, s, t), reveal, 1e-14));
            assert!(near(process.posterior(clean, MASK, MASK, s, t), 1.0 - reveal, 1e-14));
            assert!(near(process.posterior(clean, clean, clean, s, t), 1.0, 1e-14), "a visible token stays");
        }
    }
}
