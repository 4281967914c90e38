//! The head without barriers or workgroup memory, for software adapters.
//!
//! Formula, bindings, parameters, reference and cases are those of [`super::head`]. Each thread owns eight rows
//! and one stripe: it computes 8 x 8 logits at a time as `gemm_direct` does, and folds them into the partials
//! of its rows, which it alone writes.

use super::head::{CODED, PARTIAL, PLAIN, Params, RACE, RANDOM, ROW, cases, reference};
use super::{CHANNELS, WEIGHTS_F32, WEIGHTS_Q8};
use crate::kernel::Kernel;
use crate::packing::Format;

/// With 8-bit weights.
pub static KERNEL_Q8: Kernel = Kernel {
    name: "head_direct_q8",
    entry: "head_direct",
    source: include_str!("head_direct.wgsl"),
    shared: &[WEIGHTS_Q8, CHANNELS, ROW, PARTIAL, RACE, RANDOM],
    bindings: CODED,
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::Q8, params, buffers),
    cases: |seed| cases(seed, Format::Q8, workgroups),
};

/// With f32 weights.
pub static KERNEL_F32: Kernel = Kernel {
    name: "head_direct_f32",
    entry: "head_direct",
    source: include_str!("head_direct.wgsl"),
    shared: &[WEIGHTS_F32, CHANNELS, ROW, PARTIAL, RACE, RANDOM],
    bindings: PLAIN,
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::F32, params, buffers),
    cases: |seed| cases(seed, Format::F32, workgroups),
};

/// Rows that one workgroup handles: four threads of eight.
pub const ROWS_PER_GROUP: u32 = 32;

/// Rows in x, 32 to a group; stripes in y, 8 to a group.
pub fn workgroups(rows_asked: u32, params: &Params) -> [u32; 3] {
    [rows_asked.div_ceil(ROWS_PER_GROUP), params.partials().div_ceil(8), 1]
}
