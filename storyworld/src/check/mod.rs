//! What is broken in a text, and where.
//!
//! The checker looks for the derivation of the grammar that explains the text with the fewest repairs (wrong,
//! missing or extra words). Each repair is a violation, except that words out of order side by side are one. Its
//! kind follows from what the grammar expected. A fully visible text has no violation exactly if it is a story
//! of the language, of any length. Where words are hidden, a text that can be completed to a story has none.

mod align;
mod classify;
mod hypothesis;

use serde::{Deserialize, Serialize};

use crate::grammar::{Grammar, WordId};
use align::align;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// A verb, an article or a number does not agree with what it belongs to: "the dogs runs".
    Agreement,
    /// A name or a pronoun stands for the wrong person or animal.
    Reference,
    /// A thing, or a property of it, has become another.
    ObjectIdentity,
    /// Something is no longer where it was.
    Place,
    /// A verb is in another tense than the story.
    Tense,
    /// A word that cannot stand here; also a word too many or too few, and a text that breaks off.
    WordOrder,
    /// A word is repeated.
    Duplicate,
    /// A word that the language does not have.
    UnknownForm,
}

/// One thing that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What is broken.
    pub kind: ViolationKind,
    /// The offending position first, then the positions of the words that it disagrees with, as far as known;
    /// for [`ViolationKind::WordOrder`] all positions of the run of words.
    pub positions: Vec<usize>,
}

/// Lists what is broken in a text of which some words may be hidden (`None`), in the order of positions.
///
/// Hidden words agree with everything, and hidden words at the end may also stand for nothing. An empty text
/// has no violation. The search keeps a limited number of derivations, so in a text with many faults another
/// set of repairs may be as small as the one reported.
pub fn check(grammar: &Grammar, words: &[Option<&str>]) -> Vec<Violation> {
    let observe = |word: &Option<&str>| match word {
        None => Observed::Hidden,
        Some(word) => grammar.word_id(word).map_or(Observed::Unknown, Observed::Known),
    };
    let observed: Vec<Observed> = words.iter().map(observe).collect();
    align(grammar, &observed)
}

/// A word of the text as the checker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observed {
    Hidden,
    Known(WordId),
    Unknown,
}
