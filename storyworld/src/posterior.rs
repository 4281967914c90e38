//! Exact conditionals: the distribution of every hidden word given all visible ones, by the forward and the
//! backward algorithm over the states of the machine.

use std::collections::BTreeMap;
use std::fmt;

use crate::generate::StoryOptions;
use crate::grammar::{Grammar, WordId};
use crate::machine::Machine;
use crate::parse::{Frontier, end_probability, expand};

/// Why there are no conditionals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PosteriorError {
    /// No story of this length has the visible words.
    Impossible,
    /// More derivations stay open at one position than were allowed.
    TooManyStates {
        /// Position at which the limit was passed.
        position: usize,
        /// Most states that were allowed.
        limit: usize,
    },
}

impl fmt::Display for PosteriorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PosteriorError::Impossible => write!(f, "no story of this length has the visible words"),
            PosteriorError::TooManyStates { position, limit } => {
                write!(f, "more than {limit} derivations are open at word {position}")
            }
        }
    }
}

impl std::error::Error for PosteriorError {}

/// The exact posterior of a partly hidden story.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// p(word | all visible words) at each position, most probable first; at a visible position its word alone.
    /// `// (positions, words of positive probability)`
    pub words: Vec<Vec<(WordId, f64)>>,
    /// Natural logarithm of the probability that a story has this length and these visible words.
    pub log_evidence: f64,
}

/// One way to go on from a state of one position to a state of the next.
struct Edge {
    from: usize,
    to: usize,
    word: WordId,
    probability: f64,
}

/// All edges between two positions.
struct Step {
    edges: Vec<Edge>,
    /// Probability of each state from which edges start, given the visible words before.
    sources: Vec<f64>,
    /// Sum of the edges' probabilities.
    total: f64,
}

/// The exact posterior of the hidden words (`None`) of a story with exactly `words.len()` words.
///
/// Time and memory grow with the number of derivations that agree with the visible words, so a few hidden words
/// are quick and an empty page is not; `limit` bounds the states kept at one position.
pub fn posterior(
    grammar: &Grammar,
    options: StoryOptions,
    words: &[Option<WordId>],
    limit: usize,
) -> Result<Posterior, PosteriorError> {
    let machine = Machine::new(grammar, options);
    let mut states = vec![(machine.start().ok_or(PosteriorError::Impossible)?, 1.0)];
    let (mut steps, mut log_evidence) = (Vec::with_capacity(words.len()), 0.0);
    for (position, word) in words.iter().enumerate() {
        let sources = states.iter().map(|(_, probability)| *probability).collect();
        let (mut next, edges) = forward(&machine, states, *word, limit)
            .ok_or(PosteriorError::TooManyStates { position, limit })?;
        let total: f64 = next.iter().map(|(_, probability)| probability).sum();
        if total <= 0.0 {
            return Err(PosteriorError::Impossible);
        }
        next.iter_mut().for_each(|(_, probability)| *probability /= total);
        log_evidence += total.ln();
        steps.push(Step { edges, sources, total });
        states = next;
    }
    let ends: Vec<f64> = states.iter().map(|(state, _)| end_probability(&machine, state)).collect();
    let ended: f64 = states.iter().zip(&ends).map(|((_, probability), end)| probability * end).sum();
    if ended <= 0.0 {
        return Err(PosteriorError::Impossible);
    }
    let backward = ends.iter().map(|end| end / ended).collect();
    Ok(Posterior { words: backward_words(&steps, backward), log_evidence: log_evidence + ended.ln() })
}

type States = Vec<(crate::machine::State, f64)>;

/// The states after the next word and the edges to them, or `None` if they are too many.
fn forward(
    machine: &Machine,
    states: States,
    word: Option<WordId>,
    limit: usize,
) -> Option<(States, Vec<Edge>)> {
    let (mut next, mut edges) = (Frontier::default(), Vec::new());
    for (from, (state, probability)) in states.into_iter().enumerate() {
        expand(machine, state, probability, word, &mut |word, state, probability| {
            let to = next.add(state, probability);
            edges.push(Edge { from, to, word, probability });
        });
        if next.states.len() > limit {
            return None;
        }
    }
    Some((next.states, edges))
}

/// Word distributions at all positions, found from the last to the first. An edge's probability already holds
/// that of the way to it, so times what follows it is the posterior of the edge.
fn backward_words(steps: &[Step], mut backward: Vec<f64>) -> Vec<Vec<(WordId, f64)>> {
    let mut positions = Vec::with_capacity(steps.len());
    for Step { edges, sources, total } in steps.iter().rev() {
        let mut joint = vec![0.0; sources.len()];
        let mut words: BTreeMap<WordId, f64> = BTreeMap::new();
        for edge in edges {
            let posterior = edge.probability / total * backward[edge.to];
            *words.entry(edge.word).or_default() += posterior;
            joint[edge.from] += posterior;
        }
        let mut sorted: Vec<(WordId, f64)> = words.into_iter().filter(|(_, p)| *p > 0.0).collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
        positions.push(sorted);
        backward = joint.iter().zip(sources).map(|(joint, source)| joint / source).collect();
    }
    positions.reverse();
    positions
}
