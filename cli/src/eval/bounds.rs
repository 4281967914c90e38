//! The bound of every passage, as the model's own process has it.

use anyhow::anyhow;
use diffusion::measure::bound::{BoundTerm, embedding_noise_terms, token_noise_terms};
use diffusion::measure::smoothness::Curve;
use diffusion::measure::{
    BoundError, BoundSettings, TextBound, embedding_noise_bound, exact_bits, text_bound, token_noise_bound,
};
use diffusion::process::{Gaussian, Mask, MaskUniform, Uniform};
use diffusion::schedule::Schedule;
use diffusion::{FullDenoiser, SpecialTokens, TokenId};
use engine::Engine;
use model_loader::Process;

use super::passages::Passage;
use crate::failure::Failure;
use crate::output::Progress;

/// How the number comes about, in words that go with it everywhere.
pub fn estimator(process: Process) -> &'static str {
    match process {
        Process::Mask => "NELBO by Monte Carlo: k of n slots hidden, k uniform in 1..n, weight n/k",
        Process::Uniform | Process::MaskUniform { .. } => {
            "NELBO by Monte Carlo: exact in continuous time, leave-one-out predictions, two passes over strata of t"
        }
        Process::Gaussian { .. } => {
            "NELBO by Monte Carlo: squared errors weighed by the loss of signal-to-noise ratio from t = 0.02 on, \
             cross-entropy there, two passes over strata of t"
        }
        Process::Autoregressive => "exact, by the chain rule",
    }
}

/// Measures every passage.
pub async fn measure(
    engine: &mut Engine,
    passages: &[Passage],
    settings: BoundSettings,
) -> Result<Vec<TextBound>, Failure> {
    let noise = Noise::of(engine);
    let mut line = Progress::new();
    let mut bounds = Vec::new();
    for (index, passage) in (0..).zip(passages) {
        line.show(&format!("passage {} of {}", index + 1, passages.len()));
        let bound = noise.bound(engine, passage, index, settings).await;
        bounds.push(bound.map_err(|error| Failure::Run(anyhow!("{}", sentence(&error))))?);
    }
    Ok(bounds)
}

/// What is left of every passage at every time; `None` for a model without a process.
pub async fn curves(
    engine: &mut Engine,
    passages: &[Passage],
    settings: BoundSettings,
) -> Result<Option<Vec<Curve>>, Failure> {
    let noise = Noise::of(engine);
    let mut line = Progress::new();
    let mut curves = Vec::new();
    for (index, passage) in (0..).zip(passages) {
        line.show(&format!("passage {} of {}", index + 1, passages.len()));
        let terms = noise.terms(engine, &passage.window, index, settings).await;
        let terms = terms.map_err(|error| Failure::Run(anyhow!("{}", sentence(&error))))?;
        let Some(terms) = terms else { return Ok(None) };
        curves.extend(Curve::of(&terms));
    }
    Ok(Some(curves))
}

/// What the model was trained to undo, with all that its bound needs.
pub enum Noise {
    /// Masks.
    Mask(Mask),
    /// Random words.
    Uniform(Uniform),
    /// Both.
    MaskUniform(MaskUniform),
    /// Noise on vectors.
    Gaussian(Gaussian),
    /// No process.
    None,
}

impl Noise {
    /// That of the engine's model.
    pub fn of(engine: &Engine) -> Self {
        let process = engine.config().process;
        let words = engine::noise_words(engine.config());
        let schedule = Schedule::Linear;
        match process {
            Process::Mask => Self::Mask(Mask { schedule, mask: SpecialTokens::default().mask }),
            Process::Uniform => Self::Uniform(Uniform { schedule, words }),
            Process::MaskUniform { uniform_share } => Self::MaskUniform(MaskUniform {
                mask: SpecialTokens::default().mask,
                words,
                uniform_share: f64::from(uniform_share),
            }),
            Process::Gaussian { .. } => engine.vector_noise().map_or(Self::None, Self::Gaussian),
            Process::Autoregressive => Self::None,
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
            Self::Mask(_) => text_bound(denoiser, text, counted, index, special, settings).await,
            Self::Uniform(process) => {
                token_noise_bound(denoiser, process, text, counted, index, settings).await
            }
            Self::MaskUniform(process) => {
                token_noise_bound(denoiser, process, text, counted, index, settings).await
            }
            Self::Gaussian(process) => {
                embedding_noise_bound(denoiser, process, text, counted, index, settings).await
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
        Ok(Some(match self {
            Self::Mask(process) => token_noise_terms(denoiser, process, text, index, settings).await?,
            Self::Uniform(process) => token_noise_terms(denoiser, process, text, index, settings).await?,
            Self::MaskUniform(process) => token_noise_terms(denoiser, process, text, index, settings).await?,
            Self::Gaussian(process) => {
                embedding_noise_terms(denoiser, process, text, index, settings).await?
            }
            Self::None => return Ok(None),
        }))
    }
}

/// An error and its causes, for errors that may not cross threads.
fn sentence(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
