//! The key-value part of a GGUF file.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use crate::error::Error;

/// Arrays within arrays within arrays serve nobody, and each level would cost the reader stack.
const DEEPEST_ARRAY: usize = 3;

/// One metadata value. Integer and float widths are not kept apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Unsigned integer of any width.
    Unsigned(u64),
    /// Signed integer of any width.
    Signed(i64),
    /// Float of either width.
    Float(f64),
    /// Truth value.
    Bool(bool),
    /// UTF-8 text.
    Text(&'a str),
    /// An array; its elements are checked, and read on demand.
    Array {
        /// Number of elements.
        length: u64,
        /// GGUF type number of the elements.
        kind: u32,
        /// The elements as the file holds them.
        bytes: &'a [u8],
    },
}

impl Value<'_> {
    /// Name of the value's type, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "unsigned integer",
            Self::Signed(_) => "signed integer",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
            Self::Text(_) => "string",
            Self::Array { .. } => "array",
        }
    }
}

/// All keys of a file and their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata<'a> {
    values: BTreeMap<&'a str, Value<'a>>,
}

impl<'a> Metadata<'a> {
    /// Reads `count` pairs.
    pub(super) fn read(cursor: &mut Cursor<'a>, count: u64) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = cursor.text("the name of a key")?;
            let kind = cursor.u32(format_args!("the type of key {key}"))?;
            let value = read_value(cursor, key, kind, 0)?;
            if values.insert(key, value).is_some() {
                return Err(Error::Duplicate { subject: "key", name: key.into() });
            }
        }
        Ok(Self { values })
    }

    /// The value of a key, if the file has it.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.values.get(key).copied()
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + '_ {
        self.values.iter().map(|(key, value)| (*key, *value))
    }

    /// The value of a key that must be an unsigned integer.
    ///
    /// # Errors
    /// [`Error::MissingKey`] or [`Error::KeyType`].
    pub fn unsigned(&self, key: &str) -> Result<u64, Error> {
        self.required(key, "unsigned integer", |value| match value {
            Value::Unsigned(number) => Some(number),
            _ => None,
        })
    }

    /// The value of a key that must be a float.
    ///
    /// # Errors
    /// [`Error::MissingKey`] or [`Error::KeyType`].
    pub fn float(&self, key: &str) -> Result<f64, Error> {
        self.required(key, "float", |value| match value {
            Value::Float(number) => Some(number),
            _ => None,
        })
    }

    /// The value of a key that must be a truth value.
    ///
    /// # Errors
    /// [`Error::MissingKey`] or [`Error::KeyType`].
    pub fn bool(&self, key: &str) -> Result<bool, Error> {
        self.required(key, "bool", |value| match value {
            Value::Bool(truth) => Some(truth),
            _ => None,
        })
    }

    /// The value of a key that must be text.
    ///
    /// # Errors
    /// [`Error::MissingKey`] or [`Error::KeyType`].
    pub fn text(&self, key: &str) -> Result<&'a str, Error> {
        self.required(key, "string", |value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        })
    }

    /// The value of a key that must be an array of numbers of at least 0; `None` if the file does not have the key.
    ///
    /// # Errors
    /// [`Error::KeyType`], or [`Error::KeyValue`] for an element that is no such number.
    pub fn unsigned_list(&self, key: &str) -> Result<Option<Vec<u64>>, Error> {
        let expected = "array of integers of at least 0";
        let (length, kind, bytes) = match self.get(key) {
            None => return Ok(None),
            Some(Value::Array { length, kind, bytes }) => (length, kind, bytes),
            Some(other) => return Err(Error::KeyType { key: key.into(), found: other.kind(), expected }),
        };
        let mut cursor = Cursor::new(bytes);
        let number = |value: Value<'_>| match value {
            Value::Unsigned(number) => Ok(number),
            Value::Signed(number) if number >= 0 => Ok(number as u64),
            other => Err(Error::KeyValue {
                key: key.into(),
                found: format!("{other:?}"),
                expected: expected.into(),
            }),
        };
        (0..length)
            .map(|_| number(read_value(&mut cursor, key, kind, 0)?))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn required<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl Fn(Value<'a>) -> Option<T>,
    ) -> Result<T, Error> {
        let value = self.get(key).ok_or_else(|| Error::MissingKey { key: key.into(), expected })?;
        read(value).ok_or_else(|| Error::KeyType { key: key.into(), found: value.kind(), expected })
    }
}

/// Reads a value of GGUF type number `kind`.
fn read_value<'a>(cursor: &mut Cursor<'a>, key: &str, kind: u32, depth: usize) -> Result<Value<'a>, Error> {
    let subject = format_args!("the value of key {key}");
    Ok(match kind {
        0 => Value::Unsigned(cursor.u8(subject)?.into()),
        1 => Value::Signed((cursor.u8(subject)? as i8).into()),
        2 => Value::Unsigned(cursor.u16(subject)?.into()),
        3 => Value::Signed((cursor.u16(subject)? as i16).into()),
        4 => Value::Unsigned(cursor.u32(subject)?.into()),
        5 => Value::Signed((cursor.u32(subject)? as i32).into()),
        6 => Value::Float(f32::from_bits(cursor.u32(subject)?).into()),
        7 => Value::Bool(read_bool(cursor, key)?),
        8 => Value::Text(cursor.text(subject)?),
        9 => read_array(cursor, key, depth)?,
        10 => Value::Unsigned(cursor.u64(subject)?),
        11 => Value::Signed(cursor.u64(subject)? as i64),
        12 => Value::Float(f64::from_bits(cursor.u64(subject)?)),
        found => return Err(Error::ValueType { key: key.into(), found }),
    })
}

fn read_bool(cursor: &mut Cursor<'_>, key: &str) -> Result<bool, Error> {
    match cursor.u8(format_args!("the value of key {key}"))? {
        0 => Ok(false),
        1 => Ok(true),
        other => {
            Err(Error::KeyValue { key: key.into(), found: other.to_string(), expected: "0 or 1".into() })
        }
    }
}

/// Walks over an array, so that its elements are known to be there. Every element takes at least one byte, so a false length
/// ends at the end of the file at the latest.
fn read_array<'a>(cursor: &mut Cursor<'a>, key: &str, depth: usize) -> Result<Value<'a>, Error> {
    if depth == DEEPEST_ARRAY {
        return Err(Error::KeyValue {
            key: key.into(),
            found: format!("arrays nested deeper than {DEEPEST_ARRAY}"),
            expected: format!("at most {DEEPEST_ARRAY} levels"),
        });
    }
    let kind = cursor.u32(format_args!("the element type of key {key}"))?;
    let length = cursor.u64(format_args!("the length of key {key}"))?;
    let begin = cursor.position();
    for _ in 0..length {
        read_value(cursor, key, kind, depth + 1)?;
    }
    Ok(Value::Array { length, kind, bytes: cursor.since(begin) })
}
