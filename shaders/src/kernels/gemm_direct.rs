//! The matrix product without barriers or workgroup memory, for software adapters.
//!
//! Formula, bindings, parameters, reference and cases are those of [`super::gemm`]. A processor that runs
//! shaders saves and restores every invocation at a barrier and has its cache anyway, so each thread computes
//! 16 rows x 8 columns on its own. Loads are what such an adapter is slowest at: a word of weights serves 16
//! rows, and threads side by side share their rows of x, which a loader may fetch once for all. Written with
//! 4 x 4 matrices it ran 2 to 3 times as fast as with single vectors and half the tile.

use super::gemm::{CODED, EPILOGUE, EPILOGUES, PLAIN, Params, cases, reference};
use super::{CHANNELS, WEIGHTS_F32, WEIGHTS_Q4, WEIGHTS_Q8};
use crate::kernel::Kernel;
use crate::packing::Format;

/// With 4-bit weights.
pub static KERNEL_Q4: Kernel = Kernel {
    name: "gemm_direct_q4",
    entry: "gemm_direct",
    source: include_str!("gemm_direct.wgsl"),
    shared: &[WEIGHTS_Q4, CHANNELS, EPILOGUES],
    bindings: CODED,
    overrides: &[EPILOGUE],
    params_size: size_of::<Params>(),
    reference: |params, overrides, buffers| reference(Format::Q4, params, overrides, buffers),
    cases: |seed| cases(seed, Format::Q4, workgroups),
};

/// With 8-bit weights.
pub static KERNEL_Q8: Kernel = Kernel {
    name: "gemm_direct_q8",
    entry: "gemm_direct",
    source: include_str!("gemm_direct.wgsl"),
    shared: &[WEIGHTS_Q8, CHANNELS, EPILOGUES],
    bindings: CODED,
    overrides: &[EPILOGUE],
    params_size: size_of::<Params>(),
    reference: |params, overrides, buffers| reference(Format::Q8, params, overrides, buffers),
    cases: |seed| cases(seed, Format::Q8, workgroups),
};

/// With f32 weights.
pub static KERNEL_F32: Kernel = Kernel {
    name: "gemm_direct_f32",
    entry: "gemm_direct",
    source: include_str!("gemm_direct.wgsl"),
    shared: &[WEIGHTS_F32, CHANNELS, EPILOGUES],
    bindings: PLAIN,
    overrides: &[EPILOGUE],
    params_size: size_of::<Params>(),
    reference: |params, overrides, buffers| reference(Format::F32, params, overrides, buffers),
    cases: |seed| cases(seed, Format::F32, workgroups),
};

/// The kernel for weights of `format`.
pub fn kernel(format: Format) -> &'static Kernel {
    match format {
        Format::Q4 => &KERNEL_Q4,
        Format::Q8 => &KERNEL_Q8,
        Format::F32 => &KERNEL_F32,
    }
}

/// Eight threads of 8 columns by four of 16 rows: one workgroup for each 64 x 64 outputs, columns in x.
pub fn workgroups(params: &Params) -> [u32; 3] {
    [params.columns.div_ceil(64), params.rows.div_ceil(64), 1]
}
