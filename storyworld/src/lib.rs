//! A small language whose truth is known: children's stories from a probabilistic grammar with meaning.
//!
//! The grammar is text (`grammar/*.txt`), compiled into an arena of nodes. One machine walks it; everything else
//! only decides its choices, so the instruments cannot disagree about the language:
//!
//! | instrument | decides a choice by |
//! |---|---|
//! | [`generate`] | a random number |
//! | [`log_probability`] | the words of a text, summing over all derivations |
//! | [`Continuations`] | the words of an opening, then random numbers: exact draws of what follows |
//! | [`posterior`] | the visible words, forward and backward: exact conditionals of the hidden ones |
//! | [`check`] | the fewest repairs that make a derivation of a damaged text |
//!
//! ```
//! use storyworld::{Grammar, StoryOptions, check, generate, log_probability};
//!
//! let grammar = Grammar::storyworld();
//! let options = StoryOptions::default();
//! let story = generate(grammar, options, 7).expect("stories fit in the default length");
//! assert!(log_probability(grammar, options, &story.words) < 0.0);
//! let words: Vec<Option<&str>> = story.words.iter().map(|&word| Some(grammar.word(word))).collect();
//! assert!(check(grammar, &words).is_empty());
//! ```

mod check;
mod compile;
mod entropy;
mod extent;
mod first;
mod generate;
mod grammar;
mod lexicon;
mod machine;
mod morphology;
mod notation;
mod parse;
mod posterior;
mod random;
mod text;

pub use check::{Violation, ViolationKind, check};
pub use entropy::{Entropy, entropy};
pub use generate::{Story, StoryOptions, generate};
pub use grammar::{Grammar, WordId};
pub use notation::NotationError;
pub use parse::{Continuations, log_probability, next_words};
pub use posterior::{Posterior, PosteriorError, posterior};
pub use text::detokenize;
