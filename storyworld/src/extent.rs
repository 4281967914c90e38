//! How long what a node writes can be: what keeps stories within their limits without ever rejecting one.

use std::collections::HashSet;

use crate::grammar::{Node, NodeId, WordId};

/// Words beyond which nobody counts: a rule that may call itself has no longest text.
const MANY: u16 = 10_000;

/// Least and most that a node can always be brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Fewest words, punctuation included.
    pub least_words: u16,
    /// Most words, punctuation not included.
    pub most_words: u16,
    /// Fewest sentences.
    pub least_sentences: u16,
}

impl Extent {
    /// Of a node of which nothing is known yet; least words of what has no end.
    const UNKNOWN: Self = Extent { least_words: u16::MAX, most_words: 0, least_sentences: u16::MAX };
    const NOTHING: Self = Extent { least_words: 0, most_words: 0, least_sentences: 0 };

    /// Whether every way to go on leads to an end.
    pub fn has_end(self) -> bool {
        self.least_words < u16::MAX
    }

    fn then(self, next: Self) -> Self {
        Extent {
            least_words: self.least_words.saturating_add(next.least_words),
            most_words: (self.most_words + next.most_words).min(MANY),
            least_sentences: self.least_sentences.saturating_add(next.least_sentences),
        }
    }

    fn or(self, other: Self) -> Self {
        Extent {
            least_words: self.least_words.min(other.least_words),
            most_words: self.most_words.max(other.most_words),
            least_sentences: self.least_sentences.min(other.least_sentences),
        }
    }
}

/// Marks and where they count.
pub(crate) struct Marks<'a> {
    /// Words of the language, by number, that are no punctuation.
    pub is_word: &'a dyn Fn(WordId) -> bool,
    /// Nodes that write a full stop, question or exclamation mark outside of quotes.
    pub ends: &'a HashSet<NodeId>,
}

/// The extents of all nodes, by iteration to a fixed point.
pub(crate) fn extents(nodes: &[Node], marks: &Marks) -> Vec<Extent> {
    let mut extents = vec![Extent::UNKNOWN; nodes.len()];
    loop {
        let before = extents.clone();
        for (index, node) in nodes.iter().enumerate() {
            let of = |id: &NodeId| extents[id.0 as usize];
            extents[index] = match node {
                Node::Word(word) => Extent {
                    least_words: 1,
                    most_words: u16::from((marks.is_word)(*word)),
                    least_sentences: u16::from(marks.ends.contains(&NodeId(index as u32))),
                },
                Node::Inflect { .. } => Extent { least_words: 1, most_words: 1, least_sentences: 0 },
                Node::Draw(_) | Node::Set(..) => Extent::NOTHING,
                Node::Sequence(parts) => parts.iter().map(of).fold(Extent::NOTHING, Extent::then),
                Node::Choice(parts) => {
                    parts.iter().map(|(_, part)| of(part)).reduce(Extent::or).unwrap_or(Extent::UNKNOWN)
                }
            };
        }
        if extents == before {
            return extents;
        }
    }
}
