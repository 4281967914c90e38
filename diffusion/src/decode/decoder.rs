//! One run in progress: what it asks next, and one step as a function of the answer.

use super::parallelism::Standing;
use super::step::{Checkpoint, Commit, SlotPrediction, Step};
use super::{DecodeSettings, SettingsError};
use crate::denoiser::{Prediction, Query, Row};
use crate::random::{Purpose, word};
use crate::sequence::{Sequence, Slot, SpecialTokens};

/// The answer to a call does not fit the question.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// Too many or too few predictions.
    #[error("predictions: found {found}, expected one for each of {expected} masked slots")]
    Count {
        /// Predictions received.
        found: usize,
        /// Slots asked.
        expected: usize,
    },
    /// A prediction holds NaN or a probability of zero for what was drawn.
    #[error(
        "prediction for slot {slot}: found a value that is not a number, expected finite log-probabilities"
    )]
    NotFinite {
        /// The slot.
        slot: u32,
    },
    /// A token was drawn that must not be.
    #[error("token drawn for slot {slot}: found id {found}, expected {first_token} or above")]
    Token {
        /// The slot.
        slot: u32,
        /// What was drawn.
        found: u32,
        /// Smallest allowed id.
        first_token: u32,
    },
}

/// A run in progress. Ask [`rows`](Self::rows) of a denoiser, hand the answer to [`apply`](Self::apply), until
/// [`is_finished`](Self::is_finished).
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    settings: DecodeSettings,
    special: SpecialTokens,
    state: Checkpoint,
    /// How many slots the next call commits; zero only when finished.
    quota: usize,
}

impl Decoder {
    /// Begins a run: masked slots of `start` will be written, all others stay.
    pub fn new(
        settings: DecodeSettings,
        start: Sequence,
        special: SpecialTokens,
    ) -> Result<Self, SettingsError> {
        Self::resume(settings, Checkpoint::start(start), special)
    }

    /// Goes on from a checkpoint, which may have been edited.
    pub fn resume(
        settings: DecodeSettings,
        state: Checkpoint,
        special: SpecialTokens,
    ) -> Result<Self, SettingsError> {
        settings.validate()?;
        let mut decoder = Self { settings, special, state, quota: 0 };
        decoder.pass_empty_steps();
        Ok(decoder)
    }

    /// The same run from here on under other settings: a schedule is entered at the share still masked.
    pub fn with_settings(&self, settings: DecodeSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let mut state = self.state.clone();
        let masked = state.sequence.masked_count();
        state.step = settings.parallelism.step_at(masked, state.opened as usize, settings.start_time);
        Self::resume(settings, state, self.special)
    }

    /// The settings.
    pub fn settings(&self) -> &DecodeSettings {
        &self.settings
    }

    /// The tokens that are no words.
    pub fn special(&self) -> SpecialTokens {
        self.special
    }

    /// Where the run stands.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.state
    }

    /// The slots as they are now.
    pub fn sequence(&self) -> &Sequence {
        &self.state.sequence
    }

    /// Whether no slot is masked any more.
    pub fn is_finished(&self) -> bool {
        self.quota == 0
    }

    /// The rows of the next call, one per masked slot in reading order, for sequence `sequence` of a batch.
    /// All masked slots are asked, though few are committed: views and instruments want to see them.
    pub fn rows(&self, sequence: u32) -> impl Iterator<Item = Row> + '_ {
        let sampling = self.settings.sampling;
        self.state.sequence.masked_slots().map(move |slot| Row {
            sequence,
            slot: slot as u32,
            seed: self.settings.seed,
            call: self.state.call,
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            first_token: self.special.first_token(sampling.suppress_end_of_text),
            target: self.state.sequence.slots[slot].token,
        })
    }

    /// Number of rows of the next call.
    pub fn asked_count(&self) -> usize {
        self.state.sequence.masked_count()
    }

    /// Time of the next call in [0, 1], for networks that must be told: the schedule's, or else the share of the
    /// open slots that is still masked.
    pub fn time(&self) -> f64 {
        let share = self.state.sequence.masked_count() as f64 / f64::from(self.state.opened.max(1));
        let time = self.settings.parallelism.time(self.state.step, self.settings.start_time);
        time.unwrap_or(share.min(1.0))
    }

    /// The next call of this run alone.
    pub fn query(&self) -> Query {
        Query {
            length: self.sequence().len(),
            tokens: self.sequence().tokens().collect(),
            times: vec![self.time()],
            mixtures: Vec::new(),
            rows: self.rows(0).collect(),
        }
    }

    /// Commits slots according to the predictions for [`rows`](Self::rows). After an error nothing has changed.
    pub fn apply(&mut self, predictions: &[Prediction]) -> Result<Step, DecodeError> {
        let predictions = self.check(predictions)?;
        let step = self.state.step;
        let mut ranked: Vec<(f64, &SlotPrediction)> = predictions
            .iter()
            .map(|p| (self.settings.order.priority(p.slot, &p.prediction, self.reveal_word(p.slot)), p))
            .collect();
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a)); // stable: equals stay in reading order
        let commit =
            |(_, p): &(f64, &SlotPrediction)| Commit { slot: p.slot, token: p.prediction.drawn.token };
        let commits: Vec<Commit> = ranked.iter().take(self.quota).map(commit).collect();
        for commit in &commits {
            self.state.sequence.slots[commit.slot as usize] = Slot::committed(commit.token);
        }
        let call = self.state.call;
        self.state.call = call.saturating_add(1);
        self.state.step = step.saturating_add(1);
        self.pass_empty_steps();
        Ok(Step { call, step, predictions, commits, noisy: Vec::new(), remasks: Vec::new() })
    }

    /// Pairs predictions with their slots, unless they do not fit.
    fn check(&self, predictions: &[Prediction]) -> Result<Vec<SlotPrediction>, DecodeError> {
        let expected = self.state.sequence.masked_count();
        if predictions.len() != expected {
            return Err(DecodeError::Count { found: predictions.len(), expected });
        }
        let first_token = self.special.first_token(self.settings.sampling.suppress_end_of_text);
        let pair = |(slot, &prediction): (usize, &Prediction)| {
            let (slot, found) = (slot as u32, prediction.drawn.token.0);
            if !is_sound(&prediction) {
                return Err(DecodeError::NotFinite { slot });
            }
            if found < first_token {
                return Err(DecodeError::Token { slot, found, first_token });
            }
            Ok(SlotPrediction { slot, prediction })
        };
        self.state.sequence.masked_slots().zip(predictions).map(pair).collect()
    }

    /// Moves to the next step that commits something and remembers how much: no call is spent on others.
    /// Ends, because the last step of every rule commits all that is left.
    fn pass_empty_steps(&mut self) {
        self.quota = self.commits_now();
        while self.quota == 0 && self.state.sequence.masked_slots().next().is_some() {
            self.state.step = self.state.step.saturating_add(1);
            self.quota = self.commits_now();
        }
    }

    /// How many slots the present step commits.
    fn commits_now(&self) -> usize {
        let standing = Standing {
            step: self.state.step,
            masked: self.state.sequence.masked_count(),
            opened: self.state.opened as usize,
            start_time: self.settings.start_time,
        };
        let words = self.state.sequence.masked_slots().map(|slot| self.reveal_word(slot as u32));
        self.settings.parallelism.commits(standing, words)
    }

    /// The random word that decides on a slot at the present step.
    fn reveal_word(&self, slot: u32) -> u32 {
        word(self.settings.seed, self.state.step, slot, Purpose::Reveal as u32)
    }
}

/// Whether all numbers are numbers, and those that must be finite are.
fn is_sound(prediction: &Prediction) -> bool {
    let Prediction { drawn, entropy_nats, log_sum_exp, target_log_probability, top } = prediction;
    [drawn.log_probability, *entropy_nats, *log_sum_exp].iter().all(|value| value.is_finite())
        && !target_log_probability.is_nan()
        && !top.iter().any(|candidate| candidate.log_probability.is_nan())
}

#[cfg(test)]
mod tests;
