//! One run in progress: what it asks next, and one step as a function of the answer.

use super::block::{self, Span};
use super::noisy::Back;
use super::parallelism::{Standing, interval};
use super::step::{Checkpoint, Shown, SlotPrediction, Step};
use super::write::{Changes, Writing, reveal_word};
use super::{Correction, DecodeSettings, Edit, EditError, Noise, SettingsError, memory};
use crate::denoiser::{Mixture, Prediction, Query, Row};
use crate::draw::DrawError;
use crate::sequence::{Sequence, SlotState, SpecialTokens, TokenId};

/// The answer to a call does not fit the question.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// Too many or too few predictions.
    #[error("predictions: found {found}, expected one for each of {expected} slots asked")]
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
    /// A row without a possible draw.
    #[error("slot {slot}: {source}")]
    Draw {
        /// The slot.
        slot: u32,
        /// What is wrong.
        source: DrawError,
    },
    /// The rule needs more than a summary, and got no more.
    #[error("{quantity} of slot {slot}: found none, expected what an Asker adds to the prediction")]
    Missing {
        /// The slot.
        slot: u32,
        /// What the rule needs.
        quantity: &'static str,
    },
}

/// A run in progress. Ask about [`rows`](Self::rows) by an [`Asker`](super::Asker), hand the answer to [`apply`](Self::apply), until
/// [`is_finished`](Self::is_finished). Where [`needs_distributions`](Self::needs_distributions) is false at every call, as it is but
/// for two rules, [`query`](Self::query) put to a denoiser will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    settings: DecodeSettings,
    special: SpecialTokens,
    state: Checkpoint,
    /// The schedule step of the next call: that of the state, or a later one where steps are passed over that commit nothing.
    step: u32,
    /// How many slots the next call commits, if the schedule says so beforehand.
    quota: usize,
    /// Slots that a correction shows as masked at the next call, though they are written.
    shown_masked: Vec<u32>,
}

impl Decoder {
    /// Begins a run: masked slots of `start` will be written. Others stay, unless a remasking opens committed ones again or the noise
    /// is of words, which may replace them; given ones always stay.
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
        mut state: Checkpoint,
        special: SpecialTokens,
    ) -> Result<Self, SettingsError> {
        settings.validate()?;
        settings.validate_start(&state.sequence, special)?;
        settings.noise.fill(&mut state.sequence, special, settings.seed, state.call);
        let step = state.step;
        let mut decoder = Self { settings, special, state, step, quota: 0, shown_masked: Vec::new() };
        decoder.move_on();
        Ok(decoder)
    }

    /// The same run from here on under other settings: a schedule is entered at the share still masked.
    pub fn with_settings(&self, settings: DecodeSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let mut state = self.state.clone();
        let Standing { masked, opened, start_time, .. } = self.standing(&settings);
        state.step = settings.parallelism.step_at(masked, opened, start_time);
        Self::resume(settings, state, self.special)
    }

    /// Changes slots by hand before the next call, which will tell it in its [`Step`]. After an error nothing has changed.
    /// Where nothing is left to write, no call follows.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<(), EditError> {
        self.state.edit(edits, &self.settings, self.special)?;
        self.move_on();
        Ok(())
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

    /// Whether nothing is left to write or to correct.
    pub fn is_finished(&self) -> bool {
        match self.state.correcting {
            Some(correcting) => correcting.is_over,
            None => self.state.is_written(&self.settings),
        }
    }

    /// The slots of the next call, in reading order: all masked ones, though few are committed, because views and
    /// instruments want to see them; all open ones where written slots may change too.
    fn asked(&self) -> impl Iterator<Item = u32> + '_ {
        let all_open = match self.correction() {
            Some(correction) => matches!(correction, Correction::OneByOne { .. }),
            None => self.settings.clocked_steps().is_some(),
        };
        let is_asked = move |slot: &usize| {
            let state = self.state.sequence.slots[*slot].state;
            all_open || state == SlotState::Masked || self.shown_masked.contains(&(*slot as u32))
        };
        let slots = self.state.sequence.open_slots().filter(is_asked).map(|slot| slot as u32);
        slots.take(if self.is_finished() { 0 } else { usize::MAX })
    }

    /// Number of rows of the next call.
    pub fn asked_count(&self) -> usize {
        self.asked().count()
    }

    /// What the denoiser sees at the next call. `// (slots)`
    pub fn tokens(&self) -> impl Iterator<Item = TokenId> + '_ {
        let hidden = |slot: usize| self.shown_masked.contains(&(slot as u32));
        let token = move |(slot, token)| if hidden(slot) { self.special.mask } else { token };
        self.state.sequence.tokens().enumerate().map(token)
    }

    /// Mixtures that masked slots show at the next call, for sequence `sequence` of a batch.
    pub fn mixtures(&self, sequence: u32) -> impl Iterator<Item = Mixture> + '_ {
        self.state.mixtures(&self.settings, sequence)
    }

    /// Whether the next call needs whole distributions: for the drift of [`Parallelism::Stable`](super::Parallelism::Stable), which the
    /// first call begins, or for the tempered probabilities of [`Correction::OneByOne`].
    pub fn needs_distributions(&self) -> bool {
        !self.is_finished() && (self.compares_calls() || self.tempers())
    }

    /// Whether the rule at work compares calls.
    fn compares_calls(&self) -> bool {
        self.settings.parallelism.compares_calls() && self.state.correcting.is_none()
    }

    /// Whether the rule at work needs to know how likely the draws are at their temperature.
    pub(super) fn tempers(&self) -> bool {
        self.correction().is_some_and(Correction::tempers)
    }

    /// What the call before has shown, where the next one is compared with it.
    pub(super) fn before(&self) -> Option<&Shown> {
        let before = self.state.before.as_ref().filter(|_| self.compares_calls());
        before.filter(|before| before.tokens.len() == self.sequence().len())
    }

    /// Whether the drift of a slot is wanted: where it was masked at the call before as it is now.
    pub(super) fn drifts(&self, slot: u32) -> bool {
        self.before().is_some_and(|before| before.tokens[slot as usize] == self.special.mask)
    }

    /// The rows of the next call, in reading order, for sequence `sequence` of a batch.
    pub fn rows(&self, sequence: u32) -> impl Iterator<Item = Row> + '_ {
        let sampling = self.settings.sampling;
        let temperature = self.temperature();
        self.asked().map(move |slot| Row {
            sequence,
            slot,
            seed: self.settings.seed,
            call: self.state.call,
            temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            first_token: self.special.first_token(sampling.suppress_end_of_text),
            target: self.state.sequence.slots[slot as usize].token,
        })
    }

    /// Temperature of the next draws.
    fn temperature(&self) -> f32 {
        let is_last = self.settings.clocked_steps().is_some_and(|steps| self.step + 1 >= steps);
        match self.correction() {
            Some(Correction::OneByOne { temperature, .. }) => temperature,
            None if is_last && self.settings.noise.greedy_tail() => 0.0,
            _ => self.settings.sampling.temperature,
        }
    }

    /// Time of the next call in [0, 1], for networks that must be told: the schedule's, or else the share of the
    /// open slots that is still masked.
    pub fn time(&self) -> f64 {
        if let Some(Correction::OneByOne { time, .. }) = self.correction() {
            return time;
        }
        let (step, opened) = (self.step, self.state.opened);
        let DecodeSettings { parallelism, seed, start_time, remasking, .. } = self.settings;
        let time = parallelism.time(step, opened, seed, start_time);
        let told = |time| parallelism.clock().map_or(time, |(_, schedule)| remasking.told(schedule, time));
        time.map(told).unwrap_or(self.state.masked_share())
    }

    /// The next call of this run alone.
    pub fn query(&self) -> Query {
        Query {
            length: self.sequence().len(),
            tokens: self.tokens().collect(),
            times: vec![self.time()],
            mixtures: self.mixtures(0).collect(),
            vectors: Vec::new(),
            rows: self.rows(0).collect(),
        }
    }

    /// Commits, revises and remasks according to the predictions for [`rows`](Self::rows). After an error nothing
    /// has changed.
    pub fn apply(&mut self, predictions: &[Prediction]) -> Result<Step, DecodeError> {
        let predictions = self.check(predictions)?;
        let Changes { commits, noisy, remasks } = self.changes(&predictions);
        let (call, step, edits) = (self.state.call, self.step, self.state.edits.clone());
        let step = Step { call, step, edits, predictions, commits, noisy, remasks };
        let taken = self.state.take(&step, &self.settings, self.special.mask);
        assert!(taken.is_ok(), "a step changes no slot outside its sequence");
        self.move_on();
        Ok(step)
    }

    /// What this call changes.
    fn changes(&self, seen: &[SlotPrediction]) -> Changes {
        let all = |seen: &[SlotPrediction]| seen.iter().map(SlotPrediction::drawn).collect();
        match (self.correction().zip(self.state.correcting), self.settings.noise) {
            (Some((rule @ Correction::OneByOne { .. }, standing)), _) => {
                let commits = rule.change(standing, seen, self.sequence()).into_iter().collect();
                Changes { commits, ..Changes::default() }
            }
            (Some(_), _) => Changes { commits: all(seen), ..Changes::default() },
            (None, Noise::Mask) => self.writing(seen),
            (None, noise) => self.stepped_back(noise, seen),
        }
    }

    fn writing(&self, seen: &[SlotPrediction]) -> Changes {
        let mut memory = self.state.memory.clone();
        memory::observe(&mut memory, self.sequence().len(), self.settings.parallelism, seen);
        let writing = Writing {
            settings: &self.settings,
            state: &self.state,
            step: self.step,
            seen,
            memory: &memory,
            block: self.block(),
            quota: self.quota,
            end_of_text: self.special.end_of_text,
        };
        writing.changes()
    }

    /// A step of a process whose tokens may all be noise.
    fn stepped_back(&self, noise: Noise, seen: &[SlotPrediction]) -> Changes {
        let Some((steps, schedule)) = self.settings.parallelism.clock() else { return Changes::default() };
        let times = interval(self.step, steps, self.settings.start_time);
        let DecodeSettings { seed, .. } = self.settings;
        let (sequence, special, step) = (self.sequence(), self.special, self.step);
        let changed = noise.back(Back { sequence, seen, special, schedule, seed, step, times });
        if times.1 == 0.0 {
            return Changes { commits: changed, ..Changes::default() };
        }
        let (masks, noisy) = changed.into_iter().partition(|c| c.token == special.mask);
        let masks: Vec<super::Commit> = masks;
        Changes { noisy, remasks: masks.iter().map(|c| c.slot).collect(), ..Changes::default() }
    }

    /// The correction, while it runs.
    fn correction(&self) -> Option<Correction> {
        self.settings.correction.filter(|_| self.state.correcting.is_some_and(|standing| !standing.is_over))
    }

    /// Pairs predictions with their slots, unless they do not fit.
    fn check(&self, predictions: &[Prediction]) -> Result<Vec<SlotPrediction>, DecodeError> {
        let expected = self.asked_count();
        if predictions.len() != expected {
            return Err(DecodeError::Count { found: predictions.len(), expected });
        }
        let first_token = self.special.first_token(self.settings.sampling.suppress_end_of_text);
        let pair = |(slot, &prediction): (u32, &Prediction)| {
            let found = prediction.drawn.token.0;
            if !is_sound(&prediction) {
                return Err(DecodeError::NotFinite { slot });
            }
            if found < first_token {
                return Err(DecodeError::Token { slot, found, first_token });
            }
            if self.drifts(slot) && prediction.drift_nats.is_none() {
                return Err(DecodeError::Missing { slot, quantity: "drift since the call before" });
            }
            let is_change = prediction.drawn.token != self.state.sequence.slots[slot as usize].token;
            if self.tempers() && is_change && prediction.tempered_log_probability.is_none() {
                return Err(DecodeError::Missing { slot, quantity: "tempered log-probability" });
            }
            Ok(SlotPrediction { slot, prediction })
        };
        self.asked().zip(predictions).map(pair).collect()
    }

    /// Prepares the next call: passes over steps that commit nothing, because no call is spent on them, and begins
    /// a correction when all is written. Ends, because the last step of every rule commits all that is left.
    fn move_on(&mut self) {
        self.shown_masked.clear();
        self.step = self.state.step;
        self.state.begin_correction(&self.settings);
        if let Some(correction) = self.correction() {
            let Checkpoint { sequence, memory, call, .. } = &self.state;
            self.shown_masked = correction.opens(sequence, memory, self.settings.seed, *call);
        } else if self.settings.clocked_steps().is_none() {
            self.pass_empty_steps();
        }
    }

    fn pass_empty_steps(&mut self) {
        self.quota = self.commits_now();
        while self.quota == 0 && self.state.sequence.masked_slots().next().is_some() {
            self.step = self.step.saturating_add(1);
            self.quota = self.commits_now();
        }
    }

    fn block(&self) -> Span {
        block::current(&self.settings, &self.state.sequence)
    }

    /// Where the present block stands.
    fn standing(&self, settings: &DecodeSettings) -> Standing {
        let block = block::current(settings, &self.state.sequence);
        let within = |slot: &usize| block.contains(*slot as u32);
        let opened = match settings.block_length {
            0 => self.state.opened as usize,
            _ => self.state.own_slots().filter(within).count(),
        };
        Standing {
            step: self.step,
            masked: self.state.sequence.masked_slots().filter(within).count(),
            opened,
            start_time: settings.start_time,
        }
    }

    /// How many slots the present step commits, as far as the schedule says.
    fn commits_now(&self) -> usize {
        let (block, seed, step) = (self.block(), self.settings.seed, self.step);
        let slots = self.state.sequence.masked_slots().map(|slot| slot as u32);
        let words = slots.filter(|&slot| block.contains(slot)).map(|slot| reveal_word(seed, step, slot));
        self.settings.parallelism.commits(self.standing(&self.settings), words)
    }
}

/// Whether all numbers are numbers, and those that must be finite are.
fn is_sound(prediction: &Prediction) -> bool {
    let Prediction { drawn, entropy_nats, log_sum_exp, target_log_probability, top, .. } = prediction;
    let Prediction { drift_nats, tempered_log_probability, .. } = prediction;
    [drawn.log_probability, *entropy_nats, *log_sum_exp].iter().all(|value| value.is_finite())
        && [drift_nats, tempered_log_probability].into_iter().flatten().all(|value| value.is_finite())
        && !target_log_probability.is_nan()
        && !top.iter().any(|candidate| candidate.log_probability.is_nan())
}

#[cfg(test)]
mod tests;
