//! Where the draw of a truncated row ends: thresholds (rows), so that a token races if its logit reaches it.
//!
//! A token stays if fewer than top_k tokens are strictly more probable, and if the tempered mass of the strictly
//! more probable ones is below top_p (mass over all tokens from first_token on); equals stand or fall
//! together. The threshold lies halfway between the smallest logit that stays and the largest that goes, so
//! that the head may sum a logit in another order without losing a token; it is [`LOWEST`] if none goes.
//!
//! One workgroup searches for one row: it computes the row's logits once, keeps as many as fit in workgroup
//! memory (recomputing the rest), and finds both limits by a radix search over the bits of the logits, eight
//! at a time. Counts and masses are summed in whole numbers, so the result does not depend on the order in
//! which threads arrive. Groups of rows that are not truncated return at once.

use bytemuck::{Pod, Zeroable};

use super::head::{NORMED, ROW, ROWS, sample_rows};
use super::{
    CHANNELS, Matrix, WEIGHT_FLOATS, WEIGHT_SCALES, WEIGHT_WORDS, WEIGHTS_F32, WEIGHTS_Q8, read_params,
};
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel};
use crate::packing::Format;
use crate::records::{LOWEST, Row};
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Rows that the buffers hold (not: rows asked).
    pub rows: u32,
    /// Tokens, at most 131072.
    pub vocabulary: u32,
    /// Width of a row, a multiple of 32.
    pub inner: u32,
}

/// Rows that one workgroup handles.
pub const ROWS_PER_GROUP: u32 = 1;

const THRESHOLDS: Binding =
    Binding::write("thresholds", Element::F32, "(rows); written for truncated rows only");

/// With 8-bit weights.
pub static KERNEL_Q8: Kernel = Kernel {
    name: "head_threshold_q8",
    entry: "head_threshold",
    source: include_str!("head_threshold.wgsl"),
    shared: &[WEIGHTS_Q8, CHANNELS, ROW],
    bindings: &[ROWS, NORMED, WEIGHT_WORDS, WEIGHT_SCALES, THRESHOLDS],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::Q8, params, buffers),
    cases: |seed| cases(seed, Format::Q8),
};

/// With f32 weights.
pub static KERNEL_F32: Kernel = Kernel {
    name: "head_threshold_f32",
    entry: "head_threshold",
    source: include_str!("head_threshold.wgsl"),
    shared: &[WEIGHTS_F32, CHANNELS, ROW],
    bindings: &[ROWS, NORMED, WEIGHT_FLOATS, THRESHOLDS],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::F32, params, buffers),
    cases: |seed| cases(seed, Format::F32),
};

/// One row to a group.
pub fn workgroups(rows_asked: u32) -> [u32; 3] {
    [rows_asked, 1, 1]
}

fn reference(format: Format, params: &[u8], buffers: &mut [Values]) {
    let Params { rows: count, vocabulary, inner } = read_params(params);
    let (inputs, output) = buffers.split_at_mut(2 + format.bindings());
    let inner = inner as usize;
    let matrix = Matrix { format, buffers: &inputs[2..], inner };
    let rows: &[Row] = bytemuck::cast_slice(inputs[0].words());
    for (r, row) in rows.iter().enumerate().take(count as usize).filter(|(_, row)| row.is_truncated()) {
        let x = &inputs[1].floats()[r * inner..(r + 1) * inner];
        let logits = (row.first_token..vocabulary).map(|v| matrix.dot(v as usize, x)).collect();
        output[0].floats_mut()[r] = threshold(row, logits);
    }
}

/// The threshold of one row out of all its logits, straight from the definition.
pub fn threshold(row: &Row, mut logits: Vec<f64>) -> f64 {
    logits.sort_by(|a, b| b.total_cmp(a));
    let mass = |x: f64| ((x - logits[0]) / f64::from(row.temperature)).exp();
    let target = f64::from(row.top_p) * logits.iter().map(|&x| mass(x)).sum::<f64>();
    let (mut more, mut mass_before) = (0, 0.0);
    let mut kept = None;
    for equals in logits.chunk_by(|a, b| a == b) {
        let goes = (row.top_k > 0 && more >= row.top_k) || (row.top_p < 1.0 && mass_before >= target);
        match kept {
            Some(kept) if goes => return 0.5 * (kept + equals[0]),
            _ => kept = Some(equals[0]),
        }
        more += equals.len() as u32;
        mass_before += equals.iter().map(|&x| mass(x)).sum::<f64>();
    }
    f64::from(LOWEST)
}

fn cases(seed: u32, format: Format) -> Vec<Case> {
    let case = |(rows, vocabulary, inner): (u32, u32, u32)| {
        let params = Params { rows, vocabulary, inner };
        let mut buffers = vec![
            sample::records(&sample_rows(seed, rows as usize, vocabulary)),
            Values::F64(sample::floats(seed, 0, (rows * inner) as usize, 1.0)),
        ];
        let scale = 1.5 / (inner as f32).sqrt();
        buffers.extend(sample::weights(seed, 1, format, vocabulary as usize, inner as usize, scale));
        buffers.push(Values::F64(vec![0.0; rows as usize]));
        Case {
            label: format!("{rows} rows, {vocabulary} tokens of width {inner}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers,
            workgroups: workgroups(rows),
            tolerance: 2e-5,
        }
    };
    // The last vocabulary is larger than what workgroup memory holds.
    [(30, 50, 64), (12, 300, 32), (5, 3300, 32)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(top_k: u32, top_p: f32) -> Row {
        Row { temperature: 1.0, top_k, top_p, ..Zeroable::zeroed() }
    }

    fn logs(probabilities: &[f64]) -> Vec<f64> {
        probabilities.iter().map(|p| p.ln()).collect()
    }

    /// How many of the tokens stay.
    fn stay(row: &Row, probabilities: &[f64]) -> usize {
        let threshold = threshold(row, logs(probabilities));
        logs(probabilities).iter().filter(|&&x| x >= threshold).count()
    }

    #[test]
    fn top_k_keeps_k_and_the_equals_of_the_last() {
        assert_eq!(stay(&row(2, 1.0), &[0.1, 0.4, 0.3, 0.2]), 2);
        assert_eq!(stay(&row(2, 1.0), &[0.5, 0.2, 0.2, 0.1]), 3);
        assert_eq!(stay(&row(9, 1.0), &[0.5, 0.5]), 2);
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_reaches_it() {
        assert_eq!(stay(&row(0, 0.65), &[0.1, 0.4, 0.3, 0.2]), 2);
        assert_eq!(stay(&row(0, 0.75), &[0.1, 0.4, 0.3, 0.2]), 3);
        assert_eq!(stay(&row(0, 0.0), &[0.1, 0.4, 0.3, 0.2]), 1);
        assert_eq!(stay(&row(0, 0.999), &[0.1, 0.4, 0.3, 0.2]), 4);
    }

    #[test]
    fn both_limits_apply_and_mass_is_that_of_all_tokens() {
        assert_eq!(stay(&row(3, 0.65), &[0.1, 0.4, 0.3, 0.2]), 2);
        assert_eq!(stay(&row(1, 0.75), &[0.1, 0.4, 0.3, 0.2]), 1);
    }

    #[test]
    fn temperature_comes_before_top_p() {
        // Squared and renormalised: 0.64, 0.36 of 0.4 and 0.3.
        let cold = Row { temperature: 0.5, ..row(0, 0.6) };
        assert_eq!(stay(&cold, &[0.4, 0.3]), 1);
        assert_eq!(stay(&row(0, 0.6), &[0.4, 0.3]), 2);
    }
}
