//! All runs of a schedule: every prompt with every seed, in batches.

use std::time::Instant;

use anyhow::anyhow;
use diffusion::decode::{DecodeSettings, Decoder, GaussianSettings, GaussianStep, run_batch, run_gaussian};
use diffusion::{FullDenoiser, Sequence, SpecialTokens, Trajectory};
use engine::Engine;
use model_loader::Checkpoint;

use super::measures::Text;
use super::schedule::Schedule;
use super::world::World;
use crate::continuous;
use crate::failure::Failure;
use crate::output::Progress;
use crate::prompt;

/// What is run, whatever the schedule.
pub struct Runs<'a> {
    /// The model.
    pub checkpoint: &'a Checkpoint,
    /// Texts to go on from.
    pub prompts: &'a [String],
    /// Seeds per prompt, counted from that of the schedule.
    pub seeds: u32,
    /// Runs side by side.
    pub batch: usize,
    /// The language.
    pub world: &'a World,
}

/// Decodes and measures every run, prompts in order, seeds within, but the first `done`; hands each on at once. `label` names the work
/// in the progress line.
pub async fn measure(
    engine: &mut Engine,
    runs: &Runs<'_>,
    schedule: &Schedule,
    label: &str,
    done: usize,
    mut take: impl FnMut(Text) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match schedule {
        Schedule::Tokens(settings) => {
            each(engine, runs, settings, label, done, async |engine, trajectory| {
                take(Text::of(engine, &trajectory, runs.world).await?)
            })
            .await
        }
        Schedule::Vectors(settings) => {
            each_of_vectors(engine, runs, *settings, label, done, async |_, run| {
                take(Text::of_vectors(&run.steps, run.start, runs.world))
            })
            .await
        }
    }
}

/// Decodes every run but the first `done`, prompts in order, seeds within, and hands it on.
pub async fn each<D: FullDenoiser>(
    denoiser: &mut D,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
    label: &str,
    done: usize,
    mut take: impl AsyncFnMut(&mut D, Trajectory) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut decoders = Vec::new();
    for text in runs.prompts {
        let start = prompt::start(runs.checkpoint, text, None, settings, None)?;
        for seed in 0..runs.seeds {
            let settings = DecodeSettings { seed: settings.seed.wrapping_add(seed), ..settings.clone() };
            let decoder = Decoder::new(settings, start.clone(), SpecialTokens::default());
            decoders.push(decoder.map_err(Failure::input)?);
        }
    }
    let left = decoders.get(done..).unwrap_or_default();
    let (mut line, began, mut finished) = (Progress::new(), Instant::now(), 0);
    for batch in left.chunks(runs.batch) {
        line.show(&progress(label, finished, left.len(), began));
        let trajectories = run_batch(denoiser, batch.to_vec()).await;
        for trajectory in trajectories.map_err(|error| Failure::Run(anyhow!("{error}")))? {
            take(denoiser, trajectory).await?;
            finished += 1;
        }
    }
    Ok(())
}

/// A run from Gaussian noise, and what decided it.
pub struct VectorRun<'a> {
    /// Where it began.
    pub start: &'a Sequence,
    /// With its own seed.
    pub settings: GaussianSettings,
    /// One per call.
    pub steps: Vec<GaussianStep>,
}

/// The same from Gaussian noise, one run after the other.
pub async fn each_of_vectors(
    engine: &mut Engine,
    runs: &Runs<'_>,
    settings: GaussianSettings,
    label: &str,
    done: usize,
    mut take: impl AsyncFnMut(&mut Engine, VectorRun<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let process = continuous::process(engine)?;
    let (mut line, began) = (Progress::new(), Instant::now());
    let (mut number, mut finished) = (0, 0);
    let total = (runs.prompts.len() * runs.seeds as usize).saturating_sub(done);
    for text in runs.prompts {
        let start = prompt::start(runs.checkpoint, text, None, &DecodeSettings::default(), None)?;
        for seed in 0..runs.seeds {
            number += 1;
            if number <= done {
                continue;
            }
            line.show(&progress(label, finished, total, began));
            let settings = GaussianSettings { seed: settings.seed.wrapping_add(seed), ..settings };
            let run = run_gaussian(engine, &process, &start, settings, SpecialTokens::default()).await;
            let steps = run.map_err(|error| Failure::Run(anyhow!("{error}")))?;
            take(engine, VectorRun { start: &start, settings, steps }).await?;
            finished += 1;
        }
    }
    Ok(())
}

/// How far, and how long still.
pub fn progress(label: &str, done: usize, total: usize, began: Instant) -> String {
    let left = began.elapsed().as_secs_f64() / done.max(1) as f64 * (total - done) as f64;
    match done {
        0 => format!("{label}: 0 of {total}"),
        _ => format!("{label}: {done} of {total}, {left:.0} s left"),
    }
}
