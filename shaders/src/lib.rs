//! Every kernel of Unmask: WGSL, its description, its reference. Knows no GPU library.
//!
//! A kernel is a pair of files of one name in `kernels/` and a line in [`kernels::CATALOGUE`]. Kernels that
//! differ only in the storage format of their weights share one body; the format is text appended to it.

#[cfg(test)]
mod agreement;
pub mod case;
pub mod kernel;
pub mod kernels;
pub mod packing;
pub mod records;
mod sample;

pub use case::{Case, Disagreement, Values};
pub use kernel::{Access, Binding, Element, Kernel, Overrides, Reference};
pub use packing::Format;
