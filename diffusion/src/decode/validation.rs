//! Which settings are refused, and why: ranges, rules that cannot go together, and settings that would change nothing.

use super::{Correction, DecodeSettings, Noise, Order, Parallelism, Remasking, Sampling, SoftFeedback};
use crate::process::Words;
use crate::schedule::Schedule;
use crate::sequence::{Sequence, SlotState, SpecialTokens};

/// Largest number of schedule steps.
pub const MAX_STEPS: u32 = 65_536;

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
    /// Whether every setting is in its range, goes with the others and has a say.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.sampling.validate()?;
        if !(self.start_time > 0.0 && self.start_time <= 1.0) {
            return Err(SettingsError::StartTime { found: self.start_time });
        }
        within("order_temperature", self.order_temperature, 0.0, 1e9)?;
        self.parallelism.validate()?;
        self.noise.validate()?;
        self.remasking.validate()?;
        self.correction.map_or(Ok(()), Correction::validate)?;
        self.soft_feedback.map_or(Ok(()), SoftFeedback::validate)?;
        self.validate_noise()?;
        self.validate_rules()?;
        self.validate_heard()
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

    /// Whether what hides the tokens goes with the rules.
    fn validate_noise(&self) -> Result<(), SettingsError> {
        let masked = self.noise == Noise::Mask;
        let corrects_masks =
            matches!(self.correction, Some(Correction::LeastSure { .. } | Correction::Gibbs { .. }));
        needs(
            masked || self.is_ancestral_whole(),
            "uniform noise",
            "ancestral parallelism without blocks or spans",
        )?;
        needs(masked || self.remasking == Remasking::Never, "uniform noise", "no remasking")?;
        needs(masked || self.soft_feedback.is_none(), "soft_feedback", "mask noise")?;
        needs(masked || !corrects_masks, "correction of masked models", "mask noise")
    }

    /// Whether the rules go together.
    fn validate_rules(&self) -> Result<(), SettingsError> {
        let is_quota = matches!(self.parallelism, Parallelism::Quota { .. });
        needs(
            !self.remasking.is_ancestral() || self.is_ancestral_whole(),
            "remasking",
            "ancestral parallelism without blocks or spans",
        )?;
        let runs = matches!(self.remasking, Remasking::RunningConfidence { .. });
        needs(
            !runs || (is_quota && self.sequential.is_empty()),
            "running confidence",
            "quota parallelism without spans",
        )?;
        let rounds = self.parallelism == Parallelism::Rounds;
        needs(!rounds || self.order == Order::Dilated, "rounds", "dilated order")?;
        needs(!self.sequential.iter().any(|span| span.is_empty()), "sequential", "spans with slots in them")
    }

    /// Whether the whole window is stepped back together.
    fn is_ancestral_whole(&self) -> bool {
        let is_ancestral = matches!(self.parallelism, Parallelism::Ancestral { .. });
        is_ancestral && self.block_length == 0 && self.sequential.is_empty()
    }

    /// Whether every setting that was made has a say: one that changes nothing is a misunderstanding.
    fn validate_heard(&self) -> Result<(), SettingsError> {
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
            || matches!(self.remasking, Remasking::RunningConfidence { .. });
        let confident = matches!(self.order, Order::Confidence) || self.order == Order::default();
        needs(
            !by_confidence || confident,
            "order",
            "none but confidence, by which factor and running confidence go",
        )?;
        needs(
            self.order_temperature == 0.0 || (self.order.is_scored() && !by_confidence),
            "order_temperature",
            "an order by confidence, margin or entropy, without factor and running confidence",
        )
    }
}

impl Sampling {
    /// Whether every knob is in its range; NaN is not.
    fn validate(self) -> Result<(), SettingsError> {
        let Self { temperature, top_p, .. } = self;
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(SettingsError::Temperature { found: temperature });
        }
        if top_p > 0.0 && top_p <= 1.0 { Ok(()) } else { Err(SettingsError::TopP { found: top_p }) }
    }
}

/// Refuses the first of two settings unless what it needs holds.
fn needs(holds: bool, first: &'static str, expected: &'static str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::Together { first, expected }) }
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
            (r#"{"order_temperature": 0.1}"#.into(), Some("order_temperature")),
            (r#"{"order": "halton", "order_temperature": 0.1}"#.into(), Some("order_temperature")),
            (format!(r#"{{{quota}, "order_temperature": 0.1}}"#), Some("order_temperature")),
            (
                format!(r#"{{{factor}, "order": "confidence", "order_temperature": 1}}"#),
                Some("order_temperature"),
            ),
            (r#"{"order": "entropy", "order_temperature": 0.1}"#.into(), None),
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
    fn the_temperature_of_the_order_is_held() {
        for order_temperature in [-0.1, 1e10, f64::NAN] {
            let settings = DecodeSettings { order_temperature, ..DecodeSettings::default() };
            check_refused(settings, "order_temperature");
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
    fn errors_name_both_values() {
        let message = SettingsError::TopP { found: 1.5 }.to_string();
        assert_eq!(message, "top_p: found 1.5, expected a number above 0 and at most 1");
    }
}
