//! The GGUF container: header, metadata, tensor directory, data. Versions 2 and 3, which differ only in
//! that version 3 may be big-endian; this reader takes little-endian files.
//!
//! Layout: magic `GGUF`, version u32, tensor count u64, key count u64, pairs, directory, padding to the
//! alignment, data. Everything borrows from the file's bytes.

mod cursor;
mod directory;
mod metadata;

use cursor::Cursor;

pub use directory::TensorView;
pub use metadata::{Metadata, Value};

use crate::error::Error;

/// More keys or tensors than this are not a model of ours; each is far above what any known file has.
const MOST_ENTRIES: u64 = 1 << 16;
/// Bytes of the shortest pair: key length, type, a one-byte value.
const SHORTEST_PAIR: u64 = 8 + 4 + 1;
/// Bytes of the shortest directory entry: name length, dimensions count, one dimension, type, offset.
const SHORTEST_ENTRY: u64 = 8 + 4 + 8 + 4 + 8;

/// A GGUF file whose every count, length, offset and format has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Gguf<'a> {
    /// Container version, 2 or 3.
    pub version: u32,
    /// All keys and values.
    pub metadata: Metadata<'a>,
    /// All tensors in the order of the directory.
    pub tensors: Vec<TensorView<'a>>,
}

impl<'a> Gguf<'a> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// Any [`Error`] about the container: wrong magic or version, truncation, false counts, unknown types,
    /// misaligned, overlapping or missing data.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes);
        let version = read_version(bytes, &mut cursor)?;
        let tensor_count = cursor.count(MOST_ENTRIES, SHORTEST_ENTRY, "the number of tensors")?;
        let pair_count = cursor.count(MOST_ENTRIES, SHORTEST_PAIR, "the number of keys")?;
        let metadata = Metadata::read(&mut cursor, pair_count)?;
        let entries = directory::read(&mut cursor, tensor_count)?;
        let alignment = alignment(&metadata)?;
        let data_start = cursor.position().next_multiple_of(alignment);
        let tensors = directory::resolve(&entries, bytes, data_start, alignment as u64)?;
        Ok(Self { version, metadata, tensors })
    }
}

fn read_version(bytes: &[u8], cursor: &mut Cursor<'_>) -> Result<u32, Error> {
    let head = &bytes[..bytes.len().min(4)];
    if head != b"GGUF" {
        return Err(Error::NotGguf { found: head.escape_ascii().to_string() });
    }
    cursor.take(4, "the magic number")?;
    match cursor.u32("the version")? {
        version @ (2 | 3) => Ok(version),
        found => Err(Error::GgufVersion { found }),
    }
}

/// `general.alignment`, or the 32 bytes that GGUF prescribes in its absence.
fn alignment(metadata: &Metadata<'_>) -> Result<usize, Error> {
    let key = "general.alignment";
    if metadata.get(key).is_none() {
        return Ok(32);
    }
    let found = metadata.unsigned(key)?;
    if found.is_power_of_two() && (8..=MOST_ENTRIES).contains(&found) {
        return Ok(found as usize);
    }
    let expected = format!("a power of two from 8 to {MOST_ENTRIES}");
    Err(Error::KeyValue { key: key.into(), found: found.to_string(), expected })
}
