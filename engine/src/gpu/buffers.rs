//! Buffers of a device: weights once for all programs, uniforms once for a program, everything else by its size.

use std::collections::HashMap;

use super::device::GpuDevice;
use super::readback::Readback;
use crate::error::Error;
use crate::program::{BufferSpec, Dispatch, Role};
use crate::weights::Weights;

/// Usage of every buffer that kernels see.
pub(super) const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_DST).union(wgpu::BufferUsages::COPY_SRC);

/// Weight buffers of a device, shared by all its programs.
#[derive(Default)]
pub struct WeightBuffers(HashMap<String, wgpu::Buffer>);

impl WeightBuffers {
    /// The buffer of one spec of a program: a weight is uploaded at its first use, the rest begins as zeros.
    ///
    /// # Errors
    /// [`Error::LimitTooSmall`], [`Error::MissingWeight`] or [`Error::WrongWeight`].
    pub(super) fn buffer(
        &mut self,
        gpu: &GpuDevice,
        spec: &BufferSpec,
        weights: &Weights,
    ) -> Result<wgpu::Buffer, Error> {
        gpu.check_size(spec.elements as u64 * 4)?;
        let Role::Weight(key) = &spec.role else {
            return Ok(empty(gpu, &spec.name, spec.elements * 4, STORAGE));
        };
        let words = weights.sized(key, spec.elements)?;
        let upload = || filled(gpu, key, bytemuck::cast_slice(words), STORAGE);
        Ok(self.0.entry(key.clone()).or_insert_with(upload).clone())
    }
}

/// The uniforms of all dispatches in one buffer, each at an offset that the device can bind.
pub(super) struct Params {
    buffer: wgpu::Buffer,
    stride: usize,
}

impl Params {
    pub fn upload(gpu: &GpuDevice, dispatches: &[Dispatch]) -> Self {
        let largest = dispatches.iter().map(|dispatch| dispatch.params.len()).max().unwrap_or(0).max(1);
        let stride = largest.next_multiple_of(gpu.limits().min_uniform_buffer_offset_alignment as usize);
        let mut bytes = vec![0; stride * dispatches.len().max(1)];
        for (slot, dispatch) in bytes.chunks_mut(stride).zip(dispatches) {
            slot[..dispatch.params.len()].copy_from_slice(&dispatch.params);
        }
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        Self { buffer: filled(gpu, "params", &bytes, usage), stride }
    }

    pub fn slot(&self, index: usize, dispatch: &Dispatch) -> wgpu::BufferBinding<'_> {
        wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: (index * self.stride) as u64,
            size: wgpu::BufferSize::new(dispatch.params.len() as u64),
        }
    }
}

/// A buffer of at least one word, zero at first.
fn empty(gpu: &GpuDevice, label: &str, bytes: usize, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes.max(4) as u64,
        usage,
        mapped_at_creation: false,
    })
}

/// A buffer with these bytes.
pub(super) fn filled(gpu: &GpuDevice, label: &str, bytes: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let buffer = empty(gpu, label, bytes.len(), usage);
    gpu.queue.write_buffer(&buffer, 0, bytes);
    buffer
}

/// Copies a whole buffer back, outside any program.
pub(super) async fn read_words(
    gpu: &GpuDevice,
    buffer: &wgpu::Buffer,
    words: usize,
) -> Result<Vec<u32>, Error> {
    let readback = Readback::new(gpu, words);
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    readback.record(&mut encoder, buffer, words);
    gpu.queue.submit([encoder.finish()]);
    readback.read(gpu, words).await
}
