//! What a masked run commits and opens in one step: the rules put together.

use super::adaptive::{self, Ranked};
use super::block::{self, Span};
use super::order::Place;
use super::parallelism::interval;
use super::remasking::{Believed, Rates, shares};
use super::step::prediction_of;
use super::{Checkpoint, Commit, DecodeSettings, Parallelism, Remasking, SlotMemory, SlotPrediction};
use crate::random::{Purpose, bernoulli, word};
use crate::sequence::{SlotState, TokenId};

/// A step of a masked run, being decided.
pub(super) struct Writing<'a> {
    pub settings: &'a DecodeSettings,
    pub state: &'a Checkpoint,
    /// The schedule step of this call.
    pub step: u32,
    pub seen: &'a [SlotPrediction],
    /// With what this call has shown. `// (slots)`
    pub memory: &'a [SlotMemory],
    pub block: Span,
    /// How many slots the schedule commits; rules that decide by what is predicted take another number.
    pub quota: usize,
    pub end_of_text: TokenId,
}

/// What a step does.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub commits: Vec<Commit>,
    pub noisy: Vec<Commit>,
    pub remasks: Vec<u32>,
}

impl Writing<'_> {
    pub fn changes(&self) -> Changes {
        let mut changes = match self.settings.remasking {
            Remasking::RunningConfidence { believed } => self.by_running_confidence(believed),
            remasking if remasking.is_ancestral() => self.by_rates(),
            _ => Changes { commits: self.first_of_order(self.quota, true), ..Changes::default() },
        };
        if self.settings.fill_after_end {
            self.fill(&mut changes.commits);
        }
        changes
    }

    fn is_masked(&self, slot: u32) -> bool {
        self.state.sequence.slots[slot as usize].state == SlotState::Masked
    }

    /// The masked slots that may go now, first of the order first; equals in reading order.
    fn ranked(&self) -> Vec<Ranked> {
        let may_go = |p: &SlotPrediction| {
            self.block.contains(p.slot)
                && self.is_masked(p.slot)
                && !block::waits(self.settings, &self.state.sequence, p.slot)
        };
        let rank = |(index, p): (usize, &SlotPrediction)| {
            let place = Place {
                slot: p.slot,
                block_start: self.block.start,
                block_length: self.block.len(),
                reveal_word: reveal_word(self.settings.seed, self.step, p.slot),
            };
            may_go(p).then(|| Ranked { priority: self.priority(place, p), index })
        };
        let mut ranked: Vec<Ranked> = self.seen.iter().enumerate().filter_map(rank).collect();
        ranked.sort_by(|a, b| b.priority.total_cmp(&a.priority));
        ranked
    }

    fn priority(&self, place: Place, seen: &SlotPrediction) -> f64 {
        let DecodeSettings { seed, order, order_temperature, .. } = *self.settings;
        if order_temperature == 0.0 {
            return order.priority(place, &seen.prediction);
        }
        let word = word(seed, self.state.call, seen.slot, Purpose::Order as u32);
        order.sampled(place, &seen.prediction, order_temperature, word)
    }

    /// Commits `count` slots, or as many as an adaptive rule finds safe.
    fn first_of_order(&self, count: usize, may_adapt: bool) -> Vec<Commit> {
        let mut ranked = self.ranked();
        let block = (self.block.start, self.block.len());
        let rule = self.settings.parallelism;
        let adapted =
            may_adapt.then(|| adaptive::count(rule, &mut ranked, self.seen, self.memory, block, self.step));
        let count = adapted.flatten().unwrap_or(count);
        ranked.iter().take(count).map(|r| self.seen[r.index].drawn()).collect()
    }

    /// ReMDM: reveals and remasks at the rates between two times.
    fn by_rates(&self) -> Changes {
        let Parallelism::Ancestral { steps, schedule } = self.settings.parallelism else {
            return Changes::default(); // refused by the settings
        };
        let (t, s) = interval(self.step, steps, self.settings.start_time);
        let Rates { remask, reveal } = self.settings.remasking.rates(|time| schedule.alpha(time), s, t);
        let (seed, step) = (self.settings.seed, self.step);
        let revealed = self
            .state
            .sequence
            .masked_slots()
            .filter(|&slot| bernoulli(reveal_word(seed, step, slot as u32), reveal));
        let commits = self.first_of_order(revealed.count(), false);
        let committed = |slot: &usize| self.state.sequence.slots[*slot].state == SlotState::Committed;
        let written: Vec<u32> =
            self.state.sequence.open_slots().filter(committed).map(|slot| slot as u32).collect();
        let shares = match self.settings.remasking {
            Remasking::Confidence => {
                let confidence = |slot: &u32| self.memory[*slot as usize].committed;
                shares(&written.iter().map(confidence).collect::<Vec<f32>>())
            }
            _ => vec![1.0; written.len()],
        };
        let opens = |&(slot, share): &(u32, f64)| {
            bernoulli(word(seed, step, slot, Purpose::Remask as u32), remask * share)
        };
        let remasks = written.into_iter().zip(shares).filter(opens).map(|(slot, _)| slot).collect();
        Changes { commits, noisy: Vec::new(), remasks }
    }

    /// RCR: as many slots as the quota says are written, those with the largest confidence.
    fn by_running_confidence(&self, believed: Believed) -> Changes {
        let open = |slot: &u32| self.state.sequence.slots[*slot as usize].state != SlotState::Given;
        let mut slots: Vec<u32> = (self.block.start..self.block.end).filter(open).collect();
        let masked = slots.iter().filter(|&&slot| self.is_masked(slot)).count();
        let written = slots.len() - masked + self.quota;
        let confidence = |slot: u32| self.confidence(slot, believed);
        slots.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
        let (kept, others) = slots.split_at(written.min(slots.len()));
        let commit = |&slot: &u32| prediction_of(self.seen, slot).map(SlotPrediction::drawn);
        let remasks = others.iter().copied().filter(|&slot| !self.is_masked(slot)).collect();
        Changes { commits: kept.iter().filter_map(commit).collect(), noisy: Vec::new(), remasks }
    }

    /// The probability that RCR goes by.
    fn confidence(&self, slot: u32, believed: Believed) -> f32 {
        let memory = self.memory[slot as usize];
        match (believed, prediction_of(self.seen, slot)) {
            (Believed::Largest, _) => memory.best,
            (Believed::Latest, Some(now)) => now.prediction.drawn.log_probability.exp(),
            (Believed::Latest, None) => memory.committed,
        }
    }

    /// Ends the text at its first committed end.
    fn fill(&self, commits: &mut Vec<Commit>) {
        let end = |c: &&Commit| c.token == self.end_of_text;
        let Some(first) = commits.iter().filter(end).map(|c| c.slot).min() else { return };
        let is_new = |slot: &u32| !commits.iter().any(|c| c.slot == *slot);
        let rest = self.state.sequence.masked_slots().map(|slot| slot as u32).filter(|&slot| slot > first);
        let filled: Vec<Commit> =
            rest.filter(is_new).map(|slot| Commit { slot, token: self.end_of_text }).collect();
        commits.extend(filled);
    }
}

/// The random word that decides on a slot at a step.
pub(super) fn reveal_word(seed: u32, step: u32, slot: u32) -> u32 {
    word(seed, step, slot, Purpose::Reveal as u32)
}
