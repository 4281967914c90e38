//! Hybrids as a small JSON value beside the decoding settings; the command line takes it (`unmask generate --hybrid`).

use serde::{Deserialize, Serialize};

use super::adaptive::Adaptive;
use super::edlm::Edlm;
use super::rerank::Rerank;
use super::speculative::Speculative;
use crate::decode::{DecodeSettings, SettingsError};

/// How a diffusion model and an autoregressive one write together: `{"hybrid": "rerank", "candidates": 4}`. Knobs that are
/// not given have their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "hybrid", rename_all = "snake_case", deny_unknown_fields)]
pub enum Hybrid {
    /// One drafts, the other accepts: [`speculative`](super::speculative).
    Speculative(Speculative),
    /// Drafts that are trusted as far as both agree: [`adaptive`](super::adaptive).
    Adaptive(Adaptive),
    /// The best of n runs: [`rerank`](super::rerank).
    Rerank(Rerank),
    /// Candidates resampled at each call: [`edlm`](super::edlm).
    Edlm(Edlm),
}

impl Hybrid {
    /// Whether every knob is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        match self {
            Self::Speculative(knobs) => knobs.validate(),
            Self::Adaptive(knobs) => knobs.validate(),
            Self::Rerank(knobs) => knobs.validate(),
            Self::Edlm(knobs) => knobs.validate(),
        }
    }

    /// Whether it follows these decoding settings.
    ///
    /// # Errors
    /// If it would not.
    pub fn fits(&self, settings: &DecodeSettings) -> Result<(), SettingsError> {
        match self {
            // Each writes from left to right with the seed among its own knobs.
            Self::Speculative(_) | Self::Adaptive(_) if *settings != DecodeSettings::default() => {
                let expected = "none: it writes from left to right with the seed in its own file";
                Err(SettingsError::Together { first: "speculative or adaptive hybrid", expected })
            }
            Self::Edlm(knobs) => knobs.fits(&settings.sampling),
            Self::Speculative(_) | Self::Adaptive(_) | Self::Rerank(_) => Ok(()),
        }
    }

    /// The same hybrid for text number `index` of many: what has a seed of its own counts it up from there.
    #[must_use]
    pub fn of_text(self, index: u32) -> Self {
        match self {
            Self::Speculative(knobs) => {
                Self::Speculative(Speculative { seed: knobs.seed.wrapping_add(index), ..knobs })
            }
            Self::Adaptive(knobs) => {
                Self::Adaptive(Adaptive { seed: knobs.seed.wrapping_add(index), ..knobs })
            }
            Self::Rerank(_) | Self::Edlm(_) => self,
        }
    }

    /// Seeds of decoding settings that one text takes, counted up from its own: the next text's begin behind them.
    pub fn seeds_per_text(&self) -> u32 {
        match self {
            Self::Rerank(knobs) => knobs.candidates,
            Self::Speculative(_) | Self::Adaptive(_) | Self::Edlm(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind, no knob at its default, and its JSON.
    const OTHERS: [(Hybrid, &str); 4] = [
        (
            Hybrid::Speculative(Speculative { seed: 7, window: 3, sequential_draft: true }),
            r#"{"hybrid":"speculative","seed":7,"window":3,"sequential_draft":true}"#,
        ),
        (
            Hybrid::Adaptive(Adaptive { seed: 7, window: 3, share: 0.6 }),
            r#"{"hybrid":"adaptive","seed":7,"window":3,"share":0.6}"#,
        ),
        (
            Hybrid::Rerank(Rerank { candidates: 3, least_entropy_bits: 1.5 }),
            r#"{"hybrid":"rerank","candidates":3,"least_entropy_bits":1.5}"#,
        ),
        (
            Hybrid::Edlm(Edlm { candidates: 3, window: 0.4 }),
            r#"{"hybrid":"edlm","candidates":3,"window":0.4}"#,
        ),
    ];

    #[test]
    fn every_knob_goes_to_json_and_back() {
        for (hybrid, json) in OTHERS {
            assert_eq!(serde_json::to_string(&hybrid).unwrap(), json);
            assert_eq!(serde_json::from_str::<Hybrid>(json).unwrap(), hybrid);
            assert_eq!(hybrid.validate(), Ok(()));
        }
    }

    #[test]
    fn settings_that_would_not_be_followed_are_refused() {
        let (default, other) = (DecodeSettings::default(), DecodeSettings { seed: 1, ..Default::default() });
        let sampling = crate::Sampling { temperature: 0.5, ..Default::default() };
        let tempered = DecodeSettings { sampling, ..Default::default() };
        let fits = |settings: &DecodeSettings| OTHERS.map(|(hybrid, _)| hybrid.fits(settings).is_ok());
        assert_eq!(fits(&default), [true; 4]);
        assert_eq!(fits(&other), [false, false, true, true]);
        assert_eq!(fits(&tempered), [false, false, true, false]);
    }

    #[test]
    fn no_two_texts_share_a_seed() {
        let [speculative, adaptive, rerank, edlm] = OTHERS.map(|(hybrid, _)| hybrid);
        assert!(
            matches!(speculative.of_text(2), Hybrid::Speculative(knobs) if knobs.seed == 9 && knobs.window == 3)
        );
        assert!(
            matches!(adaptive.of_text(2), Hybrid::Adaptive(knobs) if knobs.seed == 9 && knobs.share == 0.6)
        );
        assert_eq!((rerank.of_text(2), edlm.of_text(2)), (rerank, edlm));
        assert_eq!([speculative, adaptive, rerank, edlm].map(|hybrid| hybrid.seeds_per_text()), [1, 1, 3, 1]);
    }

    #[test]
    fn what_is_not_said_is_the_default_and_what_is_unknown_is_refused() {
        for (name, default) in [
            ("speculative", Hybrid::Speculative(Speculative::default())),
            ("adaptive", Hybrid::Adaptive(Adaptive::default())),
            ("rerank", Hybrid::Rerank(Rerank::default())),
            ("edlm", Hybrid::Edlm(Edlm::default())),
        ] {
            let json = |more: &str| format!(r#"{{"hybrid": "{name}"{more}}}"#);
            assert_eq!(serde_json::from_str::<Hybrid>(&json("")).unwrap(), default);
            assert!(serde_json::from_str::<Hybrid>(&json(r#", "sead": 1"#)).is_err(), "{name}");
        }
        assert!(serde_json::from_str::<Hybrid>(r#"{"hybrid": "loud"}"#).is_err());
        assert!(serde_json::from_str::<Hybrid>("{}").is_err());
    }

    #[test]
    fn ranges_hold_at_both_ends() {
        let speculative = |window| Hybrid::Speculative(Speculative { window, ..Speculative::default() });
        let adaptive = |window, share| Hybrid::Adaptive(Adaptive { seed: 0, window, share });
        let rerank =
            |candidates, least_entropy_bits| Hybrid::Rerank(Rerank { candidates, least_entropy_bits });
        let edlm = |candidates, window| Hybrid::Edlm(Edlm { candidates, window });
        let most = 1_000_000;
        for right in [
            [speculative(1), adaptive(1, 0.0), rerank(1, 0.0), edlm(1, 0.0)],
            [speculative(most), adaptive(most, 1.0), rerank(most, 64.0), edlm(most, 1.0)],
        ] {
            assert!(right.iter().all(|hybrid| hybrid.validate().is_ok()), "{right:?}");
        }
        for wrong in [
            [speculative(0), adaptive(0, 0.5), rerank(0, 0.0), edlm(0, 0.5)],
            [speculative(most + 1), adaptive(most + 1, 0.5), rerank(most + 1, 0.0), edlm(most + 1, 0.5)],
            [adaptive(1, -0.1), adaptive(1, 1.1), rerank(1, 64.1), edlm(1, 1.1)],
            [adaptive(1, f64::NAN), rerank(1, f64::NAN), rerank(1, -0.1), edlm(1, f64::NAN)],
        ] {
            assert!(wrong.iter().all(|hybrid| hybrid.validate().is_err()), "{wrong:?}");
        }
    }
}
