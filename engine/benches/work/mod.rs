//! What the benchmarks of the CPU back end compute: one product, and one whole call. Timed natively by
//! `benches/cpu.rs`, in a browser by whoever loads `examples/web_bench.rs`.

use diffusion::random::word;
use engine::Weights;
use engine::cpu::CpuExecutor;
use engine::cpu::gemm::{Epilogue, Output, Rows, TileBuffer, multiply};
use engine::cpu::matrix::{Order, PackedMatrix};
use engine::model::{Options, Products, Shape, record};
use model_loader::{Format, ModelConfig, Process, Tensor};
use shaders::records::Row;

/// y = x . W^T of one shape.
pub struct Product {
    shape: [usize; 3],
    x: Vec<f32>,
    matrix: PackedMatrix,
    y: Vec<f32>,
    tiles: TileBuffer,
}

impl Product {
    /// `rows` rows of `inputs` values to `outputs` values.
    pub fn new(rows: usize, outputs: usize, inputs: usize) -> Self {
        let matrix = PackedMatrix::pack(outputs, inputs, Order::Plain, |n, row| {
            row.iter_mut().zip(0..).for_each(|(weight, k)| *weight = uniform(n as u32, k));
        });
        let x = (0..(rows * inputs) as u32).map(|index| uniform(u32::MAX, index)).collect();
        let y = vec![0.0; rows * outputs];
        Self { shape: [rows, outputs, inputs], x, matrix, y, tiles: TileBuffer::default() }
    }

    /// Additions and multiplications of one run.
    pub fn operations(&self) -> f64 {
        2.0 * self.shape.iter().product::<usize>() as f64
    }

    /// Computes y and gives back its first value.
    pub fn run(&mut self) -> f32 {
        let [rows, outputs, inputs] = self.shape;
        let x = Rows { values: &self.x, stride: inputs, count: rows };
        let y = Output { values: &mut self.y, stride: outputs, epilogue: Epilogue::Store };
        multiply(x, &self.matrix, y, &mut self.tiles);
        self.y[0]
    }
}

/// One call on a model of the shipped shape: all slots masked, all rows drawn at temperature 1.
pub struct Step {
    executor: CpuExecutor,
    tokens: Vec<u32>,
    rows: Vec<Row>,
    operations: f64,
}

impl Step {
    /// For `batch` sequences of 64 slots.
    pub fn new(batch: usize) -> Result<Self, engine::Error> {
        let config = shipped_shape();
        let tensors: Vec<Tensor> = config.tensors().map(|(name, shape)| tensor(name, shape)).collect();
        let weights = Weights::pack(&config, |name| tensors.iter().find(|tensor| tensor.name == name))?;
        let positions = batch * config.context_length;
        let shape = Shape { batch, length: config.context_length, rows: positions };
        let options = Options { products: Products::Direct, truncated: false };
        let program = record(&config, &weights, shape, options)?;
        let row = |position| Row {
            position,
            seed: 1,
            call: 0,
            target: 3,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
        };
        Ok(Self {
            executor: CpuExecutor::new(&program, &weights)?,
            tokens: vec![0; positions],
            rows: (0..positions as u32).map(row).collect(),
            operations: operations(&config, positions),
        })
    }

    /// Additions and multiplications of the matrix products of one run, attention and head included.
    pub fn operations(&self) -> f64 {
        self.operations
    }

    /// Makes one call and gives back the token drawn first.
    pub fn run(&mut self) -> Result<u32, engine::Error> {
        Ok(self.executor.run(&self.tokens, bytemuck::cast_slice(&self.rows))?[0])
    }
}

/// The shape of the shipped model.
pub fn shipped_shape() -> ModelConfig {
    ModelConfig {
        block_count: 6,
        embedding_length: 256,
        feed_forward_length: 704,
        context_length: 64,
        head_count: 4,
        key_length: 64,
        causal: false,
        rms_epsilon: 1e-5,
        rope_freq_base: 10_000.0,
        vocab_size: 900,
        process: Process::Mask,
    }
}

fn operations(config: &ModelConfig, positions: usize) -> f64 {
    let (width, attention) = (config.embedding_length, config.attention_length());
    let layer = 4 * width * attention + 3 * width * config.feed_forward_length;
    let mixing = 2 * attention * config.context_length;
    let head = width * config.vocab_size;
    2.0 * (positions * (config.block_count * (layer + mixing) + head)) as f64
}

/// Weights from counters in the formats of the shipped model, small enough that activations stay of order one.
fn tensor(name: String, shape: model_loader::Shape) -> Tensor {
    let number = name.bytes().fold(0, |number: u32, byte| number.wrapping_mul(31).wrapping_add(byte.into()));
    let format = match name.as_str() {
        "token_embd.weight" => Format::Q8_0,
        name if name.ends_with("norm.weight") || name == "position_embd.weight" => Format::F32,
        _ => Format::Q4_0,
    };
    let block = |index: u32| -> Vec<u8> {
        let codes = |scale: f32, count: usize| {
            let bytes = (0..count as u32).map(|byte| word(number, index, 0, byte) as u8);
            half::f16::from_f32(scale).to_le_bytes().into_iter().chain(bytes).collect()
        };
        match format {
            Format::Q8_0 => codes(0.001, 32),
            Format::Q4_0 => codes(0.01, 16),
            _ => (1.0 + 0.2 * uniform(number, index)).to_le_bytes().to_vec(),
        }
    };
    let blocks = (shape.values() / format.block_values()) as u32;
    Tensor { name, shape, format, bytes: (0..blocks).flat_map(block).collect() }
}

/// A number in -1/2..1/2.
fn uniform(stream: u32, index: u32) -> f32 {
    word(stream, 0, 0, index) as f32 / 4_294_967_296.0 - 0.5
}
