//! Every kernel of Unmask: WGSL, its description, its reference. Knows no GPU library.

pub mod kernel;
pub mod packing;

pub use kernel::{Access, Binding, Case, Element, Kernel, Values};
