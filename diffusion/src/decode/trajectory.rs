//! A whole run as a plain value: from noise to text, without any network to look at it again.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, DecodeError, DecodeSettings, Decoder, Edit, EditError, SettingsError, Step};
use crate::denoiser::Prediction;
use crate::sequence::{Sequence, SpecialTokens};

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
    /// What was changed by hand after the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
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
    /// A change of a slot that does not exist.
    #[error("step {step}: found a change of slot {slot}, expected a slot below {length}")]
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
    /// A change by hand that does not fit.
    #[error("change by hand in the trajectory")]
    Edit(#[from] EditError),
}

impl Trajectory {
    /// An empty trajectory that begins where the decoder stands.
    pub fn begin(decoder: &Decoder) -> Self {
        Self {
            settings: decoder.settings().clone(),
            special: decoder.special(),
            start: decoder.checkpoint().clone(),
            steps: Vec::new(),
            edits: decoder.checkpoint().edits.clone(),
        }
    }

    /// Adds a step, which tells what was changed by hand before it.
    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
        self.edits.clear();
    }

    /// The run as it was after the first `step` steps, before anything was changed by hand then.
    pub fn truncated(&self, step: usize) -> Self {
        let steps = self.steps[..step.min(self.steps.len())].to_vec();
        let edits = if step == 0 { self.start.edits.clone() } else { Vec::new() };
        Self { steps, edits, ..self.clone() }
    }

    /// What was changed by hand after the first `step` steps.
    pub fn edits_after(&self, step: usize) -> &[Edit] {
        self.steps.get(step).map_or(&self.edits, |next| &next.edits)
    }

    /// The slots after the first `step` steps, and after what was changed by hand then: 0 is the start, `steps.len()` the end.
    pub fn sequence_at(&self, step: usize) -> Result<Sequence, TrajectoryError> {
        Ok(self.checkpoint_at(step)?.sequence)
    }

    /// Where the run stood after the first `step` steps, and after what was changed by hand then.
    pub fn checkpoint_at(&self, step: usize) -> Result<Checkpoint, TrajectoryError> {
        let steps = self.steps.len();
        if step > steps {
            return Err(TrajectoryError::Step { found: step, steps });
        }
        let mut checkpoint = self.first_checkpoint()?;
        (0..step).try_for_each(|done| self.advance(&mut checkpoint, done))?;
        Ok(checkpoint)
    }

    /// Where the run stood before its first step.
    pub fn first_checkpoint(&self) -> Result<Checkpoint, TrajectoryError> {
        let mut checkpoint = self.start.clone();
        self.edit(&mut checkpoint, 0)?;
        Ok(checkpoint)
    }

    /// Takes a checkpoint from after `step` steps to after the next: a walk over all states costs one pass.
    pub fn advance(&self, checkpoint: &mut Checkpoint, step: usize) -> Result<(), TrajectoryError> {
        let steps = self.steps.len();
        let next = self.steps.get(step).ok_or(TrajectoryError::Step { found: step + 1, steps })?;
        let taken = checkpoint.take(next, &self.settings, self.special.mask);
        taken.map_err(|slot| TrajectoryError::Slot { step, slot, length: checkpoint.sequence.len() })?;
        self.edit(checkpoint, step + 1)
    }

    /// Does what was changed by hand after the first `step` steps, unless the checkpoint was taken later.
    fn edit(&self, checkpoint: &mut Checkpoint, step: usize) -> Result<(), TrajectoryError> {
        let missing = self.edits_after(step).get(checkpoint.edits.len()..).unwrap_or_default();
        let edited = checkpoint.edit(missing, &self.settings, self.special);
        edited.map_err(|EditError { slot, length }| TrajectoryError::Slot { step, slot, length })
    }

    /// A decoder that goes on from there. Without a change it repeats the rest of this run; [`Decoder::edit`] branches off.
    pub fn fork(&self, step: usize) -> Result<Decoder, TrajectoryError> {
        Ok(Decoder::resume(self.settings.clone(), self.checkpoint_at(step)?, self.special)?)
    }

    /// Decodes again from the stored predictions and compares: whether the steps follow from the settings.
    pub fn verify(&self) -> Result<(), TrajectoryError> {
        let mut decoder = Decoder::resume(self.settings.clone(), self.start.clone(), self.special)?;
        for (step, stored) in self.steps.iter().enumerate() {
            decoder.edit(stored.edits.get(decoder.checkpoint().edits.len()..).unwrap_or_default())?;
            let predictions: Vec<Prediction> = stored.predictions.iter().map(|p| p.prediction).collect();
            if decoder.is_finished() || decoder.apply(&predictions)? != *stored {
                return Err(TrajectoryError::Policy { step });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{
        Believed, Commit, Correction, Noise, Order, Parallelism, Remasking, SoftFeedback, Span, run,
    };
    use crate::exact::two_sentences;
    use crate::schedule::Schedule;
    use crate::sequence::{Slot, SlotState, TokenId};

    fn decode_by(settings: DecodeSettings) -> Trajectory {
        crate::testing::decode(&mut two_sentences::corpus(0.5).unwrap(), settings)
    }

    fn trajectory(seed: u32, parallelism: Parallelism) -> Trajectory {
        decode_by(DecodeSettings { seed, parallelism, ..DecodeSettings::default() })
    }

    fn rules() -> [Parallelism; 9] {
        let schedule = Schedule::Cosine;
        [
            Parallelism::SlotsPerCall { slots: 1 },
            Parallelism::Quota { steps: 2, schedule },
            Parallelism::Ancestral { steps: 9, schedule },
            Parallelism::FirstHitting { schedule },
            Parallelism::Threshold { probability: 0.9 },
            Parallelism::Factor { factor: 1.5 },
            Parallelism::EntropyBounded { nats: 0.7 },
            Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 1, slots: 1 },
            Parallelism::Rounds,
        ]
    }

    /// One description of every rule, with its order where it needs one.
    fn descriptions() -> Vec<DecodeSettings> {
        let words = crate::process::Words { first: 3, count: 6 };
        let ancestral = Parallelism::Ancestral { steps: 6, schedule: Schedule::Linear };
        let quota = Parallelism::Quota { steps: 2, schedule: Schedule::Linear };
        let with = |parallelism| DecodeSettings {
            parallelism,
            order: if parallelism == Parallelism::Rounds { Order::Dilated } else { Order::Random },
            seed: 3,
            ..DecodeSettings::default()
        };
        let mut all: Vec<DecodeSettings> = rules().into_iter().map(with).collect();
        for remasking in [
            Remasking::Cap { eta: 0.3 },
            Remasking::Rescale { eta: 0.5 },
            Remasking::Confidence,
            Remasking::Loop { eta: 0.3, on: 0.7, off: 0.2, alpha: 0.6 },
            Remasking::ForwardBackward { scale: 1.0 },
        ] {
            all.push(DecodeSettings { remasking, ..with(ancestral) });
        }
        for believed in [Believed::Largest, Believed::Latest] {
            all.push(DecodeSettings { remasking: Remasking::RunningConfidence { believed }, ..with(quota) });
        }
        for correction in [
            Correction::OneByOne { temperature: 0.5, time: 0.1, patience: 2, calls: 4 },
            Correction::LeastSure { slots: 2, calls: 3 },
            Correction::Gibbs { slots: 1, calls: 3 },
        ] {
            all.push(DecodeSettings { correction: Some(correction), ..with(quota) });
        }
        for noise in [
            Noise::Uniform { words, greedy_tail: false },
            Noise::MaskUniform { words, uniform_share: 0.2, greedy_tail: true },
        ] {
            all.push(DecodeSettings { noise, ..with(ancestral) });
        }
        let base = || with(Parallelism::default());
        all.push(DecodeSettings { block_length: 2, ..with(quota) });
        all.push(DecodeSettings { sequential: vec![Span { start: 0, end: 2 }], ..base() });
        all.push(DecodeSettings { soft_feedback: Some(SoftFeedback::default()), ..base() });
        all.push(DecodeSettings { fill_after_end: true, ..base() });
        all
    }

    #[test]
    fn every_description_is_small_json_and_its_runs_can_be_taken_up_anywhere() {
        for settings in descriptions() {
            let json = serde_json::to_string(&settings).unwrap();
            assert!(json.len() < 400, "{json}");
            assert_eq!(serde_json::from_str::<DecodeSettings>(&json).unwrap(), settings, "{json}");
            let whole = decode_by(settings.clone());
            let end = whole.checkpoint_at(whole.steps.len()).unwrap().sequence;
            assert_eq!(end.open_slots().count(), 3);
            assert!(end.slots.iter().all(|slot| slot.state == SlotState::Committed), "{json}: {end:?}");
            assert_eq!(end, whole.sequence_at(whole.steps.len()).unwrap(), "{json}");
            assert_eq!(whole.verify(), Ok(()), "{json}");
            for step in 0..=whole.steps.len() {
                let fork = whole.fork(step).unwrap();
                let rest = pollster::block_on(run(&mut two_sentences::corpus(0.5).unwrap(), fork)).unwrap();
                assert_eq!(rest.steps, whole.steps[step..], "{json} from step {step}");
            }
        }
    }

    #[test]
    fn the_states_go_from_the_start_to_the_text() {
        let trajectory = trajectory(1, Parallelism::default());
        let masked = |step| trajectory.sequence_at(step).unwrap().masked_count();
        assert_eq!([0, 1, 2, 3].map(masked), [3, 2, 1, 0]);
        assert_eq!(trajectory.sequence_at(4), Err(TrajectoryError::Step { found: 4, steps: 3 }));
    }

    #[test]
    fn json_brings_back_the_same_value() {
        let trajectory = trajectory(2, Parallelism::default());
        let json = serde_json::to_string(&trajectory).unwrap();
        assert!(json.contains("\"target_log_probability\":null"), "minus infinity of the mask symbol");
        assert_eq!(serde_json::from_str::<Trajectory>(&json).unwrap(), trajectory);
    }

    /// The rest of a run from `step` on after a change by hand, with what came before it.
    fn branch(whole: &Trajectory, step: usize, edits: &[Edit]) -> Trajectory {
        let mut decoder = whole.fork(step).unwrap();
        decoder.edit(edits).unwrap();
        let rest = pollster::block_on(run(&mut two_sentences::corpus(0.5).unwrap(), decoder)).unwrap();
        Trajectory { steps: [&whole.steps[..step], &rest.steps].concat(), ..whole.clone() }
    }

    #[test]
    fn a_fork_with_another_word_goes_another_way() {
        let whole = trajectory(4, Parallelism::default());
        let commit = whole.steps[0].commits[0];
        let (slot, first) = (commit.slot as usize, two_sentences::FIRST);
        let other = if commit.token == first[slot] { two_sentences::SECOND } else { first };
        let branch = branch(&whole, 1, &[Edit { slot: commit.slot, token: Some(other[slot]) }]);
        let text: Vec<TokenId> = branch.sequence_at(3).unwrap().tokens().collect();
        assert_eq!(text, other, "the denoiser follows the edit");
        assert_eq!(branch.sequence_at(1).unwrap().slots[slot], Slot::given(other[slot]));
    }

    #[test]
    fn a_remasked_slot_is_written_again() {
        for rule in rules().into_iter().filter(|&rule| rule != Parallelism::Rounds) {
            let whole = trajectory(5, rule);
            let end = whole.steps.len();
            let branch = branch(&whole, end, &[Edit { slot: 1, token: None }]);
            assert_eq!(branch.sequence_at(end).unwrap().masked_count(), 1);
            assert_eq!(branch.steps[end].commits[0].slot, 1, "{rule:?}");
            assert_eq!(branch.sequence_at(end + 1).unwrap().masked_count(), 0);
        }
    }

    #[test]
    fn a_run_that_was_changed_by_hand_can_be_kept_verified_and_taken_up_anywhere() {
        for settings in descriptions() {
            let whole = decode_by(settings.clone());
            let middle = whole.steps.len() / 2;
            let first = two_sentences::FIRST;
            let edits = [Edit { slot: 1, token: Some(first[1]) }, Edit { slot: 0, token: None }];
            let branch = branch(&whole, middle, &edits);
            assert_eq!(branch.steps[middle].edits, edits, "{settings:?}");
            let json = serde_json::to_string(&branch).unwrap();
            assert_eq!(serde_json::from_str::<Trajectory>(&json).unwrap(), branch);
            assert_eq!(branch.verify(), Ok(()), "{settings:?}");
            // A fork knows nothing of what is changed later.
            for step in middle..=branch.steps.len() {
                let fork = branch.fork(step).unwrap();
                let rest = pollster::block_on(run(&mut two_sentences::corpus(0.5).unwrap(), fork)).unwrap();
                assert_eq!(rest.steps, branch.steps[step..], "{settings:?} from step {step}");
            }
        }
    }

    #[test]
    fn a_step_that_follows_from_a_change_is_not_verified_without_it() {
        let whole = trajectory(6, Parallelism::default());
        let open = whole.sequence_at(1).unwrap().masked_slots().next().unwrap();
        let edit = Edit { slot: open as u32, token: Some(two_sentences::FIRST[open]) };
        let mut branch = branch(&whole, 1, &[edit]);
        assert_eq!((branch.steps.len(), branch.verify()), (2, Ok(())), "one slot less to write");
        branch.steps[1].edits.clear();
        assert!(branch.verify().is_err());
    }

    #[test]
    fn a_word_that_is_changed_at_the_end_is_told_without_a_call() {
        let whole = trajectory(6, Parallelism::default());
        let edit = Edit { slot: 1, token: Some(TokenId(8)) };
        let mut branch = whole.clone();
        branch.edits.push(edit);
        assert_eq!(branch.sequence_at(3).unwrap().slots[1], Slot::given(TokenId(8)));
        assert_eq!((branch.edits_after(3), branch.edits_after(2)), ([edit].as_slice(), [].as_slice()));
        assert!(branch.fork(3).unwrap().is_finished());
        let json = serde_json::to_string(&branch).unwrap();
        assert_eq!(serde_json::from_str::<Trajectory>(&json).unwrap(), branch);
        assert_eq!(branch.truncated(3), whole);
        assert_eq!(branch.truncated(1).steps, whole.steps[..1]);
        branch.push(whole.steps[0].clone());
        assert_eq!(branch.edits, []);
    }

    #[test]
    fn a_change_of_no_slot_changes_nothing() {
        let mut decoder = trajectory(4, Parallelism::default()).fork(1).unwrap();
        let before = decoder.clone();
        let edits = [Edit { slot: 0, token: None }, Edit { slot: 3, token: None }];
        assert_eq!(decoder.edit(&edits), Err(EditError { slot: 3, length: 3 }));
        assert_eq!(decoder, before);
    }

    #[test]
    fn only_what_follows_from_the_settings_is_verified() {
        for rule in rules().into_iter().filter(|&rule| rule != Parallelism::Rounds) {
            let whole = trajectory(6, rule);
            assert_eq!(whole.verify(), Ok(()));
            let mut other_commit = whole.clone();
            other_commit.steps[0].commits[0] = Commit { slot: 0, token: TokenId(4) };
            assert_eq!(other_commit.verify(), Err(TrajectoryError::Policy { step: 0 }));
            let mut too_long = whole.clone();
            too_long.steps.extend_from_within(..1);
            assert!(too_long.verify().is_err());
            let mut other_order = whole.clone();
            other_order.settings.sampling.temperature = -1.0;
            assert!(matches!(other_order.verify(), Err(TrajectoryError::Settings(_))));
        }
    }

    #[test]
    fn a_file_that_names_no_slot_is_an_error() {
        let mut broken = trajectory(7, Parallelism::default());
        broken.steps[1].commits[0].slot = 9;
        assert_eq!(broken.sequence_at(3), Err(TrajectoryError::Slot { step: 1, slot: 9, length: 3 }));
        assert!(broken.sequence_at(1).is_ok() && broken.verify().is_err());
    }
}
