//! One method per kernel: fills its parameters, binds its buffers, counts its workgroups.

use bytemuck::Pod;
use model_loader::ModelConfig;
use shaders::kernels::{
    attention, embedding, gather_norm, gemm, gemm_direct, gemm_tiled, head, head_direct, head_merge,
    head_threshold, head_tiled, rms_norm, rotary_qk_norm,
};
use shaders::packing::BLOCK;
use shaders::{Element, Format, Kernel};

use super::{Options, Products, Shape};
use crate::error::Error;
use crate::program::{BufferId, BufferSpec, Dispatch, Program, ROW_WORDS, Role, SUMMARY_WORDS, Workgroups};
use crate::weights::Weights;

/// A program under construction.
pub(super) struct Recorder<'a> {
    config: &'a ModelConfig,
    weights: &'a Weights,
    shape: Shape,
    options: Options,
    program: Program,
    tokens: BufferId,
    rows: BufferId,
}

impl<'a> Recorder<'a> {
    /// Checks that the kernels can compute this model, and makes the buffers that a caller writes.
    pub fn new(
        config: &'a ModelConfig,
        weights: &'a Weights,
        shape: Shape,
        options: Options,
    ) -> Result<Self, Error> {
        check(config)?;
        let mut program = Program::default();
        let tokens = program.buffer("tokens", shape.positions(), Element::U32, Role::Tokens);
        let rows = program.buffer("rows", shape.rows * ROW_WORDS, Element::U32, Role::Rows);
        Ok(Self { config, weights, shape, options, program, tokens, rows })
    }

    pub fn finish(self) -> Program {
        self.program
    }

    pub fn positions(&self) -> usize {
        self.shape.positions()
    }

    /// A buffer of floats that only dispatches touch.
    pub fn scratch(&mut self, name: &str, elements: usize) -> BufferId {
        self.program.buffer(name, elements, Element::F32, Role::Scratch)
    }

    /// A buffer of floats that is written before every call.
    pub fn input(&mut self, name: &str, elements: usize, role: Role) -> BufferId {
        self.program.buffer(name, elements, Element::F32, role)
    }

    /// x = matrix[tokens] + table[slots]; for a model that is told the time, x = matrix[tokens] + offsets.
    pub fn embedding(&mut self, matrix: &str, table: &str, x: BufferId) -> Result<(), Error> {
        let width = self.config.embedding_length;
        let (positions, length) = if self.config.process.is_timed() {
            let elements = self.positions() * width;
            (self.input("offsets", elements, Role::Offsets), self.positions())
        } else {
            (self.vector(table, self.config.context_length * width)?, self.shape.length)
        };
        let (format, weights) = self.matrix(matrix, self.config.vocab_size, width)?;
        let kernel = if format == Format::F32 { &embedding::KERNEL_F32 } else { &embedding::KERNEL_Q8 };
        let params =
            embedding::Params { rows: self.positions() as u32, width: width as u32, length: length as u32 };
        let bindings = join(&[self.tokens, positions], &weights, &[x]);
        self.dispatch(
            matrix,
            kernel,
            &[],
            params,
            bindings,
            Workgroups::Fixed(embedding::workgroups(&params)),
        );
        Ok(())
    }

    /// h = rms_norm(x) * gain
    pub fn rms_norm(&mut self, x: BufferId, gain: &str, h: BufferId) -> Result<(), Error> {
        let params = rms_norm::Params {
            rows: self.positions() as u32,
            width: self.config.embedding_length as u32,
            epsilon: self.config.rms_epsilon,
        };
        let weight = self.vector(gain, self.config.embedding_length)?;
        let workgroups = Workgroups::Fixed(rms_norm::workgroups(&params));
        self.dispatch(gain, &rms_norm::KERNEL, &[], params, vec![x, weight, h], workgroups);
        Ok(())
    }

    /// normed[r] = rms_norm(x[rows[r].position]) * gain. Gives back `normed // (rows, width)`.
    pub fn gather_norm(&mut self, x: BufferId, gain: &str) -> Result<BufferId, Error> {
        let width = self.config.embedding_length;
        let normed = self.scratch("normed", self.shape.rows * width);
        let params = gather_norm::Params {
            rows: self.shape.rows as u32,
            width: width as u32,
            epsilon: self.config.rms_epsilon,
        };
        let weight = self.vector(gain, width)?;
        let workgroups = Workgroups::Rows { rows_per_group: gather_norm::ROWS_PER_GROUP, y: 1 };
        self.dispatch(
            gain,
            &gather_norm::KERNEL,
            &[],
            params,
            vec![self.rows, x, weight, normed],
            workgroups,
        );
        Ok(normed)
    }

    /// output = x . matrixᵀ, and then the epilogue. The matrix's shape follows from the two buffers.
    pub fn gemm(
        &mut self,
        x: BufferId,
        matrix: &str,
        epilogue: gemm::Epilogue,
        output: BufferId,
    ) -> Result<(), Error> {
        let positions = self.positions();
        let pairs = if epilogue == gemm::Epilogue::SwiGlu { 2 } else { 1 };
        let inner = self.program.buffers[x.0].elements / positions;
        let columns = pairs * self.program.buffers[output.0].elements / positions;
        let (format, weights) = self.matrix(matrix, columns, inner)?;
        let params = gemm::Params { rows: positions as u32, columns: columns as u32, inner: inner as u32 };
        let (kernel, workgroups) = match self.options.products {
            Products::Tiled => (gemm_tiled::kernel(format), gemm_tiled::workgroups(&params)),
            Products::Direct => (gemm_direct::kernel(format), gemm_direct::workgroups(&params)),
        };
        let overrides = [(gemm::EPILOGUE, epilogue as u32)];
        let bindings = join(&[x], &weights, &[output]);
        self.dispatch(matrix, kernel, &overrides, params, bindings, Workgroups::Fixed(workgroups));
        Ok(())
    }

    /// q, k = rotate(rms_norm_per_head(q, k) * gains), in place.
    pub fn rotary_qk_norm(&mut self, q_gain: &str, k_gain: &str, qkv: BufferId) -> Result<(), Error> {
        let head_dim = self.config.key_length;
        let rotations = self.vector(Weights::ROTATIONS, self.config.context_length * head_dim)?;
        let (q_weight, k_weight) = (self.vector(q_gain, head_dim)?, self.vector(k_gain, head_dim)?);
        let params = rotary_qk_norm::Params {
            rows: self.positions() as u32,
            length: self.shape.length as u32,
            heads: self.config.head_count as u32,
            head_dim: head_dim as u32,
            epsilon: self.config.rms_epsilon,
        };
        let workgroups = Workgroups::Fixed(rotary_qk_norm::workgroups(&params));
        let bindings = vec![rotations, q_weight, k_weight, qkv];
        self.dispatch(q_gain, &rotary_qk_norm::KERNEL, &[], params, bindings, workgroups);
        Ok(())
    }

    /// output = softmax(q . kᵀ / sqrt(head_dim)) v, head by head.
    pub fn attention(&mut self, layer: usize, qkv: BufferId, output: BufferId) {
        let params = attention::Params {
            rows: self.positions() as u32,
            length: self.shape.length as u32,
            heads: self.config.head_count as u32,
            causal: u32::from(self.config.causal),
        };
        let overrides = [(attention::HEAD_DIM, self.config.key_length as u32)];
        let workgroups = Workgroups::Fixed(attention::workgroups(&params));
        let label = format!("blk.{layer}");
        self.dispatch(&label, &attention::KERNEL, &overrides, params, vec![qkv, output], workgroups);
    }

    /// Summaries of softmax(normed . matrixᵀ) for the rows asked; logits never reach memory.
    pub fn head(&mut self, normed: BufferId, matrix: &str) -> Result<(), Error> {
        let (vocabulary, inner) = (self.config.vocab_size, self.config.embedding_length);
        let (format, weights) = self.matrix(matrix, vocabulary, inner)?;
        let params = head::Params {
            rows: self.shape.rows as u32,
            vocabulary: vocabulary as u32,
            inner: inner as u32,
            length: self.shape.length as u32,
            stripe: head::stripe(vocabulary as u32),
        };
        let thresholds = self.scratch("thresholds", self.shape.rows);
        if self.options.truncated {
            self.threshold(format, normed, &weights, thresholds);
        }
        let words = self.shape.rows * params.partials() as usize * SUMMARY_WORDS;
        let partials = self.program.buffer("partials", words, Element::U32, Role::Scratch);
        let (kernel, rows_per_group, y) = self.head_kernel(format, &params);
        let bindings = join(&[self.rows, normed, thresholds], &weights, &[partials]);
        self.dispatch(matrix, kernel, &[], params, bindings, Workgroups::Rows { rows_per_group, y });
        self.merge(partials, params.partials());
        Ok(())
    }

    fn head_kernel(&self, format: Format, params: &head::Params) -> (&'static Kernel, u32, u32) {
        let floats = format == Format::F32;
        match self.options.products {
            Products::Tiled => {
                let kernel = if floats { &head_tiled::KERNEL_F32 } else { &head_tiled::KERNEL_Q8 };
                (kernel, head_tiled::ROWS_PER_GROUP, head_tiled::workgroups(1, params)[1])
            }
            Products::Direct => {
                let kernel = if floats { &head_direct::KERNEL_F32 } else { &head_direct::KERNEL_Q8 };
                (kernel, head_direct::ROWS_PER_GROUP, head_direct::workgroups(1, params)[1])
            }
        }
    }

    /// Where the draws of truncated rows end.
    fn threshold(&mut self, format: Format, normed: BufferId, weights: &[BufferId], thresholds: BufferId) {
        let kernel =
            if format == Format::F32 { &head_threshold::KERNEL_F32 } else { &head_threshold::KERNEL_Q8 };
        let params = head_threshold::Params {
            rows: self.shape.rows as u32,
            vocabulary: self.config.vocab_size as u32,
            inner: self.config.embedding_length as u32,
        };
        let workgroups = Workgroups::Rows { rows_per_group: head_threshold::ROWS_PER_GROUP, y: 1 };
        let bindings = join(&[self.rows, normed], weights, &[thresholds]);
        self.dispatch("top-k and top-p", kernel, &[], params, bindings, workgroups);
    }

    /// Partials to summaries.
    fn merge(&mut self, partials: BufferId, per_row: u32) {
        let words = self.shape.rows * SUMMARY_WORDS;
        let summaries = self.program.buffer("summaries", words, Element::U32, Role::Summaries);
        let params = head_merge::Params { rows: self.shape.rows as u32, partials: per_row };
        let workgroups = Workgroups::Rows { rows_per_group: head_merge::ROWS_PER_GROUP, y: 1 };
        let bindings = vec![partials, summaries];
        self.dispatch("summaries", &head_merge::KERNEL, &[], params, bindings, workgroups);
    }

    /// The buffers of an (n, k) matrix, and its format.
    fn matrix(&mut self, key: &str, n: usize, k: usize) -> Result<(Format, Vec<BufferId>), Error> {
        let format = self.weights.format(key)?;
        let (per_word, element) = match format {
            Format::Q4 => (8, Element::U32),
            Format::Q8 => (4, Element::U32),
            Format::F32 => (1, Element::F32),
        };
        let mut ids = vec![self.weight(&format!("{key}.words"), n * k / per_word, element)?];
        if format != Format::F32 {
            ids.push(self.weight(&format!("{key}.scales"), (n * k / BLOCK).div_ceil(2), Element::U32)?);
        }
        Ok((format, ids))
    }

    fn vector(&mut self, key: &str, length: usize) -> Result<BufferId, Error> {
        self.weight(key, length, Element::F32)
    }

    /// The buffer of a weight, made at its first use.
    fn weight(&mut self, key: &str, elements: usize, element: Element) -> Result<BufferId, Error> {
        self.weights.sized(key, elements)?;
        let role = Role::Weight(key.to_owned());
        if let Some(index) = self.program.buffers.iter().position(|spec| spec.role == role) {
            return Ok(BufferId(index));
        }
        Ok(self.program.buffer(key, elements, element, role))
    }

    fn dispatch<P: Pod>(
        &mut self,
        what: &str,
        kernel: &'static Kernel,
        overrides: &[(&'static str, u32)],
        params: P,
        bindings: Vec<BufferId>,
        workgroups: Workgroups,
    ) {
        self.program.dispatches.push(Dispatch {
            label: format!("{what}: {}", kernel.name),
            kernel,
            overrides: overrides.to_vec(),
            params: bytemuck::bytes_of(&params).to_vec(),
            bindings,
            workgroups,
        });
    }
}

impl Program {
    fn buffer(&mut self, name: &str, elements: usize, element: Element, role: Role) -> BufferId {
        self.buffers.push(BufferSpec { name: name.to_owned(), elements, element, role });
        BufferId(self.buffers.len() - 1)
    }
}

fn join(before: &[BufferId], weights: &[BufferId], after: &[BufferId]) -> Vec<BufferId> {
    [before, weights, after].concat()
}

/// Sizes that the kernels ask for; see their parameters.
fn check(config: &ModelConfig) -> Result<(), Error> {
    let (head, vocabulary) = (config.key_length, config.vocab_size);
    let blocks = |length: usize| (length.is_multiple_of(BLOCK), "a multiple of 32");
    let head_fits = head.is_multiple_of(8) && head <= attention::WIDEST_HEAD as usize;
    let rules = [
        ("embedding length", config.embedding_length, blocks(config.embedding_length)),
        ("feed-forward length", config.feed_forward_length, blocks(config.feed_forward_length)),
        ("length of all heads together", config.attention_length(), blocks(config.attention_length())),
        ("key length", head, (head_fits, "a multiple of 8 up to 128")),
        ("vocabulary size", vocabulary, (vocabulary <= 131_072, "up to 131072")),
    ];
    match rules.into_iter().find(|(.., (holds, _))| !holds) {
        Some((quantity, found, (_, expected))) => {
            Err(Error::Unsupported { quantity: quantity.into(), found, expected: expected.into() })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use model_loader::Process;

    use super::*;

    fn refused(change: fn(&mut ModelConfig)) -> Option<String> {
        let mut config = ModelConfig {
            block_count: 1,
            embedding_length: 64,
            feed_forward_length: 96,
            context_length: 16,
            head_count: 2,
            key_length: 32,
            causal: false,
            rms_epsilon: 1e-5,
            rope_freq_base: 1e4,
            vocab_size: 50,
            process: Process::Mask,
        };
        change(&mut config);
        match check(&config) {
            Ok(()) => None,
            Err(Error::Unsupported { quantity, .. }) => Some(quantity.into_owned()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn sizes_that_no_kernel_handles_are_named() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|config| config.embedding_length = 72).as_deref(), Some("embedding length"));
        assert_eq!(
            refused(|config| config.feed_forward_length = 100).as_deref(),
            Some("feed-forward length")
        );
        assert_eq!(refused(|config| config.head_count = 1).as_deref(), None);
        assert_eq!(refused(|config| config.key_length = 160).as_deref(), Some("key length"));
        assert_eq!(refused(|config| config.key_length = 8).as_deref(), Some("length of all heads together"));
        assert_eq!(refused(|config| config.vocab_size = 1 << 18).as_deref(), Some("vocabulary size"));
    }
}
