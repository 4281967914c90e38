//! A derivation that may explain the text read so far, with its repairs. Unlike a parser's state it leaves slots
//! open until a word tells what they hold, so that a damaged or hidden first mention costs nothing.

use std::rc::Rc;

use super::Violation;
use crate::grammar::{Grammar, Node, NodeId, SlotId, WordId};
use crate::machine::State;

/// More fillings than this are not followed one by one; the word is kept as a condition instead.
const MAX_BRANCHES: usize = 3;

/// A repair and those before it.
#[derive(Debug)]
pub(super) struct Repair {
    pub violation: Violation,
    pub previous: Option<Rc<Repair>>,
}

/// A word that depends on slots still open, to be verified when they are filled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Condition {
    pub node: NodeId,
    pub word: WordId,
    pub position: usize,
}

/// A derivation in progress.
#[derive(Clone, Debug)]
pub(super) struct Hypothesis {
    pub state: State,
    pub conditions: Vec<Condition>,
    /// Entries that a slot drawn anew must not take again.
    pub barred: Vec<(SlotId, u8)>,
    /// Where each slot was filled.
    pub filled_at: Vec<(SlotId, usize)>,
    /// Cost of the repairs, plus a little for improbable choices.
    pub cost: f64,
    pub repairs: Option<Rc<Repair>>,
}

impl Hypothesis {
    pub fn new(state: State) -> Self {
        let (conditions, barred, filled_at) = (Vec::new(), Vec::new(), Vec::new());
        Hypothesis { state, conditions, barred, filled_at, cost: 0.0, repairs: None }
    }

    /// What must be equal for two hypotheses to have the same future.
    pub fn key(&self) -> (&State, &[Condition], &[(SlotId, u8)]) {
        (&self.state, &self.conditions, &self.barred)
    }

    /// The same with one more repair.
    pub fn repaired(mut self, violation: Violation, cost: f64) -> Self {
        self.cost += cost;
        self.repairs = Some(Rc::new(Repair { violation, previous: self.repairs.take() }));
        self
    }

    /// The positions at which the slots of a node were filled.
    pub fn antecedents(&self, grammar: &Grammar, node: NodeId) -> Vec<usize> {
        let Node::Inflect { slots, .. } = grammar.node(node) else { return Vec::new() };
        let known = |slot: &SlotId| self.filled_at.iter().rev().find(|(filled, _)| filled == slot);
        slots.iter().filter_map(known).map(|(_, position)| *position).collect()
    }

    /// Whether an entry may still be put into a slot: no other slot stands for the same thing.
    fn may_hold(&self, grammar: &Grammar, slot: SlotId, entry: u8) -> bool {
        let lemma = grammar.lemma(slot, entry);
        let used =
            |other: SlotId| self.state.entry(other).is_some_and(|held| grammar.lemma(other, held) == lemma);
        let barred = |&(other, held): &(SlotId, u8)| other == slot && grammar.lemma(other, held) == lemma;
        !grammar.slots().any(used) && !self.barred.iter().any(barred)
    }

    /// All ways to fill the open slots of a node so that it writes the word.
    pub fn fillings(&self, grammar: &Grammar, node: NodeId, word: WordId) -> Vec<Vec<(SlotId, u8)>> {
        let Node::Inflect { slots, words, .. } = grammar.node(node) else { return Vec::new() };
        let mut fillings = Vec::new();
        for (index, _) in words.iter().enumerate().filter(|(_, written)| **written == word) {
            let entries = grammar.entries_at(slots, index);
            let fits = |&(slot, entry): &(SlotId, u8)| match self.state.entry(slot) {
                Some(held) => held == entry,
                None => self.may_hold(grammar, slot, entry),
            };
            if entries.iter().all(fits) {
                fillings.push(
                    entries.into_iter().filter(|(slot, _)| self.state.entry(*slot).is_none()).collect(),
                );
            }
        }
        fillings
    }

    /// The words that the node can write as far as its slots are filled, each once.
    pub fn possible_words(&self, grammar: &Grammar, node: NodeId) -> Vec<WordId> {
        let Node::Inflect { slots, words, .. } = grammar.node(node) else { return Vec::new() };
        let mut possible = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let fits =
                |&(slot, entry): &(SlotId, u8)| self.state.entry(slot).is_none_or(|held| held == entry);
            if !possible.contains(word) && grammar.entries_at(slots, index).iter().all(fits) {
                possible.push(*word);
            }
        }
        possible
    }

    /// Every hypothesis in which the node writes the word that was read; empty if it cannot.
    pub fn matched(self, grammar: &Grammar, node: NodeId, word: WordId, position: usize) -> Vec<Hypothesis> {
        let mut fillings = self.fillings(grammar, node, word);
        if fillings.is_empty() {
            return Vec::new();
        }
        if fillings.len() <= MAX_BRANCHES {
            let last = fillings.pop();
            let mut out: Vec<_> =
                fillings.iter().map(|filling| self.clone().filled(filling, position)).collect();
            out.extend(last.map(|filling| self.filled(&filling, position)));
            return out;
        }
        // What all fillings have in common is certain; the rest is a condition.
        let common: Vec<_> = fillings[0]
            .iter()
            .filter(|pair| fillings.iter().all(|filling| filling.contains(pair)))
            .copied()
            .collect();
        let mut hypothesis = self.filled(&common, position);
        hypothesis.conditions.push(Condition { node, word, position });
        vec![hypothesis]
    }

    fn filled(mut self, filling: &[(SlotId, u8)], position: usize) -> Self {
        for &(slot, entry) in filling {
            self.state.fill(slot, entry);
            self.filled_at.push((slot, position));
        }
        self
    }
}
