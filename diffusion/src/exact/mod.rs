//! Systems whose answers are known: the denoiser is exact, so whatever goes wrong is the decoder's doing.

pub mod ancestral;
pub mod channel;
pub mod corpus;
pub mod embedded;
pub mod information;
pub mod lists;
pub mod markov;
pub mod noisy;
mod states;
pub mod two_sentences;

pub use ancestral::{Ancestral, StepBack};
pub use channel::information_drawn_bits;
pub use corpus::{Corpus, CorpusError, ExactError};
pub use embedded::Embedded;
pub use information::information_left_bits;
pub use markov::Markov;
pub use noisy::Noisy;
