//! Compiled kernels, each once per set of overrides and shared by all programs of a device.

use std::collections::HashMap;

use shaders::{Access, Kernel};

use super::device::GpuDevice;
use super::warm_up::WarmUp;
use crate::error::Error;
use crate::progress::Progress;

/// A kernel and its overrides: what one pipeline is compiled from.
pub type Recipe = (&'static Kernel, Vec<(&'static str, u32)>);

/// The same by name, to find it again.
type Key = (&'static str, Vec<(&'static str, u32)>);

/// All pipelines of a device.
#[derive(Default)]
pub struct Pipelines {
    compiled: HashMap<Key, Compiled>,
}

/// One pipeline and the layout of its bindings.
#[derive(Clone)]
pub(super) struct Compiled {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

impl Pipelines {
    /// Compiles what is missing for these kernels, reporting after each. On the web all compilations are begun
    /// before the first is awaited, and the page stays alive meanwhile.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's words, or the device's fault.
    pub async fn prepare(
        &mut self,
        gpu: &GpuDevice,
        kernels: impl IntoIterator<Item = Recipe>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let missing = self.missing(kernels);
        let total = missing.len();
        let warming: Vec<_> = missing.iter().map(|recipe| WarmUp::begin(gpu, recipe)).collect();
        for (done, ((kernel, overrides), warm)) in missing.into_iter().zip(warming).enumerate() {
            let _found_again = warm.finish().await;
            let (compiled, verdict) = begin(gpu, kernel, &overrides);
            if let Some(error) = verdict.await {
                gpu.check()?;
                let mut reasons = compiler_messages(gpu, kernel).await;
                reasons.push(error.to_string());
                return Err(Error::Shader { kernel: kernel.name.into(), reason: reasons.join("; ") });
            }
            self.compiled.insert((kernel.name, overrides), compiled);
            progress(Progress::Compiling { done: done + 1, total });
        }
        gpu.check()
    }

    fn missing(&self, kernels: impl IntoIterator<Item = Recipe>) -> Vec<Recipe> {
        let mut missing: Vec<Recipe> = Vec::new();
        for (kernel, overrides) in kernels {
            let known = |other: &Recipe| other.0.name == kernel.name && other.1 == overrides;
            if !self.compiled.contains_key(&(kernel.name, overrides.clone())) && !missing.iter().any(known) {
                missing.push((kernel, overrides));
            }
        }
        missing
    }

    /// A pipeline that [`prepare`](Self::prepare) has compiled.
    pub(super) fn compiled(
        &self,
        kernel: &Kernel,
        overrides: &[(&'static str, u32)],
    ) -> Result<&Compiled, Error> {
        let missing =
            || Error::Shader { kernel: kernel.name.into(), reason: "it was not compiled".to_owned() };
        self.compiled.get(&(kernel.name, overrides.to_vec())).ok_or_else(missing)
    }

    /// Number of pipelines compiled so far.
    pub fn len(&self) -> usize {
        self.compiled.len()
    }

    /// Whether nothing is compiled yet.
    pub fn is_empty(&self) -> bool {
        self.compiled.is_empty()
    }
}

/// Begins a compilation; the future tells what the compiler found wrong.
fn begin(
    gpu: &GpuDevice,
    kernel: &Kernel,
    overrides: &[(&'static str, u32)],
) -> (Compiled, impl Future<Output = Option<wgpu::Error>> + use<>) {
    let internal = gpu.device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let compiled = compile(gpu, kernel, overrides);
    // Scopes close at once, innermost first; their answers come when the compiler is done.
    let (validation, internal) = (validation.pop(), internal.pop());
    (compiled, async move { validation.await.or(internal.await) })
}

/// What the device's shader compiler says about a kernel, as `line 12: ...`; nothing, if all is well.
pub async fn compiler_messages(gpu: &GpuDevice, kernel: &Kernel) -> Vec<String> {
    let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let module = module(gpu, kernel);
    let verdict = scope.pop();
    let info = module.get_compilation_info().await;
    // The messages say the same in more detail.
    let _ = verdict.await;
    let line =
        |message: &wgpu::CompilationMessage| message.location.map_or(0, |location| location.line_number);
    info.messages.iter().map(|message| format!("line {}: {}", line(message), message.message)).collect()
}

fn module(gpu: &GpuDevice, kernel: &Kernel) -> wgpu::ShaderModule {
    gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(kernel.name),
        source: wgpu::ShaderSource::Wgsl(kernel.wgsl().into()),
    })
}

fn compile(gpu: &GpuDevice, kernel: &Kernel, overrides: &[(&'static str, u32)]) -> Compiled {
    let device = &gpu.device;
    let label = Some(kernel.name);
    let module = module(gpu, kernel);
    let layout = bind_group_layout(device, kernel);
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let constants: Vec<(&str, f64)> =
        overrides.iter().map(|&(name, value)| (name, f64::from(value))).collect();
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some(kernel.entry),
        compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
        cache: None,
    });
    Compiled { pipeline, layout }
}

/// Binding 0 is the uniform, then the kernel's buffers in order.
fn bind_group_layout(device: &wgpu::Device, kernel: &Kernel) -> wgpu::BindGroupLayout {
    let uniform = wgpu::BufferBindingType::Uniform;
    let storage = kernel
        .bindings
        .iter()
        .map(|binding| wgpu::BufferBindingType::Storage { read_only: binding.access == Access::Read });
    let entries: Vec<_> = std::iter::once(uniform).chain(storage).zip(0..).map(entry).collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(kernel.name),
        entries: &entries,
    })
}

fn entry((ty, binding): (wgpu::BufferBindingType, u32)) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}
