//! Forward processes: how clean text turns into noise, one file each.
//!
//! | process | clean token at time t becomes | revisable on the way back | closed form (D2) | posterior given x_0 |
//! |---|---|---|---|---|
//! | [`Mask`] | itself or the mask symbol | no | yes | exact |
//! | [`Uniform`] | itself or any word | yes | yes | exact |
//! | [`MaskUniform`] | itself, the mask symbol or any word | yes | yes | exact |
//! | [`Gaussian`] | its embedding, scaled, and normal noise | yes | yes | exact, normal |
//! | [`Spindle`] | itself or the mask symbol, by the slot's salience | no | given the saliences | exact, but samplers know only the mean schedule |
//! | [`FrequencyMask`] | itself or the mask symbol, by its frequency | no | yes | as above |
//! | [`GenMd4`] | itself or the mask symbol, by a schedule per token | no | yes | exact, with a proper bound |
//! | [`Candi`] | itself or its one-hot vector and normal noise | noisy slots only | yes | exact in both parts |
//! | [`Block`] | before the block itself, after it the mask, inside either | no | yes | exact |
//! | [`SoftMask`] | itself or a mixture of the model's last guesses | no | no: asks the model | exact, given the model's answer |
//!
//! Each follows any [`Schedule`](crate::schedule::Schedule): as a field, or, where masses are written in a linear time (mask and
//! uniform, spindle, frequency, GenMD4), by [`Clocked`].
//!
//! What a slot's place or a model's answer decides (salience, block, soft mask) is part of the process's value: a small one is made for each slot,
//! and the others need not know. [`ProcessDescription`] names each with its knobs as JSON.

pub mod block;
pub mod candi;
pub mod clocked;
pub mod description;
pub mod gaussian;
pub mod gen_md4;
pub mod likelihood;
pub mod mask;
pub mod mask_uniform;
pub mod masking;
pub mod normal;
pub mod rates;
pub mod salience;
pub mod soft_mask;
pub mod token;
pub mod uniform;

pub use block::{Block, BlockSlot};
pub use candi::{Candi, CandiState};
pub use clocked::Clocked;
pub use description::{DescriptionError, ProcessDescription, Setting, SlotProcess, TextProcess};
pub use gaussian::{Gaussian, Normal};
pub use gen_md4::GenMd4;
pub use likelihood::Likelihood;
pub use mask::Mask;
pub use mask_uniform::MaskUniform;
pub use masking::Masking;
pub use rates::{NoiseRates, Rates, RevealRates};
pub use salience::{FrequencyMask, SalienceError, Spindle, deviations_of_surprisal};
pub use soft_mask::{SoftMask, SoftSlot, SoftState};
pub use token::{Masses, TokenProcess, Words};
pub use uniform::Uniform;

use crate::random::Stream;
use crate::sequence::TokenId;

/// A corruption that acts on every slot alone, as a Markov process in t from 0 (clean) to 1 (noise).
pub trait ForwardProcess {
    /// What one slot holds: a token for discrete processes, a vector for Gaussian ones.
    type State;

    /// Draws x_t straight from the clean token: no chain, no network (property D2).
    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> Self::State;

    /// One step of the chain, from x_s to x_t with s ≤ t.
    fn step(&self, present: Self::State, s: f64, t: f64, stream: &mut Stream) -> Self::State;

    /// One step back: draws x_s from q(x_s | x_t, x_0), s < t. With a `clean` token drawn from the denoiser's
    /// posterior p(x_0 | x_t), this is ancestral sampling.
    fn reverse(&self, clean: TokenId, noisy: Self::State, s: f64, t: f64, stream: &mut Stream)
    -> Self::State;

    /// Share of the signal that is left at `t`, from 1 to 0.
    fn signal_left(&self, t: f64) -> f64;
}
