//! A small language whose truth is known: children's stories from a probabilistic grammar with meaning.

mod check;
mod compile;
mod entropy;
mod first;
mod generate;
mod grammar;
mod lexicon;
mod machine;
mod morphology;
mod notation;
mod parse;
mod random;
mod text;

pub use check::{Violation, ViolationKind, check};
pub use entropy::{Entropy, entropy};
pub use generate::{Story, StoryOptions, generate};
pub use grammar::{Grammar, WordId};
pub use notation::NotationError;
pub use parse::log_probability;
pub use text::detokenize;
