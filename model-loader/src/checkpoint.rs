//! A whole model: configuration, tokenizer and every tensor of the backbone, checked against each other.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::ModelConfig;
use crate::error::Error;
use crate::gguf::{Gguf, Metadata, TensorView};
use crate::tensor::{Shape, Tensor};
use crate::tokenizer::Tokenizer;

/// What a file says about itself. Nothing here changes what the model computes, so nothing is required.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// `general.name`.
    pub name: Option<String>,
    /// `general.license`: an SPDX expression.
    pub license: Option<String>,
    /// `general.description`: one sentence.
    pub description: Option<String>,
    /// `unmask.family`: what training did, a name of `training/process.py`. The process alone does not tell: masks may have been
    /// trained in more than one way.
    pub family: Option<String>,
    /// `unmask.provenance`: data, recipe, commit, tokens seen, loss.
    pub provenance: Option<serde_json::Value>,
    /// `unmask.token_counts`: how often each token occurs in the training windows. `// (vocabulary)`
    #[serde(skip)]
    pub token_counts: Option<Vec<u64>>,
}

/// All that a file says besides its tensors: enough to know the model's language, and quick to read.
#[derive(Clone, Debug)]
pub struct Header {
    /// What the file says about itself.
    pub origin: Origin,
    /// Sizes and constants of the backbone.
    pub config: ModelConfig,
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
}

/// A model that is complete: every tensor that its configuration implies is there with the right shape.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What the file says about itself.
    pub origin: Origin,
    /// Sizes and constants of the backbone.
    pub config: ModelConfig,
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    tensors: BTreeMap<String, Tensor>,
}

impl Checkpoint {
    /// Reads a model file. The tensors' bytes are copied, so the file need not be kept.
    ///
    /// # Errors
    /// Any [`Error`]: the container, the keys, the tokenizer, or the tensors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = Gguf::parse(bytes)?;
        let Header { origin, config, tokenizer } = Header::read(&file.metadata)?;
        let tensors = take_tensors(&config, &file.tensors)?;
        Ok(Self { origin, config, tokenizer, tensors })
    }

    /// The tensor of this name; present for every name that [`ModelConfig::tensors`] yields.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// All tensors, in the order of the backbone's equations.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.config.tensors().filter_map(|(name, _)| self.tensors.get(&name))
    }

    /// Number of weights.
    pub fn parameters(&self) -> usize {
        self.config.parameters()
    }
}

impl Header {
    /// Reads a model file up to its tensors, which are neither copied nor checked.
    ///
    /// # Errors
    /// Any [`Error`] of the container, the keys or the tokenizer.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(&Gguf::parse(bytes)?.metadata)
    }

    fn read(metadata: &Metadata<'_>) -> Result<Self, Error> {
        let config = ModelConfig::read(metadata)?;
        let origin = Origin::read(metadata)?;
        check_counts(&origin, &config)?;
        let json = metadata.text("tokenizer.huggingface.json")?;
        let tokenizer = Tokenizer::from_json(json, config.vocab_size)?;
        Ok(Self { origin, config, tokenizer })
    }

    /// The embeddings of all tokens, from the same file. `// (vocabulary, width)`
    ///
    /// # Errors
    /// Any [`Error`] of the container, or [`Error::MissingTensor`], [`Error::TensorShape`] or [`Error::NotFinite`].
    pub fn embeddings(&self, bytes: &[u8]) -> Result<Tensor, Error> {
        let file = Gguf::parse(bytes)?;
        let (name, expected) = self.config.embeddings();
        let view = file.tensors.iter().find(|view| view.name == name);
        take_tensor(name, expected, view)
    }
}

impl Origin {
    fn read(metadata: &Metadata<'_>) -> Result<Self, Error> {
        let text = |key: &str| metadata.get(key).map(|_| metadata.text(key).map(String::from)).transpose();
        Ok(Self {
            name: text("general.name")?,
            license: text("general.license")?,
            description: text("general.description")?,
            family: text("unmask.family")?,
            provenance: text("unmask.provenance")?.map(|json| parse_provenance(&json)).transpose()?,
            token_counts: metadata.unsigned_list("unmask.token_counts")?,
        })
    }
}

/// Counts are of all tokens or of none.
fn check_counts(origin: &Origin, config: &ModelConfig) -> Result<(), Error> {
    match &origin.token_counts {
        Some(counts) if counts.len() != config.vocab_size => Err(Error::KeyValue {
            key: "unmask.token_counts".into(),
            found: format!("{} counts", counts.len()),
            expected: format!("one for each of {} tokens", config.vocab_size),
        }),
        _ => Ok(()),
    }
}

fn parse_provenance(json: &str) -> Result<serde_json::Value, Error> {
    serde_json::from_str(json).map_err(|error| Error::KeyValue {
        key: "unmask.provenance".into(),
        found: error.to_string(),
        expected: "JSON".into(),
    })
}

/// Copies a tensor that must be there in this shape.
fn take_tensor(name: String, expected: Shape, view: Option<&TensorView<'_>>) -> Result<Tensor, Error> {
    let Some(view) = view else {
        return Err(Error::MissingTensor { tensor: name, expected });
    };
    if view.shape != expected {
        return Err(Error::TensorShape { tensor: name, found: view.shape, expected });
    }
    let tensor = Tensor { name, shape: expected, format: view.format, bytes: view.bytes.to_vec() };
    tensor.check_finite()?;
    Ok(tensor)
}

/// Copies the tensors that the configuration implies; refuses missing, misshapen and surplus ones.
fn take_tensors(config: &ModelConfig, views: &[TensorView<'_>]) -> Result<BTreeMap<String, Tensor>, Error> {
    let mut left: BTreeMap<&str, &TensorView<'_>> = views.iter().map(|view| (view.name, view)).collect();
    let mut tensors = BTreeMap::new();
    for (name, expected) in config.tensors() {
        let view = left.remove(name.as_str());
        tensors.insert(name.clone(), take_tensor(name, expected, view)?);
    }
    match left.into_values().next() {
        Some(view) => Err(Error::UnexpectedTensor { tensor: view.name.into(), found: view.shape }),
        None => Ok(tensors),
    }
}
