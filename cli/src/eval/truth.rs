//! How far from the truth: the exact bits of the same texts under storyworld.

use diffusion::TokenId;
use diffusion::measure::{Bound, Estimate, TextBound};
use model_loader::Tokenizer;
use serde::Serialize;
use storyworld::{Grammar, StoryOptions, WordId, log_probability};

use super::passages::Passage;
use crate::language::storyworld_words;

/// The texts that are storyworld's, under it and under the model. Units are those of the bound.
#[derive(Serialize)]
pub struct Truth {
    /// −log2 of the probability that storyworld writes these texts.
    pub exact: Bound,
    /// The model's bound of these texts minus that: what the model has not learned, and how loose its bound is.
    pub gap: Bound,
    /// Texts that storyworld never writes, left out of both.
    pub outside: usize,
}

impl Truth {
    /// Nothing for a model of another language, or if none of the texts is storyworld's.
    pub fn of(tokenizer: &Tokenizer, passages: &[Passage], bounds: &[TextBound]) -> Option<Self> {
        let words = storyworld_words(tokenizer)?;
        let exact = passages.iter().map(|passage| exact_bits(&words, &passage.window));
        let pairs: Vec<(f64, TextBound)> =
            exact.zip(bounds).filter_map(|(exact, bound)| Some((exact?, *bound))).collect();
        let truth = |&(value, bound): &(f64, TextBound)| TextBound {
            bits: Estimate { value, standard_error: 0.0, samples: 1 },
            ..bound
        };
        let gap = |&(exact, bound): &(f64, TextBound)| TextBound {
            bits: Estimate { value: bound.bits.value - exact, ..bound.bits },
            ..bound
        };
        Some(Self {
            exact: Bound::of(&pairs.iter().map(truth).collect::<Vec<_>>())?,
            gap: Bound::of(&pairs.iter().map(gap).collect::<Vec<_>>())?,
            outside: passages.len() - pairs.len(),
        })
    }
}

/// −log2 p of a window's words; nothing where that is infinite.
fn exact_bits(words: &[Option<WordId>], window: &[TokenId]) -> Option<f64> {
    let word = |token: &TokenId| words.get(token.0 as usize).copied().flatten();
    let story: Vec<WordId> = window.iter().map_while(word).collect();
    let bits =
        -log_probability(Grammar::storyworld(), StoryOptions::default(), &story) / std::f64::consts::LN_2;
    bits.is_finite().then_some(bits)
}
