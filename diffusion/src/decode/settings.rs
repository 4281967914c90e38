//! How to decode, as one small serialisable value that page, command line and link share.

use serde::{Deserialize, Serialize};

use super::{Order, Parallelism};

/// Largest number of schedule steps.
pub const MAX_STEPS: u32 = 65_536;

/// Everything that decides a run, apart from the starting state and the network.
///
/// In JSON every field may be left out; unknown ones are refused:
/// `{"seed":7,"order":"confidence","parallelism":{"rule":"quota","steps":16},"sampling":{"temperature":0.8}}`.
/// The defaults add no approximation: one random slot per call, temperature 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeSettings {
    /// Seed of every random decision.
    pub seed: u32,
    /// Which slots go first.
    pub order: Order,
    /// How many go at once.
    pub parallelism: Parallelism,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Time in (0, 1] at which the starting state was drawn; rules with a schedule go from there to 0.
    pub start_time: f64,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            order: Order::default(),
            parallelism: Parallelism::default(),
            sampling: Sampling::default(),
            start_time: 1.0,
        }
    }
}

/// How a token is drawn from the denoiser's distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Softmax temperature, applied before `top_k` and `top_p`; 0 takes the most probable token.
    pub temperature: f32,
    /// A token stays in the draw if fewer than this many are strictly more probable; 0 turns it off.
    pub top_k: u32,
    /// A token stays in the draw if the strictly more probable ones have less than this mass; 1 turns it off.
    pub top_p: f32,
    /// Never predict end of text, so that all slots are filled with words.
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
        match self.parallelism {
            Parallelism::SlotsPerCall { slots: 0 } => Err(SettingsError::Slots),
            Parallelism::Quota { steps: found, .. } | Parallelism::Ancestral { steps: found, .. }
                if !(1..=MAX_STEPS).contains(&found) =>
            {
                Err(SettingsError::Steps { found })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schedule;

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
            start_time: 1.0,
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

    #[test]
    fn errors_name_both_values() {
        let message = SettingsError::TopP { found: 1.5 }.to_string();
        assert_eq!(message, "top_p: found 1.5, expected a number above 0 and at most 1");
    }
}
