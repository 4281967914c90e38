//! The head for GPUs: logits of 32 rows x 64 tokens at a time through workgroup memory.
//!
//! Formula, bindings, parameters, reference and cases are those of [`super::head`]. Sixty-four threads compute
//! a tile of logits as `gemm_tiled` does, leave it in workgroup memory, and turn from tokens to rows: two
//! threads share a row, one for each of the two stripes that the workgroup walks along side by side.

use super::head::{CODED, PARTIAL, PLAIN, Params, RACE, RANDOM, ROW, cases, reference};
use super::{WEIGHTS_F32, WEIGHTS_Q8};
use crate::kernel::Kernel;
use crate::packing::Format;

/// With 8-bit weights.
pub static KERNEL_Q8: Kernel = Kernel {
    name: "head_tiled_q8",
    entry: "head_tiled",
    source: include_str!("head_tiled.wgsl"),
    shared: &[WEIGHTS_Q8, ROW, PARTIAL, RACE, RANDOM],
    bindings: CODED,
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::Q8, params, buffers),
    cases: |seed| cases(seed, Format::Q8, workgroups),
};

/// With f32 weights.
pub static KERNEL_F32: Kernel = Kernel {
    name: "head_tiled_f32",
    entry: "head_tiled",
    source: include_str!("head_tiled.wgsl"),
    shared: &[WEIGHTS_F32, ROW, PARTIAL, RACE, RANDOM],
    bindings: PLAIN,
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::F32, params, buffers),
    cases: |seed| cases(seed, Format::F32, workgroups),
};

/// Rows that one workgroup handles.
pub const ROWS_PER_GROUP: u32 = 32;

/// Rows in x, 32 to a group; stripes in y, 2 to a group.
pub fn workgroups(rows_asked: u32, params: &Params) -> [u32; 3] {
    [rows_asked.div_ceil(ROWS_PER_GROUP), params.partials().div_ceil(2), 1]
}
