//! Hybrids: autoregressive and diffusion models that write together.
//!
//! Both are [`Denoiser`](crate::Denoiser)s; the row of an autoregressive one at slot i sees only what lies left of i.
//!
//! | hybrid | what comes out | cost |
//! |---|---|---|
//! | [`speculative`] | exactly what the target alone would write from left to right | one target call per window, and drafts |
//! | [`adaptive`] | the diffusion model's draft, cut off where the autoregressive model disagrees (lossy) | one call of each per stretch |
//! | [`rerank`] | the best of n under the autoregressive model | n runs, one batched target call |
//! | [`edlm`] | joint draws instead of products, the better the more candidates | within the window k sequences of each model per step |

pub mod adaptive;
pub mod description;
pub mod edlm;
pub mod rerank;
pub mod speculative;

pub use description::Hybrid;

use crate::decode::{DecodeError, RunError, SettingsError};
use crate::denoiser::{FullDenoiser, Query, Row};
use crate::sequence::{Sequence, SlotState, SpecialTokens};

/// Why a hybrid stopped.
#[derive(Debug, thiserror::Error)]
pub enum HybridError<D: std::error::Error + 'static, A: std::error::Error + 'static> {
    /// The diffusion model failed.
    #[error("denoiser")]
    Denoiser(#[source] D),
    /// The autoregressive model failed.
    #[error("autoregressive model")]
    Autoregressive(#[source] A),
    /// Predictions that do not fit.
    #[error("decoder")]
    Decode(#[from] DecodeError),
    /// Runs that do not fit together.
    #[error("runs")]
    Run(#[source] RunError<D>),
    /// A setting out of range.
    #[error("settings")]
    Settings(#[from] SettingsError),
    /// No candidate is left.
    #[error("candidates: found none with at least {least_entropy_bits} bits of entropy, expected one")]
    NoCandidate {
        /// The floor.
        least_entropy_bits: f64,
    },
    /// Models of two languages.
    #[error("vocabularies: found {denoiser} and {autoregressive} tokens, expected the same")]
    Vocabulary {
        /// Tokens of the diffusion model.
        denoiser: usize,
        /// Tokens of the autoregressive one.
        autoregressive: usize,
    },
    /// A distribution with no possible token.
    #[error("distribution of slot {slot}: found no possible token, expected one")]
    NoToken {
        /// The slot.
        slot: u32,
    },
}

/// Whether two models share their tokens.
fn same_vocabulary<D: FullDenoiser, A: FullDenoiser>(
    denoiser: &D,
    autoregressive: &A,
) -> Result<(), HybridError<D::Error, A::Error>> {
    let (denoiser, autoregressive) = (denoiser.vocabulary(), autoregressive.vocabulary());
    if denoiser == autoregressive {
        Ok(())
    } else {
        Err(HybridError::Vocabulary { denoiser, autoregressive })
    }
}

/// Asks about some slots of one sequence for whole distributions; other masked slots stay masked.
fn question(sequence: &Sequence, slots: &[u32], seed: u32, special: SpecialTokens) -> Query {
    let masked = sequence.slots.iter().filter(|slot| slot.state == SlotState::Masked).count();
    let row = |&slot: &u32| Row {
        sequence: 0,
        slot,
        seed,
        call: 0,
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        first_token: special.first_token(false),
        target: special.mask,
    };
    Query {
        length: sequence.len(),
        tokens: sequence.tokens().collect(),
        times: vec![masked as f64 / sequence.len() as f64],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: slots.iter().map(row).collect(),
    }
}
