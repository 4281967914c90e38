//! The tensor directory: where each tensor's bytes lie, and that they can lie there.

use std::collections::BTreeSet;

use super::cursor::Cursor;
use crate::error::Error;
use crate::tensor::{Format, Shape};

/// A tensor whose bytes still lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorView<'a> {
    /// Name in the directory.
    pub name: &'a str,
    /// Vector or matrix; no dimension is zero.
    pub shape: Shape,
    /// How the values are stored.
    pub format: Format,
    /// Exactly the bytes that shape and format imply.
    pub bytes: &'a [u8],
}

/// One directory entry with shape and format known, its data not yet looked at.
pub(super) struct Entry<'a> {
    name: &'a str,
    shape: Shape,
    format: Format,
    /// Start of the data within the data section.
    offset: u64,
    /// Length of the data that shape and format imply.
    length: u64,
}

/// Reads `count` entries.
pub(super) fn read<'a>(cursor: &mut Cursor<'a>, count: u64) -> Result<Vec<Entry<'a>>, Error> {
    let mut names = BTreeSet::new();
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = read_entry(cursor)?;
        if !names.insert(entry.name) {
            return Err(Error::Duplicate { subject: "tensor", name: entry.name.into() });
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn read_entry<'a>(cursor: &mut Cursor<'a>) -> Result<Entry<'a>, Error> {
    let name = cursor.text("the name of a tensor")?;
    let shape = read_shape(cursor, name)?;
    let number = cursor.u32(format_args!("the type of tensor {name}"))?;
    let format = Format::from_ggml(number)
        .ok_or_else(|| Error::TensorFormat { tensor: name.into(), found: number })?;
    let offset = cursor.u64(format_args!("the offset of tensor {name}"))?;
    let length = data_length(name, shape, format)?;
    Ok(Entry { name, shape, format, offset, length })
}

/// GGUF writes the contiguous dimension first: `[length]` or `[inputs, outputs]`.
fn read_shape(cursor: &mut Cursor<'_>, name: &str) -> Result<Shape, Error> {
    let wrong = |found: String, expected: &str| Error::TensorLayout {
        tensor: name.into(),
        found,
        expected: expected.into(),
    };
    let dimensions = cursor.u32(format_args!("the dimensions of tensor {name}"))?;
    if !(1..=2).contains(&dimensions) {
        return Err(wrong(format!("{dimensions} dimensions"), "1 or 2 dimensions"));
    }
    let mut dimension = || {
        let size = cursor.u64(format_args!("the dimensions of tensor {name}"))?;
        let fits = i32::try_from(size).is_ok_and(|size| size > 0);
        if fits { Ok(size as usize) } else { Err(wrong(format!("a dimension of {size}"), "1 to 2147483647")) }
    };
    let inputs = dimension()?;
    Ok(if dimensions == 1 { Shape::Vector(inputs) } else { Shape::Matrix { outputs: dimension()?, inputs } })
}

/// Bytes that a tensor of this shape and format takes. Both dimensions are below 2³¹, so nothing overflows.
fn data_length(name: &str, shape: Shape, format: Format) -> Result<u64, Error> {
    let (row, block) = (shape.row_length(), format.block_values());
    if !row.is_multiple_of(block) {
        return Err(Error::TensorLayout {
            tensor: name.into(),
            found: format!("{row} inputs in format {format}"),
            expected: format!("a multiple of {block} inputs"),
        });
    }
    let rows = if let Shape::Matrix { outputs, .. } = shape { outputs as u64 } else { 1 };
    Ok(rows.saturating_mul((row / block) as u64).saturating_mul(format.block_bytes() as u64))
}

/// Finds every entry's bytes, and refuses data off the alignment, past the end, or shared.
pub(super) fn resolve<'a>(
    entries: &[Entry<'a>],
    bytes: &'a [u8],
    data_start: usize,
    alignment: u64,
) -> Result<Vec<TensorView<'a>>, Error> {
    check_overlaps(entries)?;
    entries.iter().map(|entry| view(entry, bytes, data_start, alignment)).collect()
}

fn check_overlaps(entries: &[Entry<'_>]) -> Result<(), Error> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.offset);
    for pair in sorted.windows(2) {
        let end = pair[0].offset.saturating_add(pair[0].length);
        if pair[1].offset < end {
            return Err(Error::Overlap {
                tensor: pair[1].name.into(),
                other: pair[0].name.into(),
                found: pair[1].offset,
                expected: end,
            });
        }
    }
    Ok(())
}

fn view<'a>(
    entry: &Entry<'a>,
    bytes: &'a [u8],
    data_start: usize,
    alignment: u64,
) -> Result<TensorView<'a>, Error> {
    let &Entry { name, shape, format, offset, length } = entry;
    if !offset.is_multiple_of(alignment) {
        return Err(Error::Misaligned { tensor: name.into(), found: offset, expected: alignment });
    }
    let start = offset.saturating_add(data_start as u64);
    let end = start.saturating_add(length);
    if end > bytes.len() as u64 {
        let subject = format!("the data of tensor {name}");
        return Err(Error::Truncated { subject, found: bytes.len() as u64, expected: end });
    }
    Ok(TensorView { name, shape, format, bytes: &bytes[start as usize..end as usize] })
}
