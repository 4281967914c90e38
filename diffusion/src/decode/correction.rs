//! Correction: what happens to a text that is already written in full.
//!
//! By default nothing; the knobs of a rule have no defaults and must be given.

use serde::{Deserialize, Serialize};

use super::memory::SlotMemory;
use super::settings::within;
use super::{Commit, SettingsError, SlotPrediction};
use crate::random::{Purpose, word};
use crate::sequence::{Sequence, SlotState};

/// How a finished text is corrected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Correction {
    /// GIDD's self-correction (von Rütte et al., arXiv 2503.04482): predict the whole text at a time near 0, draw
    /// anew at a low temperature, and change the one slot where another token than the present one was drawn with
    /// the largest probability. Ends when nothing changes, when the mean probability of the present tokens has
    /// not risen for `patience` calls, or after `calls`. Cost: one call per change. Known failure: only networks
    /// trained with uniform noise know that a visible token may be wrong; a masked one gets worse.
    OneByOne {
        /// Temperature of the draws, finite and at least 0; the paper's is .1.
        temperature: f32,
        /// Time told to the network, in [0, 1]; near 0 in the paper.
        time: f64,
        /// Calls without progress before it ends, from 1 to 10⁶; the paper's is 32.
        patience: u32,
        /// Most calls, from 1 to 10⁶.
        calls: u32,
    },
    /// For masked models (plain): opens the slots that were committed with the smallest probability and writes them
    /// again, all in one call. Cost: `calls`. Known failures: the slots of one call are drawn independently; and a slot
    /// that stays unsure is opened again and again.
    LeastSure {
        /// Slots per call, from 1 to 10⁶.
        slots: u32,
        /// Number of calls, from 1 to 10⁶.
        calls: u32,
    },
    /// For masked models (plain): as [`Correction::LeastSure`] with random slots, a blocked Gibbs sampler: with an exact
    /// denoiser, temperature 1 and one slot per call it leaves the right distribution as it is. Cost: `calls`. Known
    /// failures: one slot at a time never changes a text in which each word follows from the others (the two
    /// sentences); several are drawn independently.
    Gibbs {
        /// Slots per call, from 1 to 10⁶.
        slots: u32,
        /// Number of calls, from 1 to 10⁶.
        calls: u32,
    },
}

/// How far a correction has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correcting {
    /// Calls made.
    pub calls: u32,
    /// Largest mean probability of the present tokens so far.
    pub best: f64,
    /// Calls since then.
    pub stalled: u32,
    /// Whether it is over.
    pub is_over: bool,
}

impl Correcting {
    /// Before the first call.
    pub(super) fn begin() -> Self {
        Self { calls: 0, best: 0.0, stalled: 0, is_over: false }
    }

    /// After one more call, at which the present tokens had this mean probability.
    pub(super) fn after(self, rule: Correction, present: f64, has_changed: bool) -> Self {
        let calls = self.calls.saturating_add(1);
        let stalled = if present > self.best { 0 } else { self.stalled + 1 };
        let is_over = match rule {
            Correction::OneByOne { patience, calls: most, .. } => {
                !has_changed || stalled >= patience || calls >= most
            }
            Correction::LeastSure { calls: most, .. } | Correction::Gibbs { calls: most, .. } => {
                calls >= most
            }
        };
        Self { calls, best: self.best.max(present), stalled, is_over }
    }
}

impl Correction {
    pub(super) fn validate(self) -> Result<(), SettingsError> {
        match self {
            Self::OneByOne { temperature, time, patience, calls } => {
                within("temperature", temperature.into(), 0.0, f32::MAX.into())?;
                within("time", time, 0.0, 1.0)?;
                within("patience", patience.into(), 1.0, 1e6)?;
                within("calls", calls.into(), 1.0, 1e6)
            }
            Self::LeastSure { slots, calls } | Self::Gibbs { slots, calls } => {
                within("slots", slots.into(), 1.0, 1e6)?;
                within("calls", calls.into(), 1.0, 1e6)
            }
        }
    }

    /// The slots that a masked correction shows as masked at the next call; none for the other kind.
    pub(super) fn opens(self, sequence: &Sequence, memory: &[SlotMemory], seed: u32, call: u32) -> Vec<u32> {
        let key = |slot: u32| match self {
            Self::LeastSure { .. } => f64::from(memory.get(slot as usize).map_or(0.0, |m| m.committed)),
            _ => f64::from(word(seed, call, slot, Purpose::Remask as u32)),
        };
        let (Self::LeastSure { slots, .. } | Self::Gibbs { slots, .. }) = self else { return Vec::new() };
        let committed = |slot: &usize| sequence.slots[*slot].state == SlotState::Committed;
        let mut open: Vec<u32> = sequence.open_slots().filter(committed).map(|slot| slot as u32).collect();
        open.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
        open.truncate(slots as usize);
        open.sort_unstable();
        open
    }

    /// The one change of [`Correction::OneByOne`]: the surest token that is not the present one.
    pub(super) fn change(seen: &[SlotPrediction], sequence: &Sequence) -> Option<Commit> {
        let other = |p: &&SlotPrediction| p.prediction.drawn.token != sequence.slots[p.slot as usize].token;
        let surest = |a: &&SlotPrediction, b: &&SlotPrediction| {
            let log_probability = |p: &SlotPrediction| p.prediction.drawn.log_probability;
            log_probability(a).total_cmp(&log_probability(b)).then(b.slot.cmp(&a.slot))
        };
        let change = seen.iter().filter(other).max_by(surest);
        change.map(|p| Commit { slot: p.slot, token: p.prediction.drawn.token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder};
    use crate::sequence::{Slot, SpecialTokens, TokenId};
    use crate::testing::prediction;

    /// Calls until a correction of one slot ends that changes it every time, where the present token has the
    /// probability `present` at each call.
    fn calls(rule: Correction, present: impl Fn(u32) -> f32) -> u32 {
        let settings = DecodeSettings { correction: Some(rule), ..DecodeSettings::default() };
        let text = Sequence { slots: vec![Slot::committed(TokenId(4))] };
        let mut decoder = Decoder::new(settings, text, SpecialTokens::default()).unwrap();
        let mut calls = 0;
        while !decoder.is_finished() {
            let mut answer = prediction(-1.0, [-1.0, -2.0], 0.5);
            answer.drawn.token = TokenId(5 + calls % 2);
            answer.target_log_probability = present(calls).ln();
            assert_eq!(decoder.apply(&[answer]).unwrap().commits.len(), 1);
            calls += 1;
        }
        calls
    }

    fn one_by_one(patience: u32, calls: u32) -> Correction {
        Correction::OneByOne { temperature: 0.1, time: 0.05, patience, calls }
    }

    #[test]
    fn one_by_one_ends_when_the_text_gets_no_surer_for_long_enough() {
        assert_eq!(calls(one_by_one(3, 100), |_| 0.5), 1 + 3, "the first call is the best so far");
        assert_eq!(calls(one_by_one(1, 100), |_| 0.5), 1 + 1);
        assert_eq!(calls(one_by_one(3, 100), |call| 0.1 * (call.min(4) + 1) as f32), 5 + 3);
        // Every fall is made up for before three calls are over, but the old best is never passed.
        assert_eq!(calls(one_by_one(3, 100), |call| [0.5, 0.4][call as usize % 2]), 1 + 3);
    }

    #[test]
    fn one_by_one_ends_after_so_many_calls_though_the_text_still_gets_surer() {
        let rising = |call: u32| 0.01 * (call + 1) as f32;
        assert_eq!(calls(one_by_one(3, 10), rising), 10);
        assert_eq!(calls(one_by_one(3, 1), rising), 1);
    }

    #[test]
    fn masked_corrections_make_all_their_calls() {
        for calls_set in [1, 7] {
            assert_eq!(calls(Correction::LeastSure { slots: 1, calls: calls_set }, |_| 0.5), calls_set);
            assert_eq!(calls(Correction::Gibbs { slots: 1, calls: calls_set }, |_| 0.5), calls_set);
        }
    }
}
