//! What can go wrong between a checkpoint and a prediction, one sentence each.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use shaders::packing::PackingError;

/// Why the engine could not be opened or a call failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    /// The browser has no `navigator.gpu`, or the machine no Vulkan, Metal or Direct3D 12.
    #[error("WebGPU is not available: {reason}")]
    NoWebGpu {
        /// What is missing.
        reason: String,
    },
    /// WebGPU is there, but it offers no adapter.
    #[error("no graphics adapter was found: {reason}")]
    NoAdapter {
        /// What the platform said.
        reason: String,
    },
    /// The adapter refused a device with its own limits.
    #[error("the graphics adapter gave no device: {reason}")]
    NoDevice {
        /// What the platform said.
        reason: String,
    },
    /// A buffer of the model is larger than the adapter allows.
    #[error("the adapter's limit {limit} is too small: found {found}, expected at least {expected}")]
    LimitTooSmall {
        /// Name of the limit in the WebGPU specification.
        limit: Cow<'static, str>,
        /// What the adapter offers.
        found: u64,
        /// What the model needs.
        expected: u64,
    },
    /// The only adapter computes on the CPU, where shaders are many times slower than the CPU back end.
    #[error("the graphics adapter is software ({adapter}), and the CPU back end is faster")]
    SoftwareAdapter {
        /// The adapter in words.
        adapter: String,
    },
    /// The device was lost: driver reset, sleep, or destroyed on purpose. Open the engine again and go on.
    #[error("the graphics device was lost: {reason}")]
    DeviceLost {
        /// What the platform said.
        reason: String,
    },
    /// A buffer could not be allocated.
    #[error("graphics memory is exhausted: {reason}")]
    OutOfMemory {
        /// What the platform said.
        reason: String,
    },
    /// A shader or pipeline was refused.
    #[error("shader {kernel} was refused: {reason}")]
    Shader {
        /// Name of the kernel.
        kernel: Cow<'static, str>,
        /// What the compiler said.
        reason: String,
    },
    /// The graphics API refused a command: a fault of this crate or of the driver.
    #[error("the graphics device refused a command: {reason}")]
    Refused {
        /// What the platform said.
        reason: String,
    },
    /// The back end computes something else than the stored values.
    #[error("the self-test of back end {backend} failed: {quantity} is {found}, expected {expected}")]
    SelfTest {
        /// Name of the back end.
        backend: Cow<'static, str>,
        /// Which quantity of which row.
        quantity: String,
        /// What the back end computed.
        found: f64,
        /// What is stored.
        expected: f64,
    },
    /// A weight that the program names is not in the checkpoint.
    #[error("weight {name} is missing")]
    MissingWeight {
        /// Its key.
        name: String,
    },
    /// A weight has another size than the program expects.
    #[error("weight {name} has the wrong size: found {found} words, expected {expected}")]
    WrongWeight {
        /// Its key.
        name: String,
        /// Words it has.
        found: usize,
        /// Words the program expects.
        expected: usize,
    },
    /// A matrix cannot be brought into the kernels' layout.
    #[error("weight {name} cannot be packed: {source}")]
    Packing {
        /// Its key.
        name: String,
        /// Why.
        source: PackingError,
    },
    /// The model has a size that no kernel handles.
    #[error("the model's {quantity} is not supported: found {found}, expected {expected}")]
    Unsupported {
        /// Which size.
        quantity: Cow<'static, str>,
        /// What the model has.
        found: usize,
        /// What the kernels handle.
        expected: Cow<'static, str>,
    },
    /// Whatever computes ended without an answer: a worker that crashed or ran out of memory.
    #[error("the engine ended without an answer: {reason}")]
    Ended {
        /// What is known of it.
        reason: String,
    },
    /// A query cannot be answered by this model.
    #[error("{quantity} of the query is wrong: found {found}, expected {expected}")]
    Query {
        /// What is wrong: `length`, `token 7`, `slot of row 3`.
        quantity: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}
