//! y = x . W^T: the matrix product in which nearly all time is spent.
//!
//! The micro-kernel keeps a tile of y, `ROWS` rows by two vectors, in registers while it walks along the inputs:
//! per input two vector loads of weights, `ROWS` broadcasts of x, 2 `ROWS` multiply-adds. The rows of x are
//! first gathered in tiles (`ROWS` values of one input side by side), so that both operands are read in order.
//! Written once over `pulp`'s vectors: AVX-512, AVX2 or NEON natively (chosen when it runs), simd128 in WASM.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::math::silu;
use super::matrix::{Order, PackedMatrix};

/// Rows that are gathered at a time: their tiles stay in the L2 cache while all panels pass by.
const ROW_BLOCK: usize = 64;

/// What happens to a finished tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// y = product
    Store,
    /// y += product
    Add,
    /// y(., j) = silu(product(., 2j)) * product(., 2j + 1): half as many columns. Needs [`Order::Paired`].
    SwiGlu,
}

impl Epilogue {
    /// Columns of y for a matrix of so many outputs.
    pub fn columns(self, outputs: usize) -> usize {
        if self == Self::SwiGlu { outputs / 2 } else { outputs }
    }
}

/// Rows of floats at equal distances.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// From the first value of the first row on.
    pub values: &'a [f32],
    /// From one row to the next.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
}

/// The left operand in tiles; reused from call to call.
#[derive(Default)]
pub struct TileBuffer(Vec<f32>);

/// Where the product goes.
pub struct Output<'a> {
    /// From the first value of the first row on.
    pub values: &'a mut [f32],
    /// From one row to the next.
    pub stride: usize,
    /// How it is combined with what is there.
    pub epilogue: Epilogue,
}

/// y = epilogue(x . W^T).
///
/// # Panics
/// If a slice is shorter than its shape says, or the epilogue and the order of the channels do not fit.
pub fn multiply(x: Rows, matrix: &PackedMatrix, y: Output, tiles: &mut TileBuffer) {
    let paired = y.epilogue == Epilogue::SwiGlu;
    assert_eq!(paired, matrix.order() == Order::Paired, "SwiGLU, and only SwiGLU, takes paired channels");
    multiply_panels(x, matrix.panels(), [matrix.outputs(), matrix.inputs()], y, tiles);
}

/// The same with bare panels `// (panels, inputs, panel_width)` of a matrix `// (outputs, inputs)`.
// Never inlined: browsers allocate registers badly in a function that holds more than one such loop.
#[inline(never)]
pub fn multiply_panels(
    x: Rows,
    panels: &[f32],
    [outputs, inputs]: [usize; 2],
    y: Output,
    TileBuffer(tiles): &mut TileBuffer,
) {
    Arch::new().dispatch(Product { x, panels, outputs, inputs, y, tiles });
}

struct Product<'a> {
    x: Rows<'a>,
    panels: &'a [f32],
    outputs: usize,
    inputs: usize,
    y: Output<'a>,
    tiles: &'a mut Vec<f32>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // pulp counts 32 registers in WASM, but on x86 the browser has the 16 of SSE.
        if S::REGISTER_COUNT >= 32 && !cfg!(target_arch = "wasm32") {
            self.run::<S, 8>(simd);
        } else {
            self.run::<S, 4>(simd);
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let panel_width = 2 * S::F32_LANES;
        for first_row in (0..self.x.count).step_by(ROW_BLOCK) {
            let row_count = ROW_BLOCK.min(self.x.count - first_row);
            gather::<ROWS>(self.x, first_row, row_count, self.inputs, self.tiles);
            let panels = self.panels.chunks_exact(panel_width * self.inputs);
            for (first_column, panel) in (0..self.outputs).step_by(panel_width).zip(panels) {
                let columns = first_column..self.outputs.min(first_column + panel_width);
                let (panel, _) = S::as_simd_f32s(panel);
                let (panel, _) = panel.as_chunks::<2>();
                let tiles = self.tiles.chunks_exact(ROWS * self.inputs);
                for (row, tile) in (first_row..first_row + row_count).step_by(ROWS).zip(tiles) {
                    let product = tile_product::<S, ROWS>(simd, tile.as_chunks().0, panel);
                    let rows_left = ROWS.min(self.x.count - row);
                    for (i, sums) in product.into_iter().enumerate().take(rows_left) {
                        self.y.put(simd, sums, row + i, columns.clone());
                    }
                }
            }
        }
    }
}

impl Output<'_> {
    /// Finishes one row of a tile.
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, [low, high]: [S::f32s; 2], row: usize, columns: Range<usize>) {
        let row = &mut self.values[row * self.stride..];
        if self.epilogue == Epilogue::SwiGlu {
            let (gate, up) = (floats::<S>(&low), floats::<S>(&high));
            let target = &mut row[columns.start / 2..columns.end / 2];
            for ((value, &gate), &up) in target.iter_mut().zip(gate).zip(up) {
                *value = silu(gate) * up;
            }
        } else {
            let target = &mut row[columns];
            let (left, right) = target.split_at_mut(target.len().min(S::F32_LANES));
            put(simd, left, low, self.epilogue);
            put(simd, right, high, self.epilogue);
        }
    }
}

/// The inner loop: `ROWS` rows of x against one panel.
#[inline(always)]
fn tile_product<S: Simd, const ROWS: usize>(
    simd: S,
    tile: &[[f32; ROWS]],   // (inputs, ROWS)
    panel: &[[S::f32s; 2]], // (inputs, 2)
) -> [[S::f32s; 2]; ROWS] {
    let mut product = [[simd.splat_f32s(0.0); 2]; ROWS];
    for (x, weights) in tile.iter().zip(panel) {
        for (sums, &x) in product.iter_mut().zip(x) {
            let x = simd.splat_f32s(x);
            sums[0] = simd.mul_add_e_f32s(x, weights[0], sums[0]);
            sums[1] = simd.mul_add_e_f32s(x, weights[1], sums[1]);
        }
    }
    product
}

/// Lays rows out in tiles `// (tiles, inputs, ROWS)`; rows beyond the last are left as they are (never written out).
#[inline(always)]
fn gather<const ROWS: usize>(x: Rows, first: usize, count: usize, inputs: usize, tiles: &mut Vec<f32>) {
    let size = count.div_ceil(ROWS) * ROWS * inputs;
    if tiles.len() < size {
        tiles.resize(size, 0.0);
    }
    for (row, tile) in (0..count).step_by(ROWS).zip(tiles.chunks_exact_mut(ROWS * inputs)) {
        for i in 0..ROWS.min(count - row) {
            let values = &x.values[(first + row + i) * x.stride..][..inputs];
            for (target, &value) in tile[i..].iter_mut().step_by(ROWS).zip(values) {
                *target = value;
            }
        }
    }
}

/// Stores or adds the first `target.len()` lanes.
#[inline(always)]
fn put<S: Simd>(simd: S, target: &mut [f32], value: S::f32s, epilogue: Epilogue) {
    if let ([target], _) = S::as_mut_simd_f32s(target) {
        *target = if epilogue == Epilogue::Add { simd.add_f32s(*target, value) } else { value };
        return;
    }
    for (target, &value) in target.iter_mut().zip(floats::<S>(&value)) {
        *target = if epilogue == Epilogue::Add { *target + value } else { value };
    }
}

/// The lanes of a vector.
#[inline(always)]
fn floats<S: Simd>(vector: &S::f32s) -> &[f32] {
    bytemuck::cast_slice(std::slice::from_ref(vector))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::cpu::matrix::panel_width;

    fn noise(seed: u32, count: usize) -> Vec<f32> {
        let uniform = |i| diffusion::random::word(seed, 0, 0, i) as f32 / 4_294_967_296.0 - 0.5;
        (0..count as u32).map(uniform).collect()
    }

    /// The product in f64, then the epilogue.
    fn expected(x: &[f32], w: &[f32], [m, n, k]: [usize; 3], epilogue: Epilogue, before: &[f32]) -> Vec<f64> {
        let dot = |i: usize, j: usize| -> f64 {
            (0..k).map(|l| f64::from(x[i * k + l]) * f64::from(w[j * k + l])).sum()
        };
        let columns = if epilogue == Epilogue::SwiGlu { n / 2 } else { n };
        let one = |i: usize, j: usize| match epilogue {
            Epilogue::Store => dot(i, j),
            Epilogue::Add => f64::from(before[i * n + j]) + dot(i, j),
            Epilogue::SwiGlu => {
                let gate = dot(i, 2 * j);
                gate / (1.0 + (-gate).exp()) * dot(i, 2 * j + 1)
            }
        };
        (0..m).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| one(i, j)).collect()
    }

    /// Holds one product against f64; `lanes` is the width of the vectors that `run` works with.
    fn check(shape: [usize; 3], epilogue: Epilogue, lanes: usize, run: impl Fn(Product)) {
        let [m, n, k] = shape;
        let (x, w, before) = (noise(1, m * k), noise(2, n * k), noise(3, m * n));
        let order = if epilogue == Epilogue::SwiGlu { Order::Paired } else { Order::Plain };
        let read_row = |j: usize, row: &mut [f32]| row.copy_from_slice(&w[j * k..][..k]);
        let matrix = PackedMatrix::pack_in_panels(2 * lanes, [n, k], order, read_row);
        let want = expected(&x, &w, shape, epilogue, &before);
        let mut y = before[..want.len()].to_vec();
        run(Product {
            x: Rows { values: &x, stride: k, count: m },
            panels: matrix.panels(),
            outputs: n,
            inputs: k,
            y: Output { values: &mut y, stride: want.len() / m, epilogue },
            tiles: &mut Vec::new(),
        });
        for (index, (&found, want)) in y.iter().zip(want).enumerate() {
            let close = (f64::from(found) - want).abs() <= 1e-5;
            assert!(close, "{shape:?} {epilogue:?} element {index}: {found} instead of {want}");
        }
    }

    fn check_all_shapes(lanes: usize, run: impl Fn(Product)) {
        for epilogue in [Epilogue::Store, Epilogue::Add, Epilogue::SwiGlu] {
            for shape in [[1, 2, 1], [3, 6, 5], [4, 8, 32], [9, 70, 33], [64, 96, 64], [130, 34, 100]] {
                check(shape, epilogue, lanes, &run);
            }
        }
        check([7, 35, 64], Epilogue::Store, lanes, &run);
        check([7, 35, 64], Epilogue::Add, lanes, &run);
    }

    #[test]
    fn agrees_with_f64_on_even_and_odd_shapes() {
        check_all_shapes(panel_width() / 2, |product| Arch::new().dispatch(product));
    }

    #[test]
    fn agrees_with_f64_without_simd() {
        check_all_shapes(pulp::Scalar::F32_LANES, |product| pulp::Scalar.vectorize(product));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn agrees_with_f64_on_avx2() {
        let avx2 = pulp::x86::V3::try_new().expect("a processor with AVX2");
        check_all_shapes(pulp::x86::V3::F32_LANES, |product| Simd::vectorize(avx2, product));
    }

    #[test]
    fn a_nan_in_x_reaches_its_row_and_no_other() {
        let matrix = PackedMatrix::pack(40, 8, Order::Plain, |_, row| row.fill(1.0));
        let mut x = vec![1.0; 3 * 8];
        x[8] = f32::NAN;
        let mut y = vec![0.0; 3 * 40];
        let rows = Rows { values: &x, stride: 8, count: 3 };
        let output = Output { values: &mut y, stride: 40, epilogue: Epilogue::Store };
        multiply(rows, &matrix, output, &mut TileBuffer::default());
        assert!(y[..40].iter().chain(&y[80..]).all(|&v| v == 8.0));
        assert!(y[40..80].iter().all(|v| v.is_nan()));
    }
}
