//! A whole run as a plain value: from noise to text, without any network to look at it again.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, DecodeError, DecodeSettings, Decoder, SettingsError, Step};
use crate::denoiser::Prediction;
use crate::sequence::{Sequence, Slot, SpecialTokens};

/// All steps of a run, and what they began from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// How it was decoded.
    pub settings: DecodeSettings,
    /// The tokens that are no words.
    pub special: SpecialTokens,
    /// Where it began.
    pub start: Checkpoint,
    /// One step per call.
    pub steps: Vec<Step>,
}

/// A trajectory (from a file, say) that contradicts itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrajectoryError {
    /// A point after the last step.
    #[error("step: found {found}, expected at most {steps}")]
    Step {
        /// What was asked for.
        found: usize,
        /// Number of steps there are.
        steps: usize,
    },
    /// A commit to a slot that does not exist.
    #[error("step {step}: found a commit to slot {slot}, expected a slot below {length}")]
    Slot {
        /// Index of the step.
        step: usize,
        /// The slot it names.
        slot: u32,
        /// Number of slots.
        length: usize,
    },
    /// A step that does not follow from the predictions it holds.
    #[error("step {step}: found other commits than its settings and predictions give")]
    Policy {
        /// Index of the step.
        step: usize,
    },
    /// Settings out of range.
    #[error("settings of the trajectory")]
    Settings(#[from] SettingsError),
    /// Predictions that do not fit.
    #[error("predictions of the trajectory")]
    Predictions(#[from] DecodeError),
}

impl Trajectory {
    /// An empty trajectory that begins where the decoder stands.
    pub fn begin(decoder: &Decoder) -> Self {
        Self {
            settings: *decoder.settings(),
            special: decoder.special(),
            start: decoder.checkpoint().clone(),
            steps: Vec::new(),
        }
    }

    /// The slots after the first `step` steps: 0 is the start, `steps.len()` the end.
    pub fn sequence_at(&self, step: usize) -> Result<Sequence, TrajectoryError> {
        let steps = self.steps.len();
        let done = self.steps.get(..step).ok_or(TrajectoryError::Step { found: step, steps })?;
        let mut sequence = self.start.sequence.clone();
        let length = sequence.len();
        for (step, commit) in done.iter().enumerate().flat_map(|(i, s)| s.commits.iter().map(move |c| (i, c)))
        {
            let slot = sequence.slots.get_mut(commit.slot as usize);
            *slot.ok_or(TrajectoryError::Slot { step, slot: commit.slot, length })? =
                Slot::committed(commit.token);
        }
        Ok(sequence)
    }

    /// Where the run stood after the first `step` steps.
    pub fn checkpoint_at(&self, step: usize) -> Result<Checkpoint, TrajectoryError> {
        let sequence = self.sequence_at(step)?;
        let (call, next) = match self.steps[..step].last() {
            Some(last) => (last.call.saturating_add(1), last.step.saturating_add(1)),
            None => (self.start.call, self.start.step),
        };
        Ok(Checkpoint { sequence, call, step: next, opened: self.start.opened })
    }

    /// A decoder that goes on from there. Without a change it repeats the rest of this run; to branch off, edit
    /// [`checkpoint_at`](Self::checkpoint_at) and use [`Decoder::resume`].
    pub fn fork(&self, step: usize) -> Result<Decoder, TrajectoryError> {
        Ok(Decoder::resume(self.settings, self.checkpoint_at(step)?, self.special)?)
    }

    /// Decodes again from the stored predictions and compares: whether the steps follow from the settings.
    pub fn verify(&self) -> Result<(), TrajectoryError> {
        let mut decoder = Decoder::resume(self.settings, self.start.clone(), self.special)?;
        for (step, stored) in self.steps.iter().enumerate() {
            let predictions: Vec<Prediction> = stored.predictions.iter().map(|p| p.prediction).collect();
            if decoder.is_finished() || decoder.apply(&predictions)? != *stored {
                return Err(TrajectoryError::Policy { step });
            }
        }
        Ok(())
    }
}
