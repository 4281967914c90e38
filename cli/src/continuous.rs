//! Models of Gaussian noise on the command line: vectors on their way to tokens.

use std::time::Instant;

use anyhow::anyhow;
use diffusion::SpecialTokens;
use diffusion::decode::{DecodeSettings, GaussianSettings, GaussianStep, run_gaussian};
use diffusion::process::Gaussian;
use engine::Engine;
use serde::Serialize;

use crate::arguments::Generate;
use crate::failure::Failure;
use crate::model::{BackendName, Identity, Model};
use crate::output;
use crate::prompt;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: Identity,
    backend: BackendName,
    prompt: &'a str,
    text: &'a str,
    settings: GaussianSettings,
    /// One per call: what the network made of the vectors.
    steps: Vec<GaussianStep>,
}

/// Writes a text; of the decoding settings only seed and steps have a meaning here.
pub async fn generate(arguments: &Generate, model: Model) -> Result<(), Failure> {
    let decoding = &arguments.decoding;
    let for_tokens = arguments.company.guides.is_some() || arguments.company.hybrid.is_some();
    if decoding.settings.is_some() || decoding.corrupt.is_some() || for_tokens {
        let file = &model.identity.file;
        return Err(Failure::Input(anyhow!(
            "{file} undoes noise on vectors: found a schedule of masks, guides or a hybrid, expected --seed and --steps only"
        )));
    }
    let default = GaussianSettings::default();
    let settings = GaussianSettings { seed: decoding.seed, steps: decoding.steps.unwrap_or(default.steps) };
    settings.validate().map_err(Failure::input)?;
    let start = DecodeSettings::default();
    let start = prompt::start(&model.checkpoint, &arguments.prompt, arguments.length, &start, None)?;
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let process = process(&engine)?;
    let began = Instant::now();
    let run = run_gaussian(&mut engine, &process, &start, settings, SpecialTokens::default()).await;
    let steps = run.map_err(|error| Failure::of_causes(&error))?;
    let tokens = steps.last().map(|step| step.tokens.iter().map(|token| token.0).collect::<Vec<_>>());
    let text = model.checkpoint.tokenizer.decode(&tokens.unwrap_or_default());
    let (calls, seconds) = (steps.len(), began.elapsed().as_secs_f64());
    output::message(&format!("{calls} calls on {} in {seconds:.2} s", backend.name));
    if arguments.json {
        let prompt = arguments.prompt.as_str();
        return output::json(&Report {
            model: model.identity,
            backend,
            prompt,
            text: &text,
            settings,
            steps,
        });
    }
    output::result(&(text + "\n"))
}

/// The noise of the model's training.
pub fn process(engine: &Engine) -> Result<Gaussian, Failure> {
    engine
        .vector_noise()
        .ok_or_else(|| Failure::Run(anyhow!("model: found no vectors, expected Gaussian noise")))
}
