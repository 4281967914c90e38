//! The configuration: what the backbone's equations need to know, and the tensors that follow from it.

use serde::Serialize;

use crate::error::Error;
use crate::gguf::Metadata;
use crate::tensor::Shape;

/// `unmask.format_version` that this reader knows.
pub const FORMAT_VERSION: u64 = 1;

/// Largest size or count that a configuration may claim. Far above anything that a page could run, and small
/// enough that products of two never overflow.
const LARGEST: u64 = 1 << 20;

/// What a model was trained to undo: its forward process, or none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// Absorbing: tokens are replaced by the mask symbol.
    Mask,
    /// Tokens are replaced by random words. The network puts out the leave-one-out distribution.
    Uniform,
    /// Mostly masks, some random words (GIDD). The network puts out the leave-one-out distribution.
    MaskUniform {
        /// Share of uniform noise at t = 1/2 (`unmask.process.uniform_share`).
        uniform_share: f32,
    },
    /// Noise on embeddings, variance preserving.
    Gaussian {
        /// Squared norm of every embedding (`unmask.process.embedding_power`).
        embedding_power: f32,
    },
    /// None: a slot is predicted from those before it. Inputs are shifted right by one, the mask symbol standing for
    /// the beginning.
    Autoregressive,
}

impl Process {
    /// Whether the network must be told the noise level, so that the file has the tensors `time_in` and `time_out`.
    pub fn is_timed(self) -> bool {
        matches!(self, Self::Uniform | Self::MaskUniform { .. } | Self::Gaussian { .. })
    }
}

/// Numbers that describe a noise level to the network: cosines and sines of 32 frequencies.
pub const TIME_FEATURES: usize = 64;

/// Sizes and constants of the backbone; see `ARCHITECTURE.md` for its equations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelConfig {
    /// Transformer layers.
    pub block_count: usize,
    /// Width of the residual stream.
    pub embedding_length: usize,
    /// Hidden width of the feed-forward part.
    pub feed_forward_length: usize,
    /// Longest sequence, in slots.
    pub context_length: usize,
    /// Attention heads.
    pub head_count: usize,
    /// Width of one head; even, so that rotary positions have pairs.
    pub key_length: usize,
    /// Whether a slot attends only to itself and to slots before it.
    pub causal: bool,
    /// Epsilon inside every RMS norm.
    pub rms_epsilon: f32,
    /// Base of the rotary frequencies.
    pub rope_freq_base: f32,
    /// Tokens in the vocabulary, special ones included.
    pub vocab_size: usize,
    /// What the model was trained to undo.
    pub process: Process,
}

impl ModelConfig {
    /// Reads the keys `unmask.*`.
    ///
    /// # Errors
    /// [`Error::FormatVersion`], [`Error::MissingKey`], [`Error::KeyType`] or [`Error::KeyValue`].
    pub(crate) fn read(metadata: &Metadata<'_>) -> Result<Self, Error> {
        check_kind(metadata)?;
        let config = Self {
            block_count: size(metadata, "unmask.block_count")?,
            embedding_length: size(metadata, "unmask.embedding_length")?,
            feed_forward_length: size(metadata, "unmask.feed_forward_length")?,
            context_length: size(metadata, "unmask.context_length")?,
            head_count: size(metadata, "unmask.attention.head_count")?,
            key_length: size(metadata, "unmask.attention.key_length")?,
            causal: metadata.bool("unmask.attention.causal")?,
            rms_epsilon: positive(metadata, "unmask.attention.layer_norm_rms_epsilon")?,
            rope_freq_base: positive(metadata, "unmask.rope.freq_base")?,
            vocab_size: size(metadata, "unmask.vocab_size")?,
            process: process(metadata)?,
        };
        if config.causal != (config.process == Process::Autoregressive) {
            return Err(Error::KeyValue {
                key: "unmask.attention.causal".into(),
                found: config.causal.to_string(),
                expected: "true for the process autoregressive, and only for it".into(),
            });
        }
        if !config.key_length.is_multiple_of(2) {
            return Err(Error::KeyValue {
                key: "unmask.attention.key_length".into(),
                found: config.key_length.to_string(),
                expected: "an even number".into(),
            });
        }
        Ok(config)
    }

    /// Width of the concatenated heads.
    pub fn attention_length(&self) -> usize {
        self.head_count * self.key_length
    }

    /// Name and shape of every tensor that the backbone has, in the order of its equations.
    pub fn tensors(&self) -> impl Iterator<Item = (String, Shape)> + '_ {
        let width = self.embedding_length;
        let table = |name: &str, outputs| (name.into(), Shape::Matrix { outputs, inputs: width });
        let positions = table("position_embd.weight", self.context_length);
        let last = ("output_norm.weight".into(), Shape::Vector(width));
        let layers = (0..self.block_count).flat_map(|layer| self.layer_tensors(layer));
        [self.embeddings(), positions].into_iter().chain(layers).chain([last]).chain(self.process_tensors())
    }

    /// The first of them: the embeddings of all tokens.
    pub(crate) fn embeddings(&self) -> (String, Shape) {
        let (outputs, inputs) = (self.vocab_size, self.embedding_length);
        ("token_embd.weight".into(), Shape::Matrix { outputs, inputs })
    }

    /// Number of weights.
    pub fn parameters(&self) -> usize {
        self.tensors().map(|(_, shape)| shape.values()).sum()
    }

    /// Number of tensors that [`Self::tensors`] yields.
    pub fn tensor_count(&self) -> usize {
        3 + LAYER_TENSORS * self.block_count + self.process_tensors().len()
    }

    /// What only some families have: the way of the noise level into the network, and that of its own last guess.
    fn process_tensors(&self) -> Vec<(String, Shape)> {
        let width = self.embedding_length;
        let matrix = |name: &str, inputs| (name.into(), Shape::Matrix { outputs: width, inputs });
        let bias = |name: &str| (name.into(), Shape::Vector(width));
        let mut tensors = Vec::new();
        if self.process.is_timed() {
            tensors.extend([matrix("time_in.weight", TIME_FEATURES), bias("time_in.bias")]);
            tensors.extend([matrix("time_out.weight", width), bias("time_out.bias")]);
        }
        if matches!(self.process, Process::Gaussian { .. }) {
            tensors.push(matrix("self_cond.weight", width));
        }
        tensors
    }

    fn layer_tensors(&self, layer: usize) -> [(String, Shape); LAYER_TENSORS] {
        let (width, heads, hidden) =
            (self.embedding_length, self.attention_length(), self.feed_forward_length);
        let vector = |name: &str, length| (format!("blk.{layer}.{name}.weight"), Shape::Vector(length));
        let matrix = |name: &str, outputs, inputs| {
            (format!("blk.{layer}.{name}.weight"), Shape::Matrix { outputs, inputs })
        };
        [
            vector("attn_norm", width),
            matrix("attn_q", heads, width),
            matrix("attn_k", heads, width),
            matrix("attn_v", heads, width),
            vector("attn_q_norm", self.key_length),
            vector("attn_k_norm", self.key_length),
            matrix("attn_output", width, heads),
            vector("ffn_norm", width),
            matrix("ffn_gate", hidden, width),
            matrix("ffn_up", hidden, width),
            matrix("ffn_down", width, hidden),
        ]
    }
}

/// Tensors per transformer layer.
const LAYER_TENSORS: usize = 11;

/// Checks architecture and format version, before any other key means anything.
fn check_kind(metadata: &Metadata<'_>) -> Result<(), Error> {
    let key = "general.architecture";
    let architecture = metadata.text(key)?;
    if architecture != "unmask" {
        return Err(Error::KeyValue {
            key: key.into(),
            found: architecture.chars().take(40).collect(),
            expected: "unmask".into(),
        });
    }
    match metadata.unsigned("unmask.format_version")? {
        FORMAT_VERSION => Ok(()),
        found => Err(Error::FormatVersion { found, expected: FORMAT_VERSION }),
    }
}

fn size(metadata: &Metadata<'_>, key: &str) -> Result<usize, Error> {
    let found = metadata.unsigned(key)?;
    if (1..=LARGEST).contains(&found) {
        return Ok(found as usize);
    }
    let expected = format!("1 to {LARGEST}");
    Err(Error::KeyValue { key: key.into(), found: found.to_string(), expected })
}

fn positive(metadata: &Metadata<'_>, key: &str) -> Result<f32, Error> {
    let found = metadata.float(key)? as f32;
    if found.is_finite() && found > 0.0 {
        return Ok(found);
    }
    Err(Error::KeyValue { key: key.into(), found: found.to_string(), expected: "a positive number".into() })
}

fn process(metadata: &Metadata<'_>) -> Result<Process, Error> {
    let key = "unmask.process";
    Ok(match metadata.text(key)? {
        "mask" => Process::Mask,
        "uniform" => Process::Uniform,
        "mask_uniform" => Process::MaskUniform { uniform_share: uniform_share(metadata)? },
        "gaussian" => {
            Process::Gaussian { embedding_power: positive(metadata, "unmask.process.embedding_power")? }
        }
        "autoregressive" => Process::Autoregressive,
        other => {
            let found = other.chars().take(40).collect();
            let expected = "mask, uniform, mask_uniform, gaussian or autoregressive".into();
            return Err(Error::KeyValue { key: key.into(), found, expected });
        }
    })
}

fn uniform_share(metadata: &Metadata<'_>) -> Result<f32, Error> {
    let key = "unmask.process.uniform_share";
    let found = metadata.float(key)? as f32;
    if (0.0..1.0).contains(&found) {
        return Ok(found);
    }
    Err(Error::KeyValue { key: key.into(), found: found.to_string(), expected: "from 0 to below 1".into() })
}
