//! What the matrix products share: output = x . weightsᵀ, then an epilogue.
//!
//! x (rows, inner), weights (columns, inner) in one of three formats, output (rows, columns), or
//! (rows, columns / 2) under SwiGLU. Two designs compute it, `gemm_tiled` and `gemm_direct`; a design's body
//! is one text, the weight format another (`shared/weights_*.wgsl`), the epilogue a third.

use bytemuck::{Pod, Zeroable};

use super::{Matrix, WEIGHT_FLOATS, WEIGHT_SCALES, WEIGHT_WORDS, override_value, read_params};
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Overrides};
use crate::packing::Format;
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Rows of x and of the output.
    pub rows: u32,
    /// Output channels: rows of the weight matrix; even under SwiGLU.
    pub columns: u32,
    /// Inputs, a multiple of 32.
    pub inner: u32,
}

/// Name of the override that chooses an [`Epilogue`].
pub const EPILOGUE: &str = "EPILOGUE";

/// What happens to a product before it is stored; the values of the override `EPILOGUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Epilogue {
    /// output = product.
    Store = 0,
    /// output += product.
    Residual = 1,
    /// output[j] = silu(product[2j]) * product[2j + 1]: the weights' rows are gate, up, gate, up, ...
    SwiGlu = 2,
}

impl Epilogue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Store, Self::Residual, Self::SwiGlu];

    /// Width of the output for a weight matrix of `columns` rows.
    pub fn output_columns(self, columns: u32) -> u32 {
        if self == Self::SwiGlu { columns / 2 } else { columns }
    }
}

const X: Binding = Binding::read("x", Element::F32, "(rows, inner)");
const OUTPUT: Binding =
    Binding::write("output", Element::F32, "(rows, columns); (rows, columns/2) for SwiGLU");

/// Bindings with coded weights.
pub(super) const CODED: &[Binding] = &[X, WEIGHT_WORDS, WEIGHT_SCALES, OUTPUT];
/// Bindings with f32 weights.
pub(super) const PLAIN: &[Binding] = &[X, WEIGHT_FLOATS, OUTPUT];

pub(super) const EPILOGUES: &str = include_str!("../shared/epilogue.wgsl");

pub(super) fn reference(format: Format, params: &[u8], overrides: &Overrides, buffers: &mut [Values]) {
    let Params { rows, columns, inner } = read_params(params);
    let (columns, inner) = (columns as usize, inner as usize);
    let epilogue = override_value(overrides, EPILOGUE, Epilogue::Store as u32);
    let (inputs, output) = buffers.split_at_mut(1 + format.bindings());
    let matrix = Matrix { format, buffers: &inputs[1..], inner };
    let output = output[0].floats_mut();
    for row in 0..rows as usize {
        let x = &inputs[0].floats()[row * inner..(row + 1) * inner];
        let product = |n: usize| matrix.dot(n, x);
        if epilogue == Epilogue::SwiGlu as u32 {
            for j in 0..columns / 2 {
                output[row * columns / 2 + j] = silu(product(2 * j)) * product(2 * j + 1);
            }
        } else {
            for n in 0..columns {
                let before =
                    if epilogue == Epilogue::Residual as u32 { output[row * columns + n] } else { 0.0 };
                output[row * columns + n] = before + product(n);
            }
        }
    }
}

/// x times the logistic function of x.
fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

/// Shapes around the tile of 64 x 64, each under every epilogue.
pub(super) fn cases(seed: u32, format: Format, workgroups: fn(&Params) -> [u32; 3]) -> Vec<Case> {
    let shapes = [(64, 64, 32), (5, 6, 64), (70, 130, 96)];
    let all = shapes.into_iter().flat_map(|shape| Epilogue::ALL.map(|epilogue| (shape, epilogue)));
    let case = |((rows, columns, inner), epilogue): ((u32, u32, u32), Epilogue)| {
        let params = Params { rows, columns, inner };
        let outputs = (rows * epilogue.output_columns(columns)) as usize;
        let mut buffers = vec![Values::F64(sample::floats(seed, 0, (rows * inner) as usize, 1.0))];
        buffers.extend(sample::weights(seed, 1, format, columns as usize, inner as usize, 0.2));
        buffers.push(Values::F64(sample::floats(seed, 2, outputs, 1.0)));
        Case {
            label: format!("{rows} x {columns} x {inner}, {epilogue:?}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![(EPILOGUE, epilogue as u32)],
            buffers,
            workgroups: workgroups(&params),
            tolerance: 2e-5,
        }
    };
    all.map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [1 2; 3 4] times (1, 1) and (1, -1), padded with zeros to 32 inputs.
    fn run(epilogue: Epilogue, output: Vec<f64>) -> Vec<f64> {
        let pad = |pairs: &[[f64; 2]]| {
            let row = |&[a, b]: &[f64; 2]| [a, b].into_iter().chain([0.0; 30]);
            Values::F64(pairs.iter().flat_map(row).collect())
        };
        let x = pad(&[[1.0, 1.0], [1.0, -1.0]]);
        let mut buffers = [x, pad(&[[1.0, 2.0], [3.0, 4.0]]), Values::F64(output)];
        let params = Params { rows: 2, columns: 2, inner: 32 };
        reference(Format::F32, bytemuck::bytes_of(&params), &[(EPILOGUE, epilogue as u32)], &mut buffers);
        buffers[2].floats().to_vec()
    }

    #[test]
    fn products_by_hand() {
        assert_eq!(run(Epilogue::Store, vec![9.0; 4]), [3.0, 7.0, -1.0, -1.0]);
        assert_eq!(run(Epilogue::Residual, vec![1.0, 2.0, 3.0, 4.0]), [4.0, 9.0, 2.0, 3.0]);
    }

    #[test]
    fn swiglu_pairs_gate_and_up() {
        let found = run(Epilogue::SwiGlu, vec![9.0; 2]);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!((found[0] - 3.0 * sigmoid(3.0) * 7.0).abs() < 1e-12);
        assert!((found[1] - sigmoid(-1.0)).abs() < 1e-12);
    }
}
