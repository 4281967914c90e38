//! The head: logits of the rows asked, and what a decoder needs to know about them.
//!
//! One product gives the logits of 64 rows at a time (the only logits that are ever kept); each row is then
//! reduced to its summary. Does the work of the kernels `head_threshold`, `head_tiled` or `head_direct`, and
//! `head_merge` at once.

use pulp::{Arch, Simd, WithSimd};
use shaders::records::{Row, Summary, TOP};

use super::gemm::{Epilogue, Output, Rows, TileBuffer, multiply};
use super::math::{LANES, exp, max, sum_by, sum_by_two};
use super::matrix::PackedMatrix;
use super::race;

/// Rows whose logits are kept at a time.
const ROW_BLOCK: usize = 64;

/// Memory that a call needs besides its buffers; reused from call to call.
#[derive(Default)]
pub struct Scratch {
    logits: Vec<f32>, // (ROW_BLOCK, vocabulary)
    work: Vec<f32>,   // (vocabulary)
}

/// One summary per row. `// normed (rows, width), embedding (vocabulary, width)`
pub fn summarise(
    rows: &[Row],
    length: u32,
    normed: &[f32],
    embedding: &PackedMatrix,
    (scratch, tiles): (&mut Scratch, &mut TileBuffer),
    summaries: &mut [Summary],
) {
    let (vocabulary, width) = (embedding.outputs(), embedding.inputs());
    scratch.logits.resize(ROW_BLOCK.min(rows.len()) * vocabulary, 0.0);
    scratch.work.resize(vocabulary, 0.0);
    let blocks = rows.chunks(ROW_BLOCK).zip(normed.chunks(ROW_BLOCK * width));
    for ((rows, normed), summaries) in blocks.zip(summaries.chunks_mut(ROW_BLOCK)) {
        let x = Rows { values: normed, stride: width, count: rows.len() };
        let store = Output { values: &mut scratch.logits, stride: vocabulary, epilogue: Epilogue::Store };
        multiply(x, embedding, store, tiles);
        for ((row, logits), summary) in
            rows.iter().zip(scratch.logits.chunks_exact(vocabulary)).zip(summaries)
        {
            let slot = row.position % length;
            *summary = Arch::new().dispatch(Statistics { row, slot, logits, work: &mut scratch.work });
        }
    }
}

/// One row's logits to its summary.
struct Statistics<'a> {
    row: &'a Row,
    slot: u32,
    logits: &'a [f32], // (vocabulary)
    work: &'a mut [f32],
}

impl WithSimd for Statistics<'_> {
    type Output = Summary;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Summary {
        let Self { row, slot, logits, work } = self;
        let first = (row.first_token as usize).min(logits.len());
        let (logits, work) = (&logits[first..], &mut work[first..]);
        let largest = max(logits);
        for (weight, &logit) in work.iter_mut().zip(logits) {
            *weight = exp(logit - largest);
        }
        let sum = sum_by(work, |weight| weight);
        let weighted = sum_by_two(work, logits, |weight, logit| weight * (logit - largest));
        let log_sum = f64::from(sum).ln() as f32;
        let log_sum_exp = largest + log_sum;
        let best = best(logits);
        let drawn = if row.temperature > 0.0 { race::winner(row, slot, logits, work) } else { None };
        let (drawn, drawn_logit) = drawn.map_or(best[0], |index| (index, logits[index]));
        let target = (row.target as usize).checked_sub(first).and_then(|index| logits.get(index));
        let id = |index: usize| (first + index) as u32;
        Summary {
            drawn: id(drawn),
            drawn_log_probability: drawn_logit - log_sum_exp,
            entropy_nats: log_sum - weighted / sum,
            log_sum_exp,
            target_log_probability: target.map_or(f32::NEG_INFINITY, |logit| logit - log_sum_exp),
            top_tokens: best.map(|(index, logit)| if logit == f32::NEG_INFINITY { 0 } else { id(index) }),
            top_log_probabilities: best.map(|(_, logit)| logit - log_sum_exp),
            zero: 0,
        }
    }
}

/// Indices and values of the largest, largest first, the earlier of equals first.
#[inline(always)]
fn best(logits: &[f32]) -> [(usize, f32); TOP] {
    let mut best = [(0, f32::NEG_INFINITY); TOP];
    for (chunk, values) in logits.chunks(LANES).enumerate() {
        // Few chunks hold a candidate: look at the largest value first.
        if max(values) <= best[TOP - 1].1 {
            continue;
        }
        for (index, &value) in (chunk * LANES..).zip(values) {
            let place = best.iter().take_while(|(_, better)| *better >= value).count();
            if place < TOP {
                best[place..].rotate_right(1);
                best[place] = (index, value);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::cpu::matrix::Order;

    /// Summaries of two rows over 40 tokens, whose logits are their ids times the row's only activation.
    fn summaries(activations: [f32; 2]) -> [Summary; 2] {
        let embedding = PackedMatrix::pack(40, 1, Order::Plain, |n, row| row[0] = n as f32);
        let row = Row { target: 3, first_token: 2, top_p: 1.0, ..bytemuck::Zeroable::zeroed() };
        let rows = [row, Row { temperature: 1.0, top_k: 3, ..row }];
        let mut summaries = [bytemuck::Zeroable::zeroed(); 2];
        let work = (&mut Scratch::default(), &mut TileBuffer::default());
        summarise(&rows, 1, &activations, &embedding, work, &mut summaries);
        summaries
    }

    #[test]
    fn equal_logits_are_uniform_and_ties_go_to_the_smaller_id() {
        let [summary, _] = summaries([0.0, 0.0]);
        let uniform = 38f32.ln();
        assert!(
            (summary.entropy_nats - uniform).abs() < 1e-6 && (summary.log_sum_exp - uniform).abs() < 1e-6
        );
        assert!((summary.target_log_probability + uniform).abs() < 1e-6);
        assert_eq!((summary.drawn, summary.top_tokens), (2, [2, 3, 4, 5, 6]));
    }

    #[test]
    fn a_truncated_draw_stays_among_the_best() {
        let [_, summary] = summaries([0.0, 0.01]);
        assert_eq!(summary.top_tokens, [39, 38, 37, 36, 35]);
        assert!(summary.drawn >= 37, "{}", summary.drawn);
    }

    #[test]
    fn a_nan_shows_in_its_own_row_only() {
        let [sound, broken] = summaries([1.0, f32::NAN]);
        assert!(sound.log_sum_exp.is_finite() && sound.entropy_nats.is_finite());
        let statistics = [broken.log_sum_exp, broken.entropy_nats, broken.target_log_probability];
        assert!(statistics.iter().chain(&broken.top_log_probabilities).all(|value| value.is_nan()));
    }
}
