//! Sequences of slots: the state that a diffusion run works on.

use serde::{Deserialize, Serialize};

/// Index of a token in the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub u32);

/// The tokens that are no words. Their ids come before all ordinary words, end of text last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialTokens {
    /// The mask symbol; never predicted.
    pub mask: TokenId,
    /// Stands for words outside the vocabulary; never predicted.
    pub unknown: TokenId,
    /// Ends a text and fills the rest of the window.
    pub end_of_text: TokenId,
}

impl Default for SpecialTokens {
    /// The ids of the shipped models: mask 0, unknown 1, end of text 2.
    fn default() -> Self {
        Self { mask: TokenId(0), unknown: TokenId(1), end_of_text: TokenId(2) }
    }
}

impl SpecialTokens {
    /// The smallest id that may be predicted.
    pub fn first_token(&self, suppress_end_of_text: bool) -> u32 {
        if suppress_end_of_text { self.end_of_text.0 + 1 } else { self.mask.0.max(self.unknown.0) + 1 }
    }
}

/// What a slot is, apart from its token. All but given slots are open: a decoder may write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// Hidden: the denoiser sees the mask symbol here.
    Masked,
    /// Part of the prompt; a decoder never touches it.
    Given,
    /// Holds a token that may be noise and may still change: states of the uniform processes.
    Noisy,
    /// Written by the decoder.
    Committed,
}

/// One position of a sequence and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The token that the denoiser sees (the mask symbol when masked).
    pub token: TokenId,
    /// Masked, given, noisy or committed.
    pub state: SlotState,
}

impl Slot {
    /// A slot of the prompt.
    pub fn given(token: TokenId) -> Self {
        Self { token, state: SlotState::Given }
    }

    /// A hidden slot.
    pub fn masked(mask: TokenId) -> Self {
        Self { token: mask, state: SlotState::Masked }
    }

    /// A slot whose token may be noise.
    pub fn noisy(token: TokenId) -> Self {
        Self { token, state: SlotState::Noisy }
    }

    /// A slot written by a decoder.
    pub fn committed(token: TokenId) -> Self {
        Self { token, state: SlotState::Committed }
    }
}

/// A row of slots, position 0 first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The slots in reading order.
    pub slots: Vec<Slot>,
}

impl Sequence {
    /// Pure noise: every slot masked.
    pub fn masked(length: usize, mask: TokenId) -> Self {
        Self { slots: vec![Slot::masked(mask); length] }
    }

    /// Given tokens anywhere, masks where there is `None` or the mask (a prompt, an ending, infilling).
    pub fn infill(template: &[Option<TokenId>], mask: TokenId) -> Self {
        let slot = |token: &Option<TokenId>| {
            token.filter(|token| *token != mask).map_or(Slot::masked(mask), Slot::given)
        };
        Self { slots: template.iter().map(slot).collect() }
    }

    /// A prompt at the beginning of a window of `length` slots; `None` if it does not fit.
    pub fn prompted(prompt: &[TokenId], length: usize, mask: TokenId) -> Option<Self> {
        let rest = length.checked_sub(prompt.len())?;
        let masks = std::iter::repeat_n(Slot::masked(mask), rest);
        Some(Self { slots: prompt.iter().map(|&token| Slot::given(token)).chain(masks).collect() })
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The tokens as a denoiser sees them.
    pub fn tokens(&self) -> impl Iterator<Item = TokenId> + '_ {
        self.slots.iter().map(|slot| slot.token)
    }

    /// Indices of the masked slots, in reading order.
    pub fn masked_slots(&self) -> impl Iterator<Item = usize> + '_ {
        let masked = |slot: &Slot| slot.state == SlotState::Masked;
        self.slots.iter().enumerate().filter(move |(_, slot)| masked(slot)).map(|(index, _)| index)
    }

    /// Indices of the slots that are not given, in reading order.
    pub fn open_slots(&self) -> impl Iterator<Item = usize> + '_ {
        let open = |slot: &Slot| slot.state != SlotState::Given;
        self.slots.iter().enumerate().filter(move |(_, slot)| open(slot)).map(|(index, _)| index)
    }

    /// Number of masked slots.
    pub fn masked_count(&self) -> usize {
        self.masked_slots().count()
    }

    /// Number of slots before the first end of text; all of them if there is none.
    pub fn text_length(&self, end_of_text: TokenId) -> usize {
        self.tokens().position(|token| token == end_of_text).unwrap_or(self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: TokenId = TokenId(0);

    #[test]
    fn a_template_gives_slots_anywhere() {
        let sequence = Sequence::infill(&[None, Some(TokenId(7)), None], MASK);
        assert_eq!(sequence.masked_slots().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(sequence.slots[1], Slot::given(TokenId(7)));
        assert_eq!(sequence.tokens().collect::<Vec<_>>(), [MASK, TokenId(7), MASK]);
    }

    #[test]
    fn a_prompt_longer_than_the_window_is_refused() {
        let prompt = [TokenId(5); 3];
        assert_eq!(Sequence::prompted(&prompt, 2, MASK), None);
        assert_eq!(Sequence::prompted(&prompt, 3, MASK).unwrap().masked_count(), 0);
        assert_eq!(Sequence::prompted(&prompt, 5, MASK).unwrap().masked_slots().collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn text_ends_at_the_first_end_of_text() {
        let ids = [5, 2, 2].map(|id| Slot::committed(TokenId(id)));
        assert_eq!(Sequence { slots: ids.to_vec() }.text_length(TokenId(2)), 1);
        assert_eq!(Sequence { slots: ids[..1].to_vec() }.text_length(TokenId(2)), 1);
    }

    #[test]
    fn only_mask_and_unknown_and_a_suppressed_end_are_never_predicted() {
        assert_eq!(SpecialTokens::default().first_token(false), 2);
        assert_eq!(SpecialTokens::default().first_token(true), 3);
    }
}
