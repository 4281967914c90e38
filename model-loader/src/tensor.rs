//! Tensors as they lie in the file: name, shape, format, bytes, and the way to plain floats.

use std::fmt;

use half::f16;

use crate::error::Error;

/// Values per quantized block, along the inputs.
pub const BLOCK: usize = 32;

/// How a tensor's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// 32-bit floats, little-endian.
    F32,
    /// 16-bit floats, little-endian.
    F16,
    /// Blocks of 32 signed bytes behind one f16 scale; value = byte * scale. 34 bytes per block.
    Q8_0,
    /// Blocks of 32 four-bit codes behind one f16 scale; value = (code - 8) * scale. 18 bytes per block:
    /// byte j of the codes holds value j in its low half and value j + 16 in its high half.
    Q4_0,
}

impl Format {
    /// The format with this GGML type number, if this reader knows it.
    pub fn from_ggml(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::F32),
            1 => Some(Self::F16),
            2 => Some(Self::Q4_0),
            8 => Some(Self::Q8_0),
            _ => None,
        }
    }

    /// The format's GGML type number.
    pub fn to_ggml(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q8_0 => 8,
        }
    }

    /// Values per block; the inputs of a matrix are a multiple of it.
    pub fn block_values(self) -> usize {
        match self {
            Self::F32 | Self::F16 => 1,
            Self::Q8_0 | Self::Q4_0 => BLOCK,
        }
    }

    /// Bytes per block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::Q8_0 => 2 + BLOCK,
            Self::Q4_0 => 2 + BLOCK / 2,
        }
    }

    /// Name as in GGUF tools: `F32`, `F16`, `Q8_0`, `Q4_0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Shape of a tensor: the backbone has vectors and matrices only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector of so many values (GGUF dimensions `[n]`).
    Vector(usize),
    /// A row-major matrix that maps `inputs` values to `outputs` values (GGUF dimensions `[inputs, outputs]`).
    Matrix {
        /// Rows, N.
        outputs: usize,
        /// Columns, K: contiguous in memory.
        inputs: usize,
    },
}

impl Shape {
    /// Number of values.
    pub fn values(self) -> usize {
        match self {
            Self::Vector(length) => length,
            Self::Matrix { outputs, inputs } => outputs * inputs,
        }
    }

    /// Length of the contiguous dimension.
    pub fn row_length(self) -> usize {
        match self {
            Self::Vector(length) => length,
            Self::Matrix { inputs, .. } => inputs,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(length) => write!(f, "[{length}]"),
            Self::Matrix { outputs, inputs } => write!(f, "[{outputs}, {inputs}]"),
        }
    }
}

/// One tensor of a checkpoint. `bytes` has exactly the length that `shape` and `format` imply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name as in the file: `blk.0.attn_q.weight`.
    pub name: String,
    /// `[outputs, inputs]` of a matrix, or the length of a vector.
    pub shape: Shape,
    /// How the values are stored.
    pub format: Format,
    /// The values, row after row, as in the file.
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// All values as floats, row-major; exact for every format. `// (outputs, inputs)`
    pub fn to_f32(&self) -> Vec<f32> {
        let blocks = self.bytes.chunks_exact(self.format.block_bytes());
        let mut values = Vec::with_capacity(self.shape.values());
        match self.format {
            Format::F32 => values.extend(blocks.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            Format::F16 => values.extend(blocks.map(half)),
            Format::Q8_0 => blocks.for_each(|block| push_q8_0(block, &mut values)),
            Format::Q4_0 => blocks.for_each(|block| push_q4_0(block, &mut values)),
        }
        values
    }

    /// Refuses infinities and NaN, which would spread over every prediction.
    pub(crate) fn check_finite(&self) -> Result<(), Error> {
        let finite = |block: &[u8]| match self.format {
            Format::F32 => f32::from_le_bytes([block[0], block[1], block[2], block[3]]).is_finite(),
            Format::F16 | Format::Q8_0 | Format::Q4_0 => half(block).is_finite(),
        };
        match self.bytes.chunks_exact(self.format.block_bytes()).position(|block| !finite(block)) {
            Some(block) => Err(Error::NotFinite { tensor: self.name.clone(), block: block as u64 }),
            None => Ok(()),
        }
    }
}

/// The f16 at the start of a block: the value itself, or the scale.
fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

fn push_q8_0(block: &[u8], values: &mut Vec<f32>) {
    let scale = half(block);
    values.extend(block[2..].iter().map(|&byte| f32::from(byte as i8) * scale));
}

fn push_q4_0(block: &[u8], values: &mut Vec<f32>) {
    let scale = half(block);
    let codes = &block[2..];
    values.extend(codes.iter().map(|&byte| (f32::from(byte & 15) - 8.0) * scale));
    values.extend(codes.iter().map(|&byte| (f32::from(byte >> 4) - 8.0) * scale));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(format: Format, length: usize, bytes: Vec<u8>) -> Tensor {
        Tensor { name: "t".into(), shape: Shape::Vector(length), format, bytes }
    }

    #[test]
    fn floats_come_back_as_written() {
        let values = [0.0f32, -1.5, 3.25, f32::MIN_POSITIVE];
        let wide = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(tensor(Format::F32, 4, wide).to_f32(), values);
        let narrow = [1.0f32, -0.5].iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
        assert_eq!(tensor(Format::F16, 2, narrow).to_f32(), [1.0, -0.5]);
    }

    #[test]
    fn eight_bit_blocks_are_signed() {
        let mut bytes = f16::from_f32(0.5).to_le_bytes().to_vec();
        bytes.extend((0..32).map(|i| (i as i8 - 16) as u8));
        let expected: Vec<f32> = (0..32).map(|i| (i as f32 - 16.0) * 0.5).collect();
        assert_eq!(tensor(Format::Q8_0, 32, bytes).to_f32(), expected);
    }

    #[test]
    fn four_bit_blocks_keep_the_second_half_in_the_high_bits() {
        let mut bytes = f16::from_f32(2.0).to_le_bytes().to_vec();
        bytes.extend((0..16u8).map(|i| i | ((15 - i) << 4)));
        let codes = (0..16).chain((0..16).rev());
        let expected: Vec<f32> = codes.map(|code| (code as f32 - 8.0) * 2.0).collect();
        assert_eq!(tensor(Format::Q4_0, 32, bytes).to_f32(), expected);
    }

    #[test]
    fn type_numbers_go_there_and_back() {
        for number in 0..64 {
            if let Some(format) = Format::from_ggml(number) {
                assert_eq!(format.to_ggml(), number);
            }
        }
        let known: Vec<u32> = (0..64).filter(|&n| Format::from_ggml(n).is_some()).collect();
        assert_eq!(known, [0, 1, 2, 8]);
    }
}
