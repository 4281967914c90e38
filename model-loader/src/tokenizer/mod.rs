//! Text to tokens and back: a visitor's English on one side, the model's words on the other.
//!
//! The vocabulary is a Hugging Face WordLevel model from inside the model file, read by the `tokenizers`
//! crate. Only that model is used, not the crate's pipeline of normalisers and pre-tokenizers: text in corpus
//! form (words and punctuation between spaces) needs none, text as people type it needs `split.rs`, and the
//! page stays 0.5 MB smaller.

mod join;
mod split;
mod vocabulary;

pub use join::Piece;

use crate::error::Error;
use vocabulary::Vocabulary;

/// The token that hides a slot.
pub const MASK: u32 = 0;
/// The token of every word outside the vocabulary; never predicted.
pub const UNKNOWN: u32 = 1;
/// The token that ends a text and pads what follows.
pub const END: u32 = 2;
/// The first ordinary token.
pub const FIRST_WORD: u32 = 3;

/// Converts between text and the tokens of one model.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
}

/// Text as tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// One token per word, punctuation mark or mask, in reading order.
    pub tokens: Vec<u32>,
    /// The words that the model does not know; their tokens are [`UNKNOWN`].
    pub unknown: Vec<Unknown>,
}

/// A word outside the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The word as typed.
    pub word: String,
    /// Its index in [`Encoding::tokens`].
    pub position: usize,
}

impl Tokenizer {
    /// Reads the text of a Hugging Face tokenizer file with a WordLevel model of `vocab_size` tokens.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when it is not such a file, when its ids are not exactly 0 to `vocab_size` - 1, or
    /// when 0, 1 and 2 are not `[MASK]`, `[UNK]` and `[EOS]`.
    pub fn from_json(json: &str, vocab_size: usize) -> Result<Self, Error> {
        Ok(Self { vocabulary: Vocabulary::from_json(json, vocab_size)? })
    }

    /// Number of tokens, special ones included.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.words().len()
    }

    /// The word of a token as the vocabulary spells it, `[MASK]` and its like included; none past its end.
    pub fn word(&self, token: u32) -> Option<&str> {
        self.vocabulary.words().get(token as usize).map(String::as_str)
    }

    /// The token of a word: spelled exactly so, else in any capitalisation.
    pub fn token(&self, word: &str) -> Option<u32> {
        self.vocabulary.token(word)
    }

    /// Turns text into tokens. Capitals and spacing are free: `The dog ran.` reads as `the dog ran .`. Each
    /// `_`, and each `[MASK]`, is one hidden slot. Adds no end-of-text token.
    pub fn encode(&self, text: &str) -> Encoding {
        let mut encoding = Encoding::default();
        for part in split::split(text, &self.vocabulary) {
            let token = self.vocabulary.token(&part).unwrap_or(UNKNOWN);
            if token == UNKNOWN {
                encoding.unknown.push(Unknown { word: part.into_owned(), position: encoding.tokens.len() });
            }
            encoding.tokens.push(token);
        }
        encoding
    }

    /// Tokens as readable text, up to the first end-of-text token: sentences begin with capitals, punctuation
    /// is attached, hidden slots show as `_`.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let end = tokens.iter().position(|&token| token == END).unwrap_or(tokens.len());
        let mut text = String::new();
        for piece in self.pieces(&tokens[..end]) {
            if piece.space_before {
                text.push(' ');
            }
            text.push_str(&piece.text);
        }
        text
    }

    /// One piece of readable text per token, in order: what [`Self::decode`] joins, for those who draw every
    /// slot by itself. End-of-text tokens give empty pieces.
    pub fn pieces(&self, tokens: &[u32]) -> Vec<Piece> {
        join::pieces(tokens, &self.vocabulary)
    }
}
