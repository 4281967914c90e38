//! What is known about the language of a model: for storyworld, everything.

use std::collections::{HashMap, HashSet};

use diffusion::TokenId;
use diffusion::measure::Estimate;
use diffusion::measure::surface::{estimate_over_texts, grams, unseen_share};
use model_loader::Tokenizer;
use storyworld::{Grammar, StoryOptions, check, generate};

use crate::language::storyworld_words;

/// Stories that n-grams are compared with.
const REFERENCE_STORIES: u64 = 20_000;
/// Stories that say how many n-grams a right text has that the reference does not.
const HELD_OUT_STORIES: u64 = 2_000;
/// Seeds of both begin here, far from those of training and validation.
const FIRST_SEED: u64 = 3_000_000_000;
/// Words in an n-gram.
const GRAM: usize = 3;
/// Number of words that count as common.
const COMMON: usize = 20;

/// The language that a model writes, if it is storyworld.
pub struct World {
    words: Vec<Option<String>>,
    known: Option<Known>,
}

/// What storyworld's own stories say.
struct Known {
    grams: HashSet<Vec<TokenId>>,
    /// Share of unseen n-grams in stories that are right, a mean over them.
    held_out_unseen: Option<Estimate>,
    common: HashSet<TokenId>,
}

impl World {
    /// Looks whether all words of the model are storyworld's, and if so generates stories to compare with.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let words: Vec<Option<String>> =
            (0..tokenizer.vocab_size() as u32).map(|token| tokenizer.word(token).map(String::from)).collect();
        let known = storyworld_words(tokenizer).map(|_| Known::new(Grammar::storyworld(), &words));
        Self { words, known }
    }

    /// What is broken in a text, as storyworld's checker counts; `None` for another language.
    pub fn violations(&self, text: &[TokenId]) -> Option<f64> {
        self.known.as_ref()?;
        let words: Vec<Option<&str>> =
            text.iter().map(|token| self.words.get(token.0 as usize)?.as_deref()).collect();
        Some(check(Grammar::storyworld(), &words).len() as f64)
    }

    /// Share of a text's n-grams that no reference story has; `None` for another language or a text that is too short.
    pub fn unseen_share(&self, text: &[TokenId]) -> Option<f64> {
        unseen_share([text], &self.known.as_ref()?.grams, GRAM)
    }

    /// The same of stories that are right.
    pub fn held_out_unseen(&self) -> Option<Estimate> {
        self.known.as_ref()?.held_out_unseen
    }

    /// Share of a text's words that are among the commonest; `None` for another language or no words.
    pub fn common_share(&self, text: &[TokenId]) -> Option<f64> {
        let known = self.known.as_ref()?;
        let common = text.iter().filter(|token| known.common.contains(token)).count();
        (!text.is_empty()).then(|| common as f64 / text.len() as f64)
    }
}

impl Known {
    fn new(grammar: &Grammar, words: &[Option<String>]) -> Self {
        let tokens: HashMap<&str, TokenId> =
            (0..).zip(words).filter_map(|(id, word)| Some((word.as_deref()?, TokenId(id)))).collect();
        let story = |seed: u64| -> Option<Vec<TokenId>> {
            let story = generate(grammar, StoryOptions::default(), FIRST_SEED + seed)?;
            story.words.iter().map(|&word| tokens.get(grammar.word(word)).copied()).collect()
        };
        let reference: Vec<Vec<TokenId>> = (0..REFERENCE_STORIES).filter_map(story).collect();
        let held_out: Vec<Vec<TokenId>> =
            (REFERENCE_STORIES..REFERENCE_STORIES + HELD_OUT_STORIES).filter_map(story).collect();
        let seen: HashSet<&[TokenId]> = grams(reference.iter().map(Vec::as_slice), GRAM).collect();
        let held_out_unseen =
            estimate_over_texts(held_out.iter().map(Vec::as_slice), |text| unseen_share([text], &seen, GRAM));
        Self {
            held_out_unseen,
            grams: seen.into_iter().map(<[TokenId]>::to_vec).collect(),
            common: commonest(&reference),
        }
    }
}

#[cfg(test)]
impl World {
    /// Of another language.
    pub fn unknown() -> Self {
        Self { words: Vec::new(), known: None }
    }

    /// Whose right stories have no unseen n-grams.
    pub fn without_unseen() -> Self {
        let nothing = Estimate { value: 0.0, standard_error: 0.0, samples: 2 };
        let (grams, common) = (HashSet::new(), HashSet::new());
        Self { words: Vec::new(), known: Some(Known { grams, held_out_unseen: Some(nothing), common }) }
    }
}

/// The commonest tokens of some texts.
fn commonest(texts: &[Vec<TokenId>]) -> HashSet<TokenId> {
    let mut counts: HashMap<TokenId, u64> = HashMap::new();
    texts.iter().flatten().for_each(|&token| *counts.entry(token).or_default() += 1);
    let mut counts: Vec<(TokenId, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(token, count)| (std::cmp::Reverse(count), token));
    counts.into_iter().take(COMMON).map(|(token, _)| token).collect()
}
