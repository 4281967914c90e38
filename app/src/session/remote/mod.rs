//! The engine on a thread of its own, so that no call holds the page up: a worker with one model, asked one thing at a time.

mod serve;
mod wire;

pub use serve::serve;

use diffusion::process::Gaussian;
use diffusion::{Denoiser, FullDenoiser, Prediction, Query};
use engine::{BackendChoice, BackendReport, Error as EngineError, Progress, noise_on};
use model_loader::ModelConfig;

use self::wire::{Answer, Ask, floats, pack, unpack};
use crate::failure::Failure;
use crate::platform::worker::{Parcel, Worker};

/// An engine in a worker. What [`engine::Engine`] offers, this offers too; the worker ends when this is dropped.
pub struct RemoteEngine {
    worker: Worker,
    config: ModelConfig,
    /// Embeddings of a model whose slots hold vectors. `// (vocabulary, width)`
    embeddings: Option<Vec<f32>>,
    is_on_gpu: bool,
    /// Why the worker will never answer again, once it is so.
    ended: Option<String>,
}

/// Nothing is told of what is asked along the way.
fn silent(_: Progress) {}

impl RemoteEngine {
    /// Starts a worker and opens the model in it. `model` is the whole file that `config` was read from.
    ///
    /// # Errors
    /// If there can be no worker, the file is no model, or the back end is missing or wrong.
    pub async fn open(
        config: ModelConfig,
        model: Vec<u8>,
        choice: BackendChoice,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, BackendReport), Failure> {
        let worker = Worker::start().map_err(|reason| EngineError::Ended { reason })?;
        let mut engine = Self { worker, config, embeddings: None, is_on_gpu: false, ended: None };
        // It says so once it has started; before, it would not hear.
        engine.hear(&mut silent).await?;
        match engine.ask(&Ask::Open { choice }, model, progress).await? {
            (Answer::Opened { report, has_embeddings }, freight) => {
                engine.is_on_gpu = is_on_gpu(&report);
                engine.embeddings = has_embeddings.then(|| floats(&freight));
                Ok((engine, report))
            }
            (Answer::NoModel { reason }, _) => Err(Failure::Weights { reason }),
            _ => Err(misunderstood().into()),
        }
    }

    /// As [`engine::Engine::reopen`].
    ///
    /// # Errors
    /// If the back end is missing or wrong.
    pub async fn reopen(
        &mut self,
        choice: BackendChoice,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackendReport, EngineError> {
        match self.ask(&Ask::Reopen { choice }, Vec::new(), progress).await?.0 {
            Answer::Reopened(report) => {
                self.is_on_gpu = is_on_gpu(&report);
                Ok(report)
            }
            _ => Err(misunderstood()),
        }
    }

    /// As [`engine::Engine::prepare`].
    ///
    /// # Errors
    /// Whatever the back end reports.
    pub async fn prepare(
        &mut self,
        batch: usize,
        length: usize,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EngineError> {
        match self.ask(&Ask::Prepare { batch, length }, Vec::new(), progress).await?.0 {
            Answer::Prepared => Ok(()),
            _ => Err(misunderstood()),
        }
    }

    /// Destroys the graphics device, if there is one; the next call finds it lost.
    pub fn lose_device(&self) {
        // A worker that hears nothing more has no device to lose.
        drop(self.worker.post(&Parcel { message: pack(&Ask::LoseDevice), freight: Vec::new() }));
    }

    /// Sizes of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Whether its worker died: it will never answer again.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether it computes on a graphics device.
    pub fn is_on_gpu(&self) -> bool {
        self.is_on_gpu
    }

    /// The noise that a model of vectors was trained to undo, on its own embeddings; none for other models.
    pub fn vector_noise(&self) -> Option<Gaussian> {
        Some(noise_on(self.embeddings.as_deref()?, self.config.embedding_length))
    }

    /// Asks, passes on what is told along the way, and waits for the answer.
    async fn ask(
        &mut self,
        ask: &Ask,
        freight: Vec<u8>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Answer, Vec<u8>), EngineError> {
        if let Some(reason) = self.ended.clone() {
            return Err(EngineError::Ended { reason });
        }
        let posted = self.worker.post(&Parcel { message: pack(ask), freight });
        posted.map_err(|reason| EngineError::Ended { reason })?;
        self.hear(progress).await
    }

    async fn hear(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(Answer, Vec<u8>), EngineError> {
        loop {
            let heard = self.worker.heard.recv().await.unwrap_or_else(|error| Err(error.to_string()));
            let Parcel { message, freight } = heard.map_err(|reason| {
                self.ended = Some(reason.clone());
                EngineError::Ended { reason }
            })?;
            match unpack(&message)? {
                Answer::Told(told) => progress(told),
                Answer::Failed(error) => return Err(error),
                answer => return Ok((answer, freight)),
            }
        }
    }
}

impl Denoiser for RemoteEngine {
    type Error = EngineError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, EngineError> {
        match self.ask(&Ask::Predict(query.clone()), Vec::new(), &mut silent).await?.0 {
            Answer::Predictions(predictions) => Ok(predictions),
            _ => Err(misunderstood()),
        }
    }
}

impl FullDenoiser for RemoteEngine {
    fn vocabulary(&self) -> usize {
        self.config.vocab_size
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, EngineError> {
        match self.ask(&Ask::Distributions(query.clone()), Vec::new(), &mut silent).await? {
            (Answer::Distributions, freight) => Ok(floats(&freight)),
            _ => Err(misunderstood()),
        }
    }
}

fn is_on_gpu(report: &BackendReport) -> bool {
    report.name == "webgpu"
}

/// Both ends are of one build, so this is a fault of the code.
fn misunderstood() -> EngineError {
    EngineError::Ended { reason: "the worker answered something else".into() }
}
