//! The benchmarks' work for a browser, to be timed by the page that loads it:
//! `cargo build --release -p engine --example web_bench --target wasm32-unknown-unknown`, then `wasm-bindgen
//! --target web`. In JavaScript: `new Product(rows, outputs, inputs)` or `new Step(batch)`, then `run(repeats)`
//! between two readings of `performance.now()`, and `operations()` per repeat.

#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "it has an outside in WASM only"))]

#[path = "../benches/work/mod.rs"]
mod work;

#[cfg(target_arch = "wasm32")]
mod exports {
    use wasm_bindgen::prelude::*;

    use crate::work;

    /// One matrix product.
    #[wasm_bindgen]
    pub struct Product(work::Product);

    #[wasm_bindgen]
    impl Product {
        /// `rows` rows of `inputs` values to `outputs` values.
        #[wasm_bindgen(constructor)]
        pub fn new(rows: usize, outputs: usize, inputs: usize) -> Self {
            Self(work::Product::new(rows, outputs, inputs))
        }

        /// Additions and multiplications of one repeat.
        pub fn operations(&self) -> f64 {
            self.0.operations()
        }

        /// Computes it so often.
        pub fn run(&mut self, repeats: usize) -> f32 {
            (0..repeats).map(|_| self.0.run()).sum()
        }
    }

    /// One whole call on a model of the shipped shape.
    #[wasm_bindgen]
    pub struct Step(work::Step);

    #[wasm_bindgen]
    impl Step {
        /// For `batch` sequences of 64 slots.
        #[wasm_bindgen(constructor)]
        pub fn new(batch: usize) -> Result<Self, JsError> {
            Ok(Self(work::Step::new(batch)?))
        }

        /// Additions and multiplications of one repeat.
        pub fn operations(&self) -> f64 {
            self.0.operations()
        }

        /// Makes so many calls.
        pub fn run(&mut self, repeats: usize) -> Result<u32, JsError> {
            let mut drawn = 0;
            for _ in 0..repeats {
                drawn = self.0.run()?;
            }
            Ok(drawn)
        }
    }
}
