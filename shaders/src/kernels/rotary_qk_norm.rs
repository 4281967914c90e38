//! Queries and keys made ready for attention, in place: per head an RMS norm with learned gain, then the
//! rotary position embedding. `qkv` is (rows, 3 * heads * head_dim): queries, keys, values; values stay.
//!
//! y = x / sqrt(mean(x²) + epsilon) * gain over one head; then for j < head_dim/2, with the angle
//! a = slot * base^(-2j / head_dim) and slot = row % length:
//! (y[j], y[j + head_dim/2]) becomes (y[j] cos a - y[j + head_dim/2] sin a, y[j + head_dim/2] cos a + y[j] sin a).
//!
//! Cosines and sines come from a table: WGSL promises little about `sin` beyond pi, and the table is exact and
//! the same everywhere. One thread handles one head of one row, four pairs at a time.

use bytemuck::{Pod, Zeroable};

use super::read_params;
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel, Overrides};
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Params {
    /// Positions in the batch.
    pub rows: u32,
    /// Slots per sequence.
    pub length: u32,
    /// Heads of queries, and of keys.
    pub heads: u32,
    /// Width of a head, a multiple of 8.
    pub head_dim: u32,
    /// Added to the mean square.
    pub epsilon: f32,
}

/// The kernel.
pub static KERNEL: Kernel = Kernel {
    name: "rotary_qk_norm",
    entry: "rotary_qk_norm",
    source: include_str!("rotary_qk_norm.wgsl"),
    shared: &[],
    bindings: &[
        Binding::read("rotations", Element::F32, "(length, head_dim) cosines, then sines"),
        Binding::read("query_gain", Element::F32, "(head_dim)"),
        Binding::read("key_gain", Element::F32, "(head_dim)"),
        Binding::write("qkv", Element::F32, "(rows, 3 * heads * head_dim)"),
    ],
    overrides: &[],
    params_size: size_of::<Params>(),
    reference,
    cases,
};

/// One thread for each head of queries and keys of each row, 64 to a group.
pub fn workgroups(params: &Params) -> [u32; 3] {
    [(params.rows * params.heads * 2).div_ceil(64), 1, 1]
}

/// The table `rotations`, (length, head_dim): for each slot head_dim/2 cosines, then head_dim/2 sines.
pub fn rotations(length: usize, head_dim: usize, base: f64) -> Vec<f32> {
    let angle = |slot: usize, j: usize| slot as f64 * base.powf(-2.0 * j as f64 / head_dim as f64);
    let row = |slot: usize| {
        let cosines = (0..head_dim / 2).map(move |j| angle(slot, j).cos() as f32);
        cosines.chain((0..head_dim / 2).map(move |j| angle(slot, j).sin() as f32))
    };
    (0..length).flat_map(row).collect()
}

fn reference(params: &[u8], _: &Overrides, buffers: &mut [Values]) {
    let Params { rows, length, heads, head_dim, epsilon } = read_params(params);
    let (heads, head_dim) = (heads as usize, head_dim as usize);
    let [rotations, query_gain, key_gain, qkv] = buffers else { panic!("rotary_qk_norm has four buffers") };
    for row in 0..rows as usize {
        let slot = row % length as usize;
        let rotation = &rotations.floats()[slot * head_dim..(slot + 1) * head_dim];
        for head in 0..2 * heads {
            let gain = if head < heads { &*query_gain } else { &*key_gain };
            let start = (row * 3 * heads + head) * head_dim;
            rotate(&mut qkv.floats_mut()[start..start + head_dim], gain.floats(), rotation, epsilon);
        }
    }
}

/// One head of one row.
fn rotate(x: &mut [f64], gain: &[f64], rotation: &[f64], epsilon: f32) {
    let half = x.len() / 2;
    let mean_square = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
    let scale = 1.0 / (mean_square + f64::from(epsilon)).sqrt();
    for j in 0..half {
        let (a, b) = (x[j] * scale * gain[j], x[j + half] * scale * gain[j + half]);
        let (cos, sin) = (rotation[j], rotation[j + half]);
        (x[j], x[j + half]) = (a * cos - b * sin, b * cos + a * sin);
    }
}

fn cases(seed: u32) -> Vec<Case> {
    let case = |(batch, length, heads, head_dim): (usize, usize, usize, usize)| {
        let rows = batch * length;
        let params = Params {
            rows: rows as u32,
            length: length as u32,
            heads: heads as u32,
            head_dim: head_dim as u32,
            epsilon: 1e-5,
        };
        Case {
            label: format!("{batch} x {length} slots, {heads} heads of {head_dim}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![],
            buffers: vec![
                Values::F64(rotations(length, head_dim, 10_000.0).into_iter().map(f64::from).collect()),
                Values::F64(sample::floats(seed, 0, head_dim, 1.0)),
                Values::F64(sample::floats(seed, 1, head_dim, 1.0)),
                Values::F64(sample::floats(seed, 2, rows * 3 * heads * head_dim, 2.0)),
            ],
            workgroups: workgroups(&params),
            tolerance: 1e-5,
        }
    };
    [(2, 5, 3, 32), (1, 17, 2, 64), (1, 3, 1, 128)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Query and key of one head, normalised and turned to the given slots.
    fn score(query_slot: usize, key_slot: usize) -> f64 {
        let table: Vec<f64> = rotations(32, 16, 10_000.0).into_iter().map(f64::from).collect();
        let (mut q, mut k) = (sample::floats(1, 0, 16, 1.0), sample::floats(1, 1, 16, 1.0));
        rotate(&mut q, &[1.0; 16], &table[query_slot * 16..][..16], 0.0);
        rotate(&mut k, &[1.0; 16], &table[key_slot * 16..][..16], 0.0);
        q.iter().zip(&k).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn scores_depend_on_the_distance_of_two_slots_only() {
        assert!((score(7, 4) - score(20, 17)).abs() < 1e-6);
        assert!((score(7, 4) - score(7, 7)).abs() > 1e-3);
    }

    #[test]
    fn slot_one_turns_the_first_pair_by_one_radian() {
        let table: Vec<f64> = rotations(2, 4, 10_000.0).into_iter().map(f64::from).collect();
        let mut x = [2.0, 0.0, 0.0, 0.0];
        rotate(&mut x, &[1.0; 4], &table[4..], 0.0);
        // The norm makes (2, 0, 0, 0) into (2, 0, 0, 0): its mean square is 1.
        assert!((x[0] - 2.0 * 1f64.cos()).abs() < 1e-6 && (x[2] - 2.0 * 1f64.sin()).abs() < 1e-6, "{x:?}");
    }

    #[test]
    fn values_are_left_alone() {
        let case = &cases(5)[0];
        let after = case.expected(&KERNEL);
        let width = 3 * 32;
        for row in 0..10 {
            let values = row * 3 * width + 2 * width..(row + 1) * 3 * width;
            assert_eq!(case.buffers[3].floats()[values.clone()], after[3].floats()[values]);
        }
    }
}
