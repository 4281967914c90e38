//! The entropy of the language, estimated from stories whose probability is known exactly.

use serde::{Deserialize, Serialize};

use crate::generate::{StoryOptions, generate};
use crate::grammar::Grammar;
use crate::parse::log_probability;

/// Entropy of the language with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entropy {
    /// Stories that were drawn.
    pub stories: u64,
    /// Mean words of a story, punctuation included.
    pub words_per_story: f64,
    /// Mean of -log2 p(story).
    pub bits_per_story: f64,
    /// Standard error of `bits_per_story`.
    pub bits_per_story_error: f64,
    /// Bits per story over words per story: what a perfect model reaches on a long corpus of whole stories,
    /// their ends included, counted per word.
    pub bits_per_word: f64,
    /// Standard error of `bits_per_word` (ratio estimator, delta method).
    pub bits_per_word_error: f64,
    /// Bits per story over words and ends: the end of a story counts as one more word, as models count it.
    pub bits_per_unit: f64,
    /// Standard error of `bits_per_unit`.
    pub bits_per_unit_error: f64,
}

/// Estimates the entropy from the stories of `stories` seeds from `seed` on; `None` if fewer than two are asked
/// for or no story is as short as the options ask.
pub fn entropy(grammar: &Grammar, options: StoryOptions, seed: u64, stories: u64) -> Option<Entropy> {
    if stories < 2 {
        return None;
    }
    let draw = |seed| {
        let words = generate(grammar, options, seed)?.words;
        let bits = -log_probability(grammar, options, &words) / std::f64::consts::LN_2;
        Some((words.len() as f64, bits))
    };
    let draws: Vec<(f64, f64)> =
        (0..stories).map(|index| draw(seed.wrapping_add(index))).collect::<Option<_>>()?;
    let count = stories as f64;
    let mean = |value: &dyn Fn(&(f64, f64)) -> f64| draws.iter().map(value).sum::<f64>() / count;
    let words_per_story = mean(&|(words, _)| *words);
    let bits_per_story = mean(&|(_, bits)| *bits);
    let bits_per_word = bits_per_story / words_per_story;
    let bits_per_unit = bits_per_story / (words_per_story + 1.0);
    let error = |deviation: &dyn Fn(&(f64, f64)) -> f64| {
        (mean(&|draw| deviation(draw).powi(2)) / (count - 1.0)).sqrt()
    };
    Some(Entropy {
        stories,
        words_per_story,
        bits_per_story,
        bits_per_story_error: error(&|(_, bits)| bits - bits_per_story),
        bits_per_word,
        bits_per_word_error: error(&|(words, bits)| bits - bits_per_word * words) / words_per_story,
        bits_per_unit,
        bits_per_unit_error: error(&|(words, bits)| bits - bits_per_unit * (words + 1.0))
            / (words_per_story + 1.0),
    })
}
