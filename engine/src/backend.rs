//! Which back end computes: chosen at opening, tested before it is trusted, named for the visitor.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::cpu::{CpuExecutor, PackedWeights};
use crate::error::Error;
use crate::executor::Executor;
use crate::gpu::{GpuDevice, GpuExecutor, Pipelines, WeightBuffers};
use crate::model::Products;
use crate::program::Program;
use crate::progress::Progress;
use crate::reference::ReferenceExecutor;
use crate::self_test;
use crate::weights::Weights;

/// What the caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackendChoice {
    /// WebGPU where it is there, works, and is a real graphics device; else the CPU.
    #[default]
    Auto,
    /// WebGPU on whatever adapter there is, or an error.
    WebGpu,
    /// The fast CPU back end.
    Cpu,
    /// The f64 reference.
    Reference,
}

/// What the caller got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendReport {
    /// `webgpu`, `cpu` or `reference`.
    pub name: Cow<'static, str>,
    /// The graphics adapter in words, if it is used.
    pub adapter: Option<String>,
    /// Why WebGPU was not taken although it would have been preferred.
    pub fallback: Option<Error>,
}

/// An open back end, before any model is loaded.
pub(crate) enum Backend {
    Gpu { device: GpuDevice, pipelines: Pipelines },
    Cpu,
    Reference,
}

impl Backend {
    /// Opens and tests what `choice` asks for.
    ///
    /// # Errors
    /// Whatever stopped the chosen back end; with [`BackendChoice::Auto`] only a fault of the CPU back end.
    pub async fn open(
        choice: BackendChoice,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, BackendReport), Error> {
        let fallback = match choice {
            BackendChoice::Auto => match Self::open_gpu(Refuse::Software, progress).await {
                Ok(backend) => return Ok(backend.reported(None)),
                Err(error) => Some(error),
            },
            BackendChoice::WebGpu => {
                return Ok(Self::open_gpu(Refuse::Nothing, progress).await?.reported(None));
            }
            BackendChoice::Cpu => None,
            BackendChoice::Reference => return Ok(Self::Reference.tested(progress).await?.reported(None)),
        };
        Ok(Self::Cpu.tested(progress).await?.reported(fallback))
    }

    async fn open_gpu(refuse: Refuse, progress: &mut dyn FnMut(Progress)) -> Result<Self, Error> {
        let device = GpuDevice::open().await?;
        if refuse == Refuse::Software && device.is_software() {
            return Err(Error::SoftwareAdapter { adapter: device.description().to_owned() });
        }
        Self::Gpu { device, pipelines: Pipelines::default() }.tested(progress).await
    }

    async fn tested(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Self, Error> {
        self_test::run(&mut self, progress).await?;
        Ok(self)
    }

    fn reported(self, fallback: Option<Error>) -> (Self, BackendReport) {
        let adapter = self.device().map(|device| device.description().to_owned());
        let report = BackendReport { name: self.name().into(), adapter, fallback };
        (self, report)
    }

    /// `webgpu`, `cpu` or `reference`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gpu { .. } => "webgpu",
            Self::Cpu => "cpu",
            Self::Reference => "reference",
        }
    }

    /// The graphics device, if this is one.
    pub fn device(&self) -> Option<&GpuDevice> {
        match self {
            Self::Gpu { device, .. } => Some(device),
            Self::Cpu | Self::Reference => None,
        }
    }

    /// Which kernels suit this back end. The two on the CPU read a program's meaning, not its kernels' design.
    pub fn products(&self) -> Products {
        match self.device() {
            Some(device) if !device.is_software() => Products::Tiled,
            _ => Products::Direct,
        }
    }

    /// Loads a program; `resident` keeps the weights as this back end has them for the next one.
    ///
    /// # Errors
    /// Whatever the back end reports.
    pub async fn load(
        &mut self,
        program: &Program,
        weights: &Weights,
        resident: &mut Resident,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Executor, Error> {
        match self {
            Self::Gpu { device, pipelines } => {
                let executor =
                    GpuExecutor::new(device, pipelines, &mut resident.uploaded, program, weights, progress)
                        .await?;
                Ok(Executor::Gpu(Box::new(executor)))
            }
            Self::Cpu => Ok(Executor::Cpu(CpuExecutor::sharing(program, weights, &mut resident.packed)?)),
            Self::Reference => Ok(Executor::Reference(ReferenceExecutor::new(program, weights)?)),
        }
    }
}

/// A model's weights in the form that a back end computes with, shared by all its programs.
#[derive(Default)]
pub(crate) struct Resident {
    uploaded: WeightBuffers,
    packed: PackedWeights,
}

/// Which adapters the caller does not want.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refuse {
    Nothing,
    /// Adapters that compute on the CPU: our own CPU back end is many times faster than shaders there.
    Software,
}
