//! Whoever replays a [`Program`](crate::program::Program): one interface, three implementations.
//!
//! Each is made by `X::new(&Program, &Weights)` (the GPU's also takes a device) and then called many times.

use shaders::Values;

use crate::cpu::CpuExecutor;
use crate::error::Error;
use crate::gpu::GpuExecutor;
use crate::program::Role;
use crate::reference::ReferenceExecutor;

/// One loaded program on one back end.
pub enum Executor {
    /// WebGPU.
    Gpu(Box<GpuExecutor>),
    /// Fast on the CPU.
    Cpu(CpuExecutor),
    /// The f64 reference: slow, the truth for tests.
    Reference(ReferenceExecutor),
}

impl Executor {
    /// Fills the buffer of a role with floats, if the program has one: what goes into the next call besides tokens and
    /// rows.
    ///
    /// # Errors
    /// If there are more or fewer than the program's buffer holds.
    pub fn write_floats(&mut self, role: &Role, values: &[f32]) -> Result<(), Error> {
        match self {
            Self::Gpu(executor) => executor.write_floats(role, values),
            Self::Cpu(executor) => executor.write_floats(role, values),
            Self::Reference(executor) => executor.write_floats(role, values),
        }
    }

    /// Replays the program: writes `tokens` and `rows`, runs all dispatches, reads the summaries back.
    ///
    /// `tokens` are exactly those of the program `// (batch, length)`; `rows` may be fewer than the program's
    /// capacity `// (rows asked, 8)`. The answer has sixteen words per row asked `// (rows asked, 16)`.
    ///
    /// # Errors
    /// Whatever the back end reports; see [`Error`].
    pub async fn run(&mut self, tokens: &[u32], rows: &[u32]) -> Result<Vec<u32>, Error> {
        match self {
            Self::Gpu(executor) => executor.run(tokens, rows).await,
            Self::Cpu(executor) => executor.run(tokens, rows),
            Self::Reference(executor) => executor.run(tokens, rows),
        }
    }

    /// Contents of a buffer of floats by its name, after [`run`](Self::run).
    ///
    /// # Errors
    /// If the program has no such buffer, or the device reports a fault.
    pub async fn read_floats(&self, name: &str) -> Result<Vec<f32>, Error> {
        let missing = || Error::Refused { reason: format!("the program has no buffer {name} of floats") };
        match self {
            Self::Gpu(executor) => {
                let words = executor.read_buffer(name).await?;
                Ok(words.into_iter().map(f32::from_bits).collect())
            }
            Self::Cpu(executor) => executor.buffer(name).map(<[f32]>::to_vec).ok_or_else(missing),
            Self::Reference(executor) => match executor.buffer(name) {
                Some(Values::F64(values)) => Ok(values.iter().map(|&value| value as f32).collect()),
                _ => Err(missing()),
            },
        }
    }
}
