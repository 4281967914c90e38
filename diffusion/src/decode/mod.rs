//! Decoding: from masked slots to text. Small rules that compose, and one decoder that applies them.
//!
//! [`DecodeSettings`] say how; a [`Decoder`] is the run in progress; a [`Step`] is one call and what was done
//! with it; a [`Trajectory`] is the whole run as a plain value.

pub mod decoder;
pub mod order;
pub mod parallelism;
pub mod run;
pub mod settings;
pub mod step;
pub mod trajectory;

pub use decoder::{DecodeError, Decoder};
pub use order::Order;
pub use parallelism::Parallelism;
pub use run::{RunError, run, run_batch};
pub use settings::{DecodeSettings, Sampling, SettingsError};
pub use step::{Checkpoint, Commit, SlotPrediction, Step};
pub use trajectory::{Trajectory, TrajectoryError};
