//! What decoding rules remember of earlier calls: a fold over the steps, so that a run can be taken up anywhere.

use serde::{Deserialize, Serialize};

use super::step::prediction_of;
use super::{Commit, Parallelism, SlotPrediction};
use crate::denoiser::{Candidate, TOP_CANDIDATES};

/// What is remembered of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlotMemory {
    /// Probability of the token when it was committed, at temperature 1; 0 where this run has committed none.
    pub committed: f32,
    /// The largest probability of a drawn token so far.
    pub best: f32,
    /// For how many calls in a row the prediction has hardly moved ([`Parallelism::Stable`]).
    pub calm: u32,
    /// Entropy in nats and best candidates of the last call that asked, while the slot is not committed (soft feedback).
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
        let drift = prediction.drift_nats.map(f64::from);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denoiser::Prediction;
    use crate::testing::{near, prediction};

    #[test]
    fn running_maximum_and_calm_are_kept_and_a_commit_ends_the_calm() {
        let rule = Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 2, slots: 1 };
        let seen = |p: f32, drift_nats: Option<f32>| {
            let prediction = Prediction { drift_nats, ..prediction(p.ln(), [p.ln(), -9.0], 0.1) };
            vec![SlotPrediction { slot: 1, prediction }]
        };
        let (mut memory, mut calm) = (Vec::new(), Vec::new());
        for (p, drift) in [(0.5, None), (0.8, Some(0.3)), (0.8, Some(0.0)), (0.79, Some(0.009))] {
            observe(&mut memory, 3, rule, &seen(p, drift));
            calm.push(memory[1].calm);
        }
        assert_eq!(calm, [0, 0, 1, 2]);
        assert!(near(memory[1].best.into(), 0.8, 1e-6));
        settle(&mut memory, &seen(0.79, None), &[Commit { slot: 1, token: crate::TokenId(5) }]);
        assert!(near(memory[1].committed.into(), 0.79, 1e-6) && memory[1].last.is_none());
        assert_eq!(memory[0], SlotMemory::default());
    }
}
