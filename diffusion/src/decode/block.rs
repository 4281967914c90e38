//! Blocks and spans: which masked slots a call may commit at all.
//!
//! Sources, defaults, costs and failures stand at [`DecodeSettings::block_length`] and [`DecodeSettings::sequential`].

use serde::{Deserialize, Serialize};

use super::DecodeSettings;
use crate::sequence::{Sequence, SlotState};

/// Slots from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First slot.
    pub start: u32,
    /// The slot after the last.
    pub end: u32,
}

impl Span {
    /// Whether the slot lies in it.
    pub fn contains(self, slot: u32) -> bool {
        (self.start..self.end).contains(&slot)
    }

    /// Number of slots.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it holds no slot.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The span that is being written: all from the first slot that is not given on, or the first block that is not finished. Blocks are
/// cut from there too (LLaDA's semi-autoregressive decoding, arXiv 2502.09992).
pub(super) fn current(settings: &DecodeSettings, sequence: &Sequence) -> Span {
    let (whole, block) = (sequence.len() as u32, settings.block_length);
    let origin = sequence.open_slots().next().unwrap_or(0) as u32;
    let unfinished =
        |slot: &usize| matches!(sequence.slots[*slot].state, SlotState::Masked | SlotState::Noisy);
    match sequence.open_slots().find(unfinished) {
        Some(slot) if block > 0 => {
            let start = origin + (slot as u32 - origin) / block * block;
            Span { start, end: whole.min(start.saturating_add(block)) }
        }
        _ => Span { start: origin, end: whole },
    }
}

/// Whether a masked slot has to wait for another of its sequential span. Of overlapping spans the first counts.
pub(super) fn waits(settings: &DecodeSettings, sequence: &Sequence, slot: u32) -> bool {
    let masked = |other: u32| sequence.slots[other as usize].state == SlotState::Masked;
    let span = settings.sequential.iter().find(|span| span.contains(slot));
    span.is_some_and(|span| (span.start..slot).any(masked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::{Slot, TokenId};

    const MASK: TokenId = TokenId(0);

    fn prompted() -> Sequence {
        Sequence::prompted(&[TokenId(7); 3], 12, MASK).unwrap()
    }

    #[test]
    fn blocks_begin_after_the_prompt_and_go_on_when_one_is_written() {
        let settings = DecodeSettings { block_length: 4, ..DecodeSettings::default() };
        let mut sequence = prompted();
        assert_eq!(current(&settings, &sequence), Span { start: 3, end: 7 });
        for slot in 3..7 {
            sequence.slots[slot] = Slot::committed(TokenId(9));
        }
        assert_eq!(current(&settings, &sequence), Span { start: 7, end: 11 });
        for slot in 7..11 {
            sequence.slots[slot] = Slot::committed(TokenId(9));
        }
        assert_eq!(current(&settings, &sequence), Span { start: 11, end: 12 }, "the last may be shorter");
    }

    #[test]
    fn without_blocks_all_behind_the_prompt_is_one() {
        assert_eq!(current(&DecodeSettings::default(), &prompted()), Span { start: 3, end: 12 });
    }

    #[test]
    fn only_the_first_masked_slot_of_a_sequential_span_may_go() {
        let sequential = vec![Span { start: 5, end: 9 }];
        let settings = DecodeSettings { sequential, ..DecodeSettings::default() };
        let sequence = prompted();
        let free: Vec<u32> = (3..12).filter(|&slot| !waits(&settings, &sequence, slot)).collect();
        assert_eq!(free, [3, 4, 5, 9, 10, 11]);
    }
}
