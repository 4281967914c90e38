//! The final norm, only where a prediction is wanted: normed[r] = rms_norm(x[rows[r].position]) * gain.
//!
//! Cut as `rms_norm`. The number of rows asked varies from call to call; the last workgroup may run over rows
//! that nobody asked for, which is harmless as long as they lie within the buffer.

use bytemuck::{Pod, Zeroable};

use super::{read_params, rms_norm};
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel, Overrides};
use crate::records::Row;
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Params {
    /// Rows that the buffers hold (not: rows asked).
    pub rows: u32,
    /// Width of a row, a multiple of 4.
    pub width: u32,
    /// Added to the mean square.
    pub epsilon: f32,
}

/// Rows that one workgroup normalises.
pub const ROWS_PER_GROUP: u32 = rms_norm::ROWS_PER_GROUP;

/// The kernel.
pub static KERNEL: Kernel = Kernel {
    name: "gather_norm",
    entry: "gather_norm",
    source: include_str!("gather_norm.wgsl"),
    shared: &[include_str!("../shared/row.wgsl")],
    bindings: &[
        Binding::read("rows", Element::U32, "(rows, 8)").of_records(Row::RECORD),
        Binding::read("x", Element::F32, "(positions, width)"),
        Binding::read("gain", Element::F32, "(width)"),
        Binding::write("normed", Element::F32, "(rows, width)"),
    ],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference,
    cases,
};

/// Sixteen rows to a group.
pub fn workgroups(rows_asked: u32) -> [u32; 3] {
    [rows_asked.div_ceil(ROWS_PER_GROUP), 1, 1]
}

fn reference(params: &[u8], _: &Overrides, buffers: &mut [Values]) {
    let Params { rows: count, width, epsilon } = read_params(params);
    let [rows, x, gain, normed] = buffers else { panic!("gather_norm has four buffers") };
    let rows: &[Row] = bytemuck::cast_slice(rows.words());
    let width = width as usize;
    for (r, row) in rows.iter().enumerate().take(count as usize) {
        let from = row.position as usize * width;
        let h = &mut normed.floats_mut()[r * width..(r + 1) * width];
        rms_norm::normalise(&x.floats()[from..from + width], gain.floats(), epsilon, h);
    }
}

fn cases(seed: u32) -> Vec<Case> {
    let case = |(positions, rows, width): (usize, usize, usize)| {
        let params = Params { rows: rows as u32, width: width as u32, epsilon: 1e-5 };
        let wanted: Vec<Row> = sample::tokens(seed, 0, rows, positions as u32)
            .into_iter()
            .map(|position| Row { position, ..Zeroable::zeroed() })
            .collect();
        Case {
            label: format!("{rows} of {positions} positions, width {width}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers: vec![
                sample::records(&wanted),
                Values::F64(sample::floats(seed, 1, positions * width, 2.0)),
                Values::F64(sample::floats(seed, 2, width, 1.0)),
                Values::F64(vec![0.0; rows * width]),
            ],
            workgroups: workgroups(rows as u32),
            tolerance: 1e-5,
        }
    };
    [(16, 5, 64), (3, 19, 100)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_asked() {
        let ask = |position| Row { position, ..Zeroable::zeroed() };
        let mut buffers = [
            sample::records(&[ask(1), ask(0)]),
            Values::F64(vec![1.0, 1.0, 0.0, 5.0]),
            Values::F64(vec![1.0, 1.0]),
            Values::F64(vec![0.0; 4]),
        ];
        let params = Params { rows: 2, width: 2, epsilon: 0.0 };
        reference(bytemuck::bytes_of(&params), &[], &mut buffers);
        let expected = [0.0, 2f64.sqrt(), 1.0, 1.0];
        assert!(buffers[3].floats().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
