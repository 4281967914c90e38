//! Systems whose answers are known: the denoiser is exact, so whatever goes wrong is the decoder's doing.

pub mod ancestral;
pub mod corpus;
pub mod two_sentences;

pub use ancestral::Ancestral;
pub use corpus::{Corpus, CorpusError, ExactError};
