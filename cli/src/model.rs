//! A model from a file, and the engine that runs it.

use std::path::Path;

use anyhow::{Context, anyhow};
use diffusion::DecodeSettings;
use diffusion::decode::{Noise, Order};
use engine::{BackendReport, Engine, Progress as Opening};
use model_loader::{Checkpoint, Process};
use serde::Serialize;

use crate::arguments;
use crate::failure::Failure;
use crate::generate::vocabulary;
use crate::head::sha256;
use crate::output::{self, Progress};

/// A loaded model file.
pub struct Model {
    /// The model.
    pub checkpoint: Checkpoint,
    /// Which file it came from.
    pub identity: Identity,
}

/// What tells one model file from another.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// Path as given.
    pub file: String,
    /// Name that the file gives itself.
    pub name: Option<String>,
    /// Length in bytes.
    pub bytes: usize,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

/// Which back end computed a result.
#[derive(Clone, Debug, Serialize)]
pub struct BackendName {
    /// `webgpu`, `cpu` or `reference`.
    pub name: String,
    /// The graphics adapter, if one is used.
    pub adapter: Option<String>,
}

impl Model {
    /// Reads and checks a model file.
    pub fn load(file: &Path) -> Result<Self, Failure> {
        let path = file.display().to_string();
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {path}")).map_err(Failure::Input)?;
        let checkpoint = Checkpoint::from_bytes(&bytes)
            .with_context(|| format!("cannot load {path}"))
            .map_err(Failure::Input)?;
        let name = checkpoint.origin.name.clone();
        Ok(Self {
            checkpoint,
            identity: Identity { file: path, name, bytes: bytes.len(), sha256: sha256(&bytes) },
        })
    }

    /// Refuses settings that ask of the model what it was not trained for: noise of another kind, or an order that an
    /// autoregressive model does not know.
    pub fn expect_fit(&self, settings: &DecodeSettings) -> Result<(), Failure> {
        let Self { checkpoint, .. } = self;
        match checkpoint.config.process {
            Process::Mask => self.expect(settings.noise == Noise::Mask, "noise `mask` in its settings"),
            Process::Uniform => self
                .expect(matches!(settings.noise, Noise::Uniform { .. }), "noise `uniform` in its settings"),
            Process::MaskUniform { .. } => self.expect(
                matches!(settings.noise, Noise::MaskUniform { .. }),
                "noise `mask_uniform` in its settings",
            ),
            Process::Autoregressive => {
                let fits = settings.noise == Noise::Mask && settings.order == Order::LeftToRight;
                self.expect(fits, "the order left_to_right")
            }
            Process::Gaussian { .. } => self.expect(false, "a model whose slots hold tokens"),
        }
    }

    /// Refuses the model unless this holds of its process.
    pub fn expect(&self, holds: bool, expected: &str) -> Result<(), Failure> {
        let found = self.checkpoint.config.process;
        let error = || anyhow!("process of {}: found {found:?}, expected {expected}", self.identity.file);
        if holds { Ok(()) } else { Err(Failure::Input(error())) }
    }

    /// The autoregressive model of the same words in a file, with a window at least as long; `option` names it to the user.
    pub fn autoregressive_twin(&self, file: &Path, option: &str) -> Result<Self, Failure> {
        let twin = Self::load(file)?;
        let is_autoregressive = twin.checkpoint.config.process == Process::Autoregressive;
        twin.expect(is_autoregressive, &format!("an autoregressive model, for {option}"))?;
        let (own, other, name) = (&self.checkpoint, &twin.checkpoint, &twin.identity.file);
        if vocabulary(&own.tokenizer) != vocabulary(&other.tokenizer) {
            let expected = format!("those of {}", self.identity.file);
            return Err(Failure::Input(anyhow!("words of {name}: found other ones, expected {expected}")));
        }
        let (found, least) = (other.config.context_length, own.config.context_length);
        match found < least {
            true => Err(Failure::Input(anyhow!(
                "window of {name}: found {found} slots, expected at least {least}"
            ))),
            false => Ok(twin),
        }
    }

    /// Puts the model on a back end and says which one it became.
    pub async fn open(&self, backend: arguments::Backend) -> Result<(Engine, BackendName), Failure> {
        let mut line = Progress::new();
        let mut report = |progress| line.show(&opening(progress));
        let opened = Engine::open(&self.checkpoint, backend.into(), &mut report).await;
        drop(line);
        let (engine, BackendReport { name, adapter, fallback }) = opened.map_err(Failure::run)?;
        if let Some(reason) = fallback {
            output::message(&format!("using {name}: {reason}"));
        }
        Ok((engine, BackendName { name: name.into_owned(), adapter }))
    }
}

fn opening(progress: Opening) -> String {
    match progress {
        Opening::Compiling { done, total } => format!("compiling shaders: {done} of {total}"),
        Opening::Testing { backend } => format!("testing {backend}"),
    }
}
