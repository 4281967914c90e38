//! From the checkpoint's tensors to the words that kernels read.
//!
//! A matrix `M` becomes two buffers, `M.words` and `M.scales` (only the first if it is plain floats), a gain
//! vector one buffer under its own name. Layouts are those of [`shaders::packing`]. Two groups of matrices
//! are put together, so that one GEMM reads its input once: `attn_qkv` is the rows of q, then k, then v;
//! `ffn_gate_up` is gate row 0, up row 0, gate row 1, ... as the SwiGLU epilogue wants them.

use std::collections::BTreeMap;

use model_loader::{ModelConfig, Process, Shape, Tensor};
use shaders::kernels::rotary_qk_norm;
use shaders::packing::{self, Format};

use crate::error::Error;

/// All weight buffers of a model. Floats are kept as their bit patterns.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    buffers: BTreeMap<String, Vec<u32>>,
    formats: BTreeMap<String, Format>,
}

impl Weights {
    /// Key of the rotary table, which follows from the configuration: see [`rotary_qk_norm::rotations`].
    pub const ROTATIONS: &str = "rotations";

    /// Packs every tensor that the configuration implies; `tensor` finds one by its name in the file.
    ///
    /// # Errors
    /// [`Error::MissingWeight`] or [`Error::Packing`].
    pub fn pack<'a>(
        config: &ModelConfig,
        tensor: impl Fn(&str) -> Option<&'a Tensor>,
    ) -> Result<Self, Error> {
        let find = |name: String| {
            let file_name = format!("{name}.weight");
            tensor(&file_name).ok_or(Error::MissingWeight { name: file_name })
        };
        let mut weights = Self::default();
        let base = f64::from(config.rope_freq_base);
        let table = rotary_qk_norm::rotations(config.context_length, config.key_length, base);
        weights.buffers.insert(Self::ROTATIONS.to_owned(), table.into_iter().map(f32::to_bits).collect());
        weights.matrix("token_embd", Blocks::embedding(find("token_embd".to_owned())?))?;
        weights.vector("position_embd", find("position_embd".to_owned())?);
        weights.vector("output_norm", find("output_norm".to_owned())?);
        if matches!(config.process, Process::Gaussian { .. }) {
            weights.matrix("self_cond", Blocks::one(find("self_cond".to_owned())?))?;
        }
        for layer in 0..config.block_count {
            let key = |name: &str| format!("blk.{layer}.{name}");
            let part = |name: &str| find(key(name));
            for name in ["attn_norm", "attn_q_norm", "attn_k_norm", "ffn_norm"] {
                weights.vector(&key(name), part(name)?);
            }
            let qkv = Blocks::stacked(&[part("attn_q")?, part("attn_k")?, part("attn_v")?]);
            weights.matrix(&key("attn_qkv"), qkv)?;
            weights.matrix(&key("attn_output"), Blocks::one(part("attn_output")?))?;
            let gate_up = Blocks::interleaved(part("ffn_gate")?, part("ffn_up")?);
            weights.matrix(&key("ffn_gate_up"), gate_up)?;
            weights.matrix(&key("ffn_down"), Blocks::one(part("ffn_down")?))?;
        }
        Ok(weights)
    }

    /// The words of the buffer that [`Role::Weight`](crate::program::Role::Weight) names.
    ///
    /// # Errors
    /// [`Error::MissingWeight`] if there is none.
    pub fn words(&self, key: &str) -> Result<&[u32], Error> {
        self.buffers.get(key).map(Vec::as_slice).ok_or_else(|| Error::MissingWeight { name: key.to_owned() })
    }

    /// [`words`](Self::words), checked for their number.
    ///
    /// # Errors
    /// [`Error::MissingWeight`], or [`Error::WrongWeight`] if there are more or fewer than `expected`.
    pub fn sized(&self, key: &str, expected: usize) -> Result<&[u32], Error> {
        let words = self.words(key)?;
        if words.len() == expected {
            return Ok(words);
        }
        Err(Error::WrongWeight { name: key.to_owned(), found: words.len(), expected })
    }

    /// How the matrix of this key is stored.
    ///
    /// # Errors
    /// [`Error::MissingWeight`] if there is none.
    pub fn format(&self, matrix: &str) -> Result<Format, Error> {
        self.formats.get(matrix).copied().ok_or_else(|| Error::MissingWeight { name: matrix.to_owned() })
    }

    fn vector(&mut self, key: &str, tensor: &Tensor) {
        let bits = tensor.to_f32().into_iter().map(f32::to_bits).collect();
        self.buffers.insert(key.to_owned(), bits);
    }

    fn matrix(&mut self, key: &str, blocks: Blocks) -> Result<(), Error> {
        let Blocks { format, outputs, inputs, bytes } = blocks;
        let packed = packing::pack(format, &bytes, outputs, inputs)
            .map_err(|source| Error::Packing { name: key.to_owned(), source })?;
        self.buffers.insert(format!("{key}.words"), packed.words);
        if format != Format::F32 {
            self.buffers.insert(format!("{key}.scales"), packed.scales);
        }
        self.formats.insert(key.to_owned(), format);
        Ok(())
    }
}

/// A matrix as GGUF blocks, or as little-endian floats where kernels know no such blocks.
struct Blocks {
    format: Format,
    outputs: usize,
    inputs: usize,
    bytes: Vec<u8>,
}

impl Blocks {
    fn one(tensor: &Tensor) -> Self {
        let (outputs, inputs) = match tensor.shape {
            Shape::Matrix { outputs, inputs } => (outputs, inputs),
            Shape::Vector(length) => (1, length),
        };
        match tensor.format {
            model_loader::Format::Q4_0 => {
                Self { format: Format::Q4, outputs, inputs, bytes: tensor.bytes.clone() }
            }
            model_loader::Format::Q8_0 => {
                Self { format: Format::Q8, outputs, inputs, bytes: tensor.bytes.clone() }
            }
            model_loader::Format::F16 | model_loader::Format::F32 => Self::floats(tensor, outputs, inputs),
        }
    }

    fn floats(tensor: &Tensor, outputs: usize, inputs: usize) -> Self {
        let bytes = tensor.to_f32().into_iter().flat_map(f32::to_le_bytes).collect();
        Self { format: Format::F32, outputs, inputs, bytes }
    }

    /// All in one format: their own if they share it, floats otherwise.
    fn alike(tensors: &[&Tensor]) -> Vec<Self> {
        let parts: Vec<Self> = tensors.iter().map(|tensor| Self::one(tensor)).collect();
        if parts.windows(2).all(|pair| pair[0].format == pair[1].format) {
            return parts;
        }
        let floats = |(part, tensor): (&Self, &&Tensor)| Self::floats(tensor, part.outputs, part.inputs);
        parts.iter().zip(tensors).map(floats).collect()
    }

    /// The rows of one below those of the other.
    fn stacked(tensors: &[&Tensor]) -> Self {
        let parts = Self::alike(tensors);
        let (format, inputs) = (parts[0].format, parts[0].inputs);
        let outputs = parts.iter().map(|part| part.outputs).sum();
        let bytes = parts.into_iter().flat_map(|part| part.bytes).collect();
        Self { format, outputs, inputs, bytes }
    }

    /// The rows of two in turn.
    fn interleaved(gate: &Tensor, up: &Tensor) -> Self {
        let parts = Self::alike(&[gate, up]);
        let bytes = packing::interleave_rows(&parts[0].bytes, &parts[1].bytes, parts[0].outputs);
        Self { format: parts[0].format, outputs: 2 * parts[0].outputs, inputs: parts[0].inputs, bytes }
    }

    /// Embedding and head have kernels for 8-bit blocks and for floats only.
    fn embedding(tensor: &Tensor) -> Self {
        let blocks = Self::one(tensor);
        if blocks.format == Format::Q4 { Self::floats(tensor, blocks.outputs, blocks.inputs) } else { blocks }
    }
}
