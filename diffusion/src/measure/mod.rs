//! Measurement: one file per instrument, every number with its standard error.

pub mod bound;
pub mod estimate;

pub use bound::{Bound, BoundError, BoundSettings, TextBound, text_bound};
pub use estimate::{Estimate, Moments};
