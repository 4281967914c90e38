//! A mask model and an autoregressive one that write together (`--hybrid`).

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use diffusion::guide::Causal;
use diffusion::hybrid::adaptive::adaptive;
use diffusion::hybrid::edlm::edlm;
use diffusion::hybrid::rerank::rerank;
use diffusion::hybrid::speculative::speculate;
use diffusion::hybrid::{Hybrid, HybridError};
use diffusion::{
    DecodeSettings, Decoder, Denoiser, FullDenoiser, Prediction, Query, Sequence, SpecialTokens, Trajectory,
};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;

use crate::arguments::{Company, Generate};
use crate::diagnose::read;
use crate::failure::Failure;
use crate::generate::{text_of, vocabulary};
use crate::model::{BackendName, Identity, Model};
use crate::output;

/// An autoregressive model, and how it writes along.
pub struct Partner {
    /// How.
    pub hybrid: Hybrid,
    /// The model.
    pub model: Model,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a Identity,
    autoregressive: &'a Identity,
    backend: BackendName,
    prompt: &'a str,
    text: &'a str,
    hybrid: Hybrid,
    vocabulary: Vec<&'a str>,
    #[serde(flatten)]
    written: Written,
}

/// What came out, and what both models were asked for it.
#[derive(Serialize)]
pub struct Written {
    /// The text.
    pub sequence: Sequence,
    /// Calls of the mask model.
    pub denoiser_calls: u32,
    /// Sequences in them.
    pub denoiser_sequences: u32,
    /// Calls of the autoregressive model.
    pub autoregressive_calls: u32,
    /// Sequences in them.
    pub autoregressive_sequences: u32,
    /// Of hybrids that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<Trajectory>,
}

/// A hybrid from a file, its ranges checked.
fn read_hybrid(file: &Path) -> Result<Hybrid, Failure> {
    let hybrid: Hybrid = serde_json::from_str(&read(file)?)
        .with_context(|| format!("{} is no hybrid", file.display()))
        .map_err(Failure::Input)?;
    hybrid.validate().map_err(Failure::input)?;
    Ok(hybrid)
}

impl Partner {
    /// Loads the second model, if there is to be one, and refuses what does not fit: models of other kinds, other words, a
    /// shorter window.
    pub fn load(company: &Company, denoiser: &Model) -> Result<Option<Self>, Failure> {
        let (Some(file), Some(autoregressive)) = (&company.hybrid, &company.autoregressive) else {
            return Ok(None);
        };
        let hybrid = read_hybrid(file)?;
        denoiser.expect(denoiser.checkpoint.config.process == Process::Mask, "masks, for a hybrid")?;
        let model = denoiser.autoregressive_twin(autoregressive, "--ar")?;
        Ok(Some(Self { hybrid, model }))
    }
}

/// Writes all masked slots.
pub async fn write(
    hybrid: Hybrid,
    denoiser: &mut Engine,
    autoregressive: &mut Engine,
    settings: &DecodeSettings,
    start: Sequence,
) -> Result<Written, Failure> {
    let special = SpecialTokens::default();
    let (mut own, mut other) = (Counted::new(denoiser), Counted::new(autoregressive));
    let (sequence, trajectory) = match hybrid {
        Hybrid::Speculative(knobs) if knobs.sequential_draft => {
            let mut target = Causal::new(&mut own, special.mask);
            let run = speculate(&mut other, &mut target, knobs, start, special).await;
            (run.map_err(failed)?.sequence, None)
        }
        Hybrid::Speculative(knobs) => {
            let run = speculate(&mut own, &mut other, knobs, start, special).await;
            (run.map_err(failed)?.sequence, None)
        }
        Hybrid::Adaptive(knobs) => {
            let run = adaptive(&mut own, &mut other, knobs, start, special).await;
            (run.map_err(failed)?.sequence, None)
        }
        Hybrid::Rerank(knobs) => {
            let run = rerank(&mut own, &mut other, knobs, settings, &start, special).await;
            with_end(run.map_err(failed)?.trajectory)?
        }
        Hybrid::Edlm(knobs) => {
            let decoder = Decoder::new(settings.clone(), start, special).map_err(Failure::input)?;
            let run = edlm(&mut own, &mut other, knobs, decoder).await;
            with_end(run.map_err(failed)?.trajectory)?
        }
    };
    Ok(Written {
        sequence,
        denoiser_calls: own.calls,
        denoiser_sequences: own.sequences,
        autoregressive_calls: other.calls,
        autoregressive_sequences: other.sequences,
        trajectory,
    })
}

/// A run and what it ends with.
fn with_end(run: Trajectory) -> Result<(Sequence, Option<Trajectory>), Failure> {
    Ok((run.sequence_at(run.steps.len()).map_err(Failure::run)?, Some(run)))
}

/// Settings that do not fit are the input's fault.
fn failed(error: HybridError<engine::Error, engine::Error>) -> Failure {
    match error {
        HybridError::Settings(error) => Failure::input(error),
        error => Failure::run(error),
    }
}

/// A model that counts what it is asked.
struct Counted<'a> {
    engine: &'a mut Engine,
    calls: u32,
    sequences: u32,
}

impl<'a> Counted<'a> {
    fn new(engine: &'a mut Engine) -> Self {
        Self { engine, calls: 0, sequences: 0 }
    }

    fn count(&mut self, query: &Query) {
        self.calls += 1;
        self.sequences += query.batch() as u32;
    }
}

impl Denoiser for Counted<'_> {
    type Error = engine::Error;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, engine::Error> {
        self.count(query);
        self.engine.predict(query).await
    }
}

impl FullDenoiser for Counted<'_> {
    fn vocabulary(&self) -> usize {
        self.engine.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, engine::Error> {
        self.count(query);
        self.engine.distributions(query).await
    }
}

/// Runs both models from a start and prints what they wrote.
pub async fn generate(
    arguments: &Generate,
    model: &Model,
    partner: &Partner,
    settings: &DecodeSettings,
    start: Sequence,
) -> Result<(), Failure> {
    partner.hybrid.fits(settings).map_err(Failure::input)?;
    let (mut denoiser, backend) = model.open(arguments.model.backend).await?;
    let (mut autoregressive, _) = partner.model.open(arguments.model.backend).await?;
    let began = Instant::now();
    let written = write(partner.hybrid, &mut denoiser, &mut autoregressive, settings, start).await?;
    let tokenizer = &model.checkpoint.tokenizer;
    let text = text_of(tokenizer, &written.sequence);
    let (own, other, seconds) =
        (written.denoiser_calls, written.autoregressive_calls, began.elapsed().as_secs_f64());
    output::message(&format!("{own} and {other} autoregressive calls on {} in {seconds:.2} s", backend.name));
    if !arguments.json {
        return output::result(&(text + "\n"));
    }
    output::json(&Report {
        model: &model.identity,
        autoregressive: &partner.model.identity,
        backend,
        prompt: &arguments.prompt,
        text: &text,
        hybrid: partner.hybrid,
        vocabulary: vocabulary(tokenizer),
        written,
    })
}
