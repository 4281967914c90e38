//! D3, live: in how many calls a run wrote its text, and in what order.
//!
//! A masked model never revises: the share of committed slots that change is 0 by construction. What differs is
//! how many slots a call finishes, and how close the order comes to reading order (arXiv 2601.15593 measured
//! both for eight masked models). Cost: no call. Blind spot: neither says whether the text is any good.

use crate::decode::Step;

/// Slots finished per call, on average over the run; `None` before the first call.
pub fn slots_per_call(steps: &[Step]) -> Option<f64> {
    let commits: usize = steps.iter().map(|step| step.commits.len()).sum();
    (!steps.is_empty()).then(|| commits as f64 / steps.len() as f64)
}

/// Kendall's tau-b between call and position of every commit: 1 left to right, −1 right to left, about 0 at
/// random. Pairs of one call are ties. `None` if all were committed in one call.
pub fn reading_order_tau(steps: &[Step]) -> Option<f64> {
    let commits: Vec<(usize, u32)> = steps
        .iter()
        .enumerate()
        .flat_map(|(call, step)| step.commits.iter().map(move |commit| (call, commit.slot)))
        .collect();
    let (mut score, mut untied, mut pairs) = (0_i64, 0_i64, 0_i64);
    for (i, &(call, slot)) in commits.iter().enumerate() {
        for &(later, other) in &commits[i + 1..] {
            pairs += 1;
            if later > call {
                untied += 1;
                score += if other > slot { 1 } else { -1 };
            }
        }
    }
    (untied > 0).then(|| score as f64 / ((untied as f64) * (pairs as f64)).sqrt())
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
