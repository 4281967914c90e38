//! One run on its way: the decoder, what the visitor changes by hand at its stations, and all that has happened so far.

use diffusion::decode::{DecodeError, Decoder, Edit, EditError, Trajectory};
use diffusion::{Candidate, Prediction, SpecialTokens, TOP_CANDIDATES, TokenId};
use model_loader::ModelConfig;

use super::language::Language;
use super::models::fitted;
use super::start::{StartError, start};
use super::studies::runs::text;
use super::{Beginning, Event};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::settings::edits::Edits;

/// A run on its way.
#[derive(Clone, Debug)]
pub struct Course {
    /// What it was begun with.
    settings: Settings,
    decoder: Decoder,
    trajectory: Trajectory,
    /// Duration of every call so far.
    latencies_ms: Vec<f64>,
    /// Words of the visitor that the model does not know, each with its slot.
    unknown: Vec<(usize, String)>,
    /// Words of the visitor's text that are outside the window.
    cut: usize,
}

impl Course {
    /// The run that the settings describe, at its beginning.
    ///
    /// # Errors
    /// If the visitor's words or changes do not fit.
    pub fn begin(settings: &Settings, language: &Language, config: &ModelConfig) -> Result<Self, Failure> {
        let special = SpecialTokens::default();
        // A link may ask for a longer window than this model has.
        let length = settings.length.min(config.context_length);
        let settings = Settings { length, ..settings.clone() };
        check(&settings.edits, length, config.vocab_size)?;
        let start = start(&settings, &language.tokenizer, special)?;
        let decode = fitted(settings.decode(), config, length);
        let decoder = Decoder::new(decode, start.sequence, special)?;
        let trajectory = Trajectory::begin(&decoder);
        let (unknown, cut) = (start.unknown, start.cut);
        let mut course = Self { settings, decoder, trajectory, latencies_ms: Vec::new(), unknown, cut };
        course.edit()?;
        Ok(course)
    }

    /// The same run as far as an earlier one went the same way, so that its calls need not be made again.
    ///
    /// # Errors
    /// If the earlier run contradicts itself.
    pub fn taken_up(self, earlier: &Self) -> Result<Self, Failure> {
        if !self.is_branch_of(earlier) {
            return Ok(self);
        }
        let done = earlier.trajectory.steps.len();
        let common = self.settings.edits.parts_from(&earlier.settings.edits).map_or(done, |at| at.min(done));
        let trajectory = Trajectory { start: self.trajectory.start, ..earlier.trajectory.truncated(common) };
        let decoder = trajectory.fork(common)?;
        let latencies_ms = earlier.latencies_ms[..common].to_vec();
        let mut course = Self { decoder, trajectory, latencies_ms, ..self };
        course.edit()?;
        Ok(course)
    }

    /// Whether both are the same but for what the visitor changes by hand.
    fn is_branch_of(&self, earlier: &Self) -> bool {
        let same = |settings: &Settings| Settings { edits: Edits::default(), ..settings.of_run() };
        same(&self.settings) == same(&earlier.settings)
    }

    /// What the page is told of a run that begins here.
    pub fn beginning(&self) -> Event {
        Event::Began(Box::new(Beginning {
            trajectory: self.trajectory.clone(),
            latencies_ms: self.latencies_ms.clone(),
            planned: self.planned_calls(),
            unknown: self.unknown.clone(),
            cut: self.cut,
        }))
    }

    /// What has happened so far.
    pub fn trajectory(&self) -> &Trajectory {
        &self.trajectory
    }

    /// Whether nothing is left to write.
    pub fn is_finished(&self) -> bool {
        self.decoder.is_finished()
    }

    /// The tokens up to the end of the text.
    pub fn text(&self) -> Vec<TokenId> {
        text(self.decoder.sequence())
    }

    /// Slots of the window.
    pub fn length(&self) -> usize {
        self.decoder.sequence().len()
    }

    /// Where it stands.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Takes the answer in, does what the visitor changes after it, and tells of both. After an error nothing has changed.
    ///
    /// # Errors
    /// If the answer does not fit the question.
    pub fn apply(&mut self, predictions: &[Prediction], latency_ms: f64) -> Result<Event, DecodeError> {
        let step = self.decoder.apply(predictions)?;
        self.trajectory.push(step.clone());
        self.latencies_ms.push(latency_ms);
        let edited = self.edit();
        debug_assert!(edited.is_ok(), "all changes were checked when the run began");
        Ok(Event::Stepped { step, edits: self.trajectory.edits.clone(), latency_ms })
    }

    /// How many calls the run will have taken at its end, found by decoding a copy without a network. Exact for all rules
    /// whose numbers do not depend on what is predicted; else (ancestral sampling in another order than random) close.
    pub fn planned_calls(&self) -> usize {
        let mut copy = self.clone();
        while !copy.is_finished() {
            let answers: Vec<Prediction> =
                copy.decoder.rows(0).map(|row| blank(TokenId(row.first_token))).collect();
            if copy.apply(&answers, 0.0).is_err() {
                break;
            }
        }
        copy.trajectory.steps.len()
    }

    /// Does what the visitor changes at this station.
    fn edit(&mut self) -> Result<(), EditError> {
        let edits = self.settings.edits.after(self.trajectory.steps.len());
        if !edits.is_empty() {
            self.decoder.edit(&edits)?;
            self.trajectory.edits.extend(edits);
        }
        Ok(())
    }
}

/// Whether all changes have a slot and a word to put there.
fn check(edits: &Edits, length: usize, words: usize) -> Result<(), StartError> {
    let special = SpecialTokens::default();
    let fits = |edit: &Edit| {
        let is_word =
            edit.token.is_none_or(|token| token >= special.end_of_text && (token.0 as usize) < words);
        (edit.slot as usize) < length && is_word
    };
    match edits.all().iter().find(|(_, edit)| !fits(edit)) {
        None => Ok(()),
        Some((_, edit)) => Err(StartError::Edit { slot: edit.slot, length }),
    }
}

/// A prediction that says nothing, and is as sure and steady as any rule can ask.
fn blank(token: TokenId) -> Prediction {
    let candidate = Candidate { token, log_probability: 0.0 };
    Prediction {
        drawn: candidate,
        entropy_nats: 0.0,
        log_sum_exp: 0.0,
        target_log_probability: 0.0,
        top: [candidate; TOP_CANDIDATES],
        drift_nats: Some(0.0),
        tempered_log_probability: Some(0.0),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use diffusion::decode::{DecodeSettings, Order, Parallelism};
    use diffusion::{Sequence, SlotState};

    use super::*;
    use crate::view::tests::prediction;

    impl Course {
        /// A run of six slots.
        pub(crate) fn of(parallelism: Parallelism, order: Order, edits: Edits) -> Self {
            let special = SpecialTokens::default();
            let decode = DecodeSettings { parallelism, order, ..DecodeSettings::default() };
            let decoder = Decoder::new(decode, Sequence::masked(6, special.mask), special).unwrap();
            let trajectory = Trajectory::begin(&decoder);
            let settings = Settings { edits, ..Settings::default() };
            let mut course =
                Self { settings, decoder, trajectory, latencies_ms: Vec::new(), unknown: Vec::new(), cut: 0 };
            course.edit().unwrap();
            course
        }

        /// The tokens as they are now.
        pub(crate) fn tokens(&self) -> Vec<u32> {
            self.decoder.sequence().tokens().map(|token| token.0).collect()
        }
    }

    fn written(edits: Edits) -> Course {
        complete(Course::of(Parallelism::SlotsPerCall { slots: 1 }, Order::LeftToRight, edits))
    }

    fn complete(mut course: Course) -> Course {
        while !course.is_finished() {
            let answers: Vec<Prediction> = course.decoder().query().rows.iter().map(prediction).collect();
            course.apply(&answers, 1.0).unwrap();
        }
        course
    }

    fn word(slot: u32, token: u32) -> Edit {
        Edit { slot, token: Some(TokenId(token)) }
    }

    #[test]
    fn a_change_is_done_at_its_station_and_told() {
        let course = written(Edits::default().branched(2, word(4, 99)));
        assert_eq!(course.tokens(), [10, 11, 12, 13, 99, 15]);
        let steps = &course.trajectory().steps;
        assert_eq!((steps.len(), steps[2].edits.as_slice()), (5, [word(4, 99)].as_slice()));
        assert_eq!(course.decoder.sequence().slots[4].state, SlotState::Given);
        course.trajectory().verify().unwrap();
    }

    #[test]
    fn a_slot_that_is_hidden_at_the_end_is_written_again() {
        let course = written(Edits::default().branched(6, Edit { slot: 1, token: None }));
        assert_eq!((course.trajectory().steps.len(), course.latencies_ms.len()), (7, 7));
        assert_eq!(course.trajectory().steps[6].commits[0].slot, 1);
    }

    #[test]
    fn a_word_that_is_put_in_at_the_end_costs_no_call() {
        let course = written(Edits::default().branched(6, word(1, 99)));
        assert_eq!(course.tokens(), [10, 99, 12, 13, 14, 15]);
        assert_eq!(
            (course.trajectory().steps.len(), course.trajectory().edits_after(6)),
            (6, [word(1, 99)].as_slice())
        );
    }

    #[test]
    fn a_branch_takes_up_what_it_shares_with_the_run_before() {
        let fresh = |edits: &Edits| {
            Course::of(Parallelism::SlotsPerCall { slots: 1 }, Order::LeftToRight, edits.clone())
        };
        let edits = Edits::default().branched(2, word(4, 99));
        let (plain, changed) = (written(Edits::default()), written(edits.clone()));
        let branch = fresh(&edits).taken_up(&plain).unwrap();
        assert_eq!((branch.trajectory().steps.len(), branch.planned_calls()), (2, 5));
        assert_eq!(complete(branch).trajectory(), changed.trajectory());
        let back = fresh(&Edits::default()).taken_up(&changed).unwrap();
        assert_eq!(back.trajectory().steps.len(), 2);
        assert_eq!(complete(back).trajectory(), plain.trajectory());
        let mut other = plain.clone();
        other.settings.seed += 1;
        assert_eq!(fresh(&edits).taken_up(&other).unwrap().trajectory().steps.len(), 0, "another run");
    }

    #[test]
    fn changes_that_fit_nowhere_are_refused_before_the_run() {
        let tried = |edit: Edit| check(&Edits::default().branched(3, edit), 8, 100);
        assert_eq!(tried(word(7, 99)), Ok(()));
        assert_eq!(tried(Edit { slot: 7, token: None }), Ok(()));
        for wrong in [word(8, 99), word(7, 100), word(7, 0), word(7, 1)] {
            assert!(tried(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_plan_is_the_number_of_calls_that_follow() {
        for parallelism in [
            Parallelism::SlotsPerCall { slots: 4 },
            Parallelism::Quota { steps: 4, schedule: Default::default() },
            Parallelism::Ancestral { steps: 5, schedule: Default::default() },
        ] {
            let course = Course::of(parallelism, Order::Random, Edits::default());
            let planned = course.planned_calls();
            assert_eq!(planned, complete(course).trajectory().steps.len(), "{parallelism:?}");
        }
    }
}
