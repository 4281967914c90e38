//! What is known about the language of a model: for storyworld, everything; for any other, what texts of it tell.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use diffusion::TokenId;
use diffusion::measure::Estimate;
use diffusion::measure::surface::{estimate_over_texts, grams, unseen_share};
use diffusion::measure::unigram::{COMMON, commonest, counts};
use model_loader::{Checkpoint, Tokenizer};
use storyworld::{Grammar, StoryOptions, check, generate};

use crate::arguments::Compared;
use crate::eval::passages;
use crate::failure::Failure;
use crate::language::storyworld_words;

/// Stories that n-grams are compared with.
const REFERENCE_STORIES: u64 = 20_000;
/// Stories that say how many n-grams a right text has that the reference does not.
const HELD_OUT_STORIES: u64 = 2_000;
/// Seeds of both begin here, far from those of training and validation.
const FIRST_SEED: u64 = 3_000_000_000;
/// Words in an n-gram.
const GRAM: usize = 3;

/// The language that a model writes.
pub struct World {
    words: Vec<Option<String>>,
    is_storyworld: bool,
    /// What reference texts say; nothing without any.
    reference: Option<Reference>,
    /// Share of unseen n-grams in held-out texts, a mean over them.
    held_out_unseen: Option<Estimate>,
    /// Words in the n-grams whose distinct share is measured.
    pub distinct: usize,
}

/// What texts of the language say.
struct Reference {
    grams: HashSet<Vec<TokenId>>,
    common: HashSet<TokenId>,
}

impl World {
    /// Reads the texts that are given; where one is not, and all words of the model are storyworld's, stories stand for it.
    pub fn new(checkpoint: &Checkpoint, compared: &Compared) -> Result<Self, Failure> {
        let tokenizer = &checkpoint.tokenizer;
        let words: Vec<Option<String>> =
            (0..tokenizer.vocab_size() as u32).map(|token| tokenizer.word(token).map(String::from)).collect();
        let is_storyworld = storyworld_words(tokenizer).is_some();
        let texts = |file: &Option<PathBuf>, stories| match file {
            Some(file) => texts(checkpoint, file).map(Some),
            None => Ok(is_storyworld.then(|| self::stories(&words, stories))),
        };
        let of_reference = 0..REFERENCE_STORIES;
        let of_held_out = REFERENCE_STORIES..REFERENCE_STORIES + HELD_OUT_STORIES;
        let reference = texts(&compared.reference, of_reference)?;
        let reference = reference.map(|texts| Reference::new(&texts, tokenizer));
        let held_out = texts(&compared.held_out, of_held_out)?;
        let held_out_unseen = reference.as_ref().zip(held_out).and_then(|(reference, texts)| {
            estimate_over_texts(texts.iter().map(Vec::as_slice), |text| reference.unseen_share(text))
        });
        Ok(Self { words, is_storyworld, reference, held_out_unseen, distinct: compared.distinct as usize })
    }

    /// What is broken in a text, as storyworld's checker counts; `None` for another language.
    pub fn violations(&self, text: &[TokenId]) -> Option<f64> {
        if !self.is_storyworld {
            return None;
        }
        let words: Vec<Option<&str>> =
            text.iter().map(|token| self.words.get(token.0 as usize)?.as_deref()).collect();
        Some(check(Grammar::storyworld(), &words).len() as f64)
    }

    /// Share of a text's n-grams that no reference text has; `None` without one, or for a text that is too short.
    pub fn unseen_share(&self, text: &[TokenId]) -> Option<f64> {
        self.reference.as_ref()?.unseen_share(text)
    }

    /// The same of held-out texts.
    pub fn held_out_unseen(&self) -> Option<Estimate> {
        self.held_out_unseen
    }

    /// Share of a text's words that are among the commonest of the reference; `None` without one, or of no words.
    pub fn common_share(&self, text: &[TokenId]) -> Option<f64> {
        let common = &self.reference.as_ref()?.common;
        let found = text.iter().filter(|token| common.contains(token)).count();
        (!text.is_empty()).then(|| found as f64 / text.len() as f64)
    }

    /// What is not measured for want of texts, and how to have it measured: a sentence each.
    pub fn not_measured(&self) -> Vec<&'static str> {
        let missing = [
            (
                self.reference.is_none(),
                "collapse was not measured: --reference FILE has texts to count common words in",
            ),
            (
                self.held_out_unseen.is_none(),
                "unseen was not measured: --reference FILE has texts to take 3-grams from, --held-out FILE at least two to \
                 compare with",
            ),
        ];
        missing.into_iter().filter_map(|(is_missing, sentence)| is_missing.then_some(sentence)).collect()
    }
}

impl Reference {
    fn new(texts: &[Vec<TokenId>], tokenizer: &Tokenizer) -> Self {
        let texts = || texts.iter().map(Vec::as_slice);
        let counts = counts(texts(), tokenizer.vocab_size());
        let weights: Vec<f64> = counts.into_iter().map(|count| count as f64).collect();
        let seen: HashSet<&[TokenId]> = grams(texts(), GRAM).collect();
        Self {
            grams: seen.into_iter().map(<[TokenId]>::to_vec).collect(),
            common: commonest(&weights, COMMON).into_iter().collect(),
        }
    }

    fn unseen_share(&self, text: &[TokenId]) -> Option<f64> {
        unseen_share([text], &self.grams, GRAM)
    }
}

/// The texts of a file, one per line, without their ends; those that are longer than the model's window are left out and told.
fn texts(checkpoint: &Checkpoint, file: &Path) -> Result<Vec<Vec<TokenId>>, Failure> {
    let passages = passages::read_all(checkpoint, file)?;
    let words = |passage: passages::Passage| {
        let mut window = passage.window;
        window.truncate(passage.tokens as usize - 1);
        window
    };
    Ok(passages.into_iter().map(words).collect())
}

/// Stories of storyworld with these numbers, as the model's tokens.
fn stories(words: &[Option<String>], numbers: std::ops::Range<u64>) -> Vec<Vec<TokenId>> {
    let grammar = Grammar::storyworld();
    let tokens: HashMap<&str, TokenId> =
        (0..).zip(words).filter_map(|(id, word)| Some((word.as_deref()?, TokenId(id)))).collect();
    let story = |number: u64| -> Option<Vec<TokenId>> {
        let story = generate(grammar, StoryOptions::default(), FIRST_SEED + number)?;
        story.words.iter().map(|&word| tokens.get(grammar.word(word)).copied()).collect()
    };
    numbers.filter_map(story).collect()
}

#[cfg(test)]
impl World {
    /// Of another language.
    pub fn unknown() -> Self {
        Self { words: Vec::new(), is_storyworld: false, reference: None, held_out_unseen: None, distinct: 2 }
    }

    /// Whose right texts have no unseen n-grams.
    pub fn without_unseen() -> Self {
        let held_out_unseen = Some(Estimate { value: 0.0, standard_error: 0.0, samples: 2 });
        let reference = Some(Reference { grams: HashSet::new(), common: HashSet::new() });
        Self { reference, held_out_unseen, ..Self::unknown() }
    }
}
