//! x = embedding[tokens] + positions[slot]: token ids (rows) to activations (rows, width); slot = row % length.
//!
//! One thread makes four neighbouring values of one row; the matrix is the head's, (vocabulary, width).

use bytemuck::{Pod, Zeroable};

use super::{Matrix, WEIGHT_FLOATS, WEIGHT_SCALES, WEIGHT_WORDS, WEIGHTS_F32, WEIGHTS_Q8, read_params};
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel};
use crate::packing::Format;
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Positions in the batch.
    pub rows: u32,
    /// Width of the activations, a multiple of 32.
    pub width: u32,
    /// Slots per sequence.
    pub length: u32,
}

const TOKENS: Binding = Binding::read("tokens", Element::U32, "(rows)");
const POSITIONS: Binding = Binding::read("positions", Element::F32, "(length, width)");
const X: Binding = Binding::write("x", Element::F32, "(rows, width)");

/// With 8-bit weights.
pub static KERNEL_Q8: Kernel = Kernel {
    name: "embedding_q8",
    entry: "embedding",
    source: include_str!("embedding.wgsl"),
    shared: &[WEIGHTS_Q8],
    bindings: &[TOKENS, POSITIONS, WEIGHT_WORDS, WEIGHT_SCALES, X],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::Q8, params, buffers),
    cases: |seed| cases(seed, Format::Q8),
};

/// With f32 weights.
pub static KERNEL_F32: Kernel = Kernel {
    name: "embedding_f32",
    entry: "embedding",
    source: include_str!("embedding.wgsl"),
    shared: &[WEIGHTS_F32],
    bindings: &[TOKENS, POSITIONS, WEIGHT_FLOATS, X],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference: |params, _, buffers| reference(Format::F32, params, buffers),
    cases: |seed| cases(seed, Format::F32),
};

/// Threads of 4 values, 64 to a group in x; rows in y.
pub fn workgroups(params: &Params) -> [u32; 3] {
    [(params.width / 4).div_ceil(64), params.rows, 1]
}

fn reference(format: Format, params: &[u8], buffers: &mut [Values]) {
    let Params { rows, width, length } = read_params(params);
    let (width, length) = (width as usize, length as usize);
    let (inputs, output) = buffers.split_at_mut(2 + format.bindings());
    let (positions, x) = (inputs[1].floats(), output[0].floats_mut());
    let matrix = Matrix { format, buffers: &inputs[2..], inner: width };
    for row in 0..rows as usize {
        let token = inputs[0].words()[row] as usize;
        for k in 0..width {
            x[row * width + k] = matrix.at(token, k) + positions[row % length * width + k];
        }
    }
}

fn cases(seed: u32, format: Format) -> Vec<Case> {
    let case = |(rows, width, length, vocabulary): (usize, usize, usize, usize)| {
        let params = Params { rows: rows as u32, width: width as u32, length: length as u32 };
        let mut buffers = vec![
            Values::U32(sample::tokens(seed, 0, rows, vocabulary as u32)),
            Values::F64(sample::floats(seed, 2, length * width, 1.0)),
        ];
        buffers.extend(sample::weights(seed, 1, format, vocabulary, width, 1.0));
        buffers.push(Values::F64(vec![0.0; rows * width]));
        Case {
            label: format!("{rows} rows of width {width}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers,
            workgroups: workgroups(&params),
            tolerance: 1e-6,
        }
    };
    [(6, 32, 3, 7), (3, 288, 3, 50)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_adds_the_rows_of_tokens_and_slots() {
        let mut buffers = [
            Values::U32(vec![2, 0]),
            Values::F64([vec![0.5; 32], vec![0.25; 32]].concat()),
            Values::F64((0..96).map(f64::from).collect()),
            Values::F64(vec![0.0; 64]),
        ];
        reference(Format::F32, bytemuck::bytes_of(&Params { rows: 2, width: 32, length: 2 }), &mut buffers);
        let expected: Vec<f64> =
            (64..96).map(|v| f64::from(v) + 0.5).chain((0..32).map(|v| f64::from(v) + 0.25)).collect();
        assert_eq!(buffers[3].floats(), expected);
    }
}
