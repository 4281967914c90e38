//! Changes by hand between two calls, which make a run branch off.

use serde::{Deserialize, Serialize};

use super::DecodeSettings;
use crate::sequence::{Sequence, Slot, SpecialTokens, TokenId};

/// A word put into a slot by hand, or a slot opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edit {
    /// The slot.
    pub slot: u32,
    /// Its word from now on, which is given: no decoder touches it. None, or the mask, hides the slot.
    pub token: Option<TokenId>,
}

impl Edit {
    fn makes(self, special: SpecialTokens) -> Slot {
        self.token.filter(|token| *token != special.mask).map_or(Slot::masked(special.mask), Slot::given)
    }
}

/// An edit of a slot that the sequence does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("edit: found slot {slot}, expected a slot below {length}")]
pub struct EditError {
    /// The slot it names.
    pub slot: u32,
    /// Number of slots.
    pub length: usize,
}

/// Does all of them in order; what is hidden shows the noise of the process, as at the start of a run. After an error
/// nothing has changed.
pub(super) fn edit(
    sequence: &mut Sequence,
    edits: &[Edit],
    settings: &DecodeSettings,
    special: SpecialTokens,
    call: u32,
) -> Result<(), EditError> {
    let length = sequence.len();
    if let Some(outside) = edits.iter().find(|edit| edit.slot as usize >= length) {
        return Err(EditError { slot: outside.slot, length });
    }
    for edit in edits {
        sequence.slots[edit.slot as usize] = edit.makes(special);
    }
    settings.noise.fill(sequence, special, settings.seed, call);
    Ok(())
}
