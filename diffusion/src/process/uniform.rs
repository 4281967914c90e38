//! Uniform corruption: a token survives with probability α(t), otherwise any word takes its place.
//!
//! D3PM-uniform (Austin et al., arXiv 2107.03006), UDLM (Schiff et al., arXiv 2412.10193), the base of DUO
//! (Sahoo et al., arXiv 2506.10892). Every token stays revisable until the end, because a word never shows
//! whether it is noise; a network for it must be told t. Known failures: the formula for a step back wants the
//! leave-one-out prediction, and with the posterior in its place bound and sampler are wrong without a sign of it
//! (arXiv 2605.22765); and in print its bounds are above those of masks (LM1B perplexity, from a summary: UDLM 31.3, MDLM
//! 27.0).

use super::{Masses, TokenProcess, Words};
use crate::schedule::Schedule;
use crate::sequence::TokenId;

/// The uniform process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    /// Signal kept over time.
    pub schedule: Schedule,
    /// The words that noise draws from.
    pub words: Words,
}

impl TokenProcess for Uniform {
    fn masses(&self, t: f64) -> Masses {
        Masses { kept: self.schedule.alpha(t), masked: 0.0, uniform: self.schedule.lost(t) }
    }

    /// Noise never masks; the id that no word has.
    fn mask(&self) -> TokenId {
        TokenId(u32::MAX)
    }

    fn words(&self) -> Words {
        self.words
    }
}
