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
