//! The matrix product for GPUs: tiles of 64 x 64 outputs through workgroup memory.
//!
//! Formula, bindings, parameters, reference and cases are those of [`super::gemm`]. Sixty-four threads compute
//! 64 x 64 outputs, 8 x 8 each, in steps of 16 inputs: a thread then does 64 multiplications for every
//! sixteen numbers it reads from workgroup memory, and the two tiles take 8 KiB. Both tiles lie k-major in
//! vec4, so the inner loop reads no scalar; weights are dequantised and transposed on their way into the tile.

use super::gemm::{CODED, EPILOGUE, EPILOGUES, PLAIN, Params, cases, reference};
use super::{WEIGHTS_F32, WEIGHTS_Q4, WEIGHTS_Q8};
use crate::kernel::Kernel;
use crate::packing::Format;

/// With 4-bit weights.
pub static KERNEL_Q4: Kernel = Kernel {
    name: "gemm_tiled_q4",
    entry: "gemm_tiled",
    source: include_str!("gemm_tiled.wgsl"),
    shared: &[WEIGHTS_Q4, EPILOGUES],
    bindings: CODED,
    overrides: &[EPILOGUE],
    params_size: size_of::<Params>(),
    reference: |params, overrides, buffers| reference(Format::Q4, params, overrides, buffers),
    cases: |seed| cases(seed, Format::Q4, workgroups),
};

/// With 8-bit weights.
pub static KERNEL_Q8: Kernel = Kernel {
    name: "gemm_tiled_q8",
    entry: "gemm_tiled",
    source: include_str!("gemm_tiled.wgsl"),
    shared: &[WEIGHTS_Q8, EPILOGUES],
    bindings: CODED,
    overrides: &[EPILOGUE],
    params_size: size_of::<Params>(),
    reference: |params, overrides, buffers| reference(Format::Q8, params, overrides, buffers),
    cases: |seed| cases(seed, Format::Q8, workgroups),
};

/// With f32 weights.
pub static KERNEL_F32: Kernel = Kernel {
    name: "gemm_tiled_f32",
    entry: "gemm_tiled",
    source: include_str!("gemm_tiled.wgsl"),
    shared: &[WEIGHTS_F32, EPILOGUES],
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

/// One workgroup for each tile of 64 x 64 outputs, columns in x.
pub fn workgroups(params: &Params) -> [u32; 3] {
    [params.columns.div_ceil(64), params.rows.div_ceil(64), 1]
}
