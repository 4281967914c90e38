//! Correction: what happens to a text that is already written in full.
//!
//! By default nothing; the knobs of a rule have no defaults and must be given.

use serde::{Deserialize, Serialize};

use super::memory::SlotMemory;
use super::step::self_accuracy;
use super::validation::within;
use super::{Commit, SettingsError, SlotPrediction};
use crate::denoiser::Prediction;
use crate::random::{Purpose, word};
use crate::sequence::{Sequence, SlotState};

/// How a finished text is corrected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Correction {
    /// GIDD's self-correction (von Rütte et al., arXiv 2503.04482): predict the whole text at a time near 0, draw anew at a low
    /// temperature, and change the one slot where another token than the present one was drawn with the largest probability at that
    /// temperature over all tokens (at temperature 0, where all draws are certain, at temperature 1). Ends when nothing changes, when
    /// the self-accuracy (share of slots whose token, after the change, is the most probable one) has not risen for more than
    /// `patience` calls, or after `calls`; the change that exhausts the patience is not made (as in the released code). Cost: one call
    /// per change and one; but for temperatures 0 and 1 each reads back whole distributions, open slots × vocabulary numbers
    /// ([`Asker`](super::Asker)). Known failure: only networks trained with uniform noise know that a visible token may be wrong; a
    /// masked one gets worse.
    OneByOne {
        /// Temperature of the draws, finite and at least 0; the paper's is .1.
        temperature: f32,
        /// Time told to the network, in [0, 1]; near 0 in the paper, .01 by default in its released code.
        time: f64,
        /// Calls without progress that it bears, from 1 to 10⁶; the paper's is 32.
        patience: u32,
        /// Most calls, from 1 to 10⁶; recommended as many as slots (ours): a call changes one.
        calls: u32,
    },
    /// For masked models (plain): opens the slots that were committed with the smallest probability and writes them
    /// again, all in one call. Cost: `calls`. Known failures: the slots of one call are drawn independently; and a slot
    /// that stays unsure is opened again and again.
    LeastSure {
        /// Slots per call, from 1 to 10⁶; recommended 1 (ours, not measured), which draws nothing together.
        slots: u32,
        /// Number of calls, from 1 to 10⁶; recommended a quarter of the slots or more (ours, not measured).
        calls: u32,
    },
    /// For masked models (plain): as [`Correction::LeastSure`] with random slots, a blocked Gibbs sampler: with an exact
    /// denoiser, temperature 1 and one slot per call it leaves the right distribution as it is. Cost: `calls`. Known
    /// failures: one slot at a time never changes a text in which each word follows from the others (the two
    /// sentences); several are drawn independently.
    Gibbs {
        /// Slots per call, from 1 to 10⁶; recommended 1 (ours, not measured), which draws nothing together.
        slots: u32,
        /// Number of calls, from 1 to 10⁶; recommended a quarter of the slots or more (ours, not measured).
        calls: u32,
    },
}

/// How far a correction has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correcting {
    /// Calls made.
    pub calls: u32,
    /// Largest self-accuracy so far.
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

    /// After one more call, which left a text of this self-accuracy.
    pub(super) fn after(self, rule: Correction, accuracy: f64, has_changed: bool) -> Self {
        let calls = self.calls.saturating_add(1);
        let stalled = self.stalled_at(accuracy);
        let is_over = match rule {
            Correction::OneByOne { patience, calls: most, .. } => {
                !has_changed || stalled > patience || calls >= most
            }
            Correction::LeastSure { calls: most, .. } | Correction::Gibbs { calls: most, .. } => {
                calls >= most
            }
        };
        Self { calls, best: self.best.max(accuracy), stalled, is_over }
    }

    /// Calls without progress, with one that leaves this self-accuracy.
    fn stalled_at(self, accuracy: f64) -> u32 {
        if accuracy > self.best { 0 } else { self.stalled.saturating_add(1) }
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

    /// The one change of [`Correction::OneByOne`]: the surest token that is not the present one, unless patience ends with it.
    pub(super) fn change(
        self,
        standing: Correcting,
        seen: &[SlotPrediction],
        sequence: &Sequence,
    ) -> Option<Commit> {
        let other = |p: &&SlotPrediction| p.prediction.drawn.token != sequence.slots[p.slot as usize].token;
        let surest = |a: &&SlotPrediction, b: &&SlotPrediction| {
            sureness(&a.prediction).total_cmp(&sureness(&b.prediction)).then(b.slot.cmp(&a.slot))
        };
        let change = seen.iter().filter(other).max_by(surest)?.drawn();
        let mut changed = sequence.clone();
        changed.slots[change.slot as usize].token = change.token;
        let stalled = standing.stalled_at(self_accuracy(seen, &changed));
        let is_borne = !matches!(self, Self::OneByOne { patience, .. } if stalled > patience);
        is_borne.then_some(change)
    }

    /// Whether the rule needs log-probabilities that no summary has: those of a draw that is certain, and those at temperature 1, it has.
    pub(super) fn tempers(self) -> bool {
        matches!(self, Self::OneByOne { temperature, .. } if temperature != 0.0 && temperature != 1.0)
    }
}

/// Log-probability of the drawn token, tempered where the rule is.
fn sureness(prediction: &Prediction) -> f32 {
    prediction.tempered_log_probability.unwrap_or(prediction.drawn.log_probability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder};
    use crate::denoiser::Row;
    use crate::sequence::{Slot, SpecialTokens, TokenId};
    use crate::testing::prediction;

    const SLOTS: u32 = 10;

    /// Calls until a correction ends that changes the last of ten slots every time, where at each call so many slots hold what the
    /// denoiser finds most probable.
    fn calls(rule: Correction, agreeing: impl Fn(u32) -> u32) -> u32 {
        let settings = DecodeSettings { correction: Some(rule), ..DecodeSettings::default() };
        let text = Sequence { slots: vec![Slot::committed(TokenId(4)); SLOTS as usize] };
        let mut decoder = Decoder::new(settings, text, SpecialTokens::default()).unwrap();
        let mut calls = 0;
        while !decoder.is_finished() {
            let answer = |row: Row| {
                let tempered_log_probability = Some(-0.5);
                let mut answer =
                    Prediction { tempered_log_probability, ..prediction(-1.0, [-1.5, -2.0], 0.5) };
                let changes = row.slot + 1 == SLOTS;
                answer.drawn.token = if changes { TokenId(5 + calls % 2) } else { row.target };
                answer.top[0].token = if row.slot < agreeing(calls) { row.target } else { TokenId(3) };
                answer
            };
            let answers: Vec<_> = decoder.rows(0).map(answer).collect();
            let made = decoder.apply(&answers).unwrap().commits.len();
            calls += 1;
            let gives_up = matches!(rule, Correction::OneByOne { calls: most, .. } if decoder.is_finished() && calls < most);
            assert_eq!(made, usize::from(!gives_up), "the change that exhausts the patience is not made");
        }
        calls
    }

    fn one_by_one(patience: u32, calls: u32) -> Correction {
        Correction::OneByOne { temperature: 0.1, time: 0.05, patience, calls }
    }

    #[test]
    fn one_by_one_ends_when_the_text_gets_no_surer_for_long_enough() {
        assert_eq!(
            calls(one_by_one(3, 100), |_| 5),
            1 + 4,
            "the first call is the best so far, three are borne"
        );
        assert_eq!(calls(one_by_one(1, 100), |_| 5), 1 + 2);
        assert_eq!(calls(one_by_one(3, 100), |call| call.min(4) + 1), 5 + 4);
        // Every fall is made up for before four calls are over, but the old best is never passed.
        assert_eq!(calls(one_by_one(3, 100), |call| [5, 4][call as usize % 2]), 1 + 4);
    }

    #[test]
    fn one_by_one_ends_after_so_many_calls_though_the_text_still_gets_surer() {
        assert_eq!(calls(one_by_one(3, 8), |call| call + 1), 8);
        assert_eq!(calls(one_by_one(3, 1), |call| call + 1), 1);
    }

    #[test]
    fn the_surest_change_is_that_of_the_temperature_at_which_it_was_drawn() {
        // At temperature 1 the first slot is surer of its new word (.5), at .1 the second, whose rivals are rare (GIDD's code).
        let seen = |tempered: [Option<f32>; 2]| -> Vec<SlotPrediction> {
            let slot = |slot: usize| {
                let tempered_log_probability = tempered[slot];
                let plain = prediction([0.5_f32, 0.4][slot].ln(), [-2.0, -9.0], 0.5);
                SlotPrediction {
                    slot: slot as u32,
                    prediction: Prediction { tempered_log_probability, ..plain },
                }
            };
            [0, 1].map(slot).to_vec()
        };
        let text = Sequence { slots: vec![Slot::committed(TokenId(4)); 2] };
        let changed = |tempered| {
            let change = one_by_one(3, 100).change(Correcting::begin(), &seen(tempered), &text);
            change.map(|commit| commit.slot)
        };
        assert_eq!(changed([None, None]), Some(0));
        assert_eq!(changed([Some(-0.6), Some(-1e-6)]), Some(1));
        assert_eq!(changed([Some(-1e-30), Some(-1e-20)]), Some(0), "both are 1 to a float");
    }

    #[test]
    fn masked_corrections_make_all_their_calls() {
        for calls_set in [1, 7] {
            assert_eq!(calls(Correction::LeastSure { slots: 1, calls: calls_set }, |_| 5), calls_set);
            assert_eq!(calls(Correction::Gibbs { slots: 1, calls: calls_set }, |_| 5), calls_set);
        }
    }
}
