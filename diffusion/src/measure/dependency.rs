//! L2, live: what was at stake when several slots were committed in one call.
//!
//! Tokens committed together are drawn independently of each other. What that can spoil is their total
//! correlation, TC = Σ H_i − H(all), and since the joint entropy is at least the largest of the single ones,
//! TC ≤ Σ H_i − max H_i (the bound of the entropy-bounded sampler, Ben-Hamu et al., arXiv 2505.24857). 0 for one
//! slot; 1 bit is one coin flip at stake. Cost: no call. Blind spots: it is a bound, the same for slots that
//! have nothing to do with each other; and the entropies are the network's own, at temperature 1.

use std::f64::consts::LN_2;

use crate::decode::{SlotPrediction, Step};

/// Σ H_i − max H_i in bits over the slots whose drawn token the step committed; what an end of text fills was not drawn.
pub fn bits_at_stake(step: &Step) -> f64 {
    let committed = |p: &&SlotPrediction| step.commits.iter().any(|commit| p.is_drawn(commit));
    let entropies = step.predictions.iter().filter(committed);
    let (sum, largest) = entropies
        .map(|p| f64::from(p.prediction.entropy_nats))
        .fold((0.0, 0.0), |(sum, largest): (f64, f64), entropy| (sum + entropy, largest.max(entropy)));
    (sum - largest) / LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::exact::two_sentences;
    use crate::measure::Moments;
    use crate::schedule::Schedule;
    use crate::testing::{decode, near};

    #[test]
    fn on_the_two_sentences_the_bound_is_the_total_correlation() {
        // k slots that all say the same: TC = (k − 1) H(w).
        for weight in [0.5, 0.7] {
            let entropy = -weight * f64::log2(weight) - (1.0 - weight) * f64::log2(1.0 - weight);
            for slots in 1..=3 {
                let parallelism = Parallelism::SlotsPerCall { slots };
                let settings = DecodeSettings { parallelism, ..DecodeSettings::default() };
                let run = decode(&mut two_sentences::corpus(weight).unwrap(), settings);
                let found = bits_at_stake(&run.steps[0]);
                assert!(near(found, f64::from(slots - 1) * entropy, 1e-6), "w {weight}, k {slots}: {found}");
            }
        }
    }

    #[test]
    fn ancestral_steps_put_at_stake_what_is_known_exactly() {
        // (3T + 1) / (2T²) bits a run: the first words together are k with probability C(3, k) / T³ summed over the steps left.
        for steps in [1, 2, 4, 8] {
            let at_stake = |seed| {
                let parallelism = Parallelism::Ancestral { steps, schedule: Schedule::Linear };
                let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
                let run = decode(&mut two_sentences::corpus(0.5).unwrap(), settings);
                run.steps.iter().map(bits_at_stake).sum::<f64>()
            };
            let found = (0..10_000).map(at_stake).collect::<Moments>().estimate().unwrap();
            let t = f64::from(steps);
            let expected = (3.0 * t + 1.0) / (2.0 * t * t);
            assert!(
                near(found.value, expected, 4.0 * found.standard_error + 1e-6),
                "{steps} steps: {found:?}"
            );
        }
    }
}
