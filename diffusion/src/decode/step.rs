//! What a decoder leaves behind: steps, and where it stood between them.

use serde::{Deserialize, Serialize};

use super::correction::Correcting;
use super::edit::edit;
use super::memory::{self, SlotMemory};
use super::{DecodeSettings, Edit, EditError, block};
use crate::denoiser::{Mixture, Prediction};
use crate::sequence::{Sequence, Slot, SlotState, SpecialTokens, TokenId};

/// What was predicted for one slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotPrediction {
    /// The slot.
    pub slot: u32,
    /// What the denoiser says about it.
    pub prediction: Prediction,
}

impl SlotPrediction {
    /// Whether a commit is of the token that was drawn here.
    pub(crate) fn is_drawn(&self, commit: &Commit) -> bool {
        self.drawn() == *commit
    }

    /// The drawn token as a commit.
    pub(super) fn drawn(&self) -> Commit {
        Commit { slot: self.slot, token: self.prediction.drawn.token }
    }
}

/// What was predicted for a slot, if it was asked about. `seen` is in reading order.
pub(super) fn prediction_of(seen: &[SlotPrediction], slot: u32) -> Option<&SlotPrediction> {
    seen.binary_search_by_key(&slot, |p| p.slot).ok().map(|index| &seen[index])
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
    /// What was changed by hand before the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
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
    /// Does to a sequence what the call did: commits, then noisy tokens, then remasks. Edits come before it.
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

/// What a network was shown of a sequence at a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The tokens. `// (slots)`
    pub tokens: Vec<TokenId>,
    /// The time that it was told, in [0, 1].
    pub time: f64,
    /// Mixtures that masked slots showed (soft feedback), as of sequence 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixtures: Vec<Mixture>,
}

/// Where a run stands between two calls: all that is needed to go on from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The slots.
    pub sequence: Sequence,
    /// Number of the next call.
    pub call: u32,
    /// Index of the next schedule step, within its block.
    pub step: u32,
    /// How many slots were masked when the run began.
    pub opened: u32,
    /// What the rules remember of earlier calls; empty before the first. `// (slots)`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<SlotMemory>,
    /// What was shown at the call before, where a rule compares the next with it
    /// ([`Parallelism::Stable`](super::Parallelism::Stable)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Shown>,
    /// How far the correction has come, once the text is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correcting: Option<Correcting>,
    /// What was changed by hand since the last call; already done to the sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl Checkpoint {
    /// The beginning of a run.
    pub fn start(sequence: Sequence) -> Self {
        let opened = sequence.masked_count() as u32;
        let (memory, edits) = (Vec::new(), Vec::new());
        Self { sequence, call: 0, step: 0, opened, memory, before: None, correcting: None, edits }
    }

    /// Share of the slots opened at the start that is still masked.
    pub(super) fn masked_share(&self) -> f64 {
        (self.sequence.masked_count() as f64 / f64::from(self.opened.max(1))).min(1.0)
    }

    /// Mixtures that masked slots show at the next call, for sequence `sequence` of a batch.
    pub(super) fn mixtures(
        &self,
        settings: &DecodeSettings,
        sequence: u32,
    ) -> impl Iterator<Item = Mixture> + '_ {
        let soft_feedback = settings.soft_feedback;
        let mixture =
            move |slot: usize| soft_feedback?.mixture(sequence, slot as u32, self.memory.get(slot)?);
        self.sequence.masked_slots().filter_map(mixture)
    }

    /// What the next call shows, where the one after it is compared with it. Such rules have no schedule, so that the time is the
    /// share of masks.
    fn compared(&self, settings: &DecodeSettings) -> Option<Shown> {
        let compares = settings.parallelism.compares_calls() && self.correcting.is_none();
        compares.then(|| Shown {
            tokens: self.sequence.tokens().collect(),
            time: self.masked_share(),
            mixtures: self.mixtures(settings, 0).collect(),
        })
    }

    /// The slots that this run writes: those that are masked, and those that it has committed. Words that were there before, given or
    /// not, are no one's to count, as in LLaDA's code, whose quotas share out the masks that a block begins with.
    pub(super) fn own_slots(&self) -> impl Iterator<Item = usize> + '_ {
        let is_committed = |slot: usize| self.memory.get(slot).is_some_and(|memory| memory.committed > 0.0);
        let is_own = move |slot: &usize| match self.sequence.slots[*slot].state {
            SlotState::Masked => true,
            SlotState::Committed => is_committed(*slot),
            SlotState::Given | SlotState::Noisy => false,
        };
        (0..self.sequence.len()).filter(is_own)
    }

    /// Whether nothing is left to write.
    pub(super) fn is_written(&self, settings: &DecodeSettings) -> bool {
        let settled = |slot: &Slot| matches!(slot.state, SlotState::Given | SlotState::Committed);
        let in_time = settings.clocked_steps().is_none_or(|steps| self.step >= steps);
        self.sequence.slots.iter().all(settled) && (in_time || self.sequence.open_slots().next().is_none())
    }

    /// Once all is written, its correction begins; anew where something was opened again by hand after one. None goes on of which the
    /// settings say nothing, and none begins where no slot may change.
    pub(super) fn begin_correction(&mut self, settings: &DecodeSettings) {
        let rests = self.correcting.is_some_and(|standing| standing.is_over || standing.calls == 0);
        let reopened = rests && self.has_unsettled();
        if reopened || settings.correction.is_none() {
            self.correcting = None;
        }
        let may_begin = self.is_written(settings) && self.sequence.open_slots().next().is_some();
        if self.correcting.is_none() && may_begin {
            self.correcting = settings.correction.map(|_| Correcting::begin());
        }
    }

    fn has_unsettled(&self) -> bool {
        self.sequence.open_slots().any(|slot| self.sequence.slots[slot].state != SlotState::Committed)
    }

    /// Changes slots by hand before the next call. After an error nothing has changed.
    pub(super) fn edit(
        &mut self,
        edits: &[Edit],
        settings: &DecodeSettings,
        special: SpecialTokens,
    ) -> Result<(), EditError> {
        edit(&mut self.sequence, edits, settings, special, self.call)?;
        self.edits.extend_from_slice(edits);
        self.begin_correction(settings);
        Ok(())
    }

    /// Goes on by one call; its edits are done already.
    ///
    /// # Errors
    /// A slot that the sequence does not have.
    pub(super) fn take(&mut self, step: &Step, settings: &DecodeSettings, mask: TokenId) -> Result<(), u32> {
        let length = self.sequence.len();
        if let Some(outside) = step.predictions.iter().find(|p| p.slot as usize >= length) {
            return Err(outside.slot);
        }
        let before = block::current(settings, &self.sequence).start;
        let correcting = self.correcting.zip(settings.correction);
        self.before = self.compared(settings);
        memory::observe(&mut self.memory, length, settings.parallelism, &step.predictions);
        step.replay(&mut self.sequence, mask)?;
        memory::settle(&mut self.memory, &step.predictions, &step.commits);
        let is_new_block = block::current(settings, &self.sequence).start != before;
        self.edits.clear();
        self.call = step.call.saturating_add(1);
        self.step = if is_new_block { 0 } else { step.step.saturating_add(1) };
        if let Some((standing, rule)) = correcting {
            let accuracy = self_accuracy(&step.predictions, &self.sequence);
            self.correcting = Some(standing.after(rule, accuracy, !step.commits.is_empty()));
        }
        self.begin_correction(settings);
        Ok(())
    }
}

/// Share of the slots whose token is the one that the denoiser finds most probable there.
pub(super) fn self_accuracy(seen: &[SlotPrediction], text: &Sequence) -> f64 {
    let agrees = |p: &&SlotPrediction| text.slots[p.slot as usize].token == p.prediction.top[0].token;
    seen.iter().filter(agrees).count() as f64 / seen.len().max(1) as f64
}
