//! Numbers for the cases: reproducible, representable in f32, and nowhere near a tie.

use bytemuck::Pod;
use diffusion::random::word;
use half::f16;

use crate::case::Values;
use crate::packing::Format;

/// `count` draws, roughly normal with standard deviation `scale`.
pub(crate) fn floats(seed: u32, stream: u32, count: usize, scale: f32) -> Vec<f64> {
    let draw = |index: u32| {
        // A sum of four uniforms on (-1/2, 1/2) has variance 1/3.
        let sum: f32 =
            (0..4).map(|part| word(seed, stream, part, index) as f32 / 4_294_967_296.0 - 0.5).sum();
        f64::from(sum * 3f32.sqrt() * scale)
    };
    (0..count as u32).map(draw).collect()
}

/// `count` draws from 0..bound.
pub(crate) fn tokens(seed: u32, stream: u32, count: usize, bound: u32) -> Vec<u32> {
    (0..count as u32).map(|index| word(seed, stream, 4, index) % bound).collect()
}

/// The weight buffers of an (n, k) matrix with entries of order `scale`, as the format binds them.
pub(crate) fn weights(seed: u32, stream: u32, format: Format, n: usize, k: usize, scale: f32) -> Vec<Values> {
    let words = |count: usize| (0..count as u32).map(|i| word(seed, stream, 5, i)).collect::<Vec<_>>();
    let scales = |codes_deviation: f32| {
        let one = |i: u32| {
            let spread = 0.75 + word(seed, stream, 6, i) as f32 / 8_589_934_592.0;
            f16::from_f32(scale / codes_deviation * spread).to_bits()
        };
        let halves: Vec<u16> = (0..(n * k / 32) as u32).map(one).collect();
        crate::packing::pair(&halves)
    };
    match format {
        // Uniform codes of 4 and 8 bits deviate by 16 / sqrt(12) and 256 / sqrt(12).
        Format::Q4 => vec![Values::U32(words(n * k / 8)), Values::U32(scales(4.6))],
        Format::Q8 => vec![Values::U32(words(n * k / 4)), Values::U32(scales(73.9))],
        Format::F32 => vec![Values::F64(floats(seed, stream, n * k, scale))],
    }
}

/// The records as words of a buffer.
pub(crate) fn records<T: Pod>(records: &[T]) -> Values {
    Values::U32(bytemuck::cast_slice(records).to_vec())
}
