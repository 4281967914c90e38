//! The subject of Unmask: forward processes, decoding and measurement of diffusion language models.
//!
//! Pure: no GPU, no web, no clock, no files, no threads. Everything here is a function of its arguments,
//! so that a run can be repeated from a link.

pub mod denoiser;
pub mod random;
pub mod sequence;

pub use denoiser::{Candidate, Denoiser, Prediction, Query, Row, TOP_CANDIDATES};
pub use sequence::{Sequence, Slot, SlotState, TokenId};
