//! Text to tokens and back: a visitor's English on one side, the model's words on the other.
//!
//! The vocabulary is a Hugging Face WordLevel or byte-level BPE model from inside the model file, read by the `tokenizers`
//! crate. Only that model is used, not the crate's pipeline of normalisers and pre-tokenizers: text in corpus
//! form (words and punctuation between spaces) needs none, text as people type it needs `split.rs`, and the
//! page stays 0.5 MB smaller.

mod byte_pairs;
mod join;
mod split;
mod vocabulary;

pub use join::Piece;

use crate::error::Error;
use byte_pairs::BytePairs;
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
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A closed vocabulary of words and marks.
    Words(Box<Vocabulary>),
    /// Any text, in pieces.
    BytePairs(Box<BytePairs>),
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
    /// Reads the text of a Hugging Face tokenizer file with a WordLevel or a byte-level BPE model of `vocab_size` tokens.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when it is not such a file, when its ids are not exactly 0 to `vocab_size` - 1, or
    /// when 0, 1 and 2 are not `[MASK]`, `[UNK]` and `[EOS]`.
    pub fn from_json(json: &str, vocab_size: usize) -> Result<Self, Error> {
        let kind = if is_byte_pairs(json) {
            Kind::BytePairs(Box::new(BytePairs::from_json(json, vocab_size)?))
        } else {
            Kind::Words(Box::new(Vocabulary::from_json(json, vocab_size)?))
        };
        Ok(Self { kind })
    }

    /// Byte pairs known by their texts alone, as [`Self::word`] gives them: enough to show a run without its model.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when 0, 1 and 2 are not `[MASK]`, `[UNK]` and `[EOS]`.
    pub fn from_texts(texts: Vec<String>) -> Result<Self, Error> {
        Ok(Self { kind: Kind::BytePairs(Box::new(BytePairs::from_texts(texts)?)) })
    }

    /// Number of tokens, special ones included.
    pub fn vocab_size(&self) -> usize {
        self.words().len()
    }

    /// The word of a token as the vocabulary spells it, `[MASK]` and its like included; none past its end. A byte pair may
    /// begin with a space, and half a character shows as a replacement.
    pub fn word(&self, token: u32) -> Option<&str> {
        self.words().get(token as usize).map(String::as_str)
    }

    fn words(&self) -> &[String] {
        match &self.kind {
            Kind::Words(vocabulary) => vocabulary.words(),
            Kind::BytePairs(pairs) => pairs.texts(),
        }
    }

    /// The token of a word: spelled exactly so, else in any capitalisation.
    pub fn token(&self, word: &str) -> Option<u32> {
        match &self.kind {
            Kind::Words(vocabulary) => vocabulary.token(word),
            Kind::BytePairs(pairs) => pairs.token(word),
        }
    }

    /// Turns text into tokens. Capitals and spacing are free: `The dog ran.` reads as `the dog ran .`. Each
    /// `_`, and each `[MASK]`, is one hidden slot. Adds no end-of-text token.
    pub fn encode(&self, text: &str) -> Encoding {
        let vocabulary = match &self.kind {
            Kind::Words(vocabulary) => vocabulary,
            Kind::BytePairs(pairs) => return pairs.encode(text),
        };
        let mut encoding = Encoding::default();
        for part in split::split(text, vocabulary) {
            let token = vocabulary.token(&part).unwrap_or(UNKNOWN);
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
        if let Kind::BytePairs(pairs) = &self.kind {
            return pairs.decode(tokens);
        }
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
        match &self.kind {
            Kind::Words(vocabulary) => join::pieces(tokens, vocabulary),
            Kind::BytePairs(pairs) => pairs.pieces(tokens),
        }
    }
}

/// Whether the file says that its model is BPE; what says nothing readable is left to the readers to refuse.
fn is_byte_pairs(json: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct File {
        model: Model,
    }
    #[derive(serde::Deserialize)]
    struct Model {
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    serde_json::from_str::<File>(json).is_ok_and(|file| file.model.kind.as_deref() == Some("BPE"))
}
