//! Reads little-endian scalars and strings from untrusted bytes, never past their end.

use std::fmt::Display;

use crate::error::Error;

/// A position in the file. Every read names its subject, so that an error can say what was cut.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The bytes read since the cursor stood at `begin`.
    pub(super) fn since(&self, begin: usize) -> &'a [u8] {
        &self.bytes[begin..self.position]
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: u64, subject: impl Display) -> Result<&'a [u8], Error> {
        self.check(length, subject)?;
        let start = self.position;
        self.position += length as usize;
        Ok(&self.bytes[start..self.position])
    }

    /// Checks that `length` bytes are left, before anything is allocated for them.
    fn check(&self, length: u64, subject: impl Display) -> Result<(), Error> {
        let left = (self.bytes.len() - self.position) as u64;
        if length <= left {
            return Ok(());
        }
        let expected = length.saturating_add(self.position as u64);
        Err(Error::Truncated { subject: subject.to_string(), found: self.bytes.len() as u64, expected })
    }

    fn array<const N: usize>(&mut self, subject: impl Display) -> Result<[u8; N], Error> {
        let mut scalar = [0; N];
        scalar.copy_from_slice(self.take(N as u64, subject)?);
        Ok(scalar)
    }

    pub(super) fn u8(&mut self, subject: impl Display) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array(subject)?))
    }

    pub(super) fn u16(&mut self, subject: impl Display) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array(subject)?))
    }

    pub(super) fn u32(&mut self, subject: impl Display) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array(subject)?))
    }

    pub(super) fn u64(&mut self, subject: impl Display) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array(subject)?))
    }

    /// A length-prefixed UTF-8 string.
    pub(super) fn text(&mut self, subject: impl Display + Copy) -> Result<&'a str, Error> {
        let length = self.u64(subject)?;
        let bytes = self.take(length, subject)?;
        std::str::from_utf8(bytes).map_err(|error| Error::NotText {
            subject: subject.to_string(),
            position: error.valid_up_to() as u64,
        })
    }

    /// A count of things of at least `smallest` bytes each: refused before anyone allocates for it when it
    /// exceeds `limit`, or when the rest of the file could not hold so many.
    pub(super) fn count(&mut self, limit: u64, smallest: u64, subject: &str) -> Result<u64, Error> {
        let found = self.u64(subject)?;
        if found > limit {
            return Err(Error::OutOfRange {
                subject: subject.into(),
                found,
                expected: format!("at most {limit}"),
            });
        }
        self.check(found.saturating_mul(smallest), subject)?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_checked_before_it_is_believed() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.extend(b"short");
        let error = Cursor::new(&bytes).text("a name").unwrap_err();
        assert_eq!(error, Error::Truncated { subject: "a name".into(), found: 13, expected: u64::MAX });
    }

    #[test]
    fn a_count_must_fit_the_rest_of_the_file() {
        let bytes = [3u64.to_le_bytes(), [0; 8]].concat();
        assert_eq!(Cursor::new(&bytes).count(10, 2, "things"), Ok(3));
        let error = Cursor::new(&bytes).count(10, 4, "things").unwrap_err();
        assert_eq!(error, Error::Truncated { subject: "things".into(), found: 16, expected: 20 });
        let error = Cursor::new(&bytes).count(2, 1, "things").unwrap_err();
        assert!(matches!(error, Error::OutOfRange { found: 3, .. }), "{error}");
    }

    #[test]
    fn text_must_be_utf8() {
        let bytes = [&3u64.to_le_bytes()[..], b"a\xffb"].concat();
        let error = Cursor::new(&bytes).text("a name").unwrap_err();
        assert_eq!(error, Error::NotText { subject: "a name".into(), position: 1 });
    }
}
