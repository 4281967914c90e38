//! A forward process by name with its knobs: a small JSON value for page, command line and link.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::candi::DEFAULT_RANK_ERRORS;
use super::salience::{DEFAULT_STRENGTH, check_strength};
use super::{
    Block, BlockSlot, Clocked, FrequencyMask, GenMd4, Mask, MaskUniform, SalienceError, Spindle,
    TokenProcess, Uniform, Words, deviations_of_surprisal,
};
use crate::decode::{SettingsError, SoftFeedback};
use crate::schedule::Schedule;
use crate::sequence::TokenId;

/// Names a process and its knobs; what belongs to the model or the text is in [`Setting`]. Left-out knobs have their
/// defaults, schedules being linear.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "process", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProcessDescription {
    /// [`Mask`].
    Mask {
        /// Signal kept over time.
        #[serde(default)]
        schedule: Schedule,
    },
    /// [`Uniform`].
    Uniform {
        /// Signal kept over time.
        #[serde(default)]
        schedule: Schedule,
    },
    /// [`MaskUniform`].
    MaskUniform {
        /// Share of uniform noise at t = 1/2, from 0 to below 1; 0.1 by default.
        #[serde(default = "tenth")]
        uniform_share: f64,
        /// The clock of its masses.
        #[serde(default, skip_serializing_if = "is_default")]
        schedule: Schedule,
    },
    /// [`Gaussian`](super::Gaussian).
    Gaussian {
        /// Power kept over time.
        #[serde(default)]
        schedule: Schedule,
    },
    /// [`FrequencyMask`].
    FrequencyMask {
        /// From −1/π to 1/π; 0.3 by default.
        #[serde(default = "strength")]
        strength: f64,
        /// The clock of its masses.
        #[serde(default, skip_serializing_if = "is_default")]
        schedule: Schedule,
    },
    /// [`Spindle`] with saliences from the model's surprisal.
    SurprisalMask {
        /// From −1/π to 1/π; 0.3 by default.
        #[serde(default = "strength")]
        strength: f64,
        /// The clock of its masses.
        #[serde(default, skip_serializing_if = "is_default")]
        schedule: Schedule,
    },
    /// [`GenMd4`].
    GenMd4 {
        /// The clock of its masses.
        #[serde(default, skip_serializing_if = "is_default")]
        schedule: Schedule,
    },
    /// [`SoftMask`](super::SoftMask).
    SoftMask {
        /// Signal kept over time.
        #[serde(default)]
        schedule: Schedule,
        /// What masked slots show.
        #[serde(default)]
        feedback: SoftFeedback,
    },
    /// [`Candi`](super::Candi).
    Candi {
        /// Share of slots in sight over time; log-linear in the source.
        #[serde(default)]
        schedule: Schedule,
        /// Rank error near time 0, above 0; 0.05 by default.
        #[serde(default = "least_rank_error")]
        least_rank_error: f64,
        /// Rank error at time 1, at most 0.45; 0.25 by default.
        #[serde(default = "most_rank_error")]
        most_rank_error: f64,
    },
    /// [`Block`].
    Block {
        /// Signal kept over time inside the block.
        #[serde(default)]
        schedule: Schedule,
        /// Slots per block, at least 1.
        width: u32,
        /// Index of the block that is being corrupted.
        #[serde(default)]
        current: u32,
    },
}

/// What a process needs to know of model and text. Empty lists will do for processes that do not read them.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The mask symbol.
    pub mask: TokenId,
    /// The words that noise draws from.
    pub words: Words,
    /// How often each token occurs, for [`ProcessDescription::FrequencyMask`]. `// (vocabulary)`
    pub counts: &'a [u64],
    /// Exponents, for [`ProcessDescription::GenMd4`]. `// (vocabulary)`
    pub exponents: &'a [f64],
    /// Surprisals in nats, for [`ProcessDescription::SurprisalMask`]. `// (length)`
    pub surprisals_nats: &'a [f64],
}

/// A description that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DescriptionError {
    /// A knob outside its range.
    #[error("{knob}: found {found}, expected a number {expected}")]
    Knob {
        /// Its name.
        knob: &'static str,
        /// Its value.
        found: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// Saliences.
    #[error(transparent)]
    Salience(#[from] SalienceError),
    /// Soft feedback.
    #[error(transparent)]
    Feedback(#[from] SettingsError),
    /// A slot for which no surprisal was given.
    #[error("surprisals: found {found}, expected more than slot {slot}")]
    Surprisals {
        /// Number of surprisals.
        found: usize,
        /// The slot.
        slot: u32,
    },
}

impl ProcessDescription {
    /// Whether every knob is in its range; NaN is not.
    pub fn validate(&self) -> Result<(), DescriptionError> {
        let check = |fits: bool, knob, found, expected| {
            if fits { Ok(()) } else { Err(DescriptionError::Knob { knob, found, expected }) }
        };
        match *self {
            Self::Mask { .. } | Self::Uniform { .. } | Self::Gaussian { .. } | Self::GenMd4 { .. } => Ok(()),
            Self::MaskUniform { uniform_share: share, .. } => {
                check((0.0..1.0).contains(&share), "uniform_share", share, "from 0 to below 1")
            }
            Self::FrequencyMask { strength, .. } | Self::SurprisalMask { strength, .. } => {
                Ok(check_strength(strength)?)
            }
            Self::SoftMask { feedback, .. } => Ok(feedback.validate()?),
            Self::Candi { least_rank_error: least, most_rank_error: most, .. } => {
                check(least > 0.0 && least <= most, "least_rank_error", least, "above 0, at most the other")?;
                check(most <= 0.45, "most_rank_error", most, "of at most 0.45")
            }
            Self::Block { width, .. } => check(width > 0, "width", width.into(), "of at least 1"),
        }
    }

    /// Whether x_t can be drawn straight from clean text without asking a model (D2).
    pub fn is_tractable(&self) -> bool {
        // Surprisals are a model's too, but of the clean text: one call serves every time.
        !matches!(self, Self::SoftMask { .. })
    }

    /// The process of every slot of a text of so many, made once; `None` where states are not single tokens (Gaussian, CANDI, soft masks).
    ///
    /// # Errors
    /// [`DescriptionError`].
    pub fn of_text(
        &self,
        slots: usize,
        setting: &Setting<'_>,
    ) -> Result<Option<TextProcess>, DescriptionError> {
        self.validate()?;
        let Setting { mask, words, .. } = *setting;
        let process = match *self {
            Self::Mask { schedule } => Kind::Mask(Mask { schedule, mask }),
            Self::Uniform { schedule } => Kind::Uniform(Uniform { schedule, words }),
            Self::MaskUniform { uniform_share, schedule } => {
                Kind::MaskUniform(Clocked { schedule, process: MaskUniform { mask, words, uniform_share } })
            }
            Self::FrequencyMask { strength, schedule } => {
                let process = FrequencyMask::new(mask, strength, setting.counts)?;
                Kind::Frequency(Clocked { schedule, process })
            }
            Self::SurprisalMask { strength, schedule } => {
                let deviations = deviations_of_surprisal(setting.surprisals_nats)?;
                if deviations.len() < slots {
                    let found = deviations.len();
                    return Err(DescriptionError::Surprisals { found, slot: found as u32 });
                }
                let process = Spindle { mask, strength, deviation: 0.0 };
                Kind::Spindles(Clocked { schedule, process }, deviations)
            }
            Self::GenMd4 { schedule } => {
                Kind::GenMd4(Clocked { schedule, process: GenMd4::new(mask, setting.exponents.to_vec())? })
            }
            Self::Block { schedule, width, current } => {
                Kind::Block(Block { mask: Mask { schedule, mask }, width, current })
            }
            Self::Gaussian { .. } | Self::Candi { .. } | Self::SoftMask { .. } => return Ok(None),
        };
        Ok(Some(TextProcess(process)))
    }
}

/// A described process at all slots of one text; asking for that of a slot allocates nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct TextProcess(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Mask(Mask),
    Uniform(Uniform),
    MaskUniform(Clocked<MaskUniform>),
    Frequency(Clocked<FrequencyMask>),
    GenMd4(Clocked<GenMd4>),
    /// One for all slots but for their deviations. `// (length)`
    Spindles(Clocked<Spindle>, Vec<f64>),
    Block(Block),
}

impl TextProcess {
    /// The process at one slot of the text.
    pub fn at(&self, slot: u32) -> SlotProcess<'_> {
        match &self.0 {
            Kind::Mask(process) => SlotProcess::OfAll(process),
            Kind::Uniform(process) => SlotProcess::OfAll(process),
            Kind::MaskUniform(process) => SlotProcess::OfAll(process),
            Kind::Frequency(process) => SlotProcess::OfAll(process),
            Kind::GenMd4(process) => SlotProcess::OfAll(process),
            Kind::Spindles(Clocked { schedule, process }, deviations) => {
                let process = Spindle { deviation: deviations[slot as usize], ..*process };
                SlotProcess::Spindle(Clocked { schedule: *schedule, process })
            }
            Kind::Block(block) => SlotProcess::Block(block.slot(slot)),
        }
    }
}

/// The process at one slot: used as the [`TokenProcess`] that it is.
pub enum SlotProcess<'a> {
    /// The same at all slots.
    OfAll(&'a dyn TokenProcess),
    /// With the salience of the slot.
    Spindle(Clocked<Spindle>),
    /// By the place of the slot.
    Block(BlockSlot),
}

impl<'a> Deref for SlotProcess<'a> {
    type Target = dyn TokenProcess + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::OfAll(process) => *process,
            Self::Spindle(spindle) => spindle,
            Self::Block(block) => block,
        }
    }
}

fn is_default(schedule: &Schedule) -> bool {
    *schedule == Schedule::default()
}

fn tenth() -> f64 {
    0.1
}

fn least_rank_error() -> f64 {
    DEFAULT_RANK_ERRORS[0]
}

fn most_rank_error() -> f64 {
    DEFAULT_RANK_ERRORS[1]
}

fn strength() -> f64 {
    DEFAULT_STRENGTH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::near;

    const SHORTEST: [&str; 10] = [
        r#"{"process":"mask"}"#,
        r#"{"process":"uniform"}"#,
        r#"{"process":"mask_uniform"}"#,
        r#"{"process":"gaussian"}"#,
        r#"{"process":"frequency_mask"}"#,
        r#"{"process":"surprisal_mask"}"#,
        r#"{"process":"gen_md4"}"#,
        r#"{"process":"soft_mask"}"#,
        r#"{"process":"candi"}"#,
        r#"{"process":"block","width":4}"#,
    ];

    fn read(json: &str) -> ProcessDescription {
        serde_json::from_str(json).unwrap()
    }

    fn setting() -> Setting<'static> {
        Setting {
            mask: TokenId(0),
            words: Words { first: 1, count: 3 },
            counts: &[0, 90, 9, 1],
            exponents: &[1.0, 2.0, 0.5, 1.0],
            surprisals_nats: &[0.5, 2.0],
        }
    }

    #[test]
    fn every_process_goes_to_json_and_back_with_valid_defaults() {
        for json in SHORTEST {
            let description = read(json);
            assert_eq!(description.validate(), Ok(()), "{json}");
            assert_eq!(read(&serde_json::to_string(&description).unwrap()), description);
        }
        let written = serde_json::to_string(&read(r#"{"process":"mask","schedule":"geometric"}"#)).unwrap();
        assert_eq!(written, r#"{"process":"mask","schedule":"geometric"}"#);
    }

    #[test]
    fn a_clock_is_a_knob_that_is_not_written_at_its_default() {
        for json in [
            r#"{"process":"gen_md4"}"#,
            r#"{"process":"mask_uniform","uniform_share":0.1,"schedule":"cosine"}"#,
        ] {
            assert_eq!(serde_json::to_string(&read(json)).unwrap(), json);
        }
        for process in ["mask_uniform", "frequency_mask", "surprisal_mask", "gen_md4"] {
            let kept = |clock: &str, t| {
                let json = format!(r#"{{"process":"{process}","schedule":"{clock}"}}"#);
                let process = read(&json).of_text(1, &setting()).unwrap().unwrap();
                process.at(0).masses_of(TokenId(1), t).kept
            };
            // The cosine clock shows 1/2 at a third.
            assert!(near(kept("cosine", 1.0 / 3.0), kept("linear", 0.5), 1e-12), "{process}");
            assert!(!near(kept("cosine", 0.5), kept("linear", 0.5), 0.01), "{process}: power");
        }
    }

    #[test]
    fn unknown_names_and_knobs_are_refused() {
        for json in [
            r#"{"process":"masks"}"#,
            r#"{"process":"mask","width":4}"#,
            r#"{"process":"gen_md4","width":4}"#,
            r#"{"process":"block"}"#,
        ] {
            assert!(serde_json::from_str::<ProcessDescription>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn knobs_outside_their_ranges_are_refused() {
        for json in [
            r#"{"process":"mask_uniform","uniform_share":1}"#,
            r#"{"process":"frequency_mask","strength":0.4}"#,
            r#"{"process":"surprisal_mask","strength":-0.4}"#,
            r#"{"process":"soft_mask","feedback":{"candidates":9}}"#,
            r#"{"process":"candi","least_rank_error":0}"#,
            r#"{"process":"candi","least_rank_error":0.3}"#,
            r#"{"process":"candi","most_rank_error":0.5}"#,
            r#"{"process":"block","width":0}"#,
        ] {
            assert!(read(json).validate().is_err() && read(json).of_text(2, &setting()).is_err(), "{json}");
        }
        let broken = ProcessDescription::MaskUniform { uniform_share: f64::NAN, schedule: Schedule::Linear };
        let error = broken.validate().unwrap_err();
        assert_eq!(error.to_string(), "uniform_share: found NaN, expected a number from 0 to below 1");
    }

    #[test]
    fn the_process_of_a_slot_is_the_one_described() {
        let kept = |json, slot, token| {
            let process = read(json).of_text(2, &setting()).unwrap()?;
            Some(process.at(slot).marginal(TokenId(token), TokenId(token), 0.25))
        };
        let expected = [
            Some(0.75),
            Some(0.75 + 0.25 / 3.0),
            None, // compared below
            None,
            None, // compared below
            Some(0.75 + 0.3 * 0.5_f64.sqrt() * (0.625 - 0.25)),
            Some(1.0 - 0.0625),
            None,
            None,
            Some(0.75),
        ];
        for (json, expected) in SHORTEST.into_iter().zip(expected) {
            if let Some(expected) = expected {
                assert!(near(kept(json, 0, 1).unwrap(), expected, 1e-12), "{json}: {:?}", kept(json, 0, 1));
            }
        }
        assert!([3, 7, 8].iter().all(|&i| kept(SHORTEST[i], 0, 1).is_none()), "states are no tokens");
        assert!(kept(SHORTEST[2], 0, 1).unwrap() < 0.75 && kept(SHORTEST[4], 0, 1).unwrap() > 0.75);
        assert_eq!(kept(SHORTEST[9], 4, 1), Some(0.0), "after the block");
    }

    #[test]
    fn missing_data_is_an_error() {
        let missing = DescriptionError::Surprisals { found: 2, slot: 2 };
        assert!(read(SHORTEST[5]).of_text(2, &setting()).is_ok());
        assert_eq!(read(SHORTEST[5]).of_text(3, &setting()), Err(missing));
        let bare = Setting { counts: &[], exponents: &[], ..setting() };
        assert!([4, 6].iter().all(|&i| read(SHORTEST[i]).of_text(2, &bare).is_err()));
    }

    #[test]
    fn only_soft_masks_ask_the_model() {
        let asks = SHORTEST.into_iter().filter(|json| !read(json).is_tractable());
        assert!(asks.eq([SHORTEST[7]]));
    }
}
