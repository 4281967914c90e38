//! Block-wise masks: inside one block the mask process, before it clean text, after it nothing but masks.
//!
//! Block diffusion (BD3-LM, Arriola et al., arXiv 2503.09573). Knobs: the block's width (4 to 16 in the source, at
//! least 1), which block is current, and the mask's schedule. D2 holds. Known failure: it is smooth (D1) only within
//! a block; over a whole text, information is lost block by block, and time 0 is clean only up to the current block.

use super::{Mask, Masses, TokenProcess, Words};
use crate::sequence::TokenId;

/// The block-wise process; [`slot`](Self::slot) gives that of one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// What happens inside the current block.
    pub mask: Mask,
    /// Slots per block, at least 1.
    pub width: u32,
    /// Index of the block that is being corrupted.
    pub current: u32,
}

/// The block-wise process at one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockSlot {
    mask: Mask,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    After,
}

impl Block {
    /// What happens to the slot with this index.
    pub fn slot(&self, index: u32) -> BlockSlot {
        assert!(self.width > 0, "a block must be at least one slot wide");
        let place = match (index / self.width).cmp(&self.current) {
            std::cmp::Ordering::Less => Place::Before,
            std::cmp::Ordering::Equal => Place::Inside,
            std::cmp::Ordering::Greater => Place::After,
        };
        BlockSlot { mask: self.mask, place }
    }
}

impl TokenProcess for BlockSlot {
    fn masses(&self, t: f64) -> Masses {
        match self.place {
            Place::Before => Masses { kept: 1.0, masked: 0.0, uniform: 0.0 },
            Place::Inside => self.mask.masses(t),
            Place::After => Masses { kept: 0.0, masked: 1.0, uniform: 0.0 },
        }
    }

    fn masses_between(&self, token: TokenId, s: f64, t: f64) -> Masses {
        match self.place {
            Place::Inside => self.mask.masses_between(token, s, t),
            Place::Before | Place::After => self.masses(t),
        }
    }

    fn mask(&self) -> TokenId {
        self.mask.mask
    }

    /// Noise never draws a word.
    fn words(&self) -> Words {
        self.mask.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ForwardProcess;
    use crate::random::{Purpose, Stream};
    use crate::schedule::Schedule;

    const MASK: TokenId = TokenId(0);

    fn block() -> Block {
        Block { mask: Mask { schedule: Schedule::Linear, mask: MASK }, width: 4, current: 1 }
    }

    #[test]
    fn before_is_clean_and_after_is_hidden_at_every_time() {
        for t in [0.0, 0.5, 1.0] {
            for (index, clean) in (0..12).map(|index| (index, TokenId(2))) {
                let mut stream = Stream::new(1, 0, index, Purpose::Sample);
                let token = block().slot(index).sample(clean, t, &mut stream);
                match index {
                    0..4 => assert_eq!(token, clean),
                    4..8 => assert!(token == clean || token == MASK),
                    _ => assert_eq!(token, MASK),
                }
            }
        }
    }

    #[test]
    fn posteriors_outside_the_block_are_certain() {
        let clean = TokenId(2);
        assert_eq!(block().slot(0).posterior(clean, clean, clean, 0.2, 0.6), 1.0);
        assert_eq!(block().slot(9).posterior(clean, MASK, MASK, 0.2, 0.6), 1.0);
        assert_eq!(block().slot(9).posterior(clean, MASK, clean, 0.2, 0.6), 0.0);
    }
}
