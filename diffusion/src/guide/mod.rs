//! Guides: denoisers made of other denoisers. Every decoder takes them as it takes a network.
//!
//! | guide | what it changes | cost per call |
//! |---|---|---|
//! | [`Causal`] | a row sees only what lies left of it, as an autoregressive model does | one sequence per row |
//! | [`Guided`] | classifier-free guidance towards the given slots | two sequences per sequence |
//! | [`LeaveOneOut`] | a leave-one-out prediction becomes the posterior | none |
//! | [`Constrained`] | only allowed tokens, renormalised: listed words, a regular expression, what a checker accepts | none |
//!
//! [`Guides`] describes guidance and rules as JSON.
//!
//! All but the first need whole distributions ([`FullDenoiser`](crate::FullDenoiser)).

pub mod causal;
pub mod checked;
pub mod constrained;
pub mod description;
pub mod guided;
pub mod leave_one_out;
pub mod pattern;

pub use causal::Causal;
pub use checked::{Checked, Checker};
pub use constrained::{AllowedWords, Constrained, Constraint, Room};
pub use description::{Guides, Rule, RuleError};
pub use guided::Guided;
pub use leave_one_out::LeaveOneOut;
pub use pattern::{Pattern, Spelling};

use crate::denoiser::{Prediction, Query};
use crate::draw::{self, DrawError};

/// Why a guided call failed.
#[derive(Debug, thiserror::Error)]
pub enum GuideError<E: std::error::Error + 'static> {
    /// The denoiser within failed.
    #[error("denoiser")]
    Denoiser(#[source] E),
    /// Nothing is left to draw, or no number.
    #[error("slot {slot} of sequence {sequence}")]
    Draw {
        /// The sequence.
        sequence: u32,
        /// The slot.
        slot: u32,
        /// What is wrong.
        source: DrawError,
    },
}

/// Summaries of whole distributions. `// (rows, vocabulary)`
fn summaries<E: std::error::Error>(
    query: &Query,
    logs: &[f32],
    vocabulary: usize,
) -> Result<Vec<Prediction>, GuideError<E>> {
    draw::summaries(query, logs, vocabulary, |row, source| GuideError::Draw {
        sequence: row.sequence,
        slot: row.slot,
        source,
    })
}

/// Makes log-probabilities of what is proportional to probabilities.
fn normalise(logits: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if largest > f32::NEG_INFINITY {
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
        let log_sum = largest + sum.ln() as f32;
        logits.iter_mut().for_each(|logit| *logit -= log_sum);
    }
}
