//! D3, live: in how many calls a run wrote its text, and in what order.
//!
//! A masked model without remasking never revises: the share of committed slots that change is 0 by construction.
//! With remasking, a correction or uniform noise it does ([`revision`](super::revision) counts that). What differs
//! otherwise is how many slots a call finishes, n / calls with n the slots that were ever committed, each by its last
//! commit and none if it was masked since, and how close the order comes to reading order (arXiv 2601.15593 measured
//! both for eight masked models): Kendall's τ_b = (C − D) / √(P_c P_s), where C and D are the pairs of last commits that
//! come in reading order and against it, P_c the pairs in different calls and P_s all pairs, as no slot has two; −1 to 1.
//! Both are counts of one run, no estimates; errors come over runs. Cost: no call. Blind spots: neither says whether the
//! text is any good; what only fills the text behind its end counts; in an unfinished run a commit counts until a call
//! takes it back, and what a hand opened counts; a correction that draws the same word again finishes the slot again,
//! later; and where words are drawn anew until the last call commits all (uniform noise), the first is slots over calls
//! whatever happened before, and the second says nothing.

use std::collections::BTreeMap;

use crate::decode::Step;

/// Slots finished per call, on average over the run, however often each was committed. `None` before the first call.
pub fn slots_per_call(steps: &[Step]) -> Option<f64> {
    (!steps.is_empty()).then(|| last_commits(steps).len() as f64 / steps.len() as f64)
}

/// Kendall's tau-b between call and position of every slot's last commit: 1 left to right, −1 right to left, about 0
/// at random. Pairs of one call are ties. `None` if all were last committed in one call, or there is one slot.
pub fn reading_order_tau(steps: &[Step]) -> Option<f64> {
    let calls: Vec<usize> = last_commits(steps).into_values().collect();
    let (mut score, mut by_call, mut pairs) = (0_i64, 0_i64, 0_i64);
    for (i, call) in calls.iter().enumerate() {
        for later_slot in &calls[i + 1..] {
            let order = later_slot.cmp(call) as i64;
            pairs += 1;
            by_call += order.abs();
            score += order;
        }
    }
    let untied = (by_call as f64) * (pairs as f64);
    (untied > 0.0).then(|| score as f64 / untied.sqrt())
}

/// The call that last committed each slot; none for a slot that was opened since.
fn last_commits(steps: &[Step]) -> BTreeMap<u32, usize> {
    let mut last = BTreeMap::new();
    for (call, step) in steps.iter().enumerate() {
        last.extend(step.commits.iter().map(|commit| (commit.slot, call)));
        last.retain(|slot, _| !step.remasks.contains(slot));
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Correction, DecodeSettings, Order, Parallelism, Remasking};
    use crate::exact::Corpus;
    use crate::measure::Moments;
    use crate::schedule::Schedule;
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
    fn a_slot_written_twice_counts_where_it_was_finished() {
        let mut steps = run(Order::LeftToRight, 1, 0);
        steps.truncate(3);
        steps[2].commits = steps[0].commits.clone();
        assert_eq!(slots_per_call(&steps), Some(2.0 / 3.0));
        assert_eq!(reading_order_tau(&steps), Some(-1.0), "slot 0 was finished after slot 1");
        steps[2].commits = steps[1].commits.clone();
        assert_eq!(reading_order_tau(&steps), Some(1.0));
        assert_eq!(reading_order_tau(&steps[1..]), None, "one slot has no direction");
        steps[2].commits.clear();
        steps[2].remasks = vec![1];
        assert_eq!(slots_per_call(&steps), Some(1.0 / 3.0), "slot 1 is open again");
    }

    #[test]
    fn runs_that_write_slots_again_finish_each_once() {
        let remasking = Remasking::Cap { eta: 0.1 };
        let parallelism = Parallelism::Ancestral { steps: 12, schedule: Schedule::Linear };
        let correction = Some(Correction::Gibbs { slots: 4, calls: 6 });
        let settings = DecodeSettings { parallelism, ..DecodeSettings::default() };
        for settings in
            [DecodeSettings { remasking, ..settings.clone() }, DecodeSettings { correction, ..settings }]
        {
            let mut corpus = Corpus::new(vec![((3..19).map(TokenId).collect(), 1.0)], TokenId(0)).unwrap();
            let steps = decode(&mut corpus, settings).steps;
            let commits: usize = steps.iter().map(|step| step.commits.len()).sum();
            assert!(commits > 16, "power: {commits} commits of 16 slots");
            assert_eq!(slots_per_call(&steps), Some(16.0 / steps.len() as f64));
        }
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
