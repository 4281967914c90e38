//! The backbone's equations, recorded as a [`Program`]. Compare with `ARCHITECTURE.md`, "The backbone".

mod recorder;

use model_loader::{ModelConfig, Process};
use shaders::kernels::gemm::Epilogue::{Residual, Store, SwiGlu};

use self::recorder::Recorder;
use crate::error::Error;
use crate::program::{BufferId, Program, Role};
use crate::weights::Weights;

/// The shape of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Slots per sequence.
    pub length: usize,
    /// Rows that one call can ask for.
    pub rows: usize,
}

impl Shape {
    /// Slots of all sequences.
    pub fn positions(&self) -> usize {
        self.batch * self.length
    }
}

/// Which kernels compute the matrix products and the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Products {
    /// Tiles through workgroup memory: for GPUs.
    Tiled,
    /// No barriers, no workgroup memory: for adapters that run on the CPU.
    Direct,
}

/// What may differ between two programs of equal shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Kernels of the products.
    pub products: Products,
    /// Whether rows may ask for `top_k` or `top_p`, which takes another pass over the vocabulary.
    pub truncated: bool,
}

/// Records the forward pass from tokens to summaries.
///
/// # Errors
/// [`Error::MissingWeight`], or [`Error::Unsupported`] if a size of the model fits no kernel.
pub fn record(
    config: &ModelConfig,
    weights: &Weights,
    shape: Shape,
    options: Options,
) -> Result<Program, Error> {
    let mut m = Recorder::new(config, weights, shape, options)?;
    let x = backbone(&mut m, config)?;
    let normed = m.gather_norm(x, "output_norm")?;
    m.head(normed, "token_embd")?;
    Ok(m.finish())
}

/// Records the forward pass from tokens to the logits of every position, in a buffer `logits`
/// `// (batch * length, vocabulary)`; also `normed`. For comparing with other implementations: it answers no
/// rows.
///
/// # Errors
/// As [`record`].
pub fn record_logits(
    config: &ModelConfig,
    weights: &Weights,
    shape: Shape,
    options: Options,
) -> Result<Program, Error> {
    let mut m = Recorder::new(config, weights, shape, options)?;
    let x = backbone(&mut m, config)?;
    let normed = m.scratch("normed", shape.positions() * config.embedding_length);
    let logits = m.scratch("logits", shape.positions() * config.vocab_size);
    m.rms_norm(x, "output_norm", normed)?;
    m.gemm(normed, "token_embd", Store, logits)?;
    Ok(m.finish())
}

/// The residual stream as it begins: what the slots show, their positions, and the noise level. Slots that hold vectors
/// are written by the caller, and here only get what their last guess adds.
fn input(m: &mut Recorder<'_>, config: &ModelConfig) -> Result<BufferId, Error> {
    let elements = m.positions() * config.embedding_length;
    if !matches!(config.process, Process::Gaussian { .. }) {
        let x = m.scratch("x", elements);
        m.embedding("token_embd", "position_embd", x)?;
        return Ok(x);
    }
    let x = m.input("x", elements, Role::Stream);
    let estimates = m.input("estimates", elements, Role::Estimates);
    m.gemm(estimates, "self_cond", Residual, x)?;
    Ok(x)
}

/// Embedding and layers: eight dispatches per layer. Gives back the residual stream
/// `x // (batch * length, width)`.
fn backbone(m: &mut Recorder<'_>, config: &ModelConfig) -> Result<BufferId, Error> {
    let positions = m.positions();
    let x = input(m, config)?;
    let h = m.scratch("h", positions * config.embedding_length);
    let qkv = m.scratch("qkv", positions * 3 * config.attention_length());
    let attended = m.scratch("attended", positions * config.attention_length());
    let hidden = m.scratch("hidden", positions * config.feed_forward_length);
    for layer in 0..config.block_count {
        let weight = |name: &str| format!("blk.{layer}.{name}");
        m.rms_norm(x, &weight("attn_norm"), h)?;
        m.gemm(h, &weight("attn_qkv"), Store, qkv)?;
        m.rotary_qk_norm(&weight("attn_q_norm"), &weight("attn_k_norm"), qkv)?;
        m.attention(layer, qkv, attended);
        m.gemm(attended, &weight("attn_output"), Residual, x)?;
        m.rms_norm(x, &weight("ffn_norm"), h)?;
        m.gemm(h, &weight("ffn_gate_up"), SwiGlu, hidden)?;
        m.gemm(hidden, &weight("ffn_down"), Residual, x)?;
    }
    Ok(x)
}
