//! Weights as the kernels read them: packed words by key.

use std::collections::BTreeMap;

use crate::error::Error;

/// All weight buffers of a model. Floats are kept as their bit patterns.
///
/// A matrix `M` has two buffers, `M.words` (codes, or f32 bits) and `M.scales` (two f16 per word); a vector
/// (a norm's gain) has one, under its own name. Layouts: [`shaders::packing`].
#[derive(Clone, Debug, Default)]
pub struct Weights {
    buffers: BTreeMap<String, Vec<u32>>,
}

impl Weights {
    /// Adds or replaces a buffer.
    pub fn insert(&mut self, key: impl Into<String>, words: Vec<u32>) {
        self.buffers.insert(key.into(), words);
    }

    /// The words of the buffer that [`Role::Weight`](crate::program::Role::Weight) names.
    ///
    /// # Errors
    /// [`Error::MissingWeight`] if there is none.
    pub fn words(&self, key: &str) -> Result<&[u32], Error> {
        self.buffers.get(key).map(Vec::as_slice).ok_or_else(|| Error::MissingWeight { name: key.to_owned() })
    }

    /// [`words`](Self::words), checked for their number.
    ///
    /// # Errors
    /// [`Error::MissingWeight`], or [`Error::WrongWeight`] if there are more or fewer than `expected`.
    pub fn sized(&self, key: &str, expected: usize) -> Result<&[u32], Error> {
        let words = self.words(key)?;
        if words.len() == expected {
            return Ok(words);
        }
        Err(Error::WrongWeight {
            name: key.to_owned(),
            quantity: "number of words",
            found: words.len().to_string(),
            expected: expected.to_string(),
        })
    }
}
