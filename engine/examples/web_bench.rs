//! The benchmarks' work for a browser, to be timed by the page that loads it:
//! `cargo build --release -p engine --example web_bench --target wasm32-unknown-unknown`, then `wasm-bindgen
//! --target web`. In JavaScript: `new Product(rows, outputs, inputs)` or `new Step(batch)`, then `run(repeats)`
//! between two readings of `performance.now()`, and `operations()` per repeat. `await Call.open(bytes, "webgpu")` and
//! `await GpuProduct.open(...)` compute through the whole engine or on the graphics adapter; their `run` is awaited too.

#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "it has an outside in WASM only"))]

#[path = "../benches/work/mod.rs"]
mod work;

#[path = "../benches/work/gpu.rs"]
mod gpu;

#[cfg(target_arch = "wasm32")]
mod exports {
    use wasm_bindgen::prelude::*;

    use engine::BackendChoice;
    use shaders::packing::Format;

    use crate::{gpu, work};

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

    /// One whole call of a model file on a back end.
    #[wasm_bindgen]
    pub struct Call(gpu::Call);

    #[wasm_bindgen]
    impl Call {
        /// `backend` is `webgpu` or `cpu`.
        pub async fn open(model: Vec<u8>, backend: String) -> Result<Call, JsError> {
            let choice = if backend == "webgpu" { BackendChoice::WebGpu } else { BackendChoice::Cpu };
            Ok(Self(gpu::Call::open(&model, choice).await?))
        }

        /// The graphics adapter's own description.
        pub fn adapter(&self) -> String {
            self.0.adapter().to_owned()
        }

        /// Makes one call.
        pub async fn run(&mut self) -> Result<u32, JsError> {
            Ok(self.0.run().await?)
        }
    }

    /// One matrix product on the graphics adapter.
    #[wasm_bindgen]
    pub struct GpuProduct(gpu::GpuProduct);

    #[wasm_bindgen]
    impl GpuProduct {
        /// `rows` rows of `inputs` values to `outputs` values, with int4 or f32 weights, by the design for software
        /// adapters.
        pub async fn open(
            rows: usize,
            outputs: usize,
            inputs: usize,
            int4: bool,
        ) -> Result<GpuProduct, JsError> {
            let format = if int4 { Format::Q4 } else { Format::F32 };
            Ok(Self(gpu::GpuProduct::new([rows, outputs, inputs], format, false).await?))
        }

        /// Additions and multiplications of one run.
        pub fn operations(&self) -> f64 {
            self.0.operations()
        }

        /// One submit and one readback.
        pub async fn run(&mut self) -> Result<u32, JsError> {
            Ok(self.0.run().await?)
        }
    }
}
