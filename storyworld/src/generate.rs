//! Writing stories: the machine, with a random number at every choice.

use serde::{Deserialize, Serialize};

use crate::grammar::{Grammar, WordId};
use crate::machine::{Event, Machine};
use crate::random::Random;
use crate::text::detokenize;

/// What a story may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryOptions {
    /// Most words of a story, punctuation included. Part of the distribution: the grammar chooses among what
    /// still fits, so the probability of a story depends on it.
    pub max_words: u16,
}

impl Default for StoryOptions {
    /// A window of 64 tokens less the end token.
    fn default() -> Self {
        StoryOptions { max_words: 63 }
    }
}

/// A story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its words and punctuation marks.
    pub words: Vec<WordId>,
}

impl Story {
    /// The story as it is printed.
    pub fn text(&self, grammar: &Grammar) -> String {
        detokenize(self.words.iter().map(|&word| grammar.word(word)))
    }

    /// The words separated by single spaces, as a line of a corpus.
    pub fn line(&self, grammar: &Grammar) -> String {
        self.words.iter().map(|&word| grammar.word(word)).collect::<Vec<_>>().join(" ")
    }
}

/// The story of a seed: the same on every machine.
pub fn generate(grammar: &Grammar, options: StoryOptions, seed: u64) -> Option<Story> {
    let machine = Machine::new(grammar, options.max_words);
    let mut random = Random::new(seed);
    let mut state = machine.start()?;
    let (mut words, mut weights) = (Vec::new(), Vec::new());
    loop {
        match machine.run(&mut state, &mut weights) {
            Event::Write(node) => words.push(machine.word(&state, node)),
            Event::Choose => machine.take(&mut state, random.weighted(&weights)),
            Event::End => return Some(Story { words }),
        }
    }
}
