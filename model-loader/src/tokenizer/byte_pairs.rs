//! Byte pairs: a Hugging Face BPE model over bytes, as GPT-2 introduced it (Radford et al., 2019).
//!
//! Only the crate's model is used. Its byte-level pre-tokenizer brings a regular-expression engine along, larger than the rest
//! of this crate; the one pattern that it needs is written out in [`next_part`], and a test holds the two together.

use std::ops::Range;

use serde::Deserialize;
use tokenizers::Model;
use tokenizers::models::bpe::BPE;

use super::join::Piece;
use super::vocabulary::{check_special, wrong};
use super::{END, Encoding, MASK, UNKNOWN, Unknown};
use crate::error::Error;

/// What is read of a tokenizer file.
#[derive(Deserialize)]
struct File {
    model: BPE,
}

/// A BPE model over bytes whose tokens are 0, 1, 2 … without gaps.
#[derive(Clone)]
pub(super) struct BytePairs {
    model: BPE,
    /// Bytes of every token; special tokens as they are spelled.
    bytes: Vec<Vec<u8>>,
    /// The same as text, for those who show a token by itself.
    texts: Vec<String>,
}

impl std::fmt::Debug for BytePairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BytePairs").field("tokens", &self.texts.len()).finish_non_exhaustive()
    }
}

impl BytePairs {
    pub(super) fn from_json(json: &str, size: usize) -> Result<Self, Error> {
        let File { model } = serde_json::from_str(json)
            .map_err(|error| wrong(error.to_string(), "a tokenizer file with a BPE or WordLevel model"))?;
        let found = model.get_vocab_size();
        if found != size {
            return Err(wrong(
                format!("{found} tokens"),
                format!("{size} tokens, as unmask.vocab_size says"),
            ));
        }
        let spelled =
            |token| model.id_to_token(token).ok_or_else(|| wrong(format!("no token {token}"), "no gaps"));
        let spellings = (0..size as u32).map(spelled).collect::<Result<Vec<_>, _>>()?;
        check_special(&spellings)?;
        let special = UNKNOWN.max(END) as usize; // and the mask below them
        let of = |(token, spelling): (usize, &String)| match token <= special {
            true => Some(spelling.clone().into_bytes()),
            false => spelling.chars().map(byte_of).collect(),
        };
        let bytes: Option<Vec<Vec<u8>>> = spellings.iter().enumerate().map(of).collect();
        let bytes = bytes.ok_or_else(|| wrong("a token that spells no bytes", "byte-level tokens"))?;
        let texts = bytes.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        Ok(Self { model, bytes, texts })
    }

    /// Tokens known by their texts alone, for runs that are shown without their model: they show, and read nothing.
    pub(super) fn from_texts(texts: Vec<String>) -> Result<Self, Error> {
        check_special(&texts)?;
        let bytes = texts.iter().map(|text| text.clone().into_bytes()).collect();
        Ok(Self { model: BPE::default(), bytes, texts })
    }

    /// Every token as text, its leading space included.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The token that is this text as a whole.
    pub(super) fn token(&self, text: &str) -> Option<u32> {
        self.model.token_to_id(&spelled(text)).or_else(|| self.model.token_to_id(text))
    }

    /// Each `_` that stands alone, and each `[MASK]`, is one hidden slot; a gap brings the space before it along.
    pub(super) fn encode(&self, text: &str) -> Encoding {
        let mut encoding = Encoding::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (before, gap) = match find_gap(rest) {
                Some(gap) => (&rest[..gap.start], gap),
                None => (rest, rest.len()..rest.len()),
            };
            let before = if gap.is_empty() { before } else { before.trim_end() };
            self.encode_plain(before, &mut encoding);
            if !gap.is_empty() {
                encoding.tokens.push(MASK);
            }
            rest = &rest[gap.end..];
        }
        encoding
    }

    fn encode_plain(&self, mut text: &str, encoding: &mut Encoding) {
        while !text.is_empty() {
            let (part, rest) = text.split_at(next_part(text));
            match self.model.tokenize(&spelled(part)) {
                Ok(tokens) => encoding.tokens.extend(tokens.iter().map(|token| token.id)),
                Err(_) => {
                    encoding.unknown.push(Unknown { word: part.into(), position: encoding.tokens.len() });
                    encoding.tokens.push(UNKNOWN);
                }
            }
            text = rest;
        }
    }

    /// Tokens as text, up to the first end-of-text token; hidden slots show as ` _`.
    pub(super) fn decode(&self, tokens: &[u32]) -> String {
        let end = tokens.iter().position(|&token| token == END).unwrap_or(tokens.len());
        let bytes = tokens[..end].iter().flat_map(|&token| match token {
            MASK => b" _".as_slice(),
            _ => self.bytes.get(token as usize).map_or(b"".as_slice(), Vec::as_slice),
        });
        String::from_utf8_lossy(&bytes.copied().collect::<Vec<u8>>()).trim_start().to_owned()
    }

    /// One piece per token; a character that is spread over several tokens shows as a replacement in each.
    pub(super) fn pieces(&self, tokens: &[u32]) -> Vec<Piece> {
        let piece = |(index, &token): (usize, &u32)| {
            let text = match token {
                END => return Piece::default(),
                MASK => " _",
                _ => self.texts.get(token as usize).map_or("", String::as_str),
            };
            Piece { text: text.trim_start().to_owned(), space_before: index > 0 && text.starts_with(' ') }
        };
        tokens.iter().enumerate().map(piece).collect()
    }
}

/// The first hidden slot of a text: a `_` that is no part of a word, or `[MASK]`.
fn find_gap(text: &str) -> Option<Range<usize>> {
    let is_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let alone = |&(at, _): &(usize, &str)| {
        !is_word(text[..at].chars().next_back()) && !is_word(text[at + 1..].chars().next())
    };
    let line = text.match_indices('_').find(alone).map(|(at, found)| at..at + found.len());
    let spelled = text.find("[MASK]").map(|at| at..at + "[MASK]".len());
    [line, spelled].into_iter().flatten().min_by_key(|gap| gap.start)
}

/// Length of the part at the start of a text, as GPT-2's pattern cuts it:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
fn next_part(text: &str) -> usize {
    let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    if let Some(ending) = endings.into_iter().find(|ending| text.starts_with(ending)) {
        return ending.len();
    }
    let space = usize::from(text.starts_with(' '));
    let run = |kind: fn(char) -> bool| {
        let rest = &text[space..];
        rest.find(|c| !kind(c)).unwrap_or(rest.len())
    };
    let kinds: [fn(char) -> bool; 3] = [char::is_alphabetic, char::is_numeric, is_mark];
    if let Some(length) = kinds.into_iter().map(run).find(|length| *length > 0) {
        return space + length;
    }
    // White space: all of it at the end of a text, elsewhere all but the last, which belongs to what follows.
    let length = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let last = text[..length].chars().next_back().map_or(0, char::len_utf8);
    if length == text.len() || length == last { length } else { length - last }
}

fn is_mark(character: char) -> bool {
    !character.is_whitespace() && !character.is_alphabetic() && !character.is_numeric()
}

/// Bytes as the characters by which byte-level models spell them.
fn spelled(text: &str) -> String {
    text.bytes().map(char_of).collect()
}

/// Printable bytes spell themselves, the others the characters from U+0100 on, in their order.
fn char_of(byte: u8) -> char {
    if is_printable(byte) {
        return char::from(byte);
    }
    let rank = (0..byte).filter(|other| !is_printable(*other)).count() as u32;
    char::from_u32(0x100 + rank).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte_of(character: char) -> Option<u8> {
    (0..=u8::MAX).find(|byte| char_of(*byte) == character)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}
