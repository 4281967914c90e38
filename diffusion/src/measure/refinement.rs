//! D3, live: in how many calls a run wrote its text, and in what order.
//!
//! A masked model without remasking never revises: the share of committed slots that change is 0 by construction.
//! With remasking, a correction or uniform noise it does ([`revision`](super::revision) counts that). What differs
//! otherwise is how many slots a call writes, Σ commits / calls, and how close the order comes to reading order
//! (arXiv 2601.15593 measured both for eight masked models): Kendall's τ_b = (C − D) / √(P_c P_s), where C and D are
//! the pairs of commits that come in reading order and against it, P_c the pairs in different calls and P_s those at
//! different slots; −1 to 1. Both are counts of one run, no estimates; errors come over runs. Cost: no call. Blind
//! spots: neither says whether the text is any good; commits that are remasked or replaced later count, each time, as
//! do those that only fill what lies behind the end of the text; and where words are drawn anew until the last call
//! commits all (uniform noise), the first is slots over calls whatever happened before, and the second says nothing.

use crate::decode::Step;

/// Commits per call, on average over the run; without remasking or correction these are the slots finished. `None`
/// before the first call.
pub fn slots_per_call(steps: &[Step]) -> Option<f64> {
    let commits: usize = steps.iter().map(|step| step.commits.len()).sum();
    (!steps.is_empty()).then(|| commits as f64 / steps.len() as f64)
}

/// Kendall's tau-b between call and position of every commit: 1 left to right, −1 right to left, about 0 at
/// random. Pairs of one call are ties, as are commits to one and the same slot. `None` if all were committed in one
/// call, or to one slot.
pub fn reading_order_tau(steps: &[Step]) -> Option<f64> {
    let commits: Vec<(usize, u32)> = steps
        .iter()
        .enumerate()
        .flat_map(|(call, step)| step.commits.iter().map(move |commit| (call, commit.slot)))
        .collect();
    let (mut score, mut by_call, mut by_slot) = (0_i64, 0_i64, 0_i64);
    for (i, &(call, slot)) in commits.iter().enumerate() {
        for &(later, other) in &commits[i + 1..] {
            let order = other.cmp(&slot) as i64;
            by_slot += order.abs();
            if later > call {
                by_call += 1;
                score += order;
            }
        }
    }
    let untied = (by_call as f64) * (by_slot as f64);
    (untied > 0.0).then(|| score as f64 / untied.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Order, Parallelism};
    use crate::exact::Corpus;
    use crate::measure::Moments;
    use crate::sequence::TokenId;
    use crate::testing::{decode, near};

    fn run(order: Order, slots: u32, seed: u32) -> Vec<Step> {
        let mut corpus = Corpus::new(vec![((3..19).map(TokenId).collect(), 1.0)], TokenId(0)).unwrap();
        let parallelism = Parallelism::SlotsPerCall { slots };
        decode(&mut corpus, DecodeSettings { seed, order, parallelism, ..DecodeSettings::default() }).steps
    }

    #[test]
    fn calls_are_counted() {
        assert_eq!(slots_per_call(&run(Order::Random, 1, 0)), Some(1.0));
        assert_eq!(slots_per_call(&run(Order::Random, 5, 0)), Some(4.0), "16 slots in 4 calls");
        assert_eq!(slots_per_call(&[]), None);
    }

    #[test]
    fn reading_order_is_one_and_its_reverse_minus_one() {
        let forwards = run(Order::LeftToRight, 1, 0);
        assert_eq!(reading_order_tau(&forwards), Some(1.0));
        let mut backwards = forwards;
        backwards.reverse();
        assert_eq!(reading_order_tau(&backwards), Some(-1.0));
    }

    #[test]
    fn slots_of_one_call_are_ties() {
        assert_eq!(reading_order_tau(&run(Order::LeftToRight, 16, 0)), None);
        // 8 and 8: 64 of 120 pairs are in different calls, all of them forwards.
        let tau = reading_order_tau(&run(Order::LeftToRight, 8, 0)).unwrap();
        assert!(near(tau, (64.0_f64 / 120.0).sqrt(), 1e-12));
    }

    #[test]
    fn a_slot_written_twice_is_a_tie_and_counts_twice() {
        let mut steps = run(Order::LeftToRight, 1, 0);
        steps.truncate(3);
        steps[2].commits = steps[0].commits.clone();
        assert_eq!(slots_per_call(&steps), Some(1.0));
        // Slots 0, 1, 0: one pair forwards, one back, one tied.
        assert_eq!(reading_order_tau(&steps), Some(0.0));
        steps[2].commits = steps[1].commits.clone();
        // Slots 0, 1, 1: two forwards of three pairs, of which two are at different slots.
        let tau = reading_order_tau(&steps).unwrap();
        assert!(near(tau, 2.0 / 6.0_f64.sqrt(), 1e-12), "{tau}");
        assert_eq!(reading_order_tau(&steps[1..]), None, "one slot has no direction");
    }

    #[test]
    fn a_random_order_has_no_direction() {
        let taus: Moments =
            (0..300).filter_map(|seed| reading_order_tau(&run(Order::Random, 1, seed))).collect();
        let tau = taus.estimate().unwrap();
        assert!(near(tau.value, 0.0, 4.0 * tau.standard_error), "{tau:?}");
        // Variance of tau for 16 items: 2 (2n + 5) / (9 n (n − 1)).
        let expected = (2.0 * 37.0 / (9.0 * 16.0 * 15.0) / 300.0_f64).sqrt();
        assert!(near(tau.standard_error / expected, 1.0, 0.2), "{tau:?}");
    }
}
