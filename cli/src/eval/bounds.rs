//! The bound of every passage, as the model's own process has it.

use diffusion::measure::bound::{BoundTerm, embedding_noise_terms, token_noise_terms, token_schedules_terms};
use diffusion::measure::smoothness::Curve;
use diffusion::measure::{
    BoundError, BoundSettings, TextBound, embedding_noise_bound, exact_bits, text_bound, token_noise_bound,
    token_schedules_bound,
};
use diffusion::process::{Gaussian, GenMd4};
use diffusion::{FullDenoiser, SpecialTokens, TokenId};
use engine::{Engine, TokenNoise};
use model_loader::Origin;

use super::passages::Passage;
use crate::failure::Failure;
use crate::output::Progress;

/// Measures every passage.
pub async fn measure(
    engine: &mut Engine,
    noise: &Noise,
    passages: &[Passage],
    settings: BoundSettings,
) -> Result<Vec<TextBound>, Failure> {
    let mut line = Progress::new();
    let mut bounds = Vec::new();
    for (index, passage) in (0..).zip(passages) {
        line.show(&format!("passage {} of {}", index + 1, passages.len()));
        let bound = noise.bound(engine, passage, index, settings).await;
        bounds.push(bound.map_err(|error| Failure::of_causes(&error))?);
    }
    Ok(bounds)
}

/// What is left of every passage at every time; `None` for a model without a process.
pub async fn curves(
    engine: &mut Engine,
    noise: &Noise,
    passages: &[Passage],
    settings: BoundSettings,
) -> Result<Option<Vec<Curve>>, Failure> {
    let mut line = Progress::new();
    let mut curves = Vec::new();
    for (index, passage) in (0..).zip(passages) {
        line.show(&format!("passage {} of {}", index + 1, passages.len()));
        let terms = noise.terms(engine, &passage.window, index, settings).await;
        let terms = terms.map_err(|error| Failure::of_causes(&error))?;
        let Some(terms) = terms else { return Ok(None) };
        curves.extend(Curve::of(&terms));
    }
    Ok(Some(curves))
}

/// What the model was trained to undo, with all that its bound needs.
pub enum Noise {
    /// Masks, random words, or both.
    Tokens(TokenNoise),
    /// Masks that fall on rare tokens first.
    RareFirst(GenMd4),
    /// Noise on vectors.
    Gaussian(Gaussian),
    /// No process.
    None,
}

impl Noise {
    /// That of the engine's model, of whose training its file tells.
    pub fn of(engine: &Engine, origin: &Origin) -> Result<Self, Failure> {
        if let Some(process) = engine::rare_first(origin).map_err(Failure::input)? {
            return Ok(Self::RareFirst(process));
        }
        let tokens = TokenNoise::of(engine.config()).map(Self::Tokens);
        Ok(tokens.or_else(|| engine.vector_noise().map(Self::Gaussian)).unwrap_or(Self::None))
    }

    /// How the number comes about, in words that go with it everywhere.
    pub fn estimator(&self) -> &'static str {
        match self {
            Self::Tokens(TokenNoise::Mask(_)) => {
                "NELBO by Monte Carlo: k of n slots hidden, k uniform in 1..n, weight n/k"
            }
            Self::RareFirst(_) => {
                "NELBO by Monte Carlo: masks with a schedule per token (GenMD4), exact in continuous time, passes over strata of t"
            }
            Self::Tokens(TokenNoise::Uniform(_) | TokenNoise::MaskUniform(_)) => {
                "NELBO by Monte Carlo: exact in continuous time, leave-one-out predictions, passes over strata of t"
            }
            Self::Gaussian(_) => {
                "NELBO by Monte Carlo: squared errors weighed by the loss of signal-to-noise ratio from t = 0.02 on, \
                 cross-entropy there, passes over strata of t"
            }
            Self::None => "exact, by the chain rule",
        }
    }

    async fn bound<D: FullDenoiser>(
        &self,
        denoiser: &mut D,
        passage: &Passage,
        index: u32,
        settings: BoundSettings,
    ) -> Result<TextBound, BoundError<D::Error>> {
        let (special, text, counted) = (SpecialTokens::default(), &passage.window, passage.tokens);
        match self {
            Self::Tokens(TokenNoise::Mask(_)) => {
                text_bound(denoiser, text, counted, index, special, settings).await
            }
            Self::RareFirst(process) => {
                token_schedules_bound(denoiser, process, text, counted, index, special, settings).await
            }
            Self::Tokens(TokenNoise::Uniform(process)) => {
                token_noise_bound(denoiser, process, text, counted, index, special, settings).await
            }
            Self::Tokens(TokenNoise::MaskUniform(process)) => {
                token_noise_bound(denoiser, process, text, counted, index, special, settings).await
            }
            Self::Gaussian(process) => {
                embedding_noise_bound(denoiser, process, text, counted, index, special, settings).await
            }
            Self::None => exact_bits(denoiser, text, counted, special).await,
        }
    }
}

impl Noise {
    /// The terms of the bound, on the clock of the linear schedule.
    async fn terms<D: FullDenoiser>(
        &self,
        denoiser: &mut D,
        text: &[TokenId],
        index: u32,
        settings: BoundSettings,
    ) -> Result<Option<Vec<BoundTerm>>, BoundError<D::Error>> {
        let special = SpecialTokens::default();
        Ok(Some(match self {
            Self::Tokens(TokenNoise::Mask(process)) => {
                token_noise_terms(denoiser, process, text, index, special, settings).await?
            }
            Self::RareFirst(process) => {
                token_schedules_terms(denoiser, process, text, index, special, settings).await?
            }
            Self::Tokens(TokenNoise::Uniform(process)) => {
                token_noise_terms(denoiser, process, text, index, special, settings).await?
            }
            Self::Tokens(TokenNoise::MaskUniform(process)) => {
                token_noise_terms(denoiser, process, text, index, special, settings).await?
            }
            Self::Gaussian(process) => {
                embedding_noise_terms(denoiser, process, text, index, special, settings).await?
            }
            Self::None => return Ok(None),
        }))
    }
}
