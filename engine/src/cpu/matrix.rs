//! Weight matrices as the CPU wants them: plain f32, cut into panels of neighbouring output channels.
//!
//! A panel holds two vectors' worth of output channels for all inputs, input after input, so that the inner
//! loop of [`super::gemm`] reads it from front to back. Weights are dequantised once, when a program is
//! prepared: 4 bytes per weight (20 MB for 5 million weights, 7 times their 4-bit size), in exchange for which
//! a call spends nothing on unpacking. The embedding is packed once for both its uses.

use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};

/// Which output channels share a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Neighbours.
    Plain,
    /// Even channels in the first vector of a panel, odd channels in the second: gate and up of SwiGLU,
    /// whose channels alternate, meet lane by lane.
    Paired,
}

/// A matrix (outputs, inputs) in panels.
pub struct PackedMatrix {
    panels: Vec<f32>, // (panels, inputs, panel_width), channels beyond `outputs` zero
    panel_width: usize,
    outputs: usize,
    inputs: usize,
    order: Order,
}

impl PackedMatrix {
    /// Packs a matrix; `read_row` writes row `n` (the weights of output channel `n`) into the slice it gets.
    pub fn pack(
        outputs: usize,
        inputs: usize,
        order: Order,
        read_row: impl FnMut(usize, &mut [f32]),
    ) -> Self {
        Self::pack_in_panels(panel_width(), [outputs, inputs], order, read_row)
    }

    /// The same for vectors of another width.
    pub(super) fn pack_in_panels(
        width: usize,
        [outputs, inputs]: [usize; 2],
        order: Order,
        mut read_row: impl FnMut(usize, &mut [f32]),
    ) -> Self {
        let panels = vec![0.0; outputs.div_ceil(width) * width * inputs];
        let mut matrix = Self { panels, panel_width: width, outputs, inputs, order };
        let mut row = vec![0.0; inputs];
        for n in 0..outputs {
            read_row(n, &mut row);
            let start = matrix.start_of(n);
            for (k, &value) in row.iter().enumerate() {
                matrix.panels[start + k * width] = value;
            }
        }
        matrix
    }

    /// Copies row `n` out again: the embedding of token `n`.
    pub fn copy_row(&self, n: usize, row: &mut [f32]) {
        let entries = self.panels[self.start_of(n)..].iter().step_by(self.panel_width);
        for (target, &value) in row.iter_mut().zip(entries) {
            *target = value;
        }
    }

    /// Number of rows N.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of columns K.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How its channels are ordered.
    pub fn order(&self) -> Order {
        self.order
    }

    /// All panels. `// (panels, inputs, panel_width)`
    pub fn panels(&self) -> &[f32] {
        &self.panels
    }

    /// Index of the entry (n, 0).
    fn start_of(&self, n: usize) -> usize {
        let width = self.panel_width;
        let (panel, column) = (n / width, n % width);
        let column = match self.order {
            Order::Plain => column,
            Order::Paired => column / 2 + (column % 2) * (width / 2),
        };
        panel * width * self.inputs + column
    }
}

/// The packed matrices of one model, shared by all its programs.
#[derive(Clone, Default)]
pub struct PackedWeights {
    matrices: Vec<(String, Arc<PackedMatrix>)>,
}

impl PackedWeights {
    /// The matrix of this key and order; packed now if it never was.
    pub(super) fn find_or_pack<E>(
        &mut self,
        key: &str,
        order: Order,
        pack: impl FnOnce() -> Result<PackedMatrix, E>,
    ) -> Result<Arc<PackedMatrix>, E> {
        let known = self.matrices.iter().find(|(known, matrix)| known == key && matrix.order == order);
        if let Some((_, matrix)) = known {
            return Ok(Arc::clone(matrix));
        }
        let matrix = Arc::new(pack()?);
        self.matrices.push((key.to_owned(), Arc::clone(&matrix)));
        Ok(matrix)
    }
}

/// Output channels in a panel: two vectors of this machine.
pub fn panel_width() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    2 * Arch::new().dispatch(Lanes)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn rows_come_back_in_either_order() {
        for (order, outputs) in [(Order::Plain, 37), (Order::Paired, 38)] {
            let matrix = PackedMatrix::pack(outputs, 5, order, |n, row| {
                row.iter_mut().enumerate().for_each(|(k, value)| *value = (10 * n + k) as f32);
            });
            let mut row = [0.0; 5];
            for n in 0..outputs {
                matrix.copy_row(n, &mut row);
                assert_eq!(row, std::array::from_fn(|k| (10 * n + k) as f32), "{order:?} row {n}");
            }
        }
    }
}
