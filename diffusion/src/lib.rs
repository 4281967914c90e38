//! The subject of Unmask: forward processes, decoding and measurement of diffusion language models.
//!
//! Pure: no GPU, no web, no clock, no files, no threads. Everything here is a function of its arguments,
//! so that a run can be repeated from a link.

pub mod decode;
pub mod denoiser;
pub mod draw;
pub mod exact;
pub mod guide;
pub mod hybrid;
pub mod measure;
pub mod process;
pub mod random;
pub mod schedule;
pub mod sequence;
#[cfg(test)]
mod testing;

pub use decode::{DecodeSettings, Decoder, Order, Parallelism, Sampling, Step, Trajectory};
pub use denoiser::{
    Candidate, Denoiser, FullDenoiser, MIXTURE_PARTS, Mixture, Prediction, Query, Row, TOP_CANDIDATES,
};
pub use schedule::Schedule;
pub use sequence::{Sequence, Slot, SlotState, SpecialTokens, TokenId};
