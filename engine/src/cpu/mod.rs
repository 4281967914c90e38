//! Replays a [`Program`] fast on the CPU: SIMD natively and in WASM, one thread.
//!
//! Everything is prepared once: matrices are dequantised and packed, parameters read, scratch memory made. A
//! call then allocates nothing but its answer (from the second call on). One file per family of kernels; the
//! largest share of the time is spent in `gemm`.

mod attention;
mod embedding;
pub mod gemm;
mod head;
mod math;
pub mod matrix;
mod memory;
mod norm;
mod plan;
mod race;
#[cfg(test)]
mod tests;

pub use self::matrix::PackedWeights;
use self::memory::{Call, Memory};
use self::plan::{Plan, Step};
use crate::error::Error;
use crate::program::{BufferId, Program, ROW_WORDS, Role, SUMMARY_WORDS};
use crate::weights::Weights;

/// A program made ready for the CPU, and the contents of its buffers.
///
/// Takes 4 bytes per weight (20 MB for 5 million weights), shared with [`sharing`](Self::sharing); [`Weights`] may be
/// dropped afterwards.
pub struct CpuExecutor {
    program: Program,
    steps: Vec<Step>,
    memory: Memory,
}

impl CpuExecutor {
    /// Dequantises and packs the weights, and finds the work of each dispatch.
    ///
    /// # Errors
    /// If a weight is missing or has another size than the program says, or if a kernel has no CPU twin.
    pub fn new(program: &Program, weights: &Weights) -> Result<Self, Error> {
        Self::sharing(program, weights, &mut PackedWeights::default())
    }

    /// The same for one of several programs of a model: what another one has packed is not packed again.
    /// `packed` must have been used with these weights only.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn sharing(program: &Program, weights: &Weights, packed: &mut PackedWeights) -> Result<Self, Error> {
        let Plan { steps, memory } = Plan::new(program, &|key, size| weights.sized(key, size), packed)?;
        Ok(Self { program: program.clone(), steps, memory })
    }

    /// See [`Executor::write_floats`](crate::Executor::write_floats).
    ///
    /// # Errors
    /// If there are more or fewer than the buffer holds.
    pub fn write_floats(&mut self, role: &Role, values: &[f32]) -> Result<(), Error> {
        if let Some(BufferId(index)) = self.program.writable(role, values.len())? {
            self.memory.floats[index].copy_from_slice(values);
        }
        Ok(())
    }

    /// Replays the program; see [`Executor::run`](crate::Executor::run).
    ///
    /// # Errors
    /// If tokens or rows do not fit the program.
    pub fn run(&mut self, tokens: &[u32], rows: &[u32]) -> Result<Vec<u32>, Error> {
        self.program.check_call(tokens, rows)?;
        let mut answer = vec![0; rows.len() / ROW_WORDS * SUMMARY_WORDS];
        let summaries = bytemuck::cast_slice_mut(&mut answer);
        let mut call = Call { tokens, rows: bytemuck::cast_slice(rows), summaries };
        for step in &self.steps {
            self.memory.replay(step, &mut call);
        }
        Ok(answer)
    }

    /// Contents of a buffer of floats by its name, after [`run`](Self::run): for comparing layer by layer. None
    /// for words, and for matrices, which are kept in another form.
    pub fn buffer(&self, name: &str) -> Option<&[f32]> {
        let index = self.program.buffers.iter().position(|spec| spec.name == name)?;
        self.memory.floats.get(index).map(Vec::as_slice).filter(|floats| !floats.is_empty())
    }
}
