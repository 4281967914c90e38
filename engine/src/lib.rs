//! From checkpoint to predictions: the only crate that knows `wgpu`.
//!
//! [`Engine`] is all that a decoder needs. Below it, [`model::record`] writes a forward pass down as a
//! [`Program`], and an [`Executor`] replays it: on WebGPU ([`gpu`]), fast on the CPU ([`cpu`]), or in f64
//! ([`mod@reference`]).

mod backend;
pub mod cpu;
mod denoiser;
pub mod error;
pub mod executor;
pub mod gpu;
pub mod model;
pub mod program;
pub mod progress;
mod query;
pub mod reference;
mod self_test;
pub mod weights;

pub use backend::{BackendChoice, BackendReport};
pub use denoiser::Engine;
pub use error::Error;
pub use executor::Executor;
pub use program::Program;
pub use progress::Progress;
pub use weights::Weights;
