//! Correction: what happens to a text that is already written in full.

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
        /// Temperature of the draws, at least 0; the paper's is .1.
        temperature: f32,
        /// Time told to the network, in [0, 1].
        time: f64,
        /// Calls without progress before it ends, at least 1; the paper's is 32.
        patience: u32,
        /// Most calls, at least 1.
        calls: u32,
    },
    /// For masked models: opens the slots that were committed with the smallest probability and writes them
    /// again, all in one call. Cost: `calls`. Known failure: the slots of one call are drawn independently.
    LeastSure {
        /// Slots per call, at least 1.
        slots: u32,
        /// Number of calls, at least 1.
        calls: u32,
    },
    /// For masked models: as [`Correction::LeastSure`] with random slots, a blocked Gibbs sampler: with an exact
    /// denoiser and one slot per call it leaves the right distribution as it is. Cost: `calls`.
    Gibbs {
        /// Slots per call, at least 1.
        slots: u32,
        /// Number of calls, at least 1.
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
