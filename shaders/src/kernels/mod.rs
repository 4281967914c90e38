//! The catalogue. Every test of kernels runs over it.

pub mod attention;
pub mod embedding;
pub mod gather_norm;
pub mod gemm;
pub mod gemm_direct;
pub mod gemm_tiled;
pub mod head;
pub mod head_direct;
pub mod head_merge;
pub mod head_threshold;
pub mod head_tiled;
pub mod rms_norm;
pub mod rotary_qk_norm;

use bytemuck::Pod;

use crate::case::Values;
use crate::kernel::{Binding, Element, Kernel, Overrides};
use crate::packing;
use crate::packing::Format;

/// Every kernel.
pub static CATALOGUE: &[&Kernel] = &[
    &embedding::KERNEL_Q8,
    &embedding::KERNEL_F32,
    &rms_norm::KERNEL,
    &gemm_tiled::KERNEL_Q4,
    &gemm_tiled::KERNEL_Q8,
    &gemm_tiled::KERNEL_F32,
    &gemm_direct::KERNEL_Q4,
    &gemm_direct::KERNEL_Q8,
    &gemm_direct::KERNEL_F32,
    &rotary_qk_norm::KERNEL,
    &attention::KERNEL,
    &gather_norm::KERNEL,
    &head_threshold::KERNEL_Q8,
    &head_threshold::KERNEL_F32,
    &head_tiled::KERNEL_Q8,
    &head_tiled::KERNEL_F32,
    &head_direct::KERNEL_Q8,
    &head_direct::KERNEL_F32,
    &head_merge::KERNEL,
];

/// The kernel of that name.
pub fn by_name(name: &str) -> Option<&'static Kernel> {
    CATALOGUE.iter().copied().find(|kernel| kernel.name == name)
}

/// Text that reads weights of each format; see `shared/weights_q4.wgsl` for what it expects and offers.
const WEIGHTS_Q4: &str = include_str!("../shared/weights_q4.wgsl");
const WEIGHTS_Q8: &str = include_str!("../shared/weights_q8.wgsl");
const WEIGHTS_F32: &str = include_str!("../shared/weights_f32.wgsl");
/// Four channels of weights as matrices, in terms of the above.
const CHANNELS: &str = include_str!("../shared/channels.wgsl");

/// Codes of 4 or 8 bits.
const WEIGHT_WORDS: Binding = Binding::read("weights", Element::U32, "(N, K) codes");
/// Their scales.
const WEIGHT_SCALES: Binding = Binding::read("scales", Element::U32, "(N, K/32) f16 pairs");
/// Plain weights.
const WEIGHT_FLOATS: Binding = Binding::read("weights", Element::F32, "(N, K)");

/// A weight matrix among the buffers of a running reference.
struct Matrix<'a> {
    format: Format,
    buffers: &'a [Values],
    inner: usize,
}

impl Matrix<'_> {
    /// The entry at output channel `n`, input `k`.
    fn at(&self, n: usize, k: usize) -> f64 {
        match self.format {
            Format::F32 => self.buffers[0].floats()[n * self.inner + k],
            format => {
                packing::weight(format, self.buffers[0].words(), self.buffers[1].words(), self.inner, n, k)
            }
        }
    }

    /// Channel `n` applied to a vector.
    fn dot(&self, n: usize, x: &[f64]) -> f64 {
        (0..self.inner).map(|k| self.at(n, k) * x[k]).sum()
    }
}

/// The uniform, out of its bytes.
fn read_params<P: Pod>(bytes: &[u8]) -> P {
    bytemuck::pod_read_unaligned(bytes)
}

/// The value of an override, or its default in the WGSL.
fn override_value(overrides: &Overrides, name: &str, default: u32) -> u32 {
    overrides.iter().find(|(key, _)| *key == name).map_or(default, |&(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for kernel in CATALOGUE {
            assert!(std::ptr::eq(by_name(kernel.name).unwrap(), *kernel), "{}", kernel.name);
        }
        assert!(by_name("nothing").is_none());
    }
}
