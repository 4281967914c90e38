//! A small language whose truth is known: children's stories from a probabilistic grammar with meaning.

mod compile;
mod generate;
mod grammar;
mod lexicon;
mod machine;
mod morphology;
mod notation;
mod random;
mod text;

pub use generate::{Story, StoryOptions, generate};
pub use grammar::{Grammar, Role, SlotId, WordId};
pub use notation::NotationError;
pub use text::detokenize;
