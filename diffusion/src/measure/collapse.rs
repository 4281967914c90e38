//! Frequency collapse: far from everything visible, predictions turn into the commonest words.
//!
//! By distance to the nearest visible slot: mean entropy, and the share of slots whose three best candidates are
//! all among the commonest words (Jin et al., arXiv 2512.22630, append masks to a prompt and look at one call).
//! Entropy H = −Σ p log2 p in bits, the share from 0 to 1. The slots of one call see the same words and are no
//! independent draws, so errors come from several calls on different texts ([`over_runs`]). Cost: the one call.
//! Blind spots: an exact denoiser collapses too, because far away the context says nothing; the defect is to commit
//! there, or to collapse faster than the exact one. End of text is a word here: a model that collapses to it shows
//! only if it is listed among the commonest. A slot that shows a noisy word counts as visible.

use std::collections::BTreeMap;
use std::f64::consts::LN_2;

use super::{Estimate, Moments};
use crate::decode::{SlotPrediction, Step};
use crate::denoiser::Prediction;
use crate::sequence::{Sequence, SlotState, TokenId};

/// Number of best candidates that must all be common.
const BEST: usize = 3;

/// What the masked slots of one call at one distance look like; of these slots, not an estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AtDistance {
    /// Number of slots.
    pub slots: u32,
    /// Mean entropy in bits.
    pub entropy_bits: f64,
    /// Share of slots whose three best candidates are all common, 0 to 1.
    pub collapsed: f64,
}

/// What the masked slots at one distance look like over several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverRuns {
    /// Mean entropy in bits.
    pub entropy_bits: Estimate,
    /// Share of slots whose three best candidates are all common, 0 to 1.
    pub collapsed: Estimate,
}

/// Means over runs with their standard errors; each run is one draw, however many slots it has at a distance.
/// Distances that fewer than two runs have are left out: they tell no error.
pub fn over_runs<'a>(
    runs: impl IntoIterator<Item = &'a BTreeMap<u32, AtDistance>>,
) -> BTreeMap<u32, OverRuns> {
    let mut groups: BTreeMap<u32, [Moments; 2]> = BTreeMap::new();
    for (&distance, found) in runs.into_iter().flatten() {
        let [entropy, collapsed] = groups.entry(distance).or_default();
        entropy.push(found.entropy_bits);
        collapsed.push(found.collapsed);
    }
    let estimates = |(distance, [entropy, collapsed]): (u32, [Moments; 2])| {
        let (entropy_bits, collapsed) = entropy.estimate().zip(collapsed.estimate())?;
        Some((distance, OverRuns { entropy_bits, collapsed }))
    };
    groups.into_iter().filter_map(estimates).collect()
}

/// Sorts the predictions of a step by distance to the nearest slot visible in `before`, the sequence that the call
/// saw; empty if nothing was visible.
pub fn by_distance(step: &Step, before: &Sequence, common: &[TokenId]) -> BTreeMap<u32, AtDistance> {
    let visible: Vec<usize> =
        (0..before.len()).filter(|&slot| before.slots[slot].state != SlotState::Masked).collect();
    let distance = |slot: u32| visible.iter().map(|seen| (slot as usize).abs_diff(*seen)).min();
    let mut groups: BTreeMap<u32, Vec<&SlotPrediction>> = BTreeMap::new();
    for prediction in &step.predictions {
        if let Some(distance) = distance(prediction.slot) {
            groups.entry(distance as u32).or_default().push(prediction);
        }
    }
    groups.into_iter().map(|(distance, group)| (distance, summary(&group, common))).collect()
}

/// The least that KL(p ‖ unigram) can be, in bits, from the best candidates alone: the divergence after all other
/// tokens are taken together (it never grows by that). Infinite if a candidate never occurs in the unigram.
/// `unigram` has a probability for every token id.
pub fn kl_at_least_bits(prediction: &Prediction, unigram: &[f64]) -> f64 {
    let mut rest = [1.0, 1.0];
    let mut sum = 0.0;
    for best in prediction.top {
        let p = f64::from(best.log_probability).exp();
        let q = unigram.get(best.token.0 as usize).copied().unwrap_or(0.0);
        rest = [rest[0] - p, rest[1] - q];
        sum += if p == 0.0 { 0.0 } else { p * (p / q).log2() };
    }
    let [p, q] = rest.map(|mass: f64| mass.clamp(0.0, f64::INFINITY));
    // Rounding of 32-bit probabilities may leave a trace of mass where there is none.
    let last = if p <= 1e-6 { 0.0 } else { p * (p / q).log2() };
    // Rounding again; what is no number stays none.
    (sum + last).clamp(0.0, f64::INFINITY)
}

fn summary(group: &[&SlotPrediction], common: &[TokenId]) -> AtDistance {
    let slots = group.len() as f64;
    let nats: f64 = group.iter().map(|p| f64::from(p.prediction.entropy_nats)).sum();
    let is_collapsed =
        |p: &&&SlotPrediction| p.prediction.top[..BEST].iter().all(|best| common.contains(&best.token));
    AtDistance {
        slots: group.len() as u32,
        entropy_bits: nats / LN_2 / slots,
        collapsed: group.iter().filter(is_collapsed).count() as f64 / slots,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{near, prediction};

    fn step(predictions: Vec<SlotPrediction>) -> Step {
        Step {
            call: 0,
            step: 0,
            edits: Vec::new(),
            predictions,
            commits: Vec::new(),
            noisy: Vec::new(),
            remasks: Vec::new(),
        }
    }

    #[test]
    fn slots_are_sorted_by_the_nearest_visible_one() {
        let mask = TokenId(0);
        let before = Sequence::infill(&[Some(TokenId(9)), None, None, None, Some(TokenId(9)), None], mask);
        // Nats that grow with the slot; the candidates are 3, 4 and, with probability zero, 0.
        let predictions = [1, 2, 3, 5].map(|slot| SlotPrediction {
            slot,
            prediction: prediction(-1.0, [-1.0, -2.0], slot as f32 * std::f32::consts::LN_2),
        });
        let step = step(predictions.to_vec());
        let found = by_distance(&step, &before, &[TokenId(3), TokenId(4), TokenId(0)]);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [1, 2]);
        assert_eq!((found[&1].slots, found[&2].slots), (3, 1));
        assert!(near(found[&1].entropy_bits, 3.0, 1e-6), "mean of 1, 3 and 5 bits");
        assert!(near(found[&2].entropy_bits, 2.0, 1e-6));
        assert_eq!(found[&1].collapsed, 1.0);
        assert_eq!(
            by_distance(&step, &before, &[TokenId(3), TokenId(4)])[&1].collapsed,
            0.0,
            "0 is not common"
        );
    }

    #[test]
    fn the_least_divergence_is_exact_when_the_candidates_are_all_there_is() {
        let mut best = prediction(0.75_f32.ln(), [0.75_f32.ln(), 0.25_f32.ln()], 1.0);
        best.top[0].token = TokenId(3);
        best.top[1].token = TokenId(4);
        // 3/4 log2 (3/4 / 1/2) + 1/4 log2 (1/4 / 1/2) with no mass elsewhere.
        let bits = kl_at_least_bits(&best, &[0.0, 0.0, 0.0, 0.5, 0.5]);
        assert!(near(bits, 0.75 * 1.5_f64.log2() - 0.25, 1e-6), "{bits}");
        assert!(near(kl_at_least_bits(&best, &[0.0, 0.0, 0.0, 0.75, 0.25]), 0.0, 1e-6));
        assert_eq!(kl_at_least_bits(&best, &[0.0, 0.0, 0.0, 1.0, 0.0]), f64::INFINITY);
        assert!(kl_at_least_bits(&best, &[0.0, 0.0, 0.0, f64::NAN, 0.5]).is_nan());
        best.top[1].log_probability = f32::NAN;
        assert!(kl_at_least_bits(&best, &[0.0, 0.0, 0.0, 0.5, 0.5]).is_nan());
    }

    #[test]
    fn errors_come_from_runs_and_not_from_their_slots() {
        let at = |slots, entropy_bits, collapsed| AtDistance { slots, entropy_bits, collapsed };
        let runs = [
            BTreeMap::from([(1, at(9, 1.0, 0.0)), (2, at(1, 4.0, 1.0))]),
            BTreeMap::from([(1, at(1, 2.0, 0.5))]),
            BTreeMap::from([(1, at(1, 6.0, 1.0))]),
        ];
        let found = over_runs(&runs);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [1], "one run tells no error at distance 2");
        // Squared deviations 4 + 1 + 9 = 14 and 1/4 + 0 + 1/4; over 2 · 3.
        let OverRuns { entropy_bits, collapsed } = found[&1];
        assert_eq!((entropy_bits.value, entropy_bits.samples), (3.0, 3));
        assert!(near(entropy_bits.standard_error, (14.0_f64 / 6.0).sqrt(), 1e-12));
        assert!(near(collapsed.value, 0.5, 1e-12));
        assert!(near(collapsed.standard_error, (0.5_f64 / 6.0).sqrt(), 1e-12));
        assert!(over_runs(&runs[..1]).is_empty());
    }

    #[test]
    fn without_anything_visible_there_is_no_distance() {
        let predictions = vec![SlotPrediction { slot: 0, prediction: prediction(-1.0, [-1.0, -2.0], 1.0) }];
        assert!(by_distance(&step(predictions), &Sequence::masked(1, TokenId(0)), &[]).is_empty());
    }
}
