//! Replays one program: everything is built once, a call writes tokens and rows, submits once, reads back once.

use super::buffers::{Params, WeightBuffers, read_words};
use super::device::GpuDevice;
use super::pipelines::Pipelines;
use super::readback::Readback;
use crate::error::Error;
use crate::program::{BufferId, Dispatch, Program, ROW_WORDS, Role, SUMMARY_WORDS, Workgroups};
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
            .map(|spec| shared.buffer(gpu, spec, weights))
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

    /// See [`Executor::write_floats`](crate::Executor::write_floats).
    ///
    /// # Errors
    /// If there are more or fewer than the buffer holds.
    pub fn write_floats(&mut self, role: &Role, values: &[f32]) -> Result<(), Error> {
        if let Some(BufferId(index)) = self.program.writable(role, values.len())? {
            self.gpu.queue.write_buffer(&self.buffers[index], 0, bytemuck::cast_slice(values));
        }
        Ok(())
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
        let missing = || Error::Refused { reason: format!("the program has no buffer {name}") };
        let index = self.program.buffers.iter().position(|spec| spec.name == name).ok_or_else(missing)?;
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
