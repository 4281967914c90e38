//! Mask and uniform noise together (GIDD, von Rütte et al., arXiv 2503.04482): most lost tokens become the mask
//! symbol, some become random words, so that a network learns to doubt what it sees.
//!
//! With c(t) = B √(t(1 − t)), B = 2 p_u / (1 − p_u), C = 1 + c: kept (1 − t) / C, masked t / C, uniform c / C.
//! p_u is the uniform share of all mass at t = 1/2; at both ends there is none. Another clock than this one: [`Clocked`](super::Clocked). Known failures: the likelihood pays for
//! it (OpenWebText perplexity, from a summary: 24.4 at p_u = 0, 28.2 at .2); and as for uniform noise, a step back takes
//! the posterior for the leave-one-out prediction without a sign of it (on the two sentences a bound of 1.15 bits
//! instead of 1.00 at p_u = .1).

use super::{Masses, TokenProcess, Words};
use crate::sequence::TokenId;

/// The mask-and-uniform process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskUniform {
    /// The mask symbol.
    pub mask: TokenId,
    /// The words that noise draws from.
    pub words: Words,
    /// Share p_u of uniform noise at t = 1/2, in [0, 1); 0 is the mask process with the linear schedule.
    pub uniform_share: f64,
}

impl MaskUniform {
    /// c(t): uniform mass before all masses are scaled to sum one.
    pub(super) fn uniform_mass(&self, t: f64) -> f64 {
        2.0 * self.uniform_share / (1.0 - self.uniform_share) * (t * (1.0 - t)).sqrt()
    }
}

impl TokenProcess for MaskUniform {
    fn masses(&self, t: f64) -> Masses {
        let uniform = self.uniform_mass(t);
        let total = 1.0 + uniform;
        Masses { kept: (1.0 - t) / total, masked: t / total, uniform: uniform / total }
    }

    fn mask(&self) -> TokenId {
        self.mask
    }

    fn words(&self) -> Words {
        self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::near;

    #[test]
    fn the_uniform_share_is_that_of_the_middle() {
        for uniform_share in [0.0, 0.1, 0.2] {
            let words = Words { first: 1, count: 3 };
            let process = MaskUniform { mask: TokenId(0), words, uniform_share };
            assert!(near(process.masses(0.5).uniform, uniform_share, 1e-15));
            assert_eq!(process.masses(0.0), Masses { kept: 1.0, masked: 0.0, uniform: 0.0 });
            assert_eq!(process.masses(1.0), Masses { kept: 0.0, masked: 1.0, uniform: 0.0 });
        }
    }
}
