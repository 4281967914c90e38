//! How weights lie in GPU memory: packed words and scales, made from GGUF blocks of 32.
//!
//! A weight matrix has shape (N output channels, K inputs), row-major, K a multiple of 32.
//! - int4: word `n * K/8 + k/8` holds the eight codes of k = 8w .. 8w+7, code j in bits 4j..4j+3;
//!   value = (code - 8) * scale.
//! - int8: word `n * K/4 + k/4` holds four signed bytes, byte j in bits 8j..8j+7; value = byte * scale.
//! - scales: f16, one per 32 inputs, flat index s = n * K/32 + k/32; word s/2, low half when s is even.
//! - f32: word `n * K + k` holds the value; there are no scales.

use half::f16;

/// Inputs that share one scale.
pub const BLOCK: usize = 32;

/// How the entries of a weight matrix are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 4-bit codes around 8 with a scale per block (GGUF `Q4_0`).
    Q4,
    /// Signed bytes with a scale per block (GGUF `Q8_0`).
    Q8,
    /// Plain 32-bit floats.
    F32,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Q4, Self::Q8, Self::F32];

    /// Bytes of a GGUF block of 32 values.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q4 => 2 + BLOCK / 2,
            Self::Q8 => 2 + BLOCK,
            Self::F32 => 4 * BLOCK,
        }
    }

    /// Bindings that a matrix of this format takes: its words and, if it has them, its scales.
    pub fn bindings(self) -> usize {
        if self == Self::F32 { 1 } else { 2 }
    }
}

/// A matrix as the GPU reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Codes (or the bits of f32 values), as the module's text says.
    pub words: Vec<u32>,
    /// Pairs of f16 scales; empty for f32.
    pub scales: Vec<u32>,
}

/// Why a matrix could not be packed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
pub enum PackingError {
    /// The number of inputs is no multiple of the block.
    #[error("matrix has {found} inputs, expected a multiple of {BLOCK}")]
    Inputs {
        /// Number of inputs given.
        found: usize,
    },
    /// The data are not as long as the shape says.
    #[error("matrix of {n} x {k} has {found} bytes, expected {expected}")]
    Length {
        /// Output channels.
        n: usize,
        /// Inputs.
        k: usize,
        /// Bytes that the shape needs.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

/// Packs the GGUF blocks of an (n, k) matrix: `Q4_0`, `Q8_0`, or little-endian f32.
pub fn pack(format: Format, bytes: &[u8], n: usize, k: usize) -> Result<Packed, PackingError> {
    if k == 0 || !k.is_multiple_of(BLOCK) {
        return Err(PackingError::Inputs { found: k });
    }
    let expected = n * (k / BLOCK) * format.block_bytes();
    if bytes.len() != expected {
        return Err(PackingError::Length { n, k, expected, found: bytes.len() });
    }
    let mut words = Vec::with_capacity(expected / 4);
    let mut halves = Vec::with_capacity(n * k / BLOCK);
    for block in bytes.chunks_exact(format.block_bytes()) {
        if format != Format::F32 {
            halves.push(u16::from_le_bytes([block[0], block[1]]));
        }
        match format {
            Format::Q4 => words.extend(q4_words(&block[2..])),
            Format::Q8 => words.extend(little_endian_words(&block[2..])),
            Format::F32 => words.extend(little_endian_words(block)),
        }
    }
    Ok(Packed { words, scales: pair(&halves) })
}

/// Interleaves the rows of two matrices of equal shape and format: gate 0, up 0, gate 1, up 1, ... as the
/// SwiGLU epilogue wants them. `bytes` are GGUF blocks.
///
/// # Panics
/// If the two differ in length or `n` does not divide it.
pub fn interleave_rows(gate: &[u8], up: &[u8], n: usize) -> Vec<u8> {
    assert_eq!(gate.len(), up.len(), "gate and up have equal shapes");
    assert!(n > 0 && gate.len().is_multiple_of(n), "the number of rows divides the length");
    let row = gate.len() / n;
    let pairs = gate.chunks_exact(row).zip(up.chunks_exact(row));
    pairs.flat_map(|(gate, up)| gate.iter().chain(up).copied()).collect()
}

/// The value at (n, k) of a packed matrix with `inner` inputs, exactly.
pub fn weight(format: Format, words: &[u32], scales: &[u32], inner: usize, n: usize, k: usize) -> f64 {
    let entry = n * inner + k;
    let scale = || {
        let block = entry / BLOCK;
        f16::from_bits((scales[block / 2] >> (16 * (block % 2))) as u16).to_f64()
    };
    match format {
        Format::Q4 => (f64::from((words[entry / 8] >> (4 * (entry % 8))) & 15) - 8.0) * scale(),
        Format::Q8 => f64::from((words[entry / 4] >> (8 * (entry % 4))) as u8 as i8) * scale(),
        Format::F32 => f64::from(f32::from_bits(words[entry])),
    }
}

/// Two f16 bit patterns to a word, the first in the low half.
pub(crate) fn pair(halves: &[u16]) -> Vec<u32> {
    halves
        .chunks(2)
        .map(|two| u32::from(two[0]) | two.get(1).map_or(0, |&high| u32::from(high) << 16))
        .collect()
}

/// GGUF keeps code j in the low and code j + 16 in the high nibble of byte j; here eight neighbours share a word.
fn q4_words(nibbles: &[u8]) -> [u32; 4] {
    let code = |k: usize| u32::from(nibbles[k % 16] >> (4 * (k / 16))) & 15;
    std::array::from_fn(|w| (0..8).map(|j| code(8 * w + j) << (4 * j)).sum())
}

fn little_endian_words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of 64 inputs; the scale of block b is (b + 1) / 4.
    fn blocks(format: Format) -> Vec<u8> {
        let mut bytes = Vec::new();
        for block in 0..4u8 {
            let scale = f16::from_f32(f32::from(block + 1) / 4.0).to_le_bytes();
            match format {
                Format::Q4 => bytes.extend(scale.into_iter().chain((0..16).map(|j| j | ((15 - j) << 4)))),
                Format::Q8 => {
                    bytes.extend(scale.into_iter().chain((0..32).map(|j| (j * 8u8).wrapping_sub(100))))
                }
                Format::F32 => {
                    bytes.extend((0..32).flat_map(|j| (j as f32 - f32::from(block)).to_le_bytes()))
                }
            }
        }
        bytes
    }

    /// What the GGUF specification says about input `k` of row `n` of [`blocks`].
    fn expected(format: Format, n: usize, k: usize) -> f64 {
        let (block, j) = (2 * n + k / 32, k % 32);
        let scale = (block + 1) as f64 / 4.0;
        match format {
            Format::Q4 => (if j < 16 { j as f64 } else { 15.0 - (j - 16) as f64 } - 8.0) * scale,
            Format::Q8 => f64::from((j as u8 * 8).wrapping_sub(100) as i8) * scale,
            Format::F32 => j as f64 - block as f64,
        }
    }

    #[test]
    fn packed_weights_are_the_weights_of_the_blocks() {
        for format in Format::ALL {
            let packed = pack(format, &blocks(format), 2, 64).unwrap();
            for (n, k) in (0..2).flat_map(|n| (0..64).map(move |k| (n, k))) {
                let found = weight(format, &packed.words, &packed.scales, 64, n, k);
                assert_eq!(found, expected(format, n, k), "{format:?} ({n}, {k})");
            }
        }
    }

    #[test]
    fn an_odd_number_of_blocks_leaves_half_a_word() {
        let packed = pack(Format::Q8, &blocks(Format::Q8)[..3 * 34], 3, 32).unwrap();
        assert_eq!(packed.scales.len(), 2);
        assert_eq!(packed.scales[1] >> 16, 0);
    }

    #[test]
    fn interleaving_alternates_rows() {
        assert_eq!(interleave_rows(&[1, 2, 3, 4], &[5, 6, 7, 8], 2), [1, 2, 5, 6, 3, 4, 7, 8]);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        assert_eq!(pack(Format::Q4, &[], 1, 48), Err(PackingError::Inputs { found: 48 }));
        let error = pack(Format::Q4, &[0; 17], 1, 32);
        assert_eq!(error, Err(PackingError::Length { n: 1, k: 32, expected: 18, found: 17 }));
    }
}
