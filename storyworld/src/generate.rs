//! Writing stories: the machine, with a random number at every choice.

use serde::{Deserialize, Serialize};

use crate::grammar::{Grammar, WordId};
use crate::machine::{Event, Machine, State};
use crate::random::Random;
use crate::text::detokenize;

/// What a story may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryOptions {
    /// Fewest words of a story, punctuation not included. Part of the distribution, as all limits: the grammar chooses
    /// among what still fits, so the probability of a story depends on them.
    pub min_words: u16,
    /// Most words of a story, punctuation included: what a window has to hold.
    pub max_words: u16,
    /// Most sentences of a story: full stops, question and exclamation marks outside of quotes.
    pub max_sentences: u16,
}

impl StoryOptions {
    /// Every story of the grammar.
    pub const UNLIMITED: Self = StoryOptions { min_words: 0, max_words: u16::MAX, max_sentences: u16::MAX };
}

impl Default for StoryOptions {
    /// At least 20 words, at most 8 sentences, and a window of 64 tokens less the end token.
    fn default() -> Self {
        StoryOptions { min_words: 20, max_words: 63, max_sentences: 8 }
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

/// The story of a seed: the same on every machine. `None` if the limits exclude all stories, or run into a dead end because
/// they leave hardly any (those of storyworld's defaults never do).
pub fn generate(grammar: &Grammar, options: StoryOptions, seed: u64) -> Option<Story> {
    let machine = Machine::new(grammar, options);
    let words = finish(&machine, machine.start()?, &mut Random::new(seed))?;
    Some(Story { words })
}

/// Writes from a state to the end of the story.
pub(crate) fn finish(machine: &Machine, mut state: State, random: &mut Random) -> Option<Vec<WordId>> {
    let (mut words, mut weights) = (Vec::new(), Vec::new());
    loop {
        match machine.run(&mut state, &mut weights) {
            Event::Write(node) => words.push(machine.word(&state, node)),
            Event::Choose if weights.iter().all(|weight| *weight == 0.0) => return None,
            Event::Choose => machine.take(&mut state, random.weighted(&weights)),
            Event::End => return Some(words),
        }
    }
}
