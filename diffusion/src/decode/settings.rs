//! How to decode, as one small serialisable value that page, command line and link share.

use serde::{Deserialize, Serialize};

use super::block::Span;
use super::{Correction, Noise, Order, Parallelism, Remasking, SoftFeedback};
use crate::process::Words;
use crate::schedule::Schedule;
use crate::sequence::{Sequence, SlotState, SpecialTokens};

/// Largest number of schedule steps.
pub const MAX_STEPS: u32 = 65_536;

/// Everything that decides a run, apart from the starting state and the network.
///
/// In JSON every field may be left out; unknown ones are refused:
/// `{"seed":7,"order":"confidence","parallelism":{"rule":"quota","steps":16},"sampling":{"temperature":0.8}}`.
/// The defaults add no approximation: one random slot per call, temperature 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeSettings {
    /// Seed of every random decision.
    pub seed: u32,
    /// What hides the tokens.
    #[serde(skip_serializing_if = "is_default")]
    pub noise: Noise,
    /// Which slots go first.
    pub order: Order,
    /// How many go at once.
    pub parallelism: Parallelism,
    /// Slots per block: blocks are written from left to right, one after the other (LLaDA's semi-autoregressive
    /// decoding, arXiv 2502.09992), cut from the first slot that is not given on; steps of a schedule are counted anew in
    /// each. 0, the default, makes the whole window one block. Cost: the parallelism's once per block, so up to N
    /// calls in each with a schedule of N steps. Known failure: a block is closed while all right of it is masked; how
    /// long it should be depends on the task (LLaDA on GSM8K, from a summary: 69.4 without blocks, 77.5 with 32
    /// slots, 78.6 with 8).
    #[serde(skip_serializing_if = "is_default")]
    pub block_length: u32,
    /// Spans that are written from left to right, at most one slot of each per call, whatever the order says for the
    /// rest (plain: as an autoregressive model writes). Default none; a span without a slot is refused. Cost: at least
    /// as many calls as the longest span has masked slots; a schedule that comes to its end first stays at its last step
    /// until all is written. Known failure: an early mistake in a span is carried on to its end.
    #[serde(skip_serializing_if = "is_default")]
    pub sequential: Vec<Span>,
    /// Whether committed slots are opened again.
    #[serde(skip_serializing_if = "is_default")]
    pub remasking: Remasking,
    /// What happens to the finished text.
    #[serde(skip_serializing_if = "is_default")]
    pub correction: Option<Correction>,
    /// Whether masked slots show what the last call thought of them.
    #[serde(skip_serializing_if = "is_default")]
    pub soft_feedback: Option<SoftFeedback>,
    /// Once an end of text is committed, masked slots right of it become end of text in the same step, unasked, also
    /// those of later blocks and of spans (plain). Default off. Costs no call and saves calls on short texts. Known
    /// failures: a text can then not be longer than its first end, which an order that is sure of ends commits early;
    /// words that stand right of it already stay; and under uniform noise it does nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub fill_after_end: bool,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Time in (0, 1] at which the starting state was drawn, 1 by default; rules with a schedule go from there to 0.
    pub start_time: f64,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            noise: Noise::default(),
            order: Order::default(),
            parallelism: Parallelism::default(),
            block_length: 0,
            sequential: Vec::new(),
            remasking: Remasking::default(),
            correction: None,
            soft_feedback: None,
            fill_after_end: false,
            sampling: Sampling::default(),
            start_time: 1.0,
        }
    }
}

/// Whether a setting need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a token is drawn from the denoiser's distribution. No setting costs a call. Decoding rules look at
/// probabilities and entropies at temperature 1 and before `top_k` and `top_p`, whatever is set here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Softmax temperature, finite and at least 0, applied before `top_k` and `top_p`; 0 takes the most probable
    /// token, of equals the one with the smaller id. Default 1. Known failure: towards 0 diversity collapses, and joint
    /// commits become safer only because rarer texts are never written; between even choices it changes nothing.
    pub temperature: f32,
    /// A token stays in the draw if fewer than this many are strictly more probable, so equals stay together; any
    /// number, 0, the default, turns it off. Known failure: what is cut off is never written, so that even an exact
    /// denoiser no longer gives the right distribution.
    pub top_k: u32,
    /// A token stays in the draw if the strictly more probable ones have less than this mass, in (0, 1]; 1, the
    /// default, turns it off. Known failure: as `top_k`.
    pub top_p: f32,
    /// Never predict end of text, so that all slots are filled with words (an option of LLaDA's code, arXiv
    /// 2502.09992): no id up to that of end of text is drawn, and all probabilities are those among the others. Default
    /// off. Known failure: where a text has ended, words are drawn from the little that is left; a denoiser that
    /// leaves nothing there, as an exact one may, gives an error.
    pub suppress_end_of_text: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: 0, top_p: 1.0, suppress_end_of_text: false }
    }
}

/// A setting outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// Negative or no number.
    #[error("temperature: found {found}, expected a finite number of at least 0")]
    Temperature {
        /// What was set.
        found: f32,
    },
    /// Outside (0, 1].
    #[error("top_p: found {found}, expected a number above 0 and at most 1")]
    TopP {
        /// What was set.
        found: f32,
    },
    /// No slot per call.
    #[error("slots per call: found 0, expected at least 1")]
    Slots,
    /// No step, or more than anyone needs.
    #[error("steps: found {found}, expected 1 to {MAX_STEPS}")]
    Steps {
        /// What was set.
        found: u32,
    },
    /// A knob of a rule outside its range.
    #[error("{knob}: found {found}, expected a number from {least} to {most}")]
    Knob {
        /// Its name.
        knob: &'static str,
        /// What was set.
        found: f64,
        /// Smallest allowed.
        least: f64,
        /// Largest allowed.
        most: f64,
    },
    /// Two settings that do not go together.
    #[error("{first}: found other settings beside it, expected {expected}")]
    Together {
        /// The one.
        first: &'static str,
        /// What it needs.
        expected: &'static str,
    },
    /// Noise that would draw the mask.
    #[error("words of the noise: found {count} from {first} on, expected none to be the mask, {mask}")]
    NoiseWords {
        /// First of them.
        first: u32,
        /// How many.
        count: u32,
        /// The mask.
        mask: u32,
    },
    /// A starting state that no step of these rules can finish.
    #[error("slot {slot} at the start: found {found}, expected {expected}")]
    Start {
        /// The slot.
        slot: u32,
        /// What it holds.
        found: &'static str,
        /// What it may hold.
        expected: &'static str,
    },
    /// Outside (0, 1].
    #[error("start_time: found {found}, expected a number above 0 and at most 1")]
    StartTime {
        /// What was set.
        found: f64,
    },
}

impl DecodeSettings {
    /// Whether every setting is in its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let Sampling { temperature, top_p, .. } = self.sampling;
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(SettingsError::Temperature { found: temperature });
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(SettingsError::TopP { found: top_p });
        }
        if !(self.start_time > 0.0 && self.start_time <= 1.0) {
            return Err(SettingsError::StartTime { found: self.start_time });
        }
        self.parallelism.validate()?;
        self.noise.validate()?;
        self.remasking.validate()?;
        self.correction.map_or(Ok(()), Correction::validate)?;
        self.soft_feedback.map_or(Ok(()), SoftFeedback::validate)?;
        self.validate_together()
    }

    /// Whether a run can begin from a state.
    pub(super) fn validate_start(
        &self,
        start: &Sequence,
        special: SpecialTokens,
    ) -> Result<(), SettingsError> {
        let Words { first, count } = self.noise.words().unwrap_or(Words { first: 0, count: 0 });
        let mask = special.mask.0;
        if (first..first + count).contains(&mask) {
            return Err(SettingsError::NoiseWords { first, count, mask });
        }
        for span in &self.sequential {
            within("end of a sequential span", span.end.into(), 1.0, start.len() as f64)?;
        }
        let noisy = start.slots.iter().position(|slot| slot.state == SlotState::Noisy);
        match noisy.filter(|_| self.noise == Noise::Mask) {
            Some(slot) => Err(SettingsError::Start {
                slot: slot as u32,
                found: "a word that may be noise",
                expected: "a mask or a word that stays, under mask noise",
            }),
            None => Ok(()),
        }
    }

    /// Number of steps of a run that makes them all, one call each, because what is written may change again.
    pub(super) fn clocked_steps(&self) -> Option<u32> {
        let may_change = self.noise != Noise::Mask || self.remasking.is_ancestral();
        self.parallelism.clock().filter(|_| may_change).map(|(steps, _)| steps)
    }

    /// Whether the rules go together.
    fn validate_together(&self) -> Result<(), SettingsError> {
        let is_ancestral = matches!(self.parallelism, Parallelism::Ancestral { .. });
        let is_quota = matches!(self.parallelism, Parallelism::Quota { .. });
        let whole = self.block_length == 0 && self.sequential.is_empty();
        let masked = self.noise == Noise::Mask;
        let corrects_masks =
            matches!(self.correction, Some(Correction::LeastSure { .. } | Correction::Gibbs { .. }));
        let needs = |holds: bool, first, expected| {
            if holds { Ok(()) } else { Err(SettingsError::Together { first, expected }) }
        };
        needs(
            masked || (is_ancestral && whole),
            "uniform noise",
            "ancestral parallelism without blocks or spans",
        )?;
        needs(masked || self.remasking == Remasking::Never, "uniform noise", "no remasking")?;
        needs(masked || self.soft_feedback.is_none(), "soft_feedback", "mask noise")?;
        needs(masked || !corrects_masks, "correction of masked models", "mask noise")?;
        let remasks = self.remasking.is_ancestral();
        needs(
            !remasks || (is_ancestral && whole),
            "remasking",
            "ancestral parallelism without blocks or spans",
        )?;
        let runs = self.remasking == Remasking::RunningConfidence;
        needs(
            !runs || (is_quota && self.sequential.is_empty()),
            "running confidence",
            "quota parallelism without spans",
        )?;
        let rounds = self.parallelism == Parallelism::Rounds;
        needs(!rounds || self.order == Order::Dilated, "rounds", "dilated order")?;
        needs(!self.sequential.iter().any(|span| span.is_empty()), "sequential", "spans with slots in them")?;
        self.validate_heard()
    }

    /// Whether every setting that was made has a say: one that changes nothing is a misunderstanding.
    fn validate_heard(&self) -> Result<(), SettingsError> {
        let needs = |holds: bool, first, expected| {
            if holds { Ok(()) } else { Err(SettingsError::Together { first, expected }) }
        };
        let masked = self.noise == Noise::Mask;
        needs(
            masked || self.order == Order::default(),
            "order",
            "mask noise, for under other noise every slot is drawn anew",
        )?;
        let ends = !self.sampling.suppress_end_of_text;
        needs(ends || !self.fill_after_end, "fill_after_end", "ends of text that are not suppressed")?;
        needs(
            masked || !self.fill_after_end,
            "fill_after_end",
            "mask noise, for under other noise an end may still change",
        )?;
        let is_linear = self.parallelism.clock().is_none_or(|(_, schedule)| schedule == Schedule::Linear);
        let own_schedule = matches!(self.noise, Noise::MaskUniform { .. });
        needs(
            !own_schedule || is_linear,
            "schedule",
            "the linear one, for masks and random words have a schedule of their own",
        )?;
        let by_confidence = matches!(self.parallelism, Parallelism::Factor { .. })
            || self.remasking == Remasking::RunningConfidence;
        let confident = matches!(self.order, Order::Confidence) || self.order == Order::default();
        needs(
            !by_confidence || confident,
            "order",
            "none but confidence, by which factor and running confidence go",
        )
    }
}

/// Whether a knob is in its range; NaN is not.
pub(crate) fn within(knob: &'static str, found: f64, least: f64, most: f64) -> Result<(), SettingsError> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(SettingsError::Knob { knob, found, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Corpus;
    use crate::sequence::TokenId;
    use crate::testing::{decode, share_fits};

    #[test]
    fn an_empty_object_is_the_default() {
        let settings: DecodeSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, DecodeSettings::default());
        assert_eq!(settings.validate(), Ok(()));
    }

    #[test]
    fn the_json_of_the_documentation() {
        let json = r#"{"seed":7,"order":"confidence","parallelism":{"rule":"quota","steps":16},
                       "sampling":{"temperature":0.8}}"#;
        let expected = DecodeSettings {
            seed: 7,
            order: Order::Confidence,
            parallelism: Parallelism::Quota { steps: 16, schedule: Schedule::Linear },
            sampling: Sampling { temperature: 0.8, ..Sampling::default() },
            ..DecodeSettings::default()
        };
        assert_eq!(serde_json::from_str::<DecodeSettings>(json).unwrap(), expected);
        let written = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<DecodeSettings>(&written).unwrap(), expected);
    }

    #[test]
    fn unknown_settings_are_refused() {
        for json in [
            r#"{"sead":7}"#,
            r#"{"order":"alphabetical"}"#,
            r#"{"parallelism":{"rule":"quota","steps":2,"slots":3}}"#,
            r#"{"parallelism":{"rule":"quota"}}"#,
            r#"{"sampling":{"top-k":3}}"#,
        ] {
            assert!(serde_json::from_str::<DecodeSettings>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn every_range_is_held() {
        let with_sampling = |sampling| DecodeSettings { sampling, ..DecodeSettings::default() };
        for found in [-1.0, f32::NAN, f32::INFINITY] {
            let settings = with_sampling(Sampling { temperature: found, ..Sampling::default() });
            assert!(matches!(settings.validate(), Err(SettingsError::Temperature { .. })), "{found}");
        }
        for found in [0.0, 1.5, f32::NAN] {
            let settings = with_sampling(Sampling { top_p: found, ..Sampling::default() });
            assert!(matches!(settings.validate(), Err(SettingsError::TopP { .. })), "{found}");
        }
        for found in [0.0, 1.5, f64::NAN] {
            let settings = DecodeSettings { start_time: found, ..DecodeSettings::default() };
            assert!(matches!(settings.validate(), Err(SettingsError::StartTime { .. })), "{found}");
        }
    }

    #[test]
    fn what_would_change_nothing_is_refused() {
        let words = r#"{"first": 3, "count": 6}"#;
        let uniform = format!(r#""noise": {{"kind": "uniform", "words": {words}}}"#);
        let mixed = format!(r#""noise": {{"kind": "mask_uniform", "words": {words}, "uniform_share": 0.1}}"#);
        let linear = r#""parallelism": {"rule": "ancestral", "steps": 4}"#;
        let cosine = r#""parallelism": {"rule": "ancestral", "steps": 4, "schedule": "cosine"}"#;
        let quota =
            r#""parallelism": {"rule": "quota", "steps": 4}, "remasking": {"rule": "running_confidence"}"#;
        let factor = r#""parallelism": {"rule": "factor", "factor": 1.0}"#;
        for (json, refused) in [
            (format!(r#"{{{uniform}, {linear}, "order": "confidence"}}"#), Some("order")),
            (format!(r#"{{{mixed}, {linear}, "order": "halton"}}"#), Some("order")),
            (format!(r#"{{{uniform}, {linear}, "fill_after_end": true}}"#), Some("fill_after_end")),
            (format!(r#"{{{mixed}, {cosine}}}"#), Some("schedule")),
            (format!(r#"{{{uniform}, {cosine}}}"#), None),
            (format!(r#"{{{quota}, "order": "margin"}}"#), Some("order")),
            (format!(r#"{{{quota}, "order": "confidence"}}"#), None),
            (format!(r#"{{{factor}, "order": "entropy"}}"#), Some("order")),
            (format!(r#"{{{factor}}}"#), None),
        ] {
            let settings: DecodeSettings = serde_json::from_str(&json).unwrap();
            match (settings.validate(), refused) {
                (Ok(()), None) => {}
                (Err(SettingsError::Together { first, .. }), Some(refused)) => {
                    assert_eq!(first, refused, "{json}")
                }
                (found, _) => panic!("{json}: found {found:?}, expected {refused:?}"),
            }
        }
    }

    #[test]
    fn every_rule_makes_progress() {
        let schedule = Schedule::Linear;
        let validate = |parallelism| DecodeSettings { parallelism, ..DecodeSettings::default() }.validate();
        assert_eq!(validate(Parallelism::SlotsPerCall { slots: 0 }), Err(SettingsError::Slots));
        for found in [0, MAX_STEPS + 1] {
            let refused = Err(SettingsError::Steps { found });
            assert_eq!(validate(Parallelism::Quota { steps: found, schedule }), refused);
            assert_eq!(validate(Parallelism::Ancestral { steps: found, schedule }), refused);
        }
    }

    /// Whether settings are refused because of this knob of a rule.
    fn check_refused(settings: DecodeSettings, expected: &str) {
        match settings.validate() {
            Err(SettingsError::Knob { knob, .. }) => assert_eq!(knob, expected, "{settings:?}"),
            other => panic!("{settings:?}: found {other:?}, expected a refusal of {expected}"),
        }
    }

    #[test]
    fn every_knob_of_a_parallelism_is_held() {
        let with = |parallelism| DecodeSettings { parallelism, ..DecodeSettings::default() };
        let stable = |probability, drift_nats, calls| {
            with(Parallelism::Stable { probability, drift_nats, calls, slots: 1 })
        };
        for probability in [0.0, -0.1, 1.1, f64::NAN] {
            check_refused(with(Parallelism::Threshold { probability }), "probability");
        }
        for factor in [0.0, -1.0, 1e10, f64::NAN] {
            check_refused(with(Parallelism::Factor { factor }), "factor");
        }
        for nats in [-0.1, 1e10, f64::NAN] {
            check_refused(with(Parallelism::EntropyBounded { nats }), "nats");
        }
        for probability in [-0.1, 1.1, f64::NAN] {
            check_refused(stable(probability, 0.01, 2), "probability");
        }
        for drift_nats in [0.0, -0.1, 1e10, f64::NAN] {
            check_refused(stable(0.9, drift_nats, 2), "drift_nats");
        }
        for calls in [0, 1_000_001] {
            check_refused(stable(0.9, 0.01, calls), "calls");
        }
        let none = Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 2, slots: 0 };
        assert_eq!(with(none).validate(), Err(SettingsError::Slots));
        for settings in [
            with(Parallelism::Threshold { probability: 1.0 }),
            with(Parallelism::EntropyBounded { nats: 0.0 }),
            stable(0.0, 1e-12, 1),
            stable(1.0, 1e9, 1_000_000),
        ] {
            assert_eq!(settings.validate(), Ok(()), "the ends belong to the range");
        }
    }

    #[test]
    fn every_knob_of_a_remasking_is_held() {
        let parallelism = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
        let with = |remasking| DecodeSettings { remasking, parallelism, ..DecodeSettings::default() };
        let round = |eta, on, off, alpha| with(Remasking::Loop { eta, on, off, alpha });
        for eta in [-0.1, 1.1, f64::NAN] {
            check_refused(with(Remasking::Cap { eta }), "eta");
            check_refused(with(Remasking::Rescale { eta }), "eta");
            check_refused(round(eta, 0.55, 0.05, 0.9), "eta");
        }
        for found in [0.0, 1.0, f64::NAN] {
            check_refused(round(0.02, 0.55, 0.05, found), "alpha");
        }
        for on in [1.0, -0.1, f64::NAN] {
            check_refused(round(0.02, on, 0.05, 0.9), "on");
        }
        for off in [0.0, 0.55, 0.6, f64::NAN] {
            check_refused(round(0.02, 0.55, off, 0.9), "off");
        }
        for scale in [-0.1, 1e10, f64::NAN] {
            check_refused(with(Remasking::ForwardBackward { scale }), "scale");
        }
        for remasking in [
            Remasking::Cap { eta: 0.0 },
            Remasking::Rescale { eta: 1.0 },
            Remasking::ForwardBackward { scale: 0.0 },
        ] {
            assert_eq!(with(remasking).validate(), Ok(()), "the ends belong to the range");
        }
    }

    #[test]
    fn every_knob_of_a_correction_is_held() {
        let with = |correction| DecodeSettings { correction: Some(correction), ..DecodeSettings::default() };
        let one_by_one = |temperature, time, patience, calls| {
            with(Correction::OneByOne { temperature, time, patience, calls })
        };
        for temperature in [-0.1, f32::INFINITY, f32::NAN] {
            check_refused(one_by_one(temperature, 0.05, 1, 1), "temperature");
        }
        for time in [-0.1, 1.1, f64::NAN] {
            check_refused(one_by_one(0.1, time, 1, 1), "time");
        }
        for found in [0, 1_000_001] {
            check_refused(one_by_one(0.1, 0.05, found, 1), "patience");
            check_refused(one_by_one(0.1, 0.05, 1, found), "calls");
            check_refused(with(Correction::LeastSure { slots: found, calls: 1 }), "slots");
            check_refused(with(Correction::LeastSure { slots: 1, calls: found }), "calls");
            check_refused(with(Correction::Gibbs { slots: found, calls: 1 }), "slots");
            check_refused(with(Correction::Gibbs { slots: 1, calls: found }), "calls");
        }
        for settings in [one_by_one(0.0, 0.0, 1, 1), one_by_one(0.1, 1.0, 1_000_000, 1_000_000)] {
            assert_eq!(settings.validate(), Ok(()), "the ends belong to the range");
        }
    }

    #[test]
    fn every_knob_of_noise_is_held() {
        let parallelism = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
        let with = |noise| DecodeSettings { noise, parallelism, ..DecodeSettings::default() };
        let mixed = |count, uniform_share| {
            let words = Words { first: 3, count };
            with(Noise::MaskUniform { words, uniform_share, greedy_tail: false })
        };
        for count in [0, u32::MAX] {
            let words = Words { first: 3, count };
            check_refused(with(Noise::Uniform { words, greedy_tail: false }), "words");
            check_refused(mixed(count, 0.1), "words");
        }
        for uniform_share in [-0.1, 1.0, f64::NAN] {
            check_refused(mixed(6, uniform_share), "uniform_share");
        }
        assert_eq!(mixed(1, 0.0).validate(), Ok(()), "the ends belong to the range");
    }

    #[test]
    fn a_suppressed_end_of_text_is_never_written_however_likely_it_is() {
        // One word and then the end with probability .9, three words with .1.
        let special = SpecialTokens::default();
        let [a, b, c] = [3, 4, 5].map(TokenId);
        let end = special.end_of_text;
        let sentences = vec![(vec![a, end, end], 0.9), (vec![a, b, c], 0.1)];
        let mut corpus = Corpus::new(sentences, special.mask).unwrap();
        let runs = 400;
        let mut long = |suppress_end_of_text| {
            let sampling = Sampling { suppress_end_of_text, ..Sampling::default() };
            let is_long = |seed: &u32| {
                let settings = DecodeSettings { seed: *seed, sampling, ..DecodeSettings::default() };
                let run = decode(&mut corpus, settings);
                let text: Vec<TokenId> = run.sequence_at(run.steps.len()).unwrap().tokens().collect();
                text == [a, b, c]
            };
            (0..runs).filter(is_long).count() as u64
        };
        assert_eq!(long(true), u64::from(runs), "every text has its three words");
        assert!(share_fits(long(false), runs.into(), 0.1), "and without it one text in ten");
    }

    #[test]
    fn errors_name_both_values() {
        let message = SettingsError::TopP { found: 1.5 }.to_string();
        assert_eq!(message, "top_p: found 1.5, expected a number above 0 and at most 1");
    }
}
