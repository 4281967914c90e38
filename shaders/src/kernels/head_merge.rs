//! Partials (rows, partials) to summaries (rows): one thread merges the stripes of one row, in order.
//!
//! With the largest logit m over all stripes, S = sum of exp(x - m) and W = sum of (x - m) exp(x - m):
//! log-sum-exp = m + ln S, entropy = ln S - W / S, log-probability = logit - log-sum-exp.

use bytemuck::{Pod, Zeroable};

use super::read_params;
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel, Overrides};
use crate::records::{LOWEST, Partial, Summary, TOP};
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Rows that the buffers hold (not: rows asked).
    pub rows: u32,
    /// Partials per row.
    pub partials: u32,
}

/// Rows that one workgroup handles.
pub const ROWS_PER_GROUP: u32 = 64;

/// The kernel.
pub static KERNEL: Kernel = Kernel {
    name: "head_merge",
    entry: "head_merge",
    source: include_str!("head_merge.wgsl"),
    shared: &[include_str!("../shared/partial.wgsl")],
    bindings: &[
        Binding::read("partials", Element::U32, "(rows, partials, 16)").of_records(Partial::RECORD),
        Binding::write("summaries", Element::U32, "(rows, 16)").of_records(Summary::RECORD),
    ],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference,
    cases,
};

/// One thread per row.
pub fn workgroups(rows_asked: u32) -> [u32; 3] {
    [rows_asked.div_ceil(ROWS_PER_GROUP), 1, 1]
}

fn reference(params: &[u8], _: &Overrides, buffers: &mut [Values]) {
    let Params { rows, partials: per_row } = read_params(params);
    let [partials, summaries] = buffers else { panic!("head_merge has two buffers") };
    let partials: &[Partial] = bytemuck::cast_slice(partials.words());
    let summaries: &mut [Summary] = bytemuck::cast_slice_mut(summaries.words_mut());
    let merged = partials.chunks_exact(per_row as usize).map(merge);
    for (summary, merged) in summaries.iter_mut().zip(merged).take(rows as usize) {
        *summary = merged;
    }
}

/// The stripes of one row, in the order of their tokens.
fn merge(partials: &[Partial]) -> Summary {
    let largest = partials.iter().map(|p| f64::from(p.top_logits[0])).fold(f64::from(LOWEST), f64::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for partial in partials.iter().filter(|p| p.sum > 0.0) {
        let shift = f64::from(partial.top_logits[0]) - largest;
        sum += shift.exp() * f64::from(partial.sum);
        weighted += shift.exp() * (f64::from(partial.weighted) + shift * f64::from(partial.sum));
    }
    let log_sum_exp = largest + sum.ln();
    let log_probability = |logit: f32| match logit {
        LOWEST => f32::NEG_INFINITY,
        logit => (f64::from(logit) - log_sum_exp) as f32,
    };
    // `reduce` keeps the first of equals, as does a stable sort: ties by smaller id.
    let drawn = partials.iter().reduce(|a, b| if b.key < a.key { b } else { a });
    let target = partials.iter().map(|p| p.target_logit).find(|&logit| logit != LOWEST);
    let mut best: Vec<(u32, f32)> =
        partials.iter().flat_map(|p| p.top_tokens.into_iter().zip(p.top_logits)).collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    Summary {
        drawn: drawn.map_or(0, |p| p.drawn),
        drawn_log_probability: drawn.map_or(f32::NEG_INFINITY, |p| log_probability(p.drawn_logit)),
        entropy_nats: (sum.ln() - weighted / sum) as f32,
        log_sum_exp: log_sum_exp as f32,
        target_log_probability: log_probability(target.unwrap_or(LOWEST)),
        top_tokens: std::array::from_fn::<_, TOP, _>(|i| best[i].0),
        top_log_probabilities: std::array::from_fn::<_, TOP, _>(|i| log_probability(best[i].1)),
        zero: 0,
    }
}

/// A partial with the shape of a real one: logits descend, ids lie within the stripe, statistics are those of
/// the five logits listed.
fn sample_partial(seed: u32, row: u32, stripe: u32) -> Partial {
    let mut logits = sample::floats(seed, 64 * row + stripe, TOP + 1, 2.0);
    let key = logits.pop().unwrap_or(0.0) as f32;
    logits.sort_by(|a, b| b.total_cmp(a));
    let shifted = || logits.iter().map(|x| x - logits[0]);
    let empty = stripe == 2;
    Partial {
        sum: if empty { 0.0 } else { shifted().map(f64::exp).sum::<f64>() as f32 },
        weighted: if empty { 0.0 } else { shifted().map(|x| x * x.exp()).sum::<f64>() as f32 },
        key: if empty { -LOWEST } else { key },
        drawn: if empty { 0 } else { 32 * stripe + 4 },
        drawn_logit: if empty { LOWEST } else { logits[4] as f32 },
        target_logit: if stripe == row % 4 && !empty { logits[1] as f32 } else { LOWEST },
        top_tokens: std::array::from_fn(|i| if empty { 0 } else { 32 * stripe + i as u32 }),
        top_logits: std::array::from_fn(|i| if empty { LOWEST } else { logits[i] as f32 }),
    }
}

fn cases(seed: u32) -> Vec<Case> {
    let case = |(rows, per_row): (u32, u32)| {
        let params = Params { rows, partials: per_row };
        let all = (0..rows).flat_map(|row| (0..per_row).map(move |stripe| sample_partial(seed, row, stripe)));
        Case {
            label: format!("{rows} rows of {per_row} partials"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers: vec![
                sample::records(&all.collect::<Vec<_>>()),
                Values::U32(vec![0; rows as usize * Summary::RECORD.len()]),
            ],
            workgroups: workgroups(rows),
            tolerance: 2e-5,
        }
    };
    [(70, 5), (3, 1)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two stripes: logits 1 and 0 in the first, 2 in the second, which also holds the draw and the target.
    fn two_stripes() -> [Partial; 2] {
        let e = (-1f32).exp();
        let empty = Partial { key: -LOWEST, drawn_logit: LOWEST, target_logit: LOWEST, ..Zeroable::zeroed() };
        let first = Partial {
            sum: 1.0 + e,
            weighted: -e,
            key: 0.5,
            drawn: 1,
            drawn_logit: 0.0,
            top_tokens: [0, 1, 0, 0, 0],
            top_logits: [1.0, 0.0, LOWEST, LOWEST, LOWEST],
            ..empty
        };
        let second = Partial {
            sum: 1.0,
            weighted: 0.0,
            key: 0.25,
            drawn: 2,
            drawn_logit: 2.0,
            target_logit: 2.0,
            top_tokens: [2, 0, 0, 0, 0],
            top_logits: [2.0, LOWEST, LOWEST, LOWEST, LOWEST],
        };
        [first, second]
    }

    #[test]
    fn merged_stripes_give_the_statistics_of_the_whole() {
        let found = merge(&two_stripes());
        let logits = [1.0f64, 0.0, 2.0];
        let log_sum_exp = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
        let entropy: f64 = logits.iter().map(|x| -(x - log_sum_exp) * (x - log_sum_exp).exp()).sum();
        let near = |a: f32, b: f64| assert!((f64::from(a) - b).abs() < 1e-6, "{a} {b}");
        near(found.log_sum_exp, log_sum_exp);
        near(found.entropy_nats, entropy);
        near(found.target_log_probability, 2.0 - log_sum_exp);
        near(found.drawn_log_probability, 2.0 - log_sum_exp);
        near(found.top_log_probabilities[1], 1.0 - log_sum_exp);
        assert_eq!((found.drawn, found.top_tokens), (2, [2, 0, 1, 0, 0]));
        assert_eq!(found.top_log_probabilities[3], f32::NEG_INFINITY);
    }

    #[test]
    fn a_target_that_cannot_be_predicted_has_probability_zero() {
        let mut stripes = two_stripes();
        stripes[1].target_logit = LOWEST;
        assert_eq!(merge(&stripes).target_log_probability, f32::NEG_INFINITY);
    }
}
