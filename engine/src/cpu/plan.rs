//! From a [`Program`] to steps: what each dispatch means on the CPU.

use bytemuck::Pod;
use shaders::kernels::{
    attention as attention_kernel, embedding, gather_norm, gemm as gemm_kernel, head, rms_norm,
    rotary_qk_norm,
};
use shaders::{Element, Format, packing};

use super::attention::Shape;
use super::gemm::Epilogue;
use super::matrix::{Order, PackedMatrix, PackedWeights};
use super::memory::Memory;
use crate::error::Error;
use crate::program::{BufferId, Dispatch, Program, Role};

/// The work of one dispatch (of up to three for the head).
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// x = embedding\[token\] + positions\[slot\]
    Embed { matrix: usize, positions: BufferId, length: usize, x: BufferId },
    /// h = rms_norm(x) * gain
    RmsNorm { x: BufferId, gain: BufferId, epsilon: f32, h: BufferId },
    /// y = epilogue(x . matrixᵀ)
    Multiply { matrix: usize, rows: usize, x: BufferId, epilogue: Epilogue, y: BufferId },
    /// Queries and keys of qkv: norm and rotation.
    RotaryQkNorm {
        params: rotary_qk_norm::Params,
        rotations: BufferId,
        query_gain: BufferId,
        key_gain: BufferId,
        qkv: BufferId,
    },
    /// Attention within each sequence.
    Attend { shape: Shape, qkv: BufferId, output: BufferId },
    /// normed = rms_norm(x of the rows asked) * gain
    GatherNorm { x: BufferId, gain: BufferId, epsilon: f32, normed: BufferId },
    /// Summaries of the rows asked.
    Summarise { matrix: usize, length: u32, normed: BufferId },
}

/// Finds the words of a weight buffer by its key and checks their number.
pub type WeightSource<'a> = &'a dyn Fn(&str, usize) -> Result<&'a [u32], Error>;

/// A program, planned.
pub struct Plan {
    /// The work, in order.
    pub steps: Vec<Step>,
    /// Matrices packed, vectors filled, activations zero.
    pub memory: Memory,
}

impl Plan {
    /// Plans every dispatch.
    ///
    /// # Errors
    /// If a weight is missing or has another size than the program says, or if a kernel has no CPU twin.
    pub fn new<'a>(
        program: &'a Program,
        weights: WeightSource<'a>,
        packed: &'a mut PackedWeights,
    ) -> Result<Self, Error> {
        let mut planner = Planner { program, weights, packed, memory: Memory::default() };
        planner.memory.floats.resize(program.buffers.len(), Vec::new());
        let mut steps = Vec::with_capacity(program.dispatches.len());
        for dispatch in &program.dispatches {
            steps.extend(planner.step(dispatch)?);
        }
        Ok(Self { steps, memory: planner.memory })
    }
}

struct Planner<'a> {
    program: &'a Program,
    weights: WeightSource<'a>,
    packed: &'a mut PackedWeights,
    memory: Memory,
}

impl<'a> Planner<'a> {
    /// The step that does the dispatch's work; none if another one does.
    fn step(&mut self, dispatch: &Dispatch) -> Result<Option<Step>, Error> {
        Ok(Some(match dispatch.kernel.entry {
            "embedding" => {
                let p: embedding::Params = params(dispatch);
                let (positions, x) = (self.floats(dispatch, "positions")?, self.floats(dispatch, "x")?);
                let matrix = self.matrix(dispatch, p.width, Order::Plain)?;
                Step::Embed { matrix, positions, length: p.length as usize, x }
            }
            "rms_norm" => {
                let epsilon = params::<rms_norm::Params>(dispatch).epsilon;
                let [x, gain, h] = self.three_floats(dispatch, ["x", "gain", "h"])?;
                Step::RmsNorm { x, gain, epsilon, h }
            }
            "gemm_tiled" | "gemm_direct" => self.multiply(dispatch)?,
            "rotary_qk_norm" => {
                let names = ["rotations", "query_gain", "key_gain"];
                let [rotations, query_gain, key_gain] = self.three_floats(dispatch, names)?;
                let qkv = self.floats(dispatch, "qkv")?;
                Step::RotaryQkNorm { params: params(dispatch), rotations, query_gain, key_gain, qkv }
            }
            "attention" => self.attend(dispatch)?,
            "gather_norm" => {
                let epsilon = params::<gather_norm::Params>(dispatch).epsilon;
                let [x, gain, normed] = self.three_floats(dispatch, ["x", "gain", "normed"])?;
                Step::GatherNorm { x, gain, epsilon, normed }
            }
            "head_tiled" | "head_direct" => {
                let p: head::Params = params(dispatch);
                let normed = self.floats(dispatch, "normed")?;
                let matrix = self.matrix(dispatch, p.inner, Order::Plain)?;
                Step::Summarise { matrix, length: p.length, normed }
            }
            // Before and after the head proper: `Step::Summarise` does their work too.
            "head_threshold" | "head_merge" => return Ok(None),
            _ => {
                let reason = "the CPU back end has no twin of it".to_owned();
                return Err(Error::Shader { kernel: dispatch.kernel.name.into(), reason });
            }
        }))
    }

    fn multiply(&mut self, dispatch: &Dispatch) -> Result<Step, Error> {
        let p: gemm_kernel::Params = params(dispatch);
        let epilogue = match override_value(dispatch, gemm_kernel::EPILOGUE) {
            Some(value) if value == gemm_kernel::Epilogue::Residual as u32 => Epilogue::Add,
            Some(value) if value == gemm_kernel::Epilogue::SwiGlu as u32 => Epilogue::SwiGlu,
            _ => Epilogue::Store,
        };
        let order = if epilogue == Epilogue::SwiGlu { Order::Paired } else { Order::Plain };
        let (x, y) = (self.floats(dispatch, "x")?, self.floats(dispatch, "output")?);
        let matrix = self.matrix(dispatch, p.inner, order)?;
        Ok(Step::Multiply { matrix, rows: p.rows as usize, x, epilogue, y })
    }

    fn attend(&mut self, dispatch: &Dispatch) -> Result<Step, Error> {
        let p: attention_kernel::Params = params(dispatch);
        let (qkv, output) = (self.floats(dispatch, "qkv")?, self.floats(dispatch, "output")?);
        let width = self.memory.floats[output.0].len() / p.rows as usize;
        let heads = p.heads as usize;
        let shape =
            Shape { length: p.length as usize, heads, head_dim: width / heads, causal: p.causal == 1 };
        Ok(Step::Attend { shape, qkv, output })
    }

    fn three_floats(&mut self, dispatch: &Dispatch, names: [&str; 3]) -> Result<[BufferId; 3], Error> {
        let [a, b, c] = names;
        Ok([self.floats(dispatch, a)?, self.floats(dispatch, b)?, self.floats(dispatch, c)?])
    }

    /// The buffer bound under this name, filled with its weights or zeros.
    fn floats(&mut self, dispatch: &Dispatch, name: &str) -> Result<BufferId, Error> {
        let id = bound(dispatch, name);
        let spec = &self.program.buffers[id.0];
        assert_eq!(spec.element, Element::F32, "`{name}` is a buffer of floats");
        if self.memory.floats[id.0].is_empty() {
            self.memory.floats[id.0] = match &spec.role {
                Role::Weight(key) => {
                    (self.weights)(key, spec.elements)?.iter().map(|&bits| f32::from_bits(bits)).collect()
                }
                _ => vec![0.0; spec.elements],
            };
        }
        Ok(id)
    }

    /// Index of the dispatch's weight matrix, packed at its first use.
    fn matrix(&mut self, dispatch: &Dispatch, inputs: u32, order: Order) -> Result<usize, Error> {
        let (program, weights) = (self.program, self.weights);
        let (key, size) = weight(program, bound(dispatch, "weights"));
        let matrix = self.packed.find_or_pack(key, order, || {
            let format = format_of(dispatch);
            let words = weights(key, size)?;
            let scales = match format {
                Format::F32 => &[],
                Format::Q4 | Format::Q8 => {
                    let (key, size) = weight(program, bound(dispatch, "scales"));
                    weights(key, size)?
                }
            };
            let inputs = inputs as usize;
            let outputs = words.len() * codes_per_word(format) / inputs;
            Ok(PackedMatrix::pack(outputs, inputs, order, |n, row| {
                for (k, value) in row.iter_mut().enumerate() {
                    // Exact: a code times an f16 scale has at most 19 significant bits.
                    *value = packing::weight(format, words, scales, inputs, n, k) as f32;
                }
            }))
        })?;
        self.memory.matrices.push(matrix);
        Ok(self.memory.matrices.len() - 1)
    }
}

/// Key and size of a buffer of a matrix.
fn weight(program: &Program, id: BufferId) -> (&str, usize) {
    let spec = &program.buffers[id.0];
    let Role::Weight(key) = &spec.role else { panic!("matrix `{}` is a weight", spec.name) };
    (key, spec.elements)
}

fn params<P: Pod>(dispatch: &Dispatch) -> P {
    bytemuck::pod_read_unaligned(&dispatch.params)
}

fn override_value(dispatch: &Dispatch, name: &str) -> Option<u32> {
    dispatch.overrides.iter().find(|(key, _)| *key == name).map(|&(_, value)| value)
}

/// The buffer bound to the kernel's variable of this name.
fn bound(dispatch: &Dispatch, name: &str) -> BufferId {
    let names = dispatch.kernel.bindings.iter().map(|binding| binding.name);
    let found = names.zip(&dispatch.bindings).find(|(bound, _)| *bound == name);
    let Some((_, id)) = found else { panic!("kernel {} has a binding `{name}`", dispatch.kernel.name) };
    *id
}

/// Storage format of the dispatch's matrix: the last part of the kernel's name.
fn format_of(dispatch: &Dispatch) -> Format {
    match dispatch.kernel.name.rsplit('_').next() {
        Some("q4") => Format::Q4,
        Some("q8") => Format::Q8,
        _ => Format::F32,
    }
}

fn codes_per_word(format: Format) -> usize {
    match format {
        Format::Q4 => 8,
        Format::Q8 => 4,
        Format::F32 => 1,
    }
}
