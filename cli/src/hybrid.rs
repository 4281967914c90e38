//! `unmask generate --hybrid`: a mask model and an autoregressive one that write together.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, anyhow};
use diffusion::decode::SettingsError;
use diffusion::guide::Causal;
use diffusion::hybrid::Hybrid;
use diffusion::hybrid::adaptive::adaptive;
use diffusion::hybrid::edlm::edlm;
use diffusion::hybrid::rerank::rerank;
use diffusion::hybrid::speculative::speculate;
use diffusion::{DecodeSettings, Decoder, Sequence, SpecialTokens, Trajectory};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;

use crate::arguments::Generate;
use crate::diagnose::read;
use crate::failure::Failure;
use crate::generate::{text_of, vocabulary};
use crate::model::{BackendName, Identity, Model};
use crate::output;

/// Two models that fit together, and how they write.
pub struct Pair {
    hybrid: Hybrid,
    denoiser: Model,
    autoregressive: Model,
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

/// What came out, and its cost as the hybrid counts it.
#[derive(Serialize)]
struct Written {
    sequence: Sequence,
    denoiser_calls: u32,
    /// Of hybrids that judge whole texts (rerank, EDLM) the texts that were judged, not calls.
    autoregressive_calls: u32,
    /// Of hybrids that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    trajectory: Option<Trajectory>,
}

/// A hybrid from a file, its ranges checked.
pub fn read_hybrid(file: &Path) -> Result<Hybrid, Failure> {
    let hybrid: Hybrid = serde_json::from_str(&read(file)?)
        .with_context(|| format!("{} is no hybrid", file.display()))
        .map_err(Failure::Input)?;
    hybrid.validate().map_err(Failure::input)?;
    Ok(hybrid)
}

impl Pair {
    /// Loads the second model, and refuses what does not fit: models of other kinds, other words, a shorter window, and
    /// decoding settings that the hybrid would not follow.
    pub fn load(
        hybrid: Hybrid,
        denoiser: Model,
        autoregressive: &Path,
        settings: &DecodeSettings,
    ) -> Result<Self, Failure> {
        let autoregressive = Model::load(autoregressive)?;
        denoiser.expect(denoiser.checkpoint.config.process == Process::Mask, "masks, for a hybrid")?;
        let is_autoregressive = autoregressive.checkpoint.config.process == Process::Autoregressive;
        autoregressive.expect(is_autoregressive, "an autoregressive model, for --ar")?;
        let (own, other) = (&denoiser.checkpoint, &autoregressive.checkpoint);
        let file = &autoregressive.identity.file;
        if vocabulary(&own.tokenizer) != vocabulary(&other.tokenizer) {
            let message =
                anyhow!("words of {file}: found other ones, expected those of {}", denoiser.identity.file);
            return Err(Failure::Input(message));
        }
        let (found, least) = (other.config.context_length, own.config.context_length);
        if found < least {
            return Err(Failure::Input(anyhow!(
                "window of {file}: found {found} slots, expected at least {least}"
            )));
        }
        let writes_by_itself = matches!(hybrid, Hybrid::Speculative(_) | Hybrid::Adaptive(_));
        if writes_by_itself && *settings != DecodeSettings::default() {
            let expected = "none: it writes from left to right with the seed in its own file";
            let error = SettingsError::Together { first: "speculative or adaptive hybrid", expected };
            return Err(Failure::input(error));
        }
        Ok(Self { hybrid, denoiser, autoregressive })
    }

    /// Writes all masked slots.
    async fn write(
        &self,
        mut denoiser: Engine,
        mut autoregressive: Engine,
        settings: DecodeSettings,
        start: Sequence,
    ) -> Result<Written, Failure> {
        let special = SpecialTokens::default();
        let judge = &mut autoregressive;
        match self.hybrid {
            Hybrid::Speculative(knobs) if knobs.sequential_draft => {
                let mut target = Causal::new(denoiser, special.mask);
                let run = speculate(judge, &mut target, knobs, start, special).await;
                let run = run.map_err(Failure::run)?;
                Ok(Written::of(run.sequence, run.target_calls, run.draft_calls))
            }
            Hybrid::Speculative(knobs) => {
                let run = speculate(&mut denoiser, judge, knobs, start, special).await;
                let run = run.map_err(Failure::run)?;
                Ok(Written::of(run.sequence, run.draft_calls, run.target_calls))
            }
            Hybrid::Adaptive(knobs) => {
                let run = adaptive(&mut denoiser, judge, knobs, start, special).await;
                let run = run.map_err(Failure::run)?;
                let calls = run.kept.len() as u32;
                Ok(Written::of(run.sequence, calls, calls))
            }
            Hybrid::Rerank(knobs) => {
                let run = rerank(&mut denoiser, judge, knobs, &settings, &start, special).await;
                let run = run.map_err(Failure::run)?;
                Written::with(run.trajectory, run.denoiser_calls, run.autoregressive_calls)
            }
            Hybrid::Edlm(knobs) => {
                let decoder = Decoder::new(settings, start, special).map_err(Failure::input)?;
                let run = edlm(&mut denoiser, judge, knobs, decoder).await.map_err(Failure::run)?;
                Written::with(run.trajectory, run.denoiser_calls, run.autoregressive_calls)
            }
        }
    }
}

impl Written {
    fn of(sequence: Sequence, denoiser_calls: u32, autoregressive_calls: u32) -> Self {
        Self { sequence, denoiser_calls, autoregressive_calls, trajectory: None }
    }

    fn with(trajectory: Trajectory, denoiser_calls: u32, autoregressive_calls: u32) -> Result<Self, Failure> {
        let sequence = trajectory.sequence_at(trajectory.steps.len()).map_err(Failure::run)?;
        Ok(Self { trajectory: Some(trajectory), ..Self::of(sequence, denoiser_calls, autoregressive_calls) })
    }
}

/// Runs the pair from a start and prints what it wrote.
pub async fn generate(
    arguments: &Generate,
    pair: Pair,
    settings: DecodeSettings,
    start: Sequence,
) -> Result<(), Failure> {
    let (denoiser, backend) = pair.denoiser.open(arguments.model.backend).await?;
    let (autoregressive, _) = pair.autoregressive.open(arguments.model.backend).await?;
    let began = Instant::now();
    let written = pair.write(denoiser, autoregressive, settings, start).await?;
    let tokenizer = &pair.denoiser.checkpoint.tokenizer;
    let text = text_of(tokenizer, &written.sequence);
    let (own, other, seconds) =
        (written.denoiser_calls, written.autoregressive_calls, began.elapsed().as_secs_f64());
    output::message(&format!("{own} and {other} autoregressive calls on {} in {seconds:.2} s", backend.name));
    if !arguments.json {
        return output::result(&(text + "\n"));
    }
    output::json(&Report {
        model: &pair.denoiser.identity,
        autoregressive: &pair.autoregressive.identity,
        backend,
        prompt: &arguments.prompt,
        text: &text,
        hybrid: pair.hybrid,
        vocabulary: vocabulary(tokenizer),
        written,
    })
}
