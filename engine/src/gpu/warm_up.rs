//! Compiling ahead of time on the web.
//!
//! `wgpu` only has the browser's synchronous call, which compiles on the thread that also paints. The
//! asynchronous call compiles elsewhere, several pipelines at once, and a browser that is then asked for the
//! same pipeline again finds it ready. Natively there is nothing to gain: compilation blocks the caller anyway.

use super::device::GpuDevice;
use super::pipelines::Recipe;

#[cfg(not(target_arch = "wasm32"))]
pub(super) use native::WarmUp;
#[cfg(target_arch = "wasm32")]
pub(super) use web::WarmUp;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use super::{GpuDevice, Recipe};

    /// Nothing.
    pub struct WarmUp;

    impl WarmUp {
        pub fn begin(_gpu: &GpuDevice, _recipe: &Recipe) -> Self {
            Self
        }

        pub async fn finish(self) -> Self {
            self
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod web {
    use js_sys::{Array, Function, Object, Promise, Reflect};
    use shaders::{Access, Kernel};
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    use super::{GpuDevice, Recipe};

    /// `GPUShaderStage.COMPUTE`
    const COMPUTE: u32 = 4;

    /// A pipeline on its way, then the pipeline: as long as it lives, the browser finds it again.
    pub struct WarmUp {
        compiling: Option<JsFuture>,
        _pipeline: Option<JsValue>,
    }

    impl WarmUp {
        /// Begins to compile. What is wrong with a kernel is not told here but when `wgpu` asks for it.
        pub fn begin(gpu: &GpuDevice, (kernel, overrides): &Recipe) -> Self {
            let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
            let device = gpu.device.as_webgpu().map(AsRef::as_ref);
            let compiling = device.and_then(|device| compile(device, kernel, overrides).ok());
            drop(scope.pop());
            Self { compiling: compiling.map(JsFuture::from), _pipeline: None }
        }

        /// Waits until the browser is done.
        pub async fn finish(self) -> Self {
            let pipeline = match self.compiling {
                Some(compiling) => compiling.await.ok(),
                None => None,
            };
            Self { compiling: None, _pipeline: pipeline }
        }
    }

    fn compile(
        device: &JsValue,
        kernel: &Kernel,
        overrides: &[(&'static str, u32)],
    ) -> Result<Promise, JsValue> {
        let module = call(device, "createShaderModule", &object(&[("code", kernel.wgsl().into())]))?;
        let group = call(device, "createBindGroupLayout", &object(&[("entries", entries(kernel).into())]))?;
        let groups = Array::of1(&group);
        let layout = call(device, "createPipelineLayout", &object(&[("bindGroupLayouts", groups.into())]))?;
        let constants: Vec<_> = overrides.iter().map(|&(name, value)| (name, value.into())).collect();
        let compute = object(&[
            ("module", module),
            ("entryPoint", kernel.entry.into()),
            ("constants", object(&constants).into()),
        ]);
        let pipeline = object(&[("layout", layout), ("compute", compute.into())]);
        call(device, "createComputePipelineAsync", &pipeline)?.dyn_into()
    }

    /// The layout that `pipelines.rs` asks `wgpu` for: only equal descriptions are found again.
    fn entries(kernel: &Kernel) -> Array {
        let storage = kernel.bindings.iter().map(|binding| match binding.access {
            Access::Read => "read-only-storage",
            Access::ReadWrite => "storage",
        });
        let entry = |(kind, binding): (&str, u32)| {
            let buffer = object(&[("type", kind.into())]);
            object(&[("binding", binding.into()), ("visibility", COMPUTE.into()), ("buffer", buffer.into())])
        };
        std::iter::once("uniform").chain(storage).zip(0..).map(entry).collect()
    }

    fn object(entries: &[(&str, JsValue)]) -> Object {
        let object = Object::new();
        for (key, value) in entries {
            // Setting a property of a fresh plain object cannot fail.
            let _ = Reflect::set(&object, &(*key).into(), value);
        }
        object
    }

    fn call(device: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
        Reflect::get(device, &method.into())?.dyn_into::<Function>()?.call1(device, argument)
    }
}
