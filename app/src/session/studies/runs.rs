//! What studies that write texts share: decoders from the visitor's settings, and the states of a finished run.

use diffusion::decode::{
    DecodeError, DecodeSettings, Decoder, GaussianError, Parallelism, RunError, Trajectory,
};
use diffusion::{Sequence, SpecialTokens, TokenId};
use model_loader::ModelConfig;

use crate::failure::Failure;
use crate::session::language::Language;
use crate::session::models::fitted;
use crate::session::start::start;
use crate::settings::Settings;

/// Why a text was not written.
#[derive(Debug)]
pub enum Trouble<E> {
    /// The denoiser failed or was overtaken.
    Denoiser(E),
    /// The settings or the answer do not fit.
    Other(Failure),
}

impl<E: std::error::Error + 'static> Trouble<E> {
    /// Of a run.
    pub fn of(error: RunError<E>) -> Self {
        match error {
            RunError::Denoiser(error) => Self::Denoiser(error),
            RunError::Decode(error) => Self::Other(error.into()),
            RunError::Length { .. } => unreachable!("all sequences of a study have one length"),
        }
    }

    /// Of a run on vectors.
    pub fn of_vectors(error: GaussianError<E>) -> Self {
        match error {
            GaussianError::Denoiser(error) => Self::Denoiser(error),
            GaussianError::Answer { found, expected } => {
                Self::Other(DecodeError::Count { found, expected }.into())
            }
            GaussianError::Settings(_) => unreachable!("a study asks for one step at least"),
        }
    }
}

/// A decoder that writes from the prompt and pure noise with so many slots per call, and the words of the prompt that the
/// model does not know.
///
/// # Errors
/// If the visitor's words do not fit.
pub fn decoder(
    settings: &Settings,
    language: &Language,
    config: &ModelConfig,
    slots: u32,
) -> Result<(Decoder, Vec<String>), Failure> {
    let special = SpecialTokens::default();
    let length = settings.length.min(config.context_length);
    let settings = Settings { length, time: 1.0, ..settings.clone() };
    let start = start(&settings, &language.tokenizer, special)?;
    let parallelism = Parallelism::SlotsPerCall { slots };
    let wanted = DecodeSettings { parallelism, ..settings.knobs() };
    let decoder = Decoder::new(fitted(wanted, config, length), start.sequence, special)?;
    Ok((decoder, start.unknown.into_iter().map(|(_, word)| word).collect()))
}

/// The slots after so many steps.
///
/// # Errors
/// If the run contradicts itself.
pub fn state_at(trajectory: &Trajectory, step: usize) -> Result<Sequence, Failure> {
    Ok(trajectory.sequence_at(step)?)
}

/// The tokens of a finished sequence up to its end.
pub fn text(sequence: &Sequence) -> Vec<TokenId> {
    let end = SpecialTokens::default().end_of_text;
    sequence.tokens().take(sequence.text_length(end)).collect()
}
