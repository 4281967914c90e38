//! Sets the words of a model as readable text: capitals, attached punctuation, quotation marks.

use super::vocabulary::Vocabulary;
use super::{END, MASK};

/// The readable form of one token in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// What to show: `The`, `,`, `_` for a hidden slot, nothing for end-of-text.
    pub text: String,
    /// Whether a space stands between this piece and the one before.
    pub space_before: bool,
}

/// What the pieces so far imply for the next one.
struct State {
    /// A sentence begins here.
    capital: bool,
    /// No space goes before the next piece.
    attach: bool,
    /// An odd number of quotation marks has been read.
    quoted: bool,
}

/// One piece per token.
pub(super) fn pieces(tokens: &[u32], vocabulary: &Vocabulary) -> Vec<Piece> {
    let mut state = State { capital: true, attach: true, quoted: false };
    tokens
        .iter()
        .map(|&token| match token {
            END => Piece::default(),
            MASK => state.word("_"),
            _ => state.piece(vocabulary.words().get(token as usize).map_or("[UNK]", String::as_str)),
        })
        .collect()
}

impl State {
    fn piece(&mut self, word: &str) -> Piece {
        match word {
            "\"" => self.quotation_mark(),
            "." | "!" | "?" | "..." => self.mark(word, true),
            "," | ";" | ":" | ")" => self.mark(word, false),
            "(" => self.opening(word),
            _ if word.starts_with('\'') || word == "n't" => self.mark(word, false),
            _ => self.word(word),
        }
    }

    /// A mark that is attached to what stands before it.
    fn mark(&mut self, text: &str, ends_sentence: bool) -> Piece {
        self.capital = ends_sentence;
        self.attach = false;
        Piece { text: text.to_owned(), space_before: false }
    }

    /// A mark to which the next piece is attached.
    fn opening(&mut self, text: &str) -> Piece {
        let space_before = !self.attach;
        self.attach = true;
        Piece { text: text.to_owned(), space_before }
    }

    /// Opening and closing marks take turns; speech begins with a capital, and what follows it keeps the
    /// state in which it ended.
    fn quotation_mark(&mut self) -> Piece {
        self.quoted = !self.quoted;
        if !self.quoted {
            let ended = self.capital;
            return self.mark("\"", ended);
        }
        self.capital = true;
        self.opening("\"")
    }

    fn word(&mut self, word: &str) -> Piece {
        let text = if self.capital { capitalise(word) } else { word.to_owned() };
        let space_before = !self.attach;
        self.capital = false;
        self.attach = false;
        Piece { text, space_before }
    }
}

fn capitalise(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
