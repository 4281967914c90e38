//! Attention within each sequence: softmax(q . kᵀ / sqrt(head_dim)) v, head by head.
//!
//! qkv (rows, 3 * heads * head_dim) to (rows, heads * head_dim); rows = batch * length, and a row attends to the
//! rows of its own sequence, all of them or, if causal, those up to itself.
//!
//! One thread owns one row of one head and walks over the keys eight at a time, with a running maximum and sum
//! (online softmax), so that scores never leave registers. No barrier and no workgroup memory: the threads of
//! a group are neighbouring rows that read the same keys, which a cache serves at once. The accumulator is an
//! array as long as the widest head, since WGSL takes no override for a private array's size.

use bytemuck::{Pod, Zeroable};

use super::{override_value, read_params};
use crate::case::{Case, Values};
use crate::kernel::{Binding, Element, Kernel, Overrides};
use crate::sample;

/// The uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Positions in the batch.
    pub rows: u32,
    /// Slots per sequence.
    pub length: u32,
    /// Heads.
    pub heads: u32,
    /// 1 if a slot sees only itself and what precedes it, else 0.
    pub causal: u32,
}

/// Name of the override that holds the width of a head: a multiple of 8, at most [`WIDEST_HEAD`].
pub const HEAD_DIM: &str = "HEAD_DIM";

/// The widest head that the accumulator has room for.
pub const WIDEST_HEAD: u32 = 128;

/// The kernel.
pub static KERNEL: Kernel = Kernel {
    name: "attention",
    entry: "attention",
    source: include_str!("attention.wgsl"),
    shared: &[],
    bindings: &[
        Binding::read("qkv", Element::F32, "(rows, 3 * heads * head_dim)"),
        Binding::write("output", Element::F32, "(rows, heads * head_dim)"),
    ],
    overrides: &[HEAD_DIM],
    params_size: size_of::<Params>(),
    reference,
    cases,
};

/// Rows in x, 64 to a group; heads in y.
pub fn workgroups(params: &Params) -> [u32; 3] {
    [params.rows.div_ceil(64), params.heads, 1]
}

fn reference(params: &[u8], overrides: &Overrides, buffers: &mut [Values]) {
    let Params { rows, length, heads, causal } = read_params(params);
    let (rows, length, heads) = (rows as usize, length as usize, heads as usize);
    let head_dim = override_value(overrides, HEAD_DIM, 64) as usize;
    let [qkv, output] = buffers else { panic!("attention has two buffers") };
    let (qkv, output) = (qkv.floats(), output.floats_mut());
    for (row, head) in (0..rows).flat_map(|row| (0..heads).map(move |head| (row, head))) {
        // part 0 = queries, 1 = keys, 2 = values
        let vector =
            |row: usize, part: usize| &qkv[((3 * row + part) * heads + head) * head_dim..][..head_dim];
        let first = row - row % length;
        let last = if causal == 1 { row } else { first + length - 1 };
        let score = |key: usize| dot(vector(row, 0), vector(key, 1)) / (head_dim as f64).sqrt();
        let scores: Vec<f64> = (first..=last).map(score).collect();
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|s| (s - best).exp()).sum();
        for j in 0..head_dim {
            let mixed: f64 =
                (first..=last).zip(&scores).map(|(key, s)| (s - best).exp() * vector(key, 2)[j]).sum();
            output[(row * heads + head) * head_dim + j] = mixed / sum;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cases(seed: u32) -> Vec<Case> {
    let case = |(batch, length, heads, head_dim, causal): (usize, usize, usize, usize, bool)| {
        let rows = batch * length;
        let params = Params {
            rows: rows as u32,
            length: length as u32,
            heads: heads as u32,
            causal: u32::from(causal),
        };
        Case {
            label: format!("{batch} x {length} slots, {heads} heads of {head_dim}, causal: {causal}"),
            params: bytemuck::bytes_of(&params).to_vec(),
            overrides: vec![(HEAD_DIM, head_dim as u32)],
            buffers: vec![
                Values::F64(sample::floats(seed, 0, rows * 3 * heads * head_dim, 1.5)),
                Values::F64(vec![0.0; rows * heads * head_dim]),
            ],
            workgroups: workgroups(&params),
            tolerance: 1e-5,
        }
    };
    let shapes = [(2, 16, 2, 32, false), (3, 23, 2, 64, false), (1, 70, 1, 128, false), (2, 19, 3, 32, true)];
    shapes.map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(params: Params, head_dim: u32, qkv: Vec<f64>) -> Vec<f64> {
        let width = (params.rows * params.heads * head_dim) as usize;
        let mut buffers = [Values::F64(qkv), Values::F64(vec![0.0; width])];
        reference(bytemuck::bytes_of(&params), &[(HEAD_DIM, head_dim)], &mut buffers);
        buffers[1].floats().to_vec()
    }

    #[test]
    fn equal_scores_average_the_values_of_the_own_sequence() {
        // Two sequences of two slots, one head of width 1; queries are zero.
        let qkv = vec![0.0, 1.0, 10.0, 0.0, 2.0, 20.0, 0.0, 3.0, 30.0, 0.0, 4.0, 50.0];
        let params = Params { rows: 4, length: 2, heads: 1, causal: 0 };
        assert_eq!(run(params, 1, qkv.clone()), [15.0, 15.0, 40.0, 40.0]);
        assert_eq!(run(Params { causal: 1, ..params }, 1, qkv), [10.0, 15.0, 30.0, 40.0]);
    }

    #[test]
    fn two_slots_weigh_by_the_logistic_function() {
        let qkv = vec![1.0, 2.0, 1.0, 1.0, 0.5, 0.0];
        let found = run(Params { rows: 2, length: 2, heads: 1, causal: 0 }, 1, qkv);
        let expected = 1.0 / (1.0 + (-1.5f64).exp());
        assert!((found[0] - expected).abs() < 1e-12, "{found:?}");
    }
}
