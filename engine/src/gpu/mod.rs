//! Replays a program with WebGPU: in the browser, or natively on Vulkan, Metal or Direct3D 12.

mod adapter;
mod buffers;
mod device;
mod executor;
mod pipelines;
mod readback;
mod single;
mod warm_up;

pub use buffers::WeightBuffers;
pub use device::GpuDevice;
pub use executor::{Counters, GpuExecutor};
pub use pipelines::{Pipelines, Recipe, compiler_messages};
pub use single::run_kernel;
