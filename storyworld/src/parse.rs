//! Exact probabilities by parsing: all derivations of a text at once, word by word (the forward algorithm over
//! the states of the machine). States that agree in everything still to come are merged, so the sum is exact.

use std::collections::{BTreeMap, HashMap};

use crate::generate::{StoryOptions, finish};
use crate::grammar::{Grammar, WordId};
use crate::machine::{Event, Machine, State};
use crate::random::Random;

/// Natural logarithm of the probability that [`crate::generate`] with these options writes exactly these words;
/// minus infinity for a text outside the language.
///
/// The sum runs over all derivations of the text. Nothing is rejected by the generator, so the probabilities of
/// all texts sum to one.
pub fn log_probability(grammar: &Grammar, options: StoryOptions, words: &[WordId]) -> f64 {
    let machine = Machine::new(grammar, options);
    let read = Forward::new(&machine).and_then(|forward| forward.read_all(&machine, words));
    let Some(Forward { states, log_probability }) = read else { return f64::NEG_INFINITY };
    let ended: f64 =
        states.iter().map(|(state, probability)| probability * end_probability(&machine, state)).sum();
    log_probability + ended.ln()
}

/// The exact distribution of the word after a prefix, in the order of word identifiers: p(word | prefix). What is
/// missing to one is the probability that the story has ended. Empty for a prefix outside the language.
pub fn next_words(grammar: &Grammar, options: StoryOptions, prefix: &[WordId]) -> Vec<(WordId, f64)> {
    let machine = Machine::new(grammar, options);
    let mut words: BTreeMap<WordId, f64> = BTreeMap::new();
    let states = Forward::new(&machine).and_then(|forward| forward.read_all(&machine, prefix));
    for (state, probability) in states.map(|forward| forward.states).unwrap_or_default() {
        expand(&machine, state, probability, None, &mut |word, _, probability| {
            *words.entry(word).or_default() += probability;
        });
    }
    words.into_iter().collect()
}

/// All ways to go on from an opening, with their probabilities: exact draws of p(rest | opening).
pub struct Continuations<'a> {
    machine: Machine<'a>,
    states: Vec<State>,
    weights: Vec<f64>,
}

impl<'a> Continuations<'a> {
    /// Reads an opening; `None` if no story begins so.
    pub fn of(grammar: &'a Grammar, options: StoryOptions, opening: &[WordId]) -> Option<Self> {
        let machine = Machine::new(grammar, options);
        let read = Forward::new(&machine)?.read_all(&machine, opening)?;
        let (states, weights) = read.states.into_iter().unzip();
        Some(Self { machine, states, weights })
    }

    /// The words after the opening in the story of a seed; nothing in the rare case of a dead end, as with
    /// [`generate`](crate::generate).
    pub fn draw(&self, seed: u64) -> Option<Vec<WordId>> {
        let mut random = Random::new(seed);
        let state = self.states[random.weighted(&self.weights)].clone();
        finish(&self.machine, state, &mut random)
    }
}

/// The states after some words, with their probabilities given these words.
struct Forward {
    states: Vec<(State, f64)>,
    /// Natural logarithm of the probability of the words.
    log_probability: f64,
}

impl Forward {
    fn new(machine: &Machine) -> Option<Self> {
        Some(Forward { states: vec![(machine.start()?, 1.0)], log_probability: 0.0 })
    }

    fn read_all(mut self, machine: &Machine, words: &[WordId]) -> Option<Self> {
        for &word in words {
            let mut next = Frontier::default();
            for (state, probability) in self.states {
                expand(machine, state, probability, Some(word), &mut |_, state, probability| {
                    next.add(state, probability);
                });
            }
            let total: f64 = next.states.iter().map(|(_, probability)| probability).sum();
            if total <= 0.0 {
                return None;
            }
            self.log_probability += total.ln();
            self.states = next.states;
            self.states.iter_mut().for_each(|(_, probability)| *probability /= total);
        }
        Some(self)
    }
}

/// States with their probabilities, equal states merged, in the order in which they were first reached.
#[derive(Default)]
pub(crate) struct Frontier {
    pub states: Vec<(State, f64)>,
    index: HashMap<State, usize>,
}

impl Frontier {
    /// Adds probability to a state and returns its number.
    pub fn add(&mut self, state: State, probability: f64) -> usize {
        if let Some(&index) = self.index.get(&state) {
            self.states[index].1 += probability;
            return index;
        }
        self.index.insert(state.clone(), self.states.len());
        self.states.push((state, probability));
        self.states.len() - 1
    }
}

/// Calls `visit` with every way to write the next word: the word, the state after it and its probability.
/// With a word given, only the ways to write that word.
pub(crate) fn expand(
    machine: &Machine,
    mut state: State,
    probability: f64,
    word: Option<WordId>,
    visit: &mut impl FnMut(WordId, State, f64),
) {
    let mut weights = Vec::new();
    match machine.run(&mut state, &mut weights) {
        Event::End => {}
        Event::Write(node) => {
            let written = machine.word(&state, node);
            if word.is_none_or(|word| word == written) {
                visit(written, state, probability);
            }
        }
        Event::Choose => {
            let total: f64 = weights.iter().sum();
            for (option, weight) in weights.into_iter().enumerate() {
                if weight > 0.0 && word.is_none_or(|word| machine.admits(&state, option, word)) {
                    let mut branch = state.clone();
                    machine.take(&mut branch, option);
                    expand(machine, branch, probability * weight / total, word, visit);
                }
            }
        }
    }
}

/// Probability that the story ends here without a further word.
pub(crate) fn end_probability(machine: &Machine, state: &State) -> f64 {
    let (mut state, mut weights) = (state.clone(), Vec::new());
    match machine.run(&mut state, &mut weights) {
        Event::End => 1.0,
        Event::Write(_) => 0.0,
        Event::Choose => {
            let total: f64 = weights.iter().sum();
            let branch = |(option, weight): (usize, &f64)| {
                let mut branch = state.clone();
                machine.take(&mut branch, option);
                weight / total * end_probability(machine, &branch)
            };
            weights
                .iter()
                .enumerate()
                .filter(|(option, weight)| **weight > 0.0 && machine.may_be_silent(&state, *option))
                .map(branch)
                .sum()
        }
    }
}
