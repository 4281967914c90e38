//! Bytes to checkpoint: reads a GGUF model file into a configuration, a tokenizer and tensors.
//!
//! Knows no network, no file system and no GPU: a caller hands over bytes. The bytes are not trusted: every
//! count and length is checked against what the file really holds before it is believed, and anything wrong
//! becomes an [`Error`] that says what was found and what was expected.

pub mod checkpoint;
pub mod config;
pub mod error;
pub mod gguf;
pub mod tensor;
pub mod tokenizer;

pub use checkpoint::{Checkpoint, Header, Origin};
pub use config::{ModelConfig, Process, TIME_FEATURES};
pub use error::Error;
pub use gguf::Gguf;
pub use tensor::{Format, Shape, Tensor};
pub use tokenizer::{Encoding, Piece, Tokenizer, Unknown};
