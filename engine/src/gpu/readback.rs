//! From graphics memory to words: one staging buffer, mapped once per call.

use futures_channel::oneshot;

use super::device::GpuDevice;
use crate::error::Error;

/// A staging buffer that the CPU can map.
pub(super) struct Readback {
    staging: wgpu::Buffer,
}

impl Readback {
    /// Room for `words` 32-bit words (at least one).
    pub fn new(gpu: &GpuDevice, words: usize) -> Self {
        let staging = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: (words.max(1) * 4) as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { staging }
    }

    /// Records the copy of the first `words` words of `source`.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder, source: &wgpu::Buffer, words: usize) {
        encoder.copy_buffer_to_buffer(source, 0, &self.staging, 0, (words * 4) as u64);
    }

    /// Maps the first `words` words once the submitted work is done. Natively this blocks; on the web it yields.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], or the fault that the device recorded.
    pub async fn read(&self, gpu: &GpuDevice, words: usize) -> Result<Vec<u32>, Error> {
        let slice = self.staging.slice(..(words * 4) as u64);
        // Whatever happens from here on, even if the caller drops the call: the next one finds it unmapped.
        let _unmap = Unmap(&self.staging);
        let (sender, receiver) = oneshot::channel();
        slice.map_async(wgpu::MapMode::Read, move |result| {
            // The receiver is gone only if the caller dropped the call.
            let _ = sender.send(result);
        });
        gpu.wait()?;
        let lost = || Error::DeviceLost { reason: "the result could not be read back".to_owned() };
        let mapped = receiver.await.map_err(|_| lost())?;
        gpu.check()?;
        mapped.map_err(|_| lost())?;
        let view = slice.get_mapped_range().map_err(|error| Error::Refused { reason: error.to_string() })?;
        Ok(bytemuck::pod_collect_to_vec(&view[..]))
    }
}

/// Unmaps a buffer at the end of a scope; also takes back a mapping that is still awaited.
struct Unmap<'a>(&'a wgpu::Buffer);

impl Drop for Unmap<'_> {
    fn drop(&mut self) {
        self.0.unmap();
    }
}
