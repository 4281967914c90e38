//! From checkpoint to predictions: the only crate that knows `wgpu`.
//!
//! [`Engine`] is all that a decoder needs. Below it, [`model::record`] writes a forward pass down as a
//! [`Program`], and an [`Executor`] replays it: on WebGPU ([`gpu`]), fast on the CPU ([`cpu`]), or in f64
//! ([`mod@reference`]).
//!
//! ```ignore-wasm32
//! # use diffusion::{Denoiser, Query, Row, TokenId};
//! # use engine::{BackendChoice, Engine};
//! # use model_loader::Checkpoint;
//! # pollster::block_on(async {
//! let file = std::fs::read("../tests/golden/tiny.gguf")?;
//! let checkpoint = Checkpoint::from_bytes(&file)?;
//! let (mut engine, report) = Engine::open(&checkpoint, BackendChoice::Cpu, &mut |_| {}).await?;
//! assert_eq!(report.name, "cpu");
//!
//! // Sixteen masks; what is in slot 3?
//! let row = Row {
//!     sequence: 0,
//!     slot: 3,
//!     seed: 1,
//!     call: 0,
//!     temperature: 1.0,
//!     top_k: 0,
//!     top_p: 1.0,
//!     first_token: 2,
//!     target: TokenId(2),
//! };
//! let tokens = vec![TokenId(0); 16];
//! let query = Query { length: 16, tokens, times: vec![1.0], mixtures: Vec::new(), vectors: Vec::new(), rows: vec![row] };
//! let predictions = engine.predict(&query).await?;
//! assert!(predictions[0].drawn.token >= TokenId(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod backend;
mod condition;
pub mod cpu;
mod denoiser;
mod distributions;
pub mod error;
pub mod executor;
pub mod gpu;
pub mod model;
pub mod noise;
mod posterior;
pub mod program;
pub mod progress;
mod query;
pub mod reference;
mod self_test;
mod vectors;
pub mod weights;

pub use backend::{BackendChoice, BackendReport};
pub use denoiser::{Engine, noise_on};
pub use error::Error;
pub use executor::Executor;
pub use noise::{RareFirstError, TokenNoise, family, hiding_rare_first, noise_words, rare_first};
pub use program::Program;
pub use progress::Progress;
pub use weights::Weights;
