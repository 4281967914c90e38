//! Replays one program: everything is built once, a call writes tokens and rows, submits once, reads back once.

use std::collections::HashMap;

use super::device::GpuDevice;
use super::pipelines::Pipelines;
use super::readback::Readback;
use crate::error::Error;
use crate::program::{BufferId, BufferSpec, Dispatch, Program, ROW_WORDS, Role, SUMMARY_WORDS, Workgroups};
use crate::progress::Progress;
use crate::weights::Weights;

/// What calls have cost since the program was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Kernel dispatches.
    pub dispatches: u64,
    /// Queue submissions.
    pub submits: u64,
    /// Buffers mapped.
    pub readbacks: u64,
    /// Bytes copied back to the CPU.
    pub bytes_read: u64,
}

/// Weight buffers of a device, shared by all its programs.
#[derive(Default)]
pub struct WeightBuffers(HashMap<String, wgpu::Buffer>);

/// A loaded program.
pub struct GpuExecutor {
    gpu: GpuDevice,
    program: Program,
    buffers: Vec<wgpu::Buffer>,
    steps: Vec<Step>,
    readback: Readback,
    counters: Counters,
}

/// A dispatch with all its handles.
struct Step {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    workgroups: Workgroups,
}

impl GpuExecutor {
    /// Uploads weights that are not there yet, compiles missing pipelines, allocates buffers.
    ///
    /// # Errors
    /// If a weight is missing, a limit too small, a shader refused, memory exhausted or the device lost.
    pub async fn new(
        gpu: &GpuDevice,
        pipelines: &mut Pipelines,
        shared: &mut WeightBuffers,
        program: &Program,
        weights: &Weights,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Error> {
        gpu.check()?;
        let kernels = program.dispatches.iter().map(|dispatch| (dispatch.kernel, dispatch.overrides.clone()));
        pipelines.prepare(gpu, kernels, progress).await?;
        let memory = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let built = Self::build(gpu, pipelines, shared, program, weights);
        if let Some(error) = memory.pop().await {
            return Err(super::device::refused(error));
        }
        gpu.check().and(built)
    }

    fn build(
        gpu: &GpuDevice,
        pipelines: &Pipelines,
        shared: &mut WeightBuffers,
        program: &Program,
        weights: &Weights,
    ) -> Result<Self, Error> {
        let buffers = program
            .buffers
            .iter()
            .map(|spec| buffer(gpu, shared, spec, weights))
            .collect::<Result<Vec<_>, _>>()?;
        let params = Params::upload(gpu, &program.dispatches);
        let steps = program
            .dispatches
            .iter()
            .enumerate()
            .map(|(index, dispatch)| step(gpu, pipelines, dispatch, params.slot(index, dispatch), &buffers))
            .collect::<Result<_, _>>()?;
        let summary_words = program.with_role(&Role::Summaries).map_or(0, |spec| spec.elements);
        let readback = Readback::new(gpu, summary_words);
        Ok(Self {
            gpu: gpu.clone(),
            program: program.clone(),
            buffers,
            steps,
            readback,
            counters: Counters::default(),
        })
    }

    /// Replays the program; see [`Executor::run`](crate::Executor::run).
    ///
    /// # Errors
    /// If tokens or rows do not fit, or the device reports a fault.
    pub async fn run(&mut self, tokens: &[u32], rows: &[u32]) -> Result<Vec<u32>, Error> {
        self.gpu.check()?;
        self.program.check_call(tokens, rows)?;
        self.write(&Role::Tokens, tokens);
        self.write(&Role::Rows, rows);
        let row_count = rows.len() / ROW_WORDS;
        let words = row_count * SUMMARY_WORDS;
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        self.encode(&mut encoder, row_count as u32);
        if let (Some(summaries), true) = (self.index_of(&Role::Summaries), words > 0) {
            self.readback.record(&mut encoder, &self.buffers[summaries], words);
        }
        self.gpu.queue.submit([encoder.finish()]);
        self.counters.submits += 1;
        if words == 0 {
            return Ok(Vec::new());
        }
        self.counters.readbacks += 1;
        self.counters.bytes_read += (words * 4) as u64;
        self.readback.read(&self.gpu, words).await
    }

    /// What the calls so far have cost.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Words of a buffer by its name, after [`run`](Self::run): for comparing layer by layer, not for serving.
    ///
    /// # Errors
    /// If there is no such buffer, or the device reports a fault.
    pub async fn read_buffer(&self, name: &str) -> Result<Vec<u32>, Error> {
        let index = self.program.buffers.iter().position(|spec| spec.name == name);
        let index = index.ok_or_else(|| Error::MissingWeight { name: name.to_owned() })?;
        let words = self.program.buffers[index].elements;
        read_words(&self.gpu, &self.buffers[index], words).await
    }

    fn encode(&mut self, encoder: &mut wgpu::CommandEncoder, row_count: u32) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for step in &self.steps {
            let [x, y, z] = step.workgroups.count(row_count);
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, &step.bind_group, &[]);
            pass.dispatch_workgroups(x, y, z);
        }
        self.counters.dispatches += self.steps.len() as u64;
    }

    fn index_of(&self, role: &Role) -> Option<usize> {
        self.program.buffers.iter().position(|spec| spec.role == *role)
    }

    fn write(&self, role: &Role, words: &[u32]) {
        if let Some(index) = self.index_of(role) {
            self.gpu.queue.write_buffer(&self.buffers[index], 0, bytemuck::cast_slice(words));
        }
    }
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

/// The uniforms of all dispatches in one buffer, each at an offset that the device can bind.
struct Params {
    buffer: wgpu::Buffer,
    stride: usize,
}

impl Params {
    fn upload(gpu: &GpuDevice, dispatches: &[Dispatch]) -> Self {
        let largest = dispatches.iter().map(|dispatch| dispatch.params.len()).max().unwrap_or(0).max(1);
        let stride =
            largest.next_multiple_of(gpu.device.limits().min_uniform_buffer_offset_alignment as usize);
        let mut bytes = vec![0; stride * dispatches.len().max(1)];
        for (slot, dispatch) in bytes.chunks_mut(stride).zip(dispatches) {
            slot[..dispatch.params.len()].copy_from_slice(&dispatch.params);
        }
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        Self { buffer: filled(gpu, "params", &bytes, usage), stride }
    }

    fn slot(&self, index: usize, dispatch: &Dispatch) -> wgpu::BufferBinding<'_> {
        wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: (index * self.stride) as u64,
            size: wgpu::BufferSize::new(dispatch.params.len() as u64),
        }
    }
}

fn step(
    gpu: &GpuDevice,
    pipelines: &Pipelines,
    dispatch: &Dispatch,
    params: wgpu::BufferBinding<'_>,
    buffers: &[wgpu::Buffer],
) -> Result<Step, Error> {
    let compiled = pipelines.compiled(dispatch.kernel, &dispatch.overrides)?;
    let resources = dispatch.bindings.iter().map(|&BufferId(index)| buffers[index].as_entire_binding());
    let entries: Vec<_> = std::iter::once(wgpu::BindingResource::Buffer(params))
        .chain(resources)
        .zip(0..)
        .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
        .collect();
    let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(&dispatch.label),
        layout: &compiled.layout,
        entries: &entries,
    });
    Ok(Step { pipeline: compiled.pipeline.clone(), bind_group, workgroups: dispatch.workgroups })
}

/// Usage of every buffer that kernels see.
pub(super) const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_DST).union(wgpu::BufferUsages::COPY_SRC);

fn buffer(
    gpu: &GpuDevice,
    shared: &mut WeightBuffers,
    spec: &BufferSpec,
    weights: &Weights,
) -> Result<wgpu::Buffer, Error> {
    gpu.check_size(spec.elements as u64 * 4)?;
    let Role::Weight(key) = &spec.role else {
        return Ok(empty(gpu, &spec.name, spec.elements * 4, STORAGE));
    };
    let words = weights.sized(key, spec.elements)?;
    let upload = || filled(gpu, key, bytemuck::cast_slice(words), STORAGE);
    Ok(shared.0.entry(key.clone()).or_insert_with(upload).clone())
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
