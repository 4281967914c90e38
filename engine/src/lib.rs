//! From checkpoint to predictions: the only crate that knows `wgpu`.

pub mod error;
pub mod executor;
pub mod program;
pub mod reference;
pub mod weights;

pub use error::Error;
pub use executor::Executor;
pub use program::Program;
pub use weights::Weights;
