//! From checkpoint to predictions: the only crate that knows `wgpu`.

pub mod error;
pub mod executor;
pub mod gpu;
pub mod program;
pub mod progress;
pub mod reference;
pub mod weights;

pub use error::Error;
pub use executor::Executor;
pub use program::Program;
pub use progress::Progress;
pub use weights::Weights;
