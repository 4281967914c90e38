//! Decoding: from masked slots to text. Small rules that compose, and one decoder that applies them.
//!
//! [`DecodeSettings`] say how; a [`Decoder`] is the run in progress; a [`Step`] is one call and what was done
//! with it; a [`Trajectory`] is the whole run as a plain value. An [`Asker`] puts a decoder's question to a denoiser.

mod adaptive;
pub mod ask;
pub mod block;
pub mod correction;
pub mod decoder;
pub mod edit;
pub mod gaussian;
pub mod memory;
pub mod noisy;
pub mod order;
pub mod parallelism;
pub mod remasking;
pub mod run;
pub mod settings;
pub mod soft_feedback;
pub mod step;
pub mod trajectory;
pub mod validation;
mod write;

pub use ask::Asker;
pub use block::Span;
pub use correction::Correction;
pub use decoder::{DecodeError, Decoder};
pub use edit::{Edit, EditError};
pub use gaussian::{GaussianError, GaussianSettings, GaussianStep, run_gaussian};
pub use memory::SlotMemory;
pub use noisy::Noise;
pub use order::Order;
pub use parallelism::Parallelism;
pub use remasking::{Believed, Remasking};
pub use run::{RunError, run, run_batch};
pub use settings::{DecodeSettings, Sampling};
pub use soft_feedback::SoftFeedback;
pub use step::{Checkpoint, Commit, Shown, SlotPrediction, Step};
pub use trajectory::{Trajectory, TrajectoryError};
pub use validation::SettingsError;
