//! The words of a model and their numbers.

use std::collections::HashMap;

use serde::Deserialize;
use tokenizers::Model;
use tokenizers::models::wordlevel::WordLevel;

use super::{END, MASK, UNKNOWN};
use crate::error::Error;

/// How the special tokens are spelled, by token.
const SPECIAL: [(u32, &str); 3] = [(MASK, "[MASK]"), (UNKNOWN, "[UNK]"), (END, "[EOS]")];

/// What is read of a tokenizer file; see the module above for why the rest is not.
#[derive(Deserialize)]
struct File {
    model: WordLevel,
}

/// A WordLevel model whose tokens are 0, 1, 2 … without gaps.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    model: WordLevel,
    /// Word of every token.
    words: Vec<String>,
    /// Lower-case spelling of every word that has capitals.
    lower: HashMap<String, u32>,
    /// Letters of the longest word.
    longest: usize,
}

impl Vocabulary {
    pub(super) fn from_json(json: &str, size: usize) -> Result<Self, Error> {
        let file: File = serde_json::from_str(json)
            .map_err(|error| wrong(error.to_string(), "a tokenizer file with a WordLevel model"))?;
        let words = words_in_order(&file.model, size)?;
        check_special(&words)?;
        let lower = (0u32..).zip(&words).map(|(token, word)| (word.to_lowercase(), token)).collect();
        let longest = words.iter().map(|word| word.chars().count()).max().unwrap_or_default();
        Ok(Self { model: file.model, words, lower, longest })
    }

    /// The token of a word: spelled exactly so, else in lower case (`The`), else as a name (`anna`).
    pub(super) fn token(&self, word: &str) -> Option<u32> {
        let exact = self.model.token_to_id(word);
        exact.or_else(|| {
            let folded = word.to_lowercase();
            self.model.token_to_id(&folded).or_else(|| self.lower.get(&folded).copied())
        })
    }

    /// Whether a text is too long to be one word; its letters are not counted one by one.
    pub(super) fn exceeds(&self, text: &str) -> bool {
        const MOST_BYTES_PER_LETTER: usize = 4;
        text.len() > MOST_BYTES_PER_LETTER * self.longest
    }

    /// Word of every token.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }
}

/// The vocabulary by token; refuses gaps, repeated numbers and a wrong count.
fn words_in_order(model: &WordLevel, size: usize) -> Result<Vec<String>, Error> {
    let found = model.get_vocab_size();
    if found != size {
        return Err(wrong(format!("{found} words"), format!("{size} words, as unmask.vocab_size says")));
    }
    (0..size as u32)
        .map(|token| model.id_to_token(token).ok_or_else(|| wrong(format!("no token {token}"), "no gaps")))
        .collect()
}

/// Refuses a vocabulary whose first tokens are not the special ones.
pub(super) fn check_special(words: &[String]) -> Result<(), Error> {
    for (token, expected) in SPECIAL {
        if words.get(token as usize).is_none_or(|word| word != expected) {
            let found = format!("{:?} as token {token}", words.get(token as usize));
            return Err(wrong(found, expected));
        }
    }
    Ok(())
}

pub(super) fn wrong(found: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::Tokenizer { found: found.into(), expected: expected.into() }
}
