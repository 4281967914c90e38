//! Rules that decide after the call how many slots are safe to commit together.
//!
//! Each puts the slots that it takes in front and says how many; at least one goes, so every rule ends.

use super::memory::SlotMemory;
use super::order::dilated_round;
use super::{Parallelism, SlotPrediction};

/// Probabilities and entropies come in f32: what is so near a threshold counts as equal to it.
const SLACK: f64 = 1e-6;

/// A slot that may be committed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    /// What the decoding order says, larger first.
    pub priority: f64,
    /// Index of its prediction.
    pub index: usize,
}

/// How many of the ranked slots an adaptive rule commits; it may put others in front. `None` for scheduled rules.
/// `block` is the present block's start and length, `step` the number of calls in it so far.
pub(super) fn count(
    rule: Parallelism,
    ranked: &mut [Ranked],
    seen: &[SlotPrediction],
    memory: &[SlotMemory],
    block: (u32, u32),
    step: u32,
) -> Option<usize> {
    let confidence = |r: &Ranked| f64::from(seen[r.index].prediction.drawn.log_probability).exp();
    let slot = |r: &Ranked| seen[r.index].slot;
    let count = match rule {
        Parallelism::Threshold { probability } => front(ranked, |r| confidence(r) >= probability - SLACK),
        Parallelism::Factor { factor } => {
            ranked.sort_by(|a, b| confidence(b).total_cmp(&confidence(a)));
            let holds =
                |(k, r): &(usize, &Ranked)| (*k as f64 + 2.0) * (1.0 - confidence(r)) < factor - SLACK;
            ranked.iter().enumerate().take_while(holds).count()
        }
        Parallelism::EntropyBounded { nats } => {
            let (mut sum, mut largest) = (0.0, 0.0_f64);
            let within = |r: &&Ranked| {
                let entropy = f64::from(seen[r.index].prediction.entropy_nats);
                (sum, largest) = (sum + entropy, largest.max(entropy));
                sum - largest <= nats + SLACK
            };
            ranked.iter().take_while(within).count()
        }
        Parallelism::Stable { probability, calls, slots, .. } => {
            // The released code counts what moved at the end of the block before, but waits for as many calls in this one.
            let calm = |r: &Ranked| step + 1 >= calls && memory[slot(r) as usize].calm >= calls;
            match front(ranked, |r| confidence(r) > probability + SLACK && calm(r)) {
                0 => slots as usize,
                calm => calm,
            }
        }
        Parallelism::Rounds => {
            let round = |r: &Ranked| dilated_round(slot(r) - block.0, block.1);
            let first = ranked.iter().map(round).min();
            front(ranked, |r| Some(round(r)) == first)
        }
        Parallelism::SlotsPerCall { .. }
        | Parallelism::Quota { .. }
        | Parallelism::Ancestral { .. }
        | Parallelism::FirstHitting { .. } => return None,
    };
    Some(count.clamp(1, ranked.len().max(1)))
}

/// Puts the chosen in front, all else in its order; gives back their number.
fn front(ranked: &mut [Ranked], chosen: impl Fn(&Ranked) -> bool) -> usize {
    ranked.sort_by_key(|r| !chosen(r)); // stable
    ranked.iter().filter(|r| chosen(r)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::prediction;

    /// Slots with these confidences and entropies, in this order of priority; gives back the slots committed.
    fn committed(rule: Parallelism, slots: &[(f32, f32)], calm: &[u32]) -> Vec<u32> {
        let seen: Vec<SlotPrediction> = (0..)
            .zip(slots)
            .map(|(slot, &(p, nats))| SlotPrediction {
                slot,
                prediction: prediction(p.ln(), [p.ln(), -9.0], nats),
            })
            .collect();
        let memory: Vec<SlotMemory> = (0..slots.len())
            .map(|i| SlotMemory { calm: calm.get(i).copied().unwrap_or(0), ..SlotMemory::default() })
            .collect();
        let mut ranked: Vec<Ranked> =
            (0..slots.len()).map(|index| Ranked { priority: -(index as f64), index }).collect();
        let count = count(rule, &mut ranked, &seen, &memory, (0, slots.len() as u32), 9).unwrap();
        ranked[..count].iter().map(|r| seen[r.index].slot).collect()
    }

    #[test]
    fn the_threshold_takes_all_that_are_sure_and_at_least_one() {
        let rule = Parallelism::Threshold { probability: 0.9 };
        assert_eq!(committed(rule, &[(0.5, 1.0), (0.95, 0.1), (0.91, 0.2)], &[]), [1, 2]);
        assert_eq!(committed(rule, &[(0.5, 1.0), (0.6, 0.1)], &[]), [0], "the first by order");
    }

    #[test]
    fn the_factor_takes_the_largest_group_that_the_theorem_allows() {
        let rule = Parallelism::Factor { factor: 1.0 };
        // (k + 1)(1 - c): 2 * .04 = .08, 3 * .1 = .3, 4 * .2 = .8, 5 * .3 = 1.5.
        let slots = [(0.7, 1.0), (0.8, 1.0), (0.96, 1.0), (0.9, 1.0)];
        assert_eq!(committed(rule, &slots, &[]), [2, 3, 1]);
        assert_eq!(committed(rule, &[(0.3, 1.0), (0.4, 1.0)], &[]), [1], "the surest alone");
    }

    #[test]
    fn the_entropy_bound_takes_the_largest_prefix() {
        let slots = [(0.9, 0.05), (0.9, 0.06), (0.9, 0.2), (0.9, 0.3)];
        // Sum minus largest: 0, .05, .11, .31.
        let count = |nats| committed(Parallelism::EntropyBounded { nats }, &slots, &[]).len();
        assert_eq!([0.0, 0.051, 0.1, 0.12, 0.4].map(count), [1, 2, 2, 3, 4]);
        // Two even choices cost ln 2 each: 1 + floor(gamma / ln 2) go at once.
        let even = [(0.5, std::f32::consts::LN_2); 3];
        let count = |nats| committed(Parallelism::EntropyBounded { nats }, &even, &[]).len();
        assert_eq!([0.6, 0.7, 1.4].map(count), [1, 2, 3]);
    }

    #[test]
    fn only_what_is_sure_and_calm_goes_else_the_best_few() {
        let rule = Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 2, slots: 2 };
        let slots = [(0.95, 0.1), (0.95, 0.1), (0.5, 1.0), (0.99, 0.1)];
        assert_eq!(committed(rule, &slots, &[0, 2, 5, 3]), [1, 3]);
        assert_eq!(committed(rule, &slots, &[0, 1, 5, 1]), [0, 1], "nobody is calm for long enough");
    }

    #[test]
    fn a_dilated_round_goes_at_once() {
        assert_eq!(committed(Parallelism::Rounds, &[(0.5, 1.0); 8], &[]), [0, 4]);
    }
}
