//! What decoding rules remember of earlier calls: a fold over the steps, so that a run can be taken up anywhere.

use serde::{Deserialize, Serialize};

use super::step::prediction_of;
use super::{Commit, Parallelism, SlotPrediction};
use crate::denoiser::{Candidate, Prediction, TOP_CANDIDATES};

/// What is remembered of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlotMemory {
    /// Probability of the token when it was committed, at temperature 1; 0 where this run has committed none.
    pub committed: f32,
    /// The largest probability of a drawn token so far.
    pub best: f32,
    /// For how many calls in a row the prediction has hardly moved ([`Parallelism::Stable`]).
    pub calm: u32,
    /// Entropy in nats and best candidates of the last call that asked, while the slot is not committed.
    pub last: Option<(f32, [Candidate; TOP_CANDIDATES])>,
}

/// Takes in the predictions of a call, before anything is done with them. `// (slots)`
pub(super) fn observe(
    memory: &mut Vec<SlotMemory>,
    length: usize,
    rule: Parallelism,
    seen: &[SlotPrediction],
) {
    memory.resize(length, SlotMemory::default());
    for SlotPrediction { slot, prediction } in seen {
        let memory = &mut memory[*slot as usize];
        memory.best = memory.best.max(prediction.drawn.log_probability.exp());
        let drift = memory.last.map(|(_, last)| drift_nats(prediction, &last));
        let calm = matches!((rule, drift), (Parallelism::Stable { drift_nats, .. }, Some(drift)) if drift < drift_nats);
        memory.calm = if calm { memory.calm.saturating_add(1) } else { 0 };
        memory.last = Some((prediction.entropy_nats, prediction.top));
    }
}

/// Takes in what was committed, after [`observe`].
pub(super) fn settle(memory: &mut [SlotMemory], seen: &[SlotPrediction], commits: &[Commit]) {
    for commit in commits {
        let drawn = prediction_of(seen, commit.slot).filter(|p| p.is_drawn(commit));
        let probability = drawn.map(|p| p.prediction.drawn.log_probability);
        let memory = &mut memory[commit.slot as usize];
        *memory = SlotMemory {
            committed: probability.map_or(memory.best, f32::exp),
            best: memory.best,
            ..SlotMemory::default()
        };
    }
}

/// KL(now ‖ last) in nats over the candidates that both lists name and everything else together. Merging outcomes
/// never raises a divergence, so this is a lower bound of the one over all tokens, and near it where the lists
/// hold nearly all mass.
pub(super) fn drift_nats(now: &Prediction, last: &[Candidate; TOP_CANDIDATES]) -> f64 {
    let (mut sum, mut rest_now, mut rest_last) = (0.0, 1.0, 1.0);
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    for candidate in now.top.iter().filter(|c| c.log_probability > f32::NEG_INFINITY) {
        if let Some(before) = last.iter().find(|before| before.token == candidate.token) {
            let (p, q) =
                (f64::from(candidate.log_probability).exp(), f64::from(before.log_probability).exp());
            sum += term(p, q);
            rest_now -= p;
            rest_last -= q;
        }
    }
    // Below the rounding of f32 nothing is left over.
    let rounding = |rest: f64| if rest < 1e-6 { 0.0 } else { rest };
    let (p, q) = (rounding(rest_now), rounding(rest_last));
    sum + term(p, q.max(1e-12))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{near, prediction};

    #[test]
    fn the_drift_of_two_candidates_and_the_rest() {
        let ln = |p: f32| p.ln();
        let now = prediction(0.0, [ln(0.7), ln(0.2)], 0.0);
        let last = prediction(0.0, [ln(0.6), ln(0.1)], 0.0).top;
        let expected = 0.7 * (0.7_f64 / 0.6).ln() + 0.2 * 2.0_f64.ln() + 0.1 * (0.1_f64 / 0.3).ln();
        assert!(near(drift_nats(&now, &last), expected, 1e-6));
        assert!(near(drift_nats(&now, &now.top), 0.0, 1e-12));
        let sure = prediction(0.0, [0.0, f32::NEG_INFINITY], 0.0);
        assert!(near(drift_nats(&sure, &sure.top), 0.0, 1e-12), "nothing is left over");
    }

    #[test]
    fn running_maximum_and_calm_are_kept_and_a_commit_ends_the_calm() {
        let rule = Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 2, slots: 1 };
        let seen =
            |p: f32| vec![SlotPrediction { slot: 1, prediction: prediction(p.ln(), [p.ln(), -9.0], 0.1) }];
        let mut memory = Vec::new();
        for p in [0.5, 0.8, 0.8, 0.79] {
            observe(&mut memory, 3, rule, &seen(p));
        }
        assert_eq!(memory[1].calm, 2);
        assert!(near(memory[1].best.into(), 0.8, 1e-6));
        settle(&mut memory, &seen(0.79), &[Commit { slot: 1, token: crate::TokenId(5) }]);
        assert!(near(memory[1].committed.into(), 0.79, 1e-6) && memory[1].last.is_none());
        assert_eq!(memory[0], SlotMemory::default());
    }
}
