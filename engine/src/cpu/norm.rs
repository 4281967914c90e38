//! Row-wise work between the products: RMS norm, and the norm and rotation of queries and keys.

use pulp::{Arch, Simd, WithSimd};
use shaders::kernels::rotary_qk_norm;

use super::math::sum_by;

/// h = x / sqrt(mean(x²) + epsilon) * gain, row by row of `gain.len()` values. `// x, h (rows, width)`
pub struct RmsNorm<'a> {
    /// What is normalised.
    pub x: &'a [f32],
    /// One factor per column.
    pub gain: &'a [f32],
    /// Added to the mean square.
    pub epsilon: f32,
    /// The result.
    pub h: &'a mut [f32],
}

impl RmsNorm<'_> {
    /// Computes `h`.
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.gain.len();
        for (x, h) in self.x.chunks_exact(width).zip(self.h.chunks_exact_mut(width)) {
            let scale = inverse_rms(x, self.epsilon);
            for ((h, &x), &gain) in h.iter_mut().zip(x).zip(self.gain) {
                *h = x * scale * gain;
            }
        }
    }
}

#[inline(always)]
fn inverse_rms(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum_by(x, |v| v * v) / x.len() as f32 + epsilon).sqrt()
}

/// Queries and keys of every row: RMS norm per head, then rotation by the row's slot. In place; values stay.
pub struct RotaryQkNorm<'a> {
    /// Shapes.
    pub params: rotary_qk_norm::Params,
    /// `// (length, head_dim)` cosines, then sines
    pub rotations: &'a [f32],
    /// `// (head_dim)`
    pub query_gain: &'a [f32],
    /// `// (head_dim)`
    pub key_gain: &'a [f32],
    /// `// (rows, 3 * heads * head_dim)`
    pub qkv: &'a mut [f32],
}

impl RotaryQkNorm<'_> {
    /// Rewrites the queries and keys of `qkv`.
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for RotaryQkNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rotary_qk_norm::Params { length, heads, head_dim, epsilon, .. } = self.params;
        let (width, head_dim) = ((heads * head_dim) as usize, head_dim as usize);
        let slots = self.rotations.chunks_exact(head_dim).take(length as usize).cycle();
        for (row, rotation) in self.qkv.chunks_exact_mut(3 * width).zip(slots) {
            let (queries, rest) = row.split_at_mut(width);
            for query in queries.chunks_exact_mut(head_dim) {
                turn(query, self.query_gain, rotation, epsilon);
            }
            for key in rest[..width].chunks_exact_mut(head_dim) {
                turn(key, self.key_gain, rotation, epsilon);
            }
        }
    }
}

/// One head: norm, gain, and pairs (j, j + head_dim/2) turned by the slot's angles.
#[inline(always)]
fn turn(head: &mut [f32], gain: &[f32], rotation: &[f32], epsilon: f32) {
    let scale = inverse_rms(head, epsilon);
    let half = head.len() / 2;
    let ((low, high), (low_gain, high_gain)) = (head.split_at_mut(half), gain.split_at(half));
    let (cosines, sines) = rotation.split_at(half);
    let gains = low_gain.iter().zip(high_gain);
    let angles = cosines.iter().zip(sines);
    for (((a, b), (&gain_a, &gain_b)), (&cos, &sin)) in low.iter_mut().zip(high).zip(gains).zip(angles) {
        let (x, y) = (*a * scale * gain_a, *b * scale * gain_b);
        (*a, *b) = (x * cos - y * sin, y * cos + x * sin);
    }
}
