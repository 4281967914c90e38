//! One kernel on one case, all buffers read back: how a kernel is compared with its reference on a real device.

use shaders::{Access, Case, Kernel, Values};

use super::buffers::{STORAGE, filled, read_words};
use super::device::GpuDevice;
use super::pipelines::Pipelines;
use crate::error::Error;

/// Runs `kernel` on `case` and gives back its buffers in binding order; read-only ones as they were.
///
/// # Errors
/// If the shader is refused or the device reports a fault.
pub async fn run_kernel(
    gpu: &GpuDevice,
    pipelines: &mut Pipelines,
    kernel: &'static Kernel,
    case: &Case,
) -> Result<Vec<Values>, Error> {
    pipelines.prepare(gpu, [(kernel, case.overrides.clone())], &mut |_| {}).await?;
    let params =
        filled(gpu, "params", &case.params, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
    let buffers: Vec<wgpu::Buffer> = case
        .buffers
        .iter()
        .zip(kernel.bindings)
        .map(|(values, binding)| filled(gpu, binding.name, &values.to_bytes(), STORAGE))
        .collect();
    let bound: Vec<&wgpu::Buffer> = std::iter::once(&params).chain(&buffers).collect();
    dispatch(gpu, pipelines, kernel, case, &bound)?;
    let mut results = case.buffers.clone();
    for ((result, buffer), binding) in results.iter_mut().zip(&buffers).zip(kernel.bindings) {
        if binding.access == Access::ReadWrite {
            let words = read_words(gpu, buffer, result.len()).await?;
            *result = Values::from_bytes(binding, bytemuck::cast_slice(&words));
        }
    }
    Ok(results)
}

fn dispatch(
    gpu: &GpuDevice,
    pipelines: &Pipelines,
    kernel: &'static Kernel,
    case: &Case,
    bound: &[&wgpu::Buffer],
) -> Result<(), Error> {
    let compiled = pipelines.compiled(kernel, &case.overrides)?;
    let entries: Vec<_> = bound
        .iter()
        .zip(0..)
        .map(|(buffer, binding)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(&case.label),
        layout: &compiled.layout,
        entries: &entries,
    });
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    let mut pass = encoder.begin_compute_pass(&Default::default());
    let [x, y, z] = case.workgroups;
    pass.set_pipeline(&compiled.pipeline);
    pass.set_bind_group(0, &bind_group, &[]);
    pass.dispatch_workgroups(x, y, z);
    drop(pass);
    gpu.queue.submit([encoder.finish()]);
    Ok(())
}
