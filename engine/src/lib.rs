//! From checkpoint to predictions: the only crate that knows `wgpu`.

pub mod program;
