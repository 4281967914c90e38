//! What a program works on, and how a step of the plan is carried out on it.

use std::sync::Arc;

use shaders::records::{Row, Summary};

use super::gemm::{Output, Rows, TileBuffer, multiply};
use super::matrix::PackedMatrix;
use super::norm::{RmsNorm, RotaryQkNorm};
use super::plan::Step;
use super::{attention, embedding, head};
use crate::program::BufferId;

/// Weights, activations and scratch memory of a program.
#[derive(Default)]
pub struct Memory {
    /// Weight matrices; steps name them by index.
    pub matrices: Vec<Arc<PackedMatrix>>,
    /// Floats of every buffer that a step names, by [`BufferId`]; empty for all others.
    pub floats: Vec<Vec<f32>>,
    tiles: TileBuffer,
    attention: attention::Scratch,
    head: head::Scratch,
}

/// What changes from call to call.
pub struct Call<'a> {
    /// `// (batch * length)`
    pub tokens: &'a [u32],
    /// Rows asked.
    pub rows: &'a [Row],
    /// One per row asked.
    pub summaries: &'a mut [Summary],
}

impl Memory {
    /// Carries out one step.
    pub fn replay(&mut self, step: &Step, call: &mut Call) {
        match *step {
            Step::Embed { matrix, positions, length, x } => self.write(x, |memory, x| {
                let positions = &memory.floats[positions.0];
                embedding::embed(call.tokens, &memory.matrices[matrix], positions, length, x);
            }),
            Step::RmsNorm { x, gain, epsilon, h } => self.write(h, |memory, h| {
                RmsNorm { x: &memory.floats[x.0], gain: &memory.floats[gain.0], epsilon, h }.run();
            }),
            Step::Multiply { matrix, rows, x, epilogue, y } => self.write(y, |memory, y| {
                let matrix = &memory.matrices[matrix];
                let x = Rows { values: &memory.floats[x.0], stride: matrix.inputs(), count: rows };
                let stride = epilogue.columns(matrix.outputs());
                multiply(x, matrix, Output { values: y, stride, epilogue }, &mut memory.tiles);
            }),
            Step::RotaryQkNorm { params, rotations, query_gain, key_gain, qkv } => {
                self.write(qkv, |memory, qkv| {
                    let [rotations, query_gain, key_gain] =
                        [rotations, query_gain, key_gain].map(|id| memory.floats[id.0].as_slice());
                    RotaryQkNorm { params, rotations, query_gain, key_gain, qkv }.run();
                })
            }
            Step::Attend { shape, qkv, output } => self.write(output, |memory, output| {
                let qkv = &memory.floats[qkv.0];
                attention::attend(shape, qkv, output, &mut memory.attention, &mut memory.tiles);
            }),
            Step::GatherNorm { x, gain, epsilon, normed } => self.write(normed, |memory, normed| {
                let (x, gain) = (&memory.floats[x.0], &memory.floats[gain.0]);
                let width = gain.len();
                for (row, h) in call.rows.iter().zip(normed.chunks_exact_mut(width)) {
                    let x = &x[row.position as usize * width..][..width];
                    RmsNorm { x, gain, epsilon, h }.run();
                }
            }),
            Step::Summarise { matrix, length, normed } => {
                let (normed, matrix) = (&self.floats[normed.0], &self.matrices[matrix]);
                let work = (&mut self.head, &mut self.tiles);
                head::summarise(call.rows, length, normed, matrix, work, call.summaries);
            }
        }
    }

    /// Lends a buffer to be written while all others may be read.
    fn write(&mut self, id: BufferId, with: impl FnOnce(&mut Self, &mut [f32])) {
        let mut buffer = std::mem::take(&mut self.floats[id.0]);
        with(self, &mut buffer);
        self.floats[id.0] = buffer;
    }
}
