//! What a decoder leaves behind: steps, and where it stood between them.

use serde::{Deserialize, Serialize};

use crate::denoiser::Prediction;
use crate::sequence::{Sequence, Slot, TokenId};

/// What was predicted for one slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotPrediction {
    /// The slot.
    pub slot: u32,
    /// What the denoiser says about it.
    pub prediction: Prediction,
}

/// A token fixed in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The slot.
    pub slot: u32,
    /// Its token from now on.
    pub token: TokenId,
}

/// One call and what was done with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Number of the call within the run, from 0 on.
    pub call: u32,
    /// Index of the schedule step; larger than `call` where steps that commit nothing were passed over.
    pub step: u32,
    /// Predictions at every slot that was asked about, in reading order.
    pub predictions: Vec<SlotPrediction>,
    /// What was committed, first choice of the order first. A commit to a slot that held another token revises it.
    pub commits: Vec<Commit>,
    /// Tokens that changed and may change again (uniform processes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noisy: Vec<Commit>,
    /// Slots that were opened again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remasks: Vec<u32>,
}

impl Step {
    /// Does to a sequence what the step did: commits, then noisy tokens, then remasks.
    ///
    /// # Errors
    /// The slot that the sequence does not have.
    pub fn replay(&self, sequence: &mut Sequence, mask: TokenId) -> Result<(), u32> {
        let commits = self.commits.iter().map(|c| (c.slot, Slot::committed(c.token)));
        let noisy = self.noisy.iter().map(|c| (c.slot, Slot::noisy(c.token)));
        let remasks = self.remasks.iter().map(|&slot| (slot, Slot::masked(mask)));
        for (slot, now) in commits.chain(noisy).chain(remasks) {
            *sequence.slots.get_mut(slot as usize).ok_or(slot)? = now;
        }
        Ok(())
    }
}

/// Where a run stands between two calls: all that is needed to go on from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The slots.
    pub sequence: Sequence,
    /// Number of the next call.
    pub call: u32,
    /// Index of the next schedule step.
    pub step: u32,
    /// How many slots were masked when the run began.
    pub opened: u32,
}

impl Checkpoint {
    /// The beginning of a run.
    pub fn start(sequence: Sequence) -> Self {
        let opened = sequence.masked_count() as u32;
        Self { sequence, call: 0, step: 0, opened }
    }
}
