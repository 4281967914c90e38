//! Attention within each sequence: softmax(q . kᵀ / sqrt(head_dim)) v, head by head.
//!
//! Both products go through [`super::gemm`]: keys are packed as a matrix (length, head_dim), values as a matrix
//! (head_dim, length), and the scores of 64 rows at a time stay in the cache between the two. A causal model
//! sets the probabilities of later slots to zero; their scores are computed in vain.

use pulp::{Arch, Simd, WithSimd};

use super::gemm::{Epilogue, Output, Rows, TileBuffer, multiply_panels};
use super::math::{exp, max, sum_by};
use super::matrix::panel_width;

/// Rows whose scores are kept at a time.
const ROW_BLOCK: usize = 64;

/// What a call computes.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Slots per sequence.
    pub length: usize,
    /// Heads.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Whether a slot sees only itself and what precedes it.
    pub causal: bool,
}

/// Memory that a call needs besides its buffers; reused from call to call.
#[derive(Default)]
pub struct Scratch {
    keys: Vec<f32>,   // panels of (length, head_dim)
    values: Vec<f32>, // panels of (head_dim, length)
    scores: Vec<f32>, // (ROW_BLOCK, length)
}

/// `qkv (rows, 3 * heads * head_dim)` to `output (rows, heads * head_dim)`; rows = batch * length.
pub fn attend(shape: Shape, qkv: &[f32], output: &mut [f32], scratch: &mut Scratch, tiles: &mut TileBuffer) {
    let width = shape.heads * shape.head_dim;
    let sequences = qkv.chunks_exact(shape.length * 3 * width);
    for (qkv, output) in sequences.zip(output.chunks_exact_mut(shape.length * width)) {
        for head in 0..shape.heads {
            let offset = head * shape.head_dim;
            let part = |part: usize| Rows {
                values: &qkv[part * width + offset..],
                stride: 3 * width,
                count: shape.length,
            };
            attend_head(shape, [part(0), part(1), part(2)], &mut output[offset..], scratch, tiles);
        }
    }
}

/// One head of one sequence; `output` begins at the head's first value and has the stride of all heads.
fn attend_head(
    shape: Shape,
    [queries, keys, values]: [Rows; 3],
    output: &mut [f32],
    scratch: &mut Scratch,
    tiles: &mut TileBuffer,
) {
    let Shape { length, head_dim, .. } = shape;
    let stride = shape.heads * head_dim;
    let scale = 1.0 / (head_dim as f32).sqrt();
    pack_rows(keys, head_dim, &mut scratch.keys);
    pack_columns(values, head_dim, &mut scratch.values);
    scratch.scores.resize(ROW_BLOCK * length, 0.0);
    for first in (0..length).step_by(ROW_BLOCK) {
        let count = ROW_BLOCK.min(length - first);
        let block = Rows { values: &queries.values[first * queries.stride..], count, ..queries };
        let scores = &mut scratch.scores[..count * length];
        let store = Output { values: scores, stride: length, epilogue: Epilogue::Store };
        multiply_panels(block, &scratch.keys, [length, head_dim], store, tiles);
        Arch::new().dispatch(Softmax { scores, length, first: shape.causal.then_some(first), scale });
        let store = Output { values: &mut output[first * stride..], stride, epilogue: Epilogue::Store };
        let probabilities = Rows { values: scores, stride: length, count };
        multiply_panels(probabilities, &scratch.values, [head_dim, length], store, tiles);
    }
}

/// Rows as output channels: panels `// (count / panel_width, inputs, panel_width)`.
fn pack_rows(rows: Rows, inputs: usize, panels: &mut Vec<f32>) {
    let width = panel_width();
    panels.resize(rows.count.div_ceil(width) * width * inputs, 0.0);
    for row in 0..rows.count {
        let start = row / width * width * inputs + row % width;
        let targets = panels[start..].iter_mut().step_by(width);
        for (target, &value) in targets.zip(&rows.values[row * rows.stride..][..inputs]) {
            *target = value;
        }
    }
}

/// Columns as output channels: panels `// (outputs / panel_width, count, panel_width)`.
fn pack_columns(rows: Rows, outputs: usize, panels: &mut Vec<f32>) {
    let width = panel_width();
    panels.resize(outputs.div_ceil(width) * width * rows.count, 0.0);
    for row in 0..rows.count {
        let values = &rows.values[row * rows.stride..][..outputs];
        for (panel, part) in values.chunks(width).enumerate() {
            panels[(panel * rows.count + row) * width..][..part.len()].copy_from_slice(part);
        }
    }
}

/// Scores to probabilities, row by row.
struct Softmax<'a> {
    scores: &'a mut [f32], // (rows, length)
    length: usize,
    /// Slot of the first row if a row must not look beyond itself.
    first: Option<usize>,
    scale: f32,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (row, scores) in self.scores.chunks_exact_mut(self.length).enumerate() {
            let seen = self.first.map_or(self.length, |first| first + row + 1);
            let (scores, hidden) = scores.split_at_mut(seen);
            let largest = max(scores);
            for score in scores.iter_mut() {
                *score = exp((*score - largest) * self.scale);
            }
            let share = 1.0 / sum_by(scores, |weight| weight);
            for score in scores.iter_mut() {
                *score *= share;
            }
            hidden.fill(0.0);
        }
    }
}
