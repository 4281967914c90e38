//! What a model was trained to undo: the one place where a file's process becomes a forward process of `diffusion`.

use diffusion::measure::scorecard::Family;
use diffusion::process::{GenMd4, Mask, MaskUniform, SalienceError, TokenProcess, Uniform, Words};
use diffusion::schedule::Schedule;
use diffusion::{SpecialTokens, TokenId};
use model_loader::{ModelConfig, Origin, Process};

/// The family of models whose masks fall on rare tokens first, and the exponents of the rarest and the commonest token. No file
/// tells them: they are those of `training/process.py` (`Salience`).
const RARE_FIRST: &str = "mask_salience";
const EXPONENTS: [f64; 2] = [1.0, 3.0];

/// Noise of tokens. Schedules are linear, as in all of our training; [`MaskUniform`] has its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenNoise {
    /// Masks.
    Mask(Mask),
    /// Random words.
    Uniform(Uniform),
    /// Both.
    MaskUniform(MaskUniform),
}

impl TokenNoise {
    /// Of a model whose slots hold tokens and that has a process.
    pub fn of(config: &ModelConfig) -> Option<Self> {
        let (words, mask) = (noise_words(config), SpecialTokens::default().mask);
        match config.process {
            Process::Mask => Some(Self::Mask(Mask { schedule: Schedule::Linear, mask })),
            Process::Uniform => Some(Self::Uniform(Uniform { schedule: Schedule::Linear, words })),
            Process::MaskUniform { uniform_share } => {
                Some(Self::MaskUniform(MaskUniform { mask, words, uniform_share: uniform_share.into() }))
            }
            Process::Gaussian { .. } | Process::Autoregressive => None,
        }
    }

    /// The process.
    pub fn process(&self) -> &dyn TokenProcess {
        match self {
            Self::Mask(process) => process,
            Self::Uniform(process) => process,
            Self::MaskUniform(process) => process,
        }
    }

    /// The process, if words that are shown may be noise; none of a model that trusts what it sees.
    pub fn doubts(&self) -> Option<&dyn TokenProcess> {
        (!matches!(self, Self::Mask(_))).then(|| self.process())
    }

    /// ln of q(z | z) / q(z | another word) of a word z that is shown at time t: ln(1 + kept · V / uniform), V the number of words.
    /// 0 where what is shown is no noise.
    pub(crate) fn rise(&self, present: TokenId, t: f64) -> f64 {
        let Some(process) = self.doubts() else { return 0.0 };
        let (words, masses) = (process.words(), process.masses(t));
        match present.0 < words.first {
            true => 0.0,
            false => (masses.kept * f64::from(words.count) / masses.uniform).ln_1p(),
        }
    }
}

/// The paper's name for a model's kind.
pub fn family(config: &ModelConfig) -> Family {
    match config.process {
        Process::Autoregressive => Family::Autoregressive,
        Process::Gaussian { .. } => Family::Continuous,
        Process::Mask | Process::Uniform | Process::MaskUniform { .. } => Family::Discrete,
    }
}

/// The words that uniform noise draws from: all that a model predicts, the end of the text included.
pub fn noise_words(config: &ModelConfig) -> Words {
    let first = SpecialTokens::default().first_token(false);
    Words { first, count: config.vocab_size as u32 - first }
}

/// A model that was trained on masks with a schedule per token, whose file does not say how often tokens occur.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{RARE_FIRST}: found {found}, expected how often each token occurs in training (unmask.token_counts)"
)]
pub struct RareFirstError {
    found: String,
}

/// The masks of a model that was trained to have rare tokens hidden first; none for any other.
///
/// # Errors
/// [`RareFirstError`]: without counts its schedules are unknown, and plain masks would measure another process.
pub fn rare_first(origin: &Origin) -> Result<Option<GenMd4>, RareFirstError> {
    if origin.family.as_deref() != Some(RARE_FIRST) {
        return Ok(None);
    }
    let refused = |found: String| RareFirstError { found };
    let counts = origin.token_counts.as_deref().ok_or_else(|| refused("no counts".into()))?;
    hiding_rare_first(counts).map(Some).map_err(|error| refused(error.to_string()))
}

/// Masks that fall on rare tokens first, as our model of them was trained, by how often each token occurs. `// counts: (vocabulary)`
///
/// # Errors
/// If there is nothing to count by.
pub fn hiding_rare_first(counts: &[u64]) -> Result<GenMd4, SalienceError> {
    let [rarest, commonest] = EXPONENTS;
    GenMd4::by_frequency(SpecialTokens::default().mask, counts, rarest, commonest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_first_needs_counts_and_no_other_family_does() {
        let origin = |family: &str, counts: Option<Vec<u64>>| Origin {
            family: Some(family.into()),
            token_counts: counts,
            ..Origin::default()
        };
        assert_eq!(rare_first(&origin("mask", None)), Ok(None));
        assert_eq!(rare_first(&Origin::default()), Ok(None));
        let found = rare_first(&origin(RARE_FIRST, Some(vec![0, 9, 1]))).unwrap().unwrap();
        assert_eq!([0, 1].map(|token| found.exponent(TokenId(token))), EXPONENTS);
        for counts in [None, Some(Vec::new())] {
            assert!(rare_first(&origin(RARE_FIRST, counts)).is_err());
        }
    }
}
