//! A model from a file, and the engine that runs it.

use std::path::Path;

use anyhow::Context;
use engine::{BackendReport, Engine, Progress as Opening};
use model_loader::Checkpoint;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::arguments;
use crate::failure::Failure;
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
    pub name: &'static str,
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
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = checkpoint.origin.name.clone();
        Ok(Self { checkpoint, identity: Identity { file: path, name, bytes: bytes.len(), sha256 } })
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
        Ok((engine, BackendName { name, adapter }))
    }
}

fn opening(progress: Opening) -> String {
    match progress {
        Opening::Compiling { done, total } => format!("compiling shaders: {done} of {total}"),
        Opening::Testing { backend } => format!("testing {backend}"),
    }
}
