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
    /// Within quotation marks.
    speech: Option<Speech>,
    /// The mark before this piece can end a sentence or only a quotation: `!` or `?`.
    wavers: bool,
}

/// Where a quotation began.
#[derive(Clone, Copy, PartialEq)]
enum Speech {
    /// At the head of a sentence, which may go on after it: `"Run!" said Anna.`
    Leading,
    /// Within a sentence, which ends with it: `Anna said, "Run!"`
    Trailing,
}

/// One piece per token.
pub(super) fn pieces(tokens: &[u32], vocabulary: &Vocabulary) -> Vec<Piece> {
    let mut state = State { capital: true, attach: true, speech: None, wavers: false };
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
            "." | "!" | "?" | "..." => self.full_stop(word),
            "," | ";" | ":" | ")" => self.mark(word),
            "(" => self.opening(word),
            _ if word.starts_with('\'') || word == "n't" => self.mark(word),
            _ => self.word(word),
        }
    }

    /// A mark that ends a sentence.
    fn full_stop(&mut self, text: &str) -> Piece {
        let piece = self.mark(text);
        self.capital = true;
        self.wavers = matches!(text, "!" | "?");
        piece
    }

    /// A mark that is attached to what stands before it.
    fn mark(&mut self, text: &str) -> Piece {
        self.capital = false;
        self.attach = false;
        Piece { text: text.to_owned(), space_before: false }
    }

    /// A mark to which the next piece is attached.
    fn opening(&mut self, text: &str) -> Piece {
        let space_before = !self.attach;
        self.attach = true;
        Piece { text: text.to_owned(), space_before }
    }

    /// Opening and closing marks take turns. Speech begins with a capital; whether a sentence begins after it
    /// depends on how it ended and, after `!` and `?`, on where it began.
    fn quotation_mark(&mut self) -> Piece {
        let Some(speech) = self.speech.take() else {
            self.speech = Some(if self.capital { Speech::Leading } else { Speech::Trailing });
            self.capital = true;
            return self.opening("\"");
        };
        let sentence_ended = self.capital && !(self.wavers && speech == Speech::Leading);
        let piece = self.mark("\"");
        self.capital = sentence_ended;
        piece
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
