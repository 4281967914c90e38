//! What the benchmarks compute through a whole [`Engine`] or on a graphics adapter.

use diffusion::sequence::TokenId;
use diffusion::{Denoiser, Query, Row};
use engine::gpu::{GpuDevice, GpuExecutor, Pipelines, WeightBuffers};
use engine::program::{BufferId, BufferSpec, Dispatch, Program, ROW_WORDS, Role, SUMMARY_WORDS, Workgroups};
use engine::{BackendChoice, Engine, Error, Weights};
use model_loader::Checkpoint;
use shaders::packing::Format;
use shaders::{Element, kernels};

/// One call of a model on a back end: one sequence, all slots masked, all rows drawn at temperature 1.
pub struct Call {
    engine: Engine,
    query: Query,
    adapter: String,
}

impl Call {
    /// Opens a model file on this back end, without falling back to another.
    pub async fn open(model: &[u8], choice: BackendChoice) -> Result<Self, Error> {
        let checkpoint = Checkpoint::from_bytes(model).map_err(|error| refused(&error))?;
        let length = checkpoint.config.context_length;
        let (engine, report) = Engine::open(&checkpoint, choice, &mut |_| {}).await?;
        let row = |slot| Row {
            sequence: 0,
            slot,
            seed: 1,
            call: 0,
            target: TokenId(2),
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
        };
        let query = Query {
            length,
            tokens: vec![TokenId(0); length],
            times: vec![1.0],
            mixtures: Vec::new(),
            vectors: Vec::new(),
            rows: (0..length as u32).map(row).collect(),
        };
        Ok(Self { engine, query, adapter: report.adapter.unwrap_or_default() })
    }

    /// The graphics adapter's own description.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Makes one call and gives back the token drawn first.
    pub async fn run(&mut self) -> Result<u32, Error> {
        let predictions = self.engine.predict(&self.query).await?;
        Ok(predictions[0].drawn.token.0)
    }
}

/// y = x . W^T of one shape on the graphics adapter, some times over in one submit.
pub struct GpuProduct {
    executor: GpuExecutor,
    operations: f64,
}

/// Products in one submit: enough that the readback of 64 bytes does not count.
const REPEATS: usize = 4;

impl GpuProduct {
    /// For a shape of rows, outputs and inputs, weights in this format, by the tiled or the direct design. The values are
    /// zeros: no adapter here takes a short cut for them.
    pub async fn new(shape: [usize; 3], format: Format, tiled: bool) -> Result<Self, Error> {
        let gpu = GpuDevice::open().await?;
        let program = product(shape, format, tiled);
        let (mut pipelines, mut uploaded) = (Pipelines::default(), WeightBuffers::default());
        let weights = Weights::default();
        let quiet = &mut |_| {};
        let executor =
            GpuExecutor::new(&gpu, &mut pipelines, &mut uploaded, &program, &weights, quiet).await?;
        Ok(Self { executor, operations: 2.0 * (REPEATS * shape.iter().product::<usize>()) as f64 })
    }

    /// Additions and multiplications of one run.
    pub fn operations(&self) -> f64 {
        self.operations
    }

    /// One submit and one readback.
    pub async fn run(&mut self) -> Result<u32, Error> {
        Ok(self.executor.run(&[], &[0; ROW_WORDS]).await?[0])
    }
}

fn product([rows, outputs, inputs]: [usize; 3], format: Format, tiled: bool) -> Program {
    let buffer =
        |name: &str, elements, element, role| BufferSpec { name: name.into(), elements, element, role };
    let per_word = match format {
        Format::Q4 => 8,
        Format::Q8 => 4,
        Format::F32 => 1,
    };
    let words = if format == Format::F32 { Element::F32 } else { Element::U32 };
    let mut buffers = vec![
        buffer("x", rows * inputs, Element::F32, Role::Scratch),
        buffer("weights", outputs * inputs / per_word, words, Role::Scratch),
        buffer("scales", (outputs * inputs / 64).max(1), Element::U32, Role::Scratch),
        buffer("y", rows * outputs, Element::F32, Role::Scratch),
    ];
    let used = if format == Format::F32 { vec![0, 1, 3] } else { vec![0, 1, 2, 3] };
    buffers.push(buffer("rows", ROW_WORDS, Element::U32, Role::Rows));
    buffers.push(buffer("summaries", SUMMARY_WORDS, Element::U32, Role::Summaries));
    let params = kernels::gemm::Params { rows: rows as u32, columns: outputs as u32, inner: inputs as u32 };
    let (kernel, workgroups) = if tiled {
        (kernels::gemm_tiled::kernel(format), kernels::gemm_tiled::workgroups(&params))
    } else {
        (kernels::gemm_direct::kernel(format), kernels::gemm_direct::workgroups(&params))
    };
    let dispatch = Dispatch {
        label: "product".into(),
        kernel,
        overrides: vec![(kernels::gemm::EPILOGUE, kernels::gemm::Epilogue::Store as u32)],
        params: bytemuck::bytes_of(&params).to_vec(),
        bindings: used.into_iter().map(BufferId).collect(),
        workgroups: Workgroups::Fixed(workgroups),
    };
    Program { buffers, dispatches: vec![dispatch; REPEATS] }
}

fn refused(error: &model_loader::Error) -> Error {
    Error::Refused { reason: error.to_string() }
}
