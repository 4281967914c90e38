//! What the head's designs share: logits and their statistics, stripe by stripe, without storing a logit.
//!
//! logit[r][v] = normed[r] . embedding[v]. For each row r and each stripe of the vocabulary a design writes one
//! [`Partial`] over the tokens v of the stripe with v >= first_token: sums for the partition function and the
//! entropy, the best five, the target's logit, and the winner of the race
//! key[v] = ln(exponential(word(seed, call, slot, v))) - logit[v] / temperature (smallest wins; a temperature of
//! 0 races with key[v] = -logit[v]). In a truncated row only tokens with logit[v] >= threshold[r] race.
//! `head_merge` makes the partials of a row into a [`crate::records::Summary`].

use bytemuck::{Pod, Zeroable};
use diffusion::random::{exponential, word};

use super::{Matrix, WEIGHT_FLOATS, WEIGHT_SCALES, WEIGHT_WORDS, read_params};
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element};
use crate::packing::Format;
use crate::records::{LOWEST, Partial, Row, TOP};
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Rows that the buffers hold (not: rows asked).
    pub rows: u32,
    /// Tokens.
    pub vocabulary: u32,
    /// Width of a row, a multiple of 32.
    pub inner: u32,
    /// Slots per sequence: a row's slot is position % length.
    pub length: u32,
    /// Tokens per partial, a multiple of 32; see [`stripe`].
    pub stripe: u32,
}

impl Params {
    /// Partials per row.
    pub fn partials(&self) -> u32 {
        self.vocabulary.div_ceil(self.stripe)
    }
}

/// A good `stripe`: the smallest multiple of 32 that leaves at most 64 partials per row.
pub fn stripe(vocabulary: u32) -> u32 {
    32 * vocabulary.div_ceil(32 * 64).max(1)
}

pub(super) const ROWS: Binding = Binding::read("rows", Element::U32, "(rows, 8)").of_records(Row::RECORD);
pub(super) const NORMED: Binding = Binding::read("normed", Element::F32, "(rows, inner)");
const THRESHOLDS: Binding = Binding::read("thresholds", Element::F32, "(rows); read for truncated rows only");
const PARTIALS: Binding =
    Binding::write("partials", Element::U32, "(rows, vocabulary / stripe, 16)").of_records(Partial::RECORD);

/// Bindings with coded weights.
pub(super) const CODED: &[Binding] = &[ROWS, NORMED, THRESHOLDS, WEIGHT_WORDS, WEIGHT_SCALES, PARTIALS];
/// Bindings with f32 weights.
pub(super) const PLAIN: &[Binding] = &[ROWS, NORMED, THRESHOLDS, WEIGHT_FLOATS, PARTIALS];

/// Texts that a design needs, after its weights.
pub(super) const ROW: &str = include_str!("../shared/row.wgsl");
pub(super) const PARTIAL: &str = include_str!("../shared/partial.wgsl");
pub(super) const RACE: &str = include_str!("../shared/race.wgsl");
pub(super) const RANDOM: &str = include_str!("../shared/random.wgsl");

pub(super) fn reference(format: Format, params: &[u8], buffers: &mut [Values]) {
    let params: Params = read_params(params);
    let (inputs, output) = buffers.split_at_mut(3 + format.bindings());
    let inner = params.inner as usize;
    let matrix = Matrix { format, buffers: &inputs[3..], inner };
    let rows: &[Row] = bytemuck::cast_slice(inputs[0].words());
    let partials: &mut [Partial] = bytemuck::cast_slice_mut(output[0].words_mut());
    let per_row = params.partials();
    for (r, row) in rows.iter().enumerate().take(params.rows as usize) {
        let x = &inputs[1].floats()[r * inner..(r + 1) * inner];
        let threshold = if row.is_truncated() { inputs[2].floats()[r] } else { f64::NEG_INFINITY };
        for p in 0..per_row {
            let tokens = p * params.stripe..((p + 1) * params.stripe).min(params.vocabulary);
            let logits: Vec<(u32, f64)> =
                tokens.filter(|&v| v >= row.first_token).map(|v| (v, matrix.dot(v as usize, x))).collect();
            let slot = row.position % params.length;
            partials[r * per_row as usize + p as usize] = partial(row, slot, &logits, threshold);
        }
    }
}

/// The statistics of some tokens of one row, ids ascending.
fn partial(row: &Row, slot: u32, logits: &[(u32, f64)], threshold: f64) -> Partial {
    let mut best = logits.to_vec();
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let largest = best.first().map_or(0.0, |&(_, logit)| logit);
    let mut partial = Partial {
        sum: logits.iter().map(|(_, x)| (x - largest).exp()).sum::<f64>() as f32,
        weighted: logits.iter().map(|(_, x)| (x - largest) * (x - largest).exp()).sum::<f64>() as f32,
        key: -LOWEST,
        drawn: 0,
        drawn_logit: LOWEST,
        target_logit: LOWEST,
        top_tokens: [0; TOP],
        top_logits: [LOWEST; TOP],
    };
    for (i, &(token, logit)) in best.iter().take(TOP).enumerate() {
        (partial.top_tokens[i], partial.top_logits[i]) = (token, logit as f32);
    }
    if let Some(&(_, logit)) = logits.iter().find(|(v, _)| *v == row.target) {
        partial.target_logit = logit as f32;
    }
    let racing = logits.iter().filter(|(_, logit)| *logit >= threshold);
    let keyed = racing.map(|&(v, logit)| (race_key(row, slot, v, logit), v, logit));
    if let Some((key, token, logit)) = keyed.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) {
        (partial.key, partial.drawn, partial.drawn_logit) = (key as f32, token, logit as f32);
    }
    partial
}

/// The token with the smallest key is drawn: an exponential race with rates exp(logit / temperature).
pub fn race_key(row: &Row, slot: u32, token: u32, logit: f64) -> f64 {
    if row.temperature == 0.0 {
        return -logit;
    }
    let arrival = exponential(word(row.seed, row.call, slot, token));
    f64::from(arrival).ln() - logit / f64::from(row.temperature)
}

/// Rows of every kind over two sequences of 16 slots.
pub(super) fn sample_rows(seed: u32, count: usize, vocabulary: u32) -> Vec<Row> {
    let row = |(i, position): (u32, u32)| Row {
        position,
        seed: seed + i / 3,
        call: i,
        target: (7 * i) % vocabulary,
        temperature: [1.0, 0.0, 0.7, 1.6][i as usize % 4],
        top_k: [0, 0, 5, 0, 1, 40][i as usize % 6],
        top_p: [1.0, 1.0, 1.0, 0.9, 0.5][i as usize % 5],
        first_token: [2, 3, 0][i as usize % 3],
    };
    (0..).zip(sample::tokens(seed, 7, count, 32)).map(row).collect()
}

pub(super) fn cases(seed: u32, format: Format, workgroups: fn(u32, &Params) -> [u32; 3]) -> Vec<Case> {
    let case = |(rows, vocabulary, inner, stripe): (u32, u32, u32, u32)| {
        let params = Params { rows, vocabulary, inner, length: 16, stripe };
        let mut buffers = vec![
            sample::records(&sample_rows(seed, rows as usize, vocabulary)),
            Values::F64(sample::floats(seed, 0, (rows * inner) as usize, 1.0)),
            Values::F64(sample::floats(seed, 1, rows as usize, 0.5)),
        ];
        let scale = 1.5 / (inner as f32).sqrt();
        buffers.extend(sample::weights(seed, 2, format, vocabulary as usize, inner as usize, scale));
        buffers.push(Values::U32(vec![0; (rows * params.partials()) as usize * Partial::RECORD.len()]));
        Case {
            label: format!("{rows} rows, {vocabulary} tokens of width {inner}, stripes of {stripe}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers,
            workgroups: workgroups(rows, &params),
            tolerance: 1e-4,
        }
    };
    [(9, 50, 64, 32), (33, 300, 96, 64), (70, 33, 32, 32)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(temperature: f32) -> Row {
        Row { position: 0, seed: 0, call: 0, target: 1, temperature, top_k: 0, top_p: 1.0, first_token: 0 }
    }

    #[test]
    fn statistics_by_hand() {
        let found = partial(&row(0.0), 0, &[(0, 1.0), (1, 2.0), (2, 2.0)], f64::NEG_INFINITY);
        let e = (-1f64).exp();
        assert!((f64::from(found.sum) - (2.0 + e)).abs() < 1e-6);
        assert!((f64::from(found.weighted) + e).abs() < 1e-6);
        assert_eq!((found.drawn, found.drawn_logit, found.target_logit), (1, 2.0, 2.0));
        assert_eq!((found.top_tokens, found.top_logits[2]), ([1, 2, 0, 0, 0], 1.0));
    }

    #[test]
    fn tokens_below_the_threshold_count_but_do_not_race() {
        let logits = [(0, 5.0), (1, 4.0)];
        let all = partial(&row(1.0), 0, &logits, f64::NEG_INFINITY);
        let above = partial(&row(1.0), 0, &logits, 4.5);
        assert_eq!((all.sum, all.weighted), (above.sum, above.weighted));
        assert_eq!(above.drawn, 0);
        assert_eq!(partial(&row(1.0), 0, &logits, 9.0).key, -LOWEST);
    }

    #[test]
    fn the_race_is_a_draw_from_the_tempered_softmax() {
        let (logits, temperature) = ([(0, 0.0), (1, 1.0), (2, -0.5)], 0.5);
        let draws = 20_000;
        let mut counts = [0.0; 3];
        for seed in 0..draws {
            let drawn = partial(&Row { seed, ..row(temperature) }, 3, &logits, f64::NEG_INFINITY).drawn;
            counts[drawn as usize] += 1.0;
        }
        let weights = logits.map(|(_, x)| (x / f64::from(temperature)).exp());
        for (count, weight) in counts.iter().zip(weights) {
            let p = weight / weights.iter().sum::<f64>();
            let deviation = (f64::from(draws) * p * (1.0 - p)).sqrt();
            let error = (count - f64::from(draws) * p).abs();
            assert!(error <= 4.0 * deviation, "{counts:?}, expected probability {p}");
        }
    }

    #[test]
    fn stripes_cover_every_vocabulary_with_at_most_64_partials() {
        for vocabulary in [1, 31, 50, 2048, 2049, 151_936] {
            let params = Params { rows: 1, vocabulary, inner: 32, length: 1, stripe: stripe(vocabulary) };
            assert!(params.partials() <= 64 && params.partials() * params.stripe >= vocabulary);
        }
    }
}
