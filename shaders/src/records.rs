//! The records that cross the engine's rim or pass between kernels, word for word as in the WGSL.

use bytemuck::{Pod, Zeroable};

use crate::kernel::Element::{self, F32, U32};

/// Candidates that a [`Partial`] and a [`Summary`] list.
pub const TOP: usize = 5;

/// Stands for minus infinity inside kernels, where infinities are not safe to compute with.
pub const LOWEST: f32 = -1.0e30;

/// One position whose distribution is wanted, and how to draw from it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Row {
    /// sequence * length + slot; the slot keys the draw.
    pub position: u32,
    /// Seed of the draw.
    pub seed: u32,
    /// Number of this call within its run.
    pub call: u32,
    /// The token whose log-probability is wanted too.
    pub target: u32,
    /// Temperature of the draw; 0 takes the most probable token.
    pub temperature: f32,
    /// A token stays in the draw if fewer than so many are strictly more probable; 0 = no limit.
    pub top_k: u32,
    /// A token stays in the draw if the tempered mass of the strictly more probable is below this; 1 = no limit.
    pub top_p: f32,
    /// Tokens with a smaller id have probability zero.
    pub first_token: u32,
}

impl Row {
    /// Word types.
    pub const RECORD: &'static [Element] = &[U32, U32, U32, U32, F32, U32, F32, U32];

    /// Whether a threshold must be computed for this row.
    pub fn is_truncated(&self) -> bool {
        self.temperature > 0.0 && (self.top_k > 0 || self.top_p < 1.0)
    }
}

/// What one stripe of the vocabulary says about one row: the head's output, the merge's input.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Partial {
    /// Sum of exp(logit - m), where m = `top_logits[0]` is the largest logit.
    pub sum: f32,
    /// Sum of (logit - m) exp(logit - m).
    pub weighted: f32,
    /// Smallest race key (see `shared/race.wgsl`); -[`LOWEST`] if nothing took part.
    pub key: f32,
    /// The token with that key.
    pub drawn: u32,
    /// Its logit.
    pub drawn_logit: f32,
    /// Logit of the row's target, [`LOWEST`] if it is not in this stripe or cannot be predicted.
    pub target_logit: f32,
    /// Most probable tokens, best first, ties by smaller id; 0 where the stripe has fewer.
    pub top_tokens: [u32; TOP],
    /// Their logits; [`LOWEST`] where the stripe has fewer.
    pub top_logits: [f32; TOP],
}

impl Partial {
    /// Word types.
    pub const RECORD: &'static [Element] =
        &[F32, F32, F32, U32, F32, F32, U32, U32, U32, U32, U32, F32, F32, F32, F32, F32];
}

/// All that the decoder learns about one row.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Summary {
    /// The token drawn.
    pub drawn: u32,
    /// Its log-probability in nats, at temperature 1 like all that follow.
    pub drawn_log_probability: f32,
    /// Entropy in nats.
    pub entropy_nats: f32,
    /// Logarithm of the sum of exponentiated logits, in nats.
    pub log_sum_exp: f32,
    /// Log-probability of the row's target; minus infinity if it cannot be predicted.
    pub target_log_probability: f32,
    /// Most probable tokens, best first, ties by smaller id.
    pub top_tokens: [u32; TOP],
    /// Their log-probabilities; minus infinity where the vocabulary has fewer tokens.
    pub top_log_probabilities: [f32; TOP],
    /// Always 0.
    pub zero: u32,
}

impl Summary {
    /// Word types.
    pub const RECORD: &'static [Element] =
        &[U32, F32, F32, F32, F32, U32, U32, U32, U32, U32, F32, F32, F32, F32, F32, U32];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_as_many_words_as_their_structs() {
        assert_eq!(size_of::<Row>(), 4 * Row::RECORD.len());
        assert_eq!(size_of::<Partial>(), 4 * Partial::RECORD.len());
        assert_eq!(size_of::<Summary>(), 4 * Summary::RECORD.len());
    }

    #[test]
    fn candidates_are_as_many_as_the_decoder_expects() {
        assert_eq!(TOP, diffusion::TOP_CANDIDATES);
    }
}
