//! One dispatch with data, and what it means for an executor to agree with the reference on it.

use crate::kernel::{Access, Binding, Element, Kernel};

/// The contents of a buffer while the reference runs: floats in f64, words as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Contents of an [`Element::F32`] buffer.
    F64(Vec<f64>),
    /// Contents of an [`Element::U32`] buffer, records included.
    U32(Vec<u32>),
}

impl Values {
    /// The floats. Panics on words: the caller has mixed up two bindings.
    pub fn floats(&self) -> &[f64] {
        match self {
            Self::F64(values) => values,
            Self::U32(_) => panic!("a buffer of words was read as floats"),
        }
    }

    /// The floats, to write. Panics on words.
    pub fn floats_mut(&mut self) -> &mut [f64] {
        match self {
            Self::F64(values) => values,
            Self::U32(_) => panic!("a buffer of words was written as floats"),
        }
    }

    /// The words. Panics on floats.
    pub fn words(&self) -> &[u32] {
        match self {
            Self::U32(values) => values,
            Self::F64(_) => panic!("a buffer of floats was read as words"),
        }
    }

    /// The words, to write. Panics on floats.
    pub fn words_mut(&mut self) -> &mut [u32] {
        match self {
            Self::U32(values) => values,
            Self::F64(_) => panic!("a buffer of floats was written as words"),
        }
    }

    /// Number of 32-bit scalars.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::U32(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that a GPU buffer holds: floats rounded to f32.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::F64(values) => values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
            Self::U32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// What the bytes of a GPU buffer mean under `binding`.
    pub fn from_bytes(binding: &Binding, bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        match binding.element {
            Element::F32 => Self::F64(words.map(|w| f64::from(f32::from_bits(w))).collect()),
            Element::U32 => Self::U32(words.collect()),
        }
    }
}

/// One dispatch with data: what every executor must agree on.
pub struct Case {
    /// What this case is about.
    pub label: String,
    /// Bytes of the uniform.
    pub params: Vec<u8>,
    /// Values of the overrides that are set.
    pub overrides: Vec<(&'static str, u32)>,
    /// Initial contents of all buffers, in binding order.
    pub buffers: Vec<Values>,
    /// Workgroups in x, y, z.
    pub workgroups: [u32; 3],
    /// Largest difference allowed against the reference, per element, in units of max(1, |expected|).
    pub tolerance: f64,
}

/// The first element on which an executor and the reference disagree.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "`{binding}` disagrees at element {index}: expected {expected}, found {found}, tolerance {tolerance}"
)]
pub struct Disagreement {
    /// Name of the binding.
    pub binding: &'static str,
    /// Flat index into the buffer.
    pub index: usize,
    /// What the reference says (NaN where the buffers differ in length).
    pub expected: f64,
    /// What the executor says.
    pub found: f64,
    /// What was allowed.
    pub tolerance: f64,
}

impl Case {
    /// All buffers after the reference has run.
    pub fn expected(&self, kernel: &Kernel) -> Vec<Values> {
        let mut buffers = self.buffers.clone();
        (kernel.reference)(&self.params, &self.overrides, &mut buffers);
        buffers
    }

    /// Holds the buffers that an executor left against those of the reference; only written bindings count.
    pub fn check(&self, kernel: &Kernel, expected: &[Values], found: &[Values]) -> Result<(), Disagreement> {
        assert_eq!(expected.len(), kernel.bindings.len(), "one buffer for each binding of {}", kernel.name);
        assert_eq!(found.len(), kernel.bindings.len(), "one buffer for each binding of {}", kernel.name);
        for (binding, (expected, found)) in kernel.bindings.iter().zip(expected.iter().zip(found)) {
            if binding.access == Access::ReadWrite {
                self.check_buffer(binding, expected, found)?;
            }
        }
        Ok(())
    }

    fn check_buffer(&self, binding: &Binding, expected: &Values, found: &Values) -> Result<(), Disagreement> {
        for index in 0..expected.len().max(found.len()) {
            let (want, got) = (meaning(binding, expected, index), meaning(binding, found, index));
            let allowed = match binding.meaning(index) {
                Element::U32 => 0.0,
                Element::F32 if want.is_infinite() => 0.0,
                Element::F32 => self.tolerance * want.abs().max(1.0),
            };
            // Equality lets equal infinities pass; a NaN fails both comparisons.
            if !(want == got || (want - got).abs() <= allowed) {
                let tolerance = self.tolerance;
                return Err(Disagreement {
                    binding: binding.name,
                    index,
                    expected: want,
                    found: got,
                    tolerance,
                });
            }
        }
        Ok(())
    }
}

/// The number at `index`, as the binding's record says; NaN beyond the end.
fn meaning(binding: &Binding, values: &Values, index: usize) -> f64 {
    match values {
        Values::F64(values) => values.get(index).copied().unwrap_or(f64::NAN),
        Values::U32(words) => words.get(index).map_or(f64::NAN, |&word| match binding.meaning(index) {
            Element::U32 => f64::from(word),
            Element::F32 => f64::from(f32::from_bits(word)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOATS: Binding = Binding::write("x", Element::F32, "(n)");

    fn case(tolerance: f64) -> Case {
        Case {
            label: String::new(),
            params: vec![],
            overrides: vec![],
            buffers: vec![],
            workgroups: [1; 3],
            tolerance,
        }
    }

    #[test]
    fn nan_short_buffers_and_large_differences_all_disagree() {
        let want = Values::F64(vec![1.0, 100.0]);
        let check = |found: Vec<f64>| case(1e-3).check_buffer(&FLOATS, &want, &Values::F64(found));
        assert!(check(vec![1.0009, 100.09]).is_ok());
        assert!(check(vec![1.0011, 100.0]).is_err());
        assert!(check(vec![1.0, f64::NAN]).is_err());
        assert!(check(vec![1.0]).is_err());
        assert!(check(vec![1.0, 100.0, 0.0]).is_err());
    }

    #[test]
    fn words_must_be_equal_and_record_floats_near() {
        let binding = Binding::write("r", Element::U32, "(n)").of_records(&[Element::U32, Element::F32]);
        let words = |token: u32, p: f32| Values::U32(vec![token, p.to_bits()]);
        let check = |found| case(1e-3).check_buffer(&binding, &words(7, f32::NEG_INFINITY), &found);
        assert!(check(words(7, f32::NEG_INFINITY)).is_ok());
        assert!(check(words(8, f32::NEG_INFINITY)).is_err());
        assert!(check(words(7, -1e30)).is_err());
    }

    #[test]
    fn bytes_there_and_back() {
        let values = Values::F64(vec![0.5, -2.0]);
        assert_eq!(Values::from_bytes(&FLOATS, &values.to_bytes()), values);
    }
}
