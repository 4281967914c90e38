//! All runs of what is put under test: every prompt with every seed, in batches.

use std::time::Instant;

use anyhow::anyhow;
use diffusion::decode::{DecodeSettings, Decoder, GaussianSettings, GaussianStep, run_batch, run_gaussian};
use diffusion::hybrid::Hybrid;
use diffusion::{FullDenoiser, Sequence, SpecialTokens, Trajectory};
use engine::Engine;
use model_loader::Checkpoint;

use super::measures::Text;
use super::schedule::Schedule;
use super::subject::Subject;
use super::world::World;
use crate::failure::Failure;
use crate::guides::{Guiding, Unbroken};
use crate::hybrid::{self, Written};
use crate::model::{BackendName, Model};
use crate::output::Progress;
use crate::{arguments, continuous, prompt};

/// What is run, whatever the schedule.
#[derive(Clone, Copy)]
pub struct Runs<'a> {
    /// The model.
    pub checkpoint: &'a Checkpoint,
    /// Texts to go on from.
    pub prompts: &'a [String],
    /// Seeds per prompt, counted from that of the schedule.
    pub seeds: u32,
    /// From the seed of one text to that of the next; 1 unless a text takes several.
    pub seed_stride: u32,
    /// Runs side by side.
    pub batch: usize,
    /// The language.
    pub world: &'a World,
}

impl Runs<'_> {
    /// Settings of text number `index` behind a prompt.
    fn seeded(&self, settings: &DecodeSettings, index: u32) -> DecodeSettings {
        let seed = settings.seed.wrapping_add(index.wrapping_mul(self.seed_stride));
        DecodeSettings { seed, ..settings.clone() }
    }
}

/// The models, each on a back end.
pub struct Engines {
    /// The one that is tested.
    pub own: Engine,
    /// The one that writes along in a hybrid.
    pub autoregressive: Option<Engine>,
}

impl Engines {
    /// Opens both, and says what computes.
    pub async fn open(
        model: &Model,
        autoregressive: Option<&Model>,
        backend: arguments::Backend,
    ) -> Result<(Self, BackendName), Failure> {
        let (own, name) = model.open(backend).await?;
        let autoregressive = match autoregressive {
            Some(model) => Some(model.open(backend).await?.0),
            None => None,
        };
        Ok((Self { own, autoregressive }, name))
    }
}

/// Writes and measures every run, prompts in order, seeds within, but the first `done`; hands each on at once. `label` names the work
/// in the progress line.
pub async fn measure(
    engines: &mut Engines,
    runs: &Runs<'_>,
    subject: &Subject,
    label: &str,
    done: usize,
    mut take: impl FnMut(Text) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let runs = Runs { seed_stride: subject.seed_stride, ..*runs };
    match (&subject.schedule, &subject.guiding, subject.hybrid) {
        (Schedule::Vectors(settings), ..) => {
            each_of_vectors(&mut engines.own, &runs, *settings, label, done, async |_, run| {
                take(Text::of_vectors(&run.steps, run.start, runs.world))
            })
            .await
        }
        (Schedule::Tokens(settings), _, Some(hybrid)) => {
            each_of_hybrid(engines, &runs, settings, hybrid, label, done, async |engine, written| {
                take(Text::of_written(engine, &written, runs.world).await?)
            })
            .await
        }
        (Schedule::Tokens(settings), Some(guiding), None) => {
            each_guided(&mut engines.own, &runs, settings, guiding, label, done, take).await
        }
        (Schedule::Tokens(settings), None, None) => {
            each(&mut engines.own, &runs, settings, label, done, async |engine, trajectory| {
                take(Text::of(engine, &trajectory, runs.world).await?)
            })
            .await
        }
    }
}

/// Under guides, prompt by prompt: guidance is towards one.
async fn each_guided(
    engine: &mut Engine,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
    guiding: &Guiding,
    label: &str,
    done: usize,
    mut take: impl FnMut(Text) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for (index, text) in runs.prompts.iter().enumerate() {
        let start = prompt::start(runs.checkpoint, text, None, settings, None)?;
        let mut denoiser = guiding.around(&mut *engine, &start)?;
        let one = Runs { prompts: std::slice::from_ref(text), ..*runs };
        let label = match runs.prompts.len() {
            1 => label.to_owned(),
            prompts => format!("{label}, prompt {} of {prompts}", index + 1),
        };
        let done = done.saturating_sub(index * runs.seeds as usize);
        each(&mut denoiser, &one, settings, &label, done, async |denoiser, trajectory| {
            let text = Text::of(&mut Unbroken(denoiser), &trajectory, runs.world).await?;
            let shown = text.calls * f64::from(guiding.sequences_per_sequence());
            take(Text { sequences: Some(shown), ..text })
        })
        .await?;
    }
    Ok(())
}

/// With a second model, one run after the other.
async fn each_of_hybrid(
    engines: &mut Engines,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
    hybrid: Hybrid,
    label: &str,
    done: usize,
    mut take: impl AsyncFnMut(&mut Engine, Written) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Engines { own, autoregressive: Some(autoregressive) } = engines else {
        return Err(Failure::Run(anyhow!("autoregressive model: found none, expected one for a hybrid")));
    };
    let (mut line, began) = (Progress::new(), Instant::now());
    let texts = runs.prompts.iter().flat_map(|text| (0..runs.seeds).map(move |seed| (text, seed)));
    let total = (runs.prompts.len() * runs.seeds as usize).saturating_sub(done);
    for (finished, (text, seed)) in texts.skip(done).enumerate() {
        line.show(&progress(label, finished, total, began));
        let start = prompt::start(runs.checkpoint, text, None, settings, None)?;
        let settings = runs.seeded(settings, seed);
        let written = hybrid::write(hybrid.of_text(seed), own, autoregressive, &settings, start).await?;
        take(own, written).await?;
    }
    Ok(())
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
            let decoder = Decoder::new(runs.seeded(settings, seed), start.clone(), SpecialTokens::default());
            decoders.push(decoder.map_err(Failure::input)?);
        }
    }
    let left = decoders.get(done..).unwrap_or_default();
    let (mut line, began, mut finished) = (Progress::new(), Instant::now(), 0);
    for batch in left.chunks(runs.batch) {
        line.show(&progress(label, finished, left.len(), began));
        let trajectories = run_batch(denoiser, batch.to_vec()).await;
        for trajectory in trajectories.map_err(|error| Failure::of_causes(&error))? {
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
            let steps = run.map_err(|error| Failure::of_causes(&error))?;
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
