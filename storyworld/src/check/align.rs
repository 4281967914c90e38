//! Finds the derivation with the cheapest repairs: a beam search over hypotheses, one word of the text at a time.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::classify::{extra_word, gap, wrong_word};
use super::hypothesis::{Condition, Hypothesis};
use super::{Observed, Violation, ViolationKind};
use crate::generate::StoryOptions;
use crate::grammar::{Grammar, Node, NodeId, WordId};
use crate::machine::{Event, Machine};

/// Most hypotheses kept after a word.
const BEAM: usize = 384;
/// Hypotheses that cost this much more than the best are dropped.
const WINDOW: f64 = 2.3;
/// What an improbable choice costs, per nat: only to decide between equal repairs.
const PRIOR: f64 = 0.004;

/// The cheapest repairs of the text, in the order of positions.
pub(super) fn align(grammar: &Grammar, words: &[Observed]) -> Vec<Violation> {
    let visible = words.iter().rposition(|word| *word != Observed::Hidden).map_or(0, |last| last + 1);
    let machine = Machine::new(grammar, StoryOptions::UNLIMITED);
    let whole = visible == words.len();
    let search = |repairs| Aligner { grammar, machine, words: &words[..visible], repairs }.search(whole);
    let best = search(false).or_else(|| search(true));
    let mut violations = Vec::new();
    let mut repair = best.as_ref().and_then(|best| best.repairs.as_ref());
    while let Some(found) = repair {
        violations.push(found.violation.clone());
        repair = found.previous.as_ref();
    }
    violations.sort_by_key(|violation| violation.positions[0]);
    violations.dedup_by(|next, run| continues(run, next));
    violations
}

/// Joins words side by side that cannot stand where they stand: they are one fault.
fn continues(run: &mut Violation, next: &Violation) -> bool {
    let both = run.kind == ViolationKind::WordOrder && next.kind == ViolationKind::WordOrder;
    let adjacent = run.positions.last().is_some_and(|last| next.positions[0] <= last + 1);
    if both && adjacent {
        run.positions.extend_from_slice(&next.positions);
        run.positions.dedup();
    }
    both && adjacent
}

struct Aligner<'a> {
    grammar: &'a Grammar,
    machine: Machine<'a>,
    words: &'a [Observed],
    /// Whether the text may be repaired.
    repairs: bool,
}

/// Hypotheses after the same word; of those with the same future only the cheapest is kept.
#[derive(Default)]
struct Beam {
    hypotheses: Vec<Hypothesis>,
    index: HashMap<u64, usize>,
}

impl Beam {
    fn add(&mut self, hypothesis: Hypothesis) {
        let mut hasher = DefaultHasher::new();
        hypothesis.key().hash(&mut hasher);
        let next = self.hypotheses.len();
        let index = *self.index.entry(hasher.finish()).or_insert(next);
        if index == next {
            self.hypotheses.push(hypothesis);
        } else if hypothesis.cost < self.hypotheses[index].cost {
            self.hypotheses[index] = hypothesis;
        }
    }

    fn pruned(mut self) -> Vec<Hypothesis> {
        self.hypotheses.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        let limit = self.hypotheses.first().map_or(0.0, |best| best.cost + WINDOW);
        let keep = self.hypotheses.partition_point(|hypothesis| hypothesis.cost <= limit);
        self.hypotheses.truncate(keep.min(BEAM));
        self.hypotheses
    }
}

impl Aligner<'_> {
    /// The best explanation of all words, or `None` if repairs are not allowed and there is none without.
    fn search(&self, whole: bool) -> Option<Hypothesis> {
        let mut beam = vec![Hypothesis::new(self.machine.start()?)];
        for position in 0..self.words.len() {
            let mut next = Beam::default();
            let best = beam.first()?.cost;
            for hypothesis in beam {
                // A repair costs at least .7: not worth trying where it would be dropped at once.
                let repairs = self.repairs && hypothesis.cost + 0.7 <= best + WINDOW;
                self.step(hypothesis, position, repairs, &mut next);
            }
            beam = if self.repairs { next.pruned() } else { next.hypotheses };
        }
        if whole && !self.words.is_empty() {
            beam = beam.into_iter().filter_map(|hypothesis| self.ended(hypothesis)).collect();
        }
        beam.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    fn step(&self, hypothesis: Hypothesis, position: usize, repairs: bool, out: &mut Beam) {
        let observed = self.words[position];
        let only = match observed {
            Observed::Known(word) if !repairs => Some(word),
            _ => None,
        };
        if repairs {
            let (violation, cost) = extra_word(self.words, position);
            out.add(hypothesis.clone().repaired(violation, cost));
        }
        self.leaves(hypothesis, only, &mut |node, leaf| {
            if repairs {
                self.repair(node, &leaf, position, out);
            }
            self.read(node, leaf, position, out);
        });
    }

    /// The word is wrong, or one is missing before it.
    fn repair(&self, node: NodeId, leaf: &Hypothesis, position: usize, out: &mut Beam) {
        let observed = self.words[position];
        if observed != Observed::Hidden {
            let (violation, cost) = wrong_word(self.grammar, leaf, node, self.words, position);
            out.add(leaf.clone().repaired(violation, cost));
        }
        if let Observed::Known(word) = observed {
            let (violation, cost) = gap(position);
            let after = leaf.clone().repaired(violation, cost);
            self.leaves(after, Some(word), &mut |node, leaf| self.read(node, leaf, position, out));
        }
    }

    /// The word is what is due at the node.
    fn read(&self, node: NodeId, leaf: Hypothesis, position: usize, out: &mut Beam) {
        match (self.words[position], self.grammar.node(node)) {
            (Observed::Unknown, _) => {}
            (Observed::Hidden, _) => out.add(leaf),
            (Observed::Known(word), Node::Word(due)) => {
                if word == *due {
                    out.add(leaf);
                }
            }
            (Observed::Known(word), _) => {
                for matched in leaf.matched(self.grammar, node, word, position) {
                    if let Some(verified) = self.verified(matched) {
                        out.add(verified);
                    }
                }
            }
        }
    }

    /// Settles the conditions that filled slots have decided. A broken one needs a repair at its own position.
    fn verified(&self, mut hypothesis: Hypothesis) -> Option<Hypothesis> {
        let conditions = std::mem::take(&mut hypothesis.conditions);
        for Condition { node, word, position } in conditions {
            let possible = hypothesis.possible_words(self.grammar, node);
            if !possible.contains(&word) {
                if !self.repairs {
                    return None;
                }
                let (violation, cost) = wrong_word(self.grammar, &hypothesis, node, self.words, position);
                hypothesis = hypothesis.repaired(violation, cost);
            } else if possible.len() > 1 {
                hypothesis.conditions.push(Condition { node, word, position });
            }
        }
        Some(hypothesis)
    }

    /// Walks all choices down to the next word that is due. With a word given, leaves out what cannot begin with it.
    fn leaves(
        &self,
        mut hypothesis: Hypothesis,
        only: Option<WordId>,
        visit: &mut impl FnMut(NodeId, Hypothesis),
    ) {
        let mut weights = Vec::new();
        match self.machine.run(&mut hypothesis.state, &mut weights) {
            Event::End => {}
            Event::Write(node) => visit(node, hypothesis),
            Event::Choose => {
                if let Some(slot) = self.machine.open_draw(&hypothesis.state) {
                    if let Some(entry) = hypothesis.state.entry(slot) {
                        hypothesis.barred.push((slot, entry));
                    }
                    self.machine.leave_open(&mut hypothesis.state, slot);
                    return self.leaves(hypothesis, only, visit);
                }
                let total: f64 = weights.iter().sum();
                for (option, weight) in weights.into_iter().enumerate() {
                    if only.is_none_or(|word| self.machine.admits(&hypothesis.state, option, word)) {
                        let mut branch = hypothesis.clone();
                        self.machine.take(&mut branch.state, option);
                        branch.cost -= PRIOR * (weight / total).ln();
                        self.leaves(branch, only, visit);
                    }
                }
            }
        }
    }

    /// The hypothesis at the end of the text: complete, or with the repair that it breaks off.
    fn ended(&self, hypothesis: Hypothesis) -> Option<Hypothesis> {
        if self.machine.may_end(&hypothesis.state) {
            return Some(hypothesis);
        }
        let (violation, cost) = gap(self.words.len() - 1);
        self.repairs.then(|| hypothesis.repaired(violation, cost))
    }
}
