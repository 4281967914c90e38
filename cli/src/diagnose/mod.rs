//! `unmask diagnose`: a decoding schedule under test, beside one slot per call at the same seeds.

pub mod measures;
pub mod report;
pub mod runs;
pub mod world;

use std::path::Path;

use anyhow::{Context, anyhow};
use diffusion::decode::DecodeSettings;

use crate::arguments::Diagnose;
use crate::failure::Failure;
use crate::model::Model;
use crate::output;
use report::{Limits, Report};
use runs::{Runs, measure};
use world::World;

/// Runs the command. A limit that is passed is a failure of its own kind.
pub async fn diagnose(arguments: &Diagnose) -> Result<(), Failure> {
    let settings = read_settings(&arguments.schedule)?;
    let model = Model::load(&arguments.model.file)?;
    model.expect_masks()?;
    let prompts = read_prompts(arguments.prompts.as_deref())?;
    let world = World::new(&model.checkpoint.tokenizer);
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let runs = Runs {
        checkpoint: &model.checkpoint,
        prompts: &prompts,
        seeds: arguments.seeds,
        batch: arguments.batch,
        world: &world,
    };
    let texts = measure(&mut engine, &runs, &settings, "schedule").await?;
    let baseline = measure(&mut engine, &runs, &sequential(&settings), "baseline").await?;
    let limits = Limits::of(arguments);
    let report = Report::new(model.identity, backend, settings, &texts, &baseline, &limits);
    if arguments.json {
        output::json(&report)?
    } else {
        output::result(&report.page())?
    }
    match report.broken().as_slice() {
        [] => Ok(()),
        broken => Err(Failure::Limit(anyhow!("{}", broken.join("; ")))),
    }
}

/// The baseline: one random slot per call, the same draws of tokens, nothing else.
pub fn sequential(settings: &DecodeSettings) -> DecodeSettings {
    DecodeSettings { seed: settings.seed, sampling: settings.sampling, ..DecodeSettings::default() }
}

/// A schedule from its JSON file, its ranges checked.
pub fn read_settings(file: &Path) -> Result<DecodeSettings, Failure> {
    let settings: DecodeSettings = serde_json::from_str(&read(file)?)
        .with_context(|| format!("{} is no schedule", file.display()))
        .map_err(Failure::Input)?;
    settings.validate().map_err(Failure::input)?;
    Ok(settings)
}

/// One prompt per line; without a file one empty prompt.
pub fn read_prompts(file: Option<&Path>) -> Result<Vec<String>, Failure> {
    let Some(file) = file else { return Ok(vec![String::new()]) };
    let lines: Vec<String> =
        read(file)?.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    match lines.is_empty() {
        true => Err(Failure::Input(anyhow!("{} has no prompt: found no line with text", file.display()))),
        false => Ok(lines),
    }
}

/// A text file.
pub fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(Failure::Input)
}
