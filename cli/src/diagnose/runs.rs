//! All runs of a schedule: every prompt with every seed, in batches.

use std::time::Instant;

use anyhow::anyhow;
use diffusion::decode::{DecodeSettings, Decoder, run_batch};
use diffusion::{Denoiser, SpecialTokens, Trajectory};
use model_loader::Checkpoint;

use super::measures::Text;
use super::world::World;
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

/// Decodes and measures every run: prompts in order, seeds within. `label` names the work in the progress line.
pub async fn measure<D: Denoiser>(
    denoiser: &mut D,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
    label: &str,
) -> Result<Vec<Text>, Failure> {
    let mut texts = Vec::new();
    each(denoiser, runs, settings, label, async |denoiser, trajectory| {
        texts.push(Text::of(denoiser, &trajectory, runs.world).await?);
        Ok(())
    })
    .await?;
    Ok(texts)
}

/// Decodes every run, prompts in order, seeds within, and hands it on.
pub async fn each<D: Denoiser>(
    denoiser: &mut D,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
    label: &str,
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
    let (mut line, began, total) = (Progress::new(), Instant::now(), decoders.len());
    let mut done = 0;
    for batch in decoders.chunks(runs.batch) {
        line.show(&progress(label, done, total, began));
        let trajectories = run_batch(denoiser, batch.to_vec()).await;
        for trajectory in trajectories.map_err(|error| Failure::Run(anyhow!("{error}")))? {
            take(denoiser, trajectory).await?;
            done += 1;
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
