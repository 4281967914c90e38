//! Sequences of slots: the state that a diffusion run works on.

use serde::{Deserialize, Serialize};

/// Index of a token in the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub u32);

/// What a slot is, apart from its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// Hidden: the denoiser sees the mask symbol here.
    Masked,
    /// Part of the prompt; a decoder never touches it.
    Given,
    /// Written by the decoder.
    Committed,
}

/// One position of a sequence and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The token that the denoiser sees (the mask symbol when masked).
    pub token: TokenId,
    /// Masked, given or committed.
    pub state: SlotState,
}

/// A row of slots, position 0 first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The slots in reading order.
    pub slots: Vec<Slot>,
}
