//! The one machine that walks the grammar. It runs until a word is written, a choice is open or the story ends;
//! who decides the choice (a random number, a word to be matched) is the interpreter's affair.

use crate::extent::Extent;
use crate::generate::StoryOptions;
use crate::grammar::{Grammar, Node, NodeId, SlotId, WordId};

/// An empty slot.
const EMPTY: u8 = u8::MAX;

/// Where a derivation stands: what is still to be written, and the world so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Nodes still to be walked, next one last.
    stack: Vec<NodeId>,
    /// Entry in each slot.
    slots: Vec<u8>,
    /// Words that may still be written, beyond the fewest that the stack needs.
    spare: u16,
    /// Sentences that may still be written, beyond the fewest that the stack needs.
    spare_sentences: u16,
    /// Words without punctuation that must still be written. It ends at zero, so that states merge from there on.
    owed: u16,
}

impl State {
    /// The entry in a slot, unless it is empty.
    pub fn entry(&self, slot: SlotId) -> Option<u8> {
        Some(self.slots[usize::from(slot.0)]).filter(|entry| *entry != EMPTY)
    }

    /// Fills a slot.
    pub fn fill(&mut self, slot: SlotId, entry: u8) {
        self.slots[usize::from(slot.0)] = entry;
    }
}

/// Why the machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A word is due: [`Machine::word`] says which.
    Write(NodeId),
    /// A choice is open: the weights are in `options`, and [`Machine::take`] goes on.
    Choose,
    /// The story is complete.
    End,
}

/// Walks a grammar within limits of length.
///
/// At a choice, alternatives that could not be brought to an end within the limits have weight zero. So every
/// story fits, nothing is ever rejected, and the probability of each decision is known where it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine<'a> {
    grammar: &'a Grammar,
    options: StoryOptions,
}

impl<'a> Machine<'a> {
    pub fn new(grammar: &'a Grammar, options: StoryOptions) -> Self {
        Machine { grammar, options }
    }

    /// The state before the first word, or `None` if no story keeps to one of the limits. Limits that exclude
    /// each other only together lead to states without a future, where [`Machine::run`] leaves all weights zero.
    pub fn start(&self) -> Option<State> {
        let start = self.grammar.start;
        let Extent { least_words, most_words, least_sentences } = self.extent(start);
        (most_words >= self.options.min_words).then_some(())?;
        Some(State {
            stack: vec![start],
            slots: vec![EMPTY; self.grammar.slot_count()],
            spare: self.options.max_words.checked_sub(least_words)?,
            spare_sentences: self.options.max_sentences.checked_sub(least_sentences)?,
            owed: self.options.min_words,
        })
    }

    /// Runs to the next event; an open choice leaves its weights (not normalised) in `options`.
    pub fn run(&self, state: &mut State, options: &mut Vec<f64>) -> Event {
        while let Some(&top) = state.stack.last() {
            match self.node(top) {
                Node::Choice(parts) => {
                    options.clear();
                    let missing = self.missing(state);
                    let fits = |part| {
                        self.extent(part).most_words >= missing && self.after(state, top, part).is_some()
                    };
                    options
                        .extend(parts.iter().map(|(weight, part)| if fits(*part) { *weight } else { 0.0 }));
                    return Event::Choose;
                }
                Node::Draw(slot) => {
                    self.draw_weights(state, *slot, options);
                    return Event::Choose;
                }
                Node::Word(_) | Node::Inflect { .. } => {
                    state.stack.pop();
                    state.owed = state.owed.saturating_sub(self.extent(top).most_words);
                    return Event::Write(top);
                }
                Node::Set(slot, entry) => {
                    state.stack.pop();
                    state.slots[usize::from(slot.0)] = *entry;
                }
                Node::Sequence(parts) => {
                    state.stack.pop();
                    state.stack.extend(parts.iter().rev());
                }
            }
        }
        Event::End
    }

    /// The word of a node that is due. Its slots are filled.
    pub fn word(&self, state: &State, node: NodeId) -> WordId {
        match self.node(node) {
            Node::Word(word) => *word,
            Node::Inflect { slots, words, .. } => words[self.table_index(state, slots)],
            other => unreachable!("no word is due at {other:?}"),
        }
    }

    /// Decides the open choice.
    pub fn take(&self, state: &mut State, option: usize) {
        let Some(top) = state.stack.pop() else { return };
        match self.node(top) {
            Node::Choice(parts) => {
                let part = parts[option].1;
                let left = self.after(state, top, part);
                (state.spare, state.spare_sentences) = left.unwrap_or_default();
                state.stack.push(part);
            }
            Node::Draw(slot) => state.slots[usize::from(slot.0)] = option as u8,
            other => unreachable!("no choice is open at {other:?}"),
        }
    }

    /// Whether an option of the open choice may write the word next. May say yes where the answer is no.
    pub fn admits(&self, state: &State, option: usize, word: WordId) -> bool {
        self.open_part(state, option).is_none_or(|part| self.grammar.first.admits(part, word))
    }

    /// Whether an option of the open choice may write nothing.
    pub fn may_be_silent(&self, state: &State, option: usize) -> bool {
        self.open_part(state, option).is_none_or(|part| self.grammar.first.may_be_silent(part))
    }

    /// The node behind an option of the open choice; a draw has none.
    fn open_part(&self, state: &State, option: usize) -> Option<usize> {
        match self.node(*state.stack.last()?) {
            Node::Choice(parts) => Some(parts[option].1.0 as usize),
            _ => None,
        }
    }

    /// Whether the story may end here without a further word.
    pub fn may_end(&self, state: &State) -> bool {
        let silent = |node: &NodeId| self.grammar.first.may_be_silent(node.0 as usize);
        state.stack.iter().all(silent)
    }

    /// The slot that the open choice fills, if it is a draw.
    pub fn open_draw(&self, state: &State) -> Option<SlotId> {
        match self.node(*state.stack.last()?) {
            Node::Draw(slot) => Some(*slot),
            _ => None,
        }
    }

    /// Passes over an open draw: the slot is left empty, to be filled when a word tells its entry.
    pub fn leave_open(&self, state: &mut State, slot: SlotId) {
        state.stack.pop();
        state.slots[usize::from(slot.0)] = EMPTY;
    }

    pub fn node(&self, id: NodeId) -> &'a Node {
        &self.grammar.nodes[id.0 as usize]
    }

    fn extent(&self, id: NodeId) -> Extent {
        self.grammar.extents[id.0 as usize]
    }

    /// Words that the node on top has to write, because all that is below it cannot write them.
    fn missing(&self, state: &State) -> u16 {
        let below = state.stack.iter().rev().skip(1);
        below.fold(state.owed, |owed, node| owed.saturating_sub(self.extent(*node).most_words))
    }

    /// What is left of words and sentences once `part` takes the place of `choice`; `None` if a limit would be passed.
    fn after(&self, state: &State, choice: NodeId, part: NodeId) -> Option<(u16, u16)> {
        let (whole, part) = (self.extent(choice), self.extent(part));
        Some((
            state.spare.checked_sub(part.least_words - whole.least_words)?,
            state.spare_sentences.checked_sub(part.least_sentences - whole.least_sentences)?,
        ))
    }

    /// Weights of the entries of a slot's class; what another slot already stands for has none.
    fn draw_weights(&self, state: &State, slot: SlotId, options: &mut Vec<f64>) {
        let class = self.grammar.class_of(slot);
        options.clear();
        options.extend(self.grammar.lexicon.classes[class].entries.iter().map(|entry| entry.weight));
        let lemmas = &self.grammar.lemmas[class];
        for (other, &entry) in state.slots.iter().enumerate().filter(|(_, entry)| **entry != EMPTY) {
            let used = self.grammar.lemmas[self.grammar.class_of(SlotId(other as u8))][usize::from(entry)];
            for (option, _) in lemmas.iter().enumerate().filter(|(_, lemma)| **lemma == used) {
                options[option] = 0.0;
            }
        }
        assert!(options.iter().any(|weight| *weight > 0.0), "a class has no entry left to draw");
    }

    fn table_index(&self, state: &State, slots: &[SlotId]) -> usize {
        let entries =
            |slot: &SlotId| self.grammar.lexicon.classes[self.grammar.class_of(*slot)].entries.len();
        slots.iter().fold(0, |index, slot| {
            let entry = usize::from(state.slots[usize::from(slot.0)]);
            assert!(
                entry < entries(slot),
                "slot {} is written before it is drawn",
                self.grammar.lexicon.slots[usize::from(slot.0)].0
            );
            index * entries(slot) + entry
        })
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a helper of tests fails by panicking")]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Opens the state up to its next choice. Draws are passed over, for what they draw decides nothing that could fail.
    fn open_choice<'a>(machine: &Machine<'a>, state: &mut State) -> Option<&'a [(f64, NodeId)]> {
        while let Some(&top) = state.stack.last() {
            if let Node::Choice(parts) = machine.node(top) {
                return Some(parts);
            }
            state.stack.pop();
            match machine.node(top) {
                Node::Sequence(parts) => state.stack.extend(parts.iter().rev()),
                _ => state.owed = state.owed.saturating_sub(machine.extent(top).most_words),
            }
        }
        assert_eq!(state.owed, 0, "a story ended that owes words");
        None
    }

    /// Every state that the default limits can reach: each has a way on, so no seed has no story.
    #[test]
    fn no_state_of_storyworld_is_a_dead_end() {
        let machine = Machine::new(Grammar::storyworld(), StoryOptions::default());
        let mut open = vec![machine.start().expect("stories keep to the default limits")];
        let mut seen = HashSet::new();
        while let Some(mut state) = open.pop() {
            let Some(parts) = open_choice(&machine, &mut state) else { continue };
            if !seen.insert(state.clone()) {
                continue;
            }
            let mut weights = Vec::new();
            machine.run(&mut state, &mut weights);
            let options = (0..parts.len()).filter(|option| weights[*option] > 0.0);
            let before = open.len();
            open.extend(options.map(|option| {
                let mut next = state.clone();
                machine.take(&mut next, option);
                next
            }));
            assert!(open.len() > before, "no way on from {state:?}");
        }
        assert!(seen.len() > 10_000, "only {} states were seen", seen.len());
    }
}
