//! The engine: a [`Denoiser`] over whichever back end the machine has.

use diffusion::process::Gaussian;
use diffusion::schedule::Schedule;
use diffusion::{Denoiser, FullDenoiser, Prediction, Query};
use model_loader::{Checkpoint, ModelConfig};

use crate::backend::{Backend, BackendChoice, BackendReport, Resident};
use crate::condition::Condition;
use crate::distributions;
use crate::error::Error;
use crate::executor::Executor;
use crate::gpu::GpuDevice;
use crate::model::{Options, Shape, record, record_logits};
use crate::program::Role;
use crate::progress::Progress;
use crate::query;
use crate::vectors::Vectors;
use crate::weights::Weights;

/// Programs kept loaded. A page needs a few (one sequence, a batch, each with and without truncated rows).
const LOADED_PROGRAMS: usize = 6;

/// A model on a back end.
pub struct Engine {
    config: ModelConfig,
    /// Positions and time, of a model that is told the time.
    condition: Option<Condition>,
    /// Embeddings, of a model whose slots hold vectors.
    vectors: Option<Vectors>,
    /// Kept on the CPU too: what a lost device loses is uploaded from here.
    weights: Weights,
    backend: Backend,
    resident: Resident,
    /// Loaded programs, the most recently used last.
    loaded: Vec<(Key, Executor)>,
}

/// What a loaded program is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    shape: Shape,
    answer: Answer,
}

/// What a program answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// A summary per row; `truncated` if some draws are limited by top-k or top-p.
    Summaries { truncated: bool },
    /// The logits of every position.
    Logits,
}

impl Engine {
    /// Packs the weights, opens a back end and tests it.
    ///
    /// # Errors
    /// If a weight has no kernel, or the chosen back end is missing or wrong; see [`BackendChoice`].
    pub async fn open(
        checkpoint: &Checkpoint,
        choice: BackendChoice,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, BackendReport), Error> {
        let config = checkpoint.config.clone();
        let weights = Weights::pack(&config, |name| checkpoint.tensor(name))?;
        let (condition, vectors) = (Condition::of(checkpoint)?, Vectors::of(checkpoint)?);
        let (backend, report) = Backend::open(choice, progress).await?;
        let engine = Self {
            config,
            condition,
            vectors,
            weights,
            backend,
            resident: Resident::default(),
            loaded: Vec::new(),
        };
        Ok((engine, report))
    }

    /// Opens a back end anew and forgets the old one: after [`Error::DeviceLost`], or to change it. A run goes
    /// on where it was, since the engine keeps nothing between calls.
    ///
    /// # Errors
    /// As [`open`](Self::open); the engine then still has its old back end.
    pub async fn reopen(
        &mut self,
        choice: BackendChoice,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackendReport, Error> {
        let (backend, report) = Backend::open(choice, progress).await?;
        self.backend = backend;
        self.resident = Resident::default();
        self.loaded.clear();
        Ok(report)
    }

    /// Loads the program for `batch` sequences of `length` slots, so that the first call does not wait for it.
    ///
    /// # Errors
    /// Whatever the back end reports.
    pub async fn prepare(
        &mut self,
        batch: usize,
        length: usize,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let shape = Shape { batch, length, rows: batch * length };
        self.executor(Key { shape, answer: Answer::Summaries { truncated: false } }, progress)
            .await
            .map(|_| ())
    }

    /// Sizes of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The embeddings of a model whose slots hold vectors; none for others. `// (vocabulary, width)`
    pub fn embeddings(&self) -> Option<&[f32]> {
        self.vectors.as_ref().map(Vectors::embeddings)
    }

    /// The noise that a model of vectors was trained to undo, on its own embeddings; none for other models.
    pub fn vector_noise(&self) -> Option<Gaussian> {
        Some(noise_on(self.embeddings()?, self.config.embedding_length))
    }

    /// The graphics device, if the engine computes on one: to look at, or to destroy in a test.
    pub fn device(&self) -> Option<&GpuDevice> {
        self.backend.device()
    }

    /// The loaded program for this key; loads it first if need be, and forgets the one unused for longest.
    async fn executor(
        &mut self,
        key: Key,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<&mut Executor, Error> {
        let entry = match self.loaded.iter().position(|(loaded, _)| *loaded == key) {
            Some(index) => self.loaded.remove(index),
            None => (key, self.load(key, progress).await?),
        };
        if self.loaded.len() >= LOADED_PROGRAMS {
            self.loaded.remove(0);
        }
        self.loaded.push(entry);
        let last = self.loaded.len() - 1;
        Ok(&mut self.loaded[last].1)
    }

    /// The loaded program for this key with all that a call needs besides tokens and rows: noise levels, vectors, guesses.
    async fn fed(&mut self, key: Key, query: &Query, times: &[f64]) -> Result<&mut Executor, Error> {
        let offsets = self.condition.as_ref().map(|condition| condition.offsets(times, query.length));
        let inputs = match (offsets, &self.vectors) {
            (None, _) => Vec::new(),
            (Some(offsets), None) => vec![(Role::Offsets, offsets)],
            (Some(offsets), Some(vectors)) => vec![
                (Role::Stream, vectors.stream(query, times, offsets)),
                (Role::Estimates, vectors.estimates(query)),
            ],
        };
        let executor = self.executor(key, &mut |_| {}).await?;
        for (role, values) in &inputs {
            executor.write_floats(role, values)?;
        }
        Ok(executor)
    }

    async fn load(&mut self, key: Key, progress: &mut dyn FnMut(Progress)) -> Result<Executor, Error> {
        let truncated = key.answer == Answer::Summaries { truncated: true };
        let options = Options { products: self.backend.products(), truncated };
        let program = match key.answer {
            Answer::Summaries { .. } => record(&self.config, &self.weights, key.shape, options)?,
            Answer::Logits => record_logits(&self.config, &self.weights, key.shape, options)?,
        };
        self.backend.load(&program, &self.weights, &mut self.resident, progress).await
    }
}

/// The noise that a model of vectors was trained to undo, on its embeddings. `// embeddings: (vocabulary, width)`
pub fn noise_on(embeddings: &[f32], width: usize) -> Gaussian {
    Gaussian::new(Schedule::Linear, embeddings.iter().map(|&x| f64::from(x)).collect(), width)
}

impl Denoiser for Engine {
    type Error = Error;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Error> {
        let batch = query::check(&self.config, query)?;
        if query.rows.is_empty() {
            return Ok(Vec::new());
        }
        let rows = query::rows(query);
        // Capacity is for every slot, so that runs of one shape share one program whatever they ask.
        let capacity = (batch * query.length).max(rows.len().next_power_of_two());
        let shape = Shape { batch, length: query.length, rows: capacity };
        let truncated = rows.iter().any(shaders::records::Row::is_truncated);
        let times = query::told_times(&self.config, query);
        let tokens = query::tokens(&self.config, query);
        let executor =
            self.fed(Key { shape, answer: Answer::Summaries { truncated } }, query, &times).await?;
        let summaries = executor.run(&tokens, bytemuck::cast_slice(&rows)).await?;
        Ok(query::predictions(&self.config, &summaries, &rows, query.length, &times))
    }
}

impl FullDenoiser for Engine {
    fn vocabulary(&self) -> usize {
        self.config.vocab_size
    }

    /// Computes the logits of every position and reads them all back, whichever rows are asked.
    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Error> {
        let batch = query::check(&self.config, query)?;
        if query.rows.is_empty() {
            return Ok(Vec::new());
        }
        let shape = Shape { batch, length: query.length, rows: batch * query.length };
        let times = query::told_times(&self.config, query);
        let tokens = query::tokens(&self.config, query);
        let executor = self.fed(Key { shape, answer: Answer::Logits }, query, &times).await?;
        executor.run(&tokens, &[]).await?;
        let logits = executor.read_floats("logits").await?;
        Ok(distributions::of_rows(&self.config, query, &times, &logits))
    }
}
