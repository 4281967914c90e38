//! h = x / sqrt(mean(x²) + epsilon) * gain, row by row: (rows, width) to (rows, width).
//!
//! Four threads share a row: each sums the whole row by itself and writes a quarter. Threads side by side read
//! the same numbers, which costs little, and it needs no barrier, which costs a software adapter a lot.

use bytemuck::{Pod, Zeroable};

use super::read_params;
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel, Overrides};
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Params {
    /// Rows to normalise.
    pub rows: u32,
    /// Width of a row, a multiple of 4.
    pub width: u32,
    /// Added to the mean square.
    pub epsilon: f32,
}

/// Rows that one workgroup normalises.
pub const ROWS_PER_GROUP: u32 = 16;

/// The kernel.
pub static KERNEL: Kernel = Kernel {
    name: "rms_norm",
    entry: "rms_norm",
    source: include_str!("rms_norm.wgsl"),
    shared: &[],
    bindings: &[
        Binding::read("x", Element::F32, "(rows, width)"),
        Binding::read("gain", Element::F32, "(width)"),
        Binding::write("h", Element::F32, "(rows, width)"),
    ],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference,
    cases,
};

/// Sixteen rows to a group.
pub fn workgroups(params: &Params) -> [u32; 3] {
    [params.rows.div_ceil(ROWS_PER_GROUP), 1, 1]
}

fn reference(params: &[u8], _: &Overrides, buffers: &mut [Values]) {
    let Params { rows, width, epsilon } = read_params(params);
    let [x, gain, h] = buffers else { panic!("rms_norm has three buffers") };
    for row in 0..rows as usize {
        let span = row * width as usize..(row + 1) * width as usize;
        normalise(&x.floats()[span.clone()], gain.floats(), epsilon, &mut h.floats_mut()[span]);
    }
}

/// One row.
pub(super) fn normalise(x: &[f64], gain: &[f64], epsilon: f32, h: &mut [f64]) {
    let mean_square = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
    let scale = 1.0 / (mean_square + f64::from(epsilon)).sqrt();
    for k in 0..x.len() {
        h[k] = x[k] * scale * gain[k];
    }
}

fn cases(seed: u32) -> Vec<Case> {
    let case = |(rows, width): (usize, usize)| {
        let params = Params { rows: rows as u32, width: width as u32, epsilon: 1e-5 };
        Case {
            label: format!("{rows} rows of width {width}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers: vec![
                Values::F64(sample::floats(seed, 0, rows * width, 2.0)),
                Values::F64(sample::floats(seed, 1, width, 1.0)),
                Values::F64(vec![0.0; rows * width]),
            ],
            workgroups: workgroups(&params),
            tolerance: 1e-5,
        }
    };
    [(1, 32), (7, 256), (19, 100)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normalised_row_has_mean_square_one_and_ignores_scale() {
        let x = sample::floats(3, 0, 64, 1.0);
        let (mut h, mut scaled) = (vec![0.0; 64], vec![0.0; 64]);
        normalise(&x, &[1.0; 64], 0.0, &mut h);
        normalise(&x.iter().map(|v| 7.0 * v).collect::<Vec<_>>(), &[1.0; 64], 0.0, &mut scaled);
        let mean_square = h.iter().map(|v| v * v).sum::<f64>() / 64.0;
        assert!((mean_square - 1.0).abs() < 1e-12, "{mean_square}");
        assert!(h.iter().zip(&scaled).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn three_and_four_by_hand() {
        let mut h = [0.0; 2];
        normalise(&[3.0, 4.0], &[1.0, 2.0], 0.0, &mut h);
        let rms = 12.5f64.sqrt();
        assert!((h[0] - 3.0 / rms).abs() < 1e-15 && (h[1] - 8.0 / rms).abs() < 1e-15, "{h:?}");
    }
}
