on_every_target! {
    /// Every layer's output, up to the rounding of the stored tensors.
    the_reference_is_pytorch_layer_by_layer
    the_cpu_gives_pytorch_logits
    the_gpu_gives_pytorch_logits
}

/// The trained model that ships: natively, by every back end.
#[cfg(not(target_arch = "wasm32"))]
mod shipped {
    use super::bodies::{cpu, gpu, reference};
    use crate::golden::STORYWORLD;

    #[test]
    fn the_reference_is_pytorch() {
        reference(&STORYWORLD, STORYWORLD.checkpoint().config.block_count);
    }

    #[test]
    fn the_cpu_gives_pytorch_logits() {
        cpu(&STORYWORLD);
    }

    #[test]
    fn the_gpu_gives_pytorch_logits() {
        pollster::block_on(gpu(&STORYWORLD));
    }
}

mod bodies {
    use engine::Program;
    use engine::cpu::CpuExecutor;
    use engine::gpu::{GpuDevice, GpuExecutor, Pipelines, WeightBuffers};
    use engine::model::{Options, Products, record_logits};
    use engine::reference::ReferenceExecutor;
    use model_loader::ModelConfig;

    use crate::golden::{self, Golden, TINY};

    /// Largest error of a logit in f32 arithmetic.
    const LOGITS: f64 = 2e-3;
    /// Largest error of an activation in f64 arithmetic against tensors stored in f32.
    const ACTIVATIONS: f64 = 1e-5;

    fn program(golden: &Golden, depth: usize, products: Products) -> Program {
        let checkpoint = golden.checkpoint();
        // The first layers of a model are a model.
        let config = ModelConfig { block_count: depth, ..checkpoint.config.clone() };
        let options = Options { products, truncated: false };
        record_logits(&config, &golden::weights(&checkpoint), golden::shape(&config), options).unwrap()
    }

    pub async fn the_reference_is_pytorch_layer_by_layer() {
        for depth in 0..=TINY.checkpoint().config.block_count {
            reference(&TINY, depth);
        }
    }

    /// The first `depth` layers in f64, and the logits if these are all layers.
    pub fn reference(golden: &Golden, depth: usize) {
        let checkpoint = golden.checkpoint();
        let program = program(golden, depth, Products::Tiled);
        let mut executor = ReferenceExecutor::new(&program, &golden::weights(&checkpoint)).unwrap();
        executor.run(&golden.tokens(), &[]).unwrap();
        let compare = |buffer: &str, tensor: &str| {
            let found = executor.buffer(buffer).unwrap().floats();
            golden.assert_near("reference", tensor, found, ACTIVATIONS);
        };
        match depth.checked_sub(1) {
            None => compare("x", "embedding"),
            Some(layer) => compare("x", &format!("layer.{layer}")),
        }
        if depth == checkpoint.config.block_count {
            compare("normed", "normed");
            compare("logits", "logits");
        }
    }

    pub async fn the_cpu_gives_pytorch_logits() {
        cpu(&TINY);
    }

    pub async fn the_gpu_gives_pytorch_logits() {
        gpu(&TINY).await;
    }

    pub fn cpu(golden: &Golden) {
        let checkpoint = golden.checkpoint();
        let program = program(golden, checkpoint.config.block_count, Products::Direct);
        let mut executor = CpuExecutor::new(&program, &golden::weights(&checkpoint)).unwrap();
        executor.run(&golden.tokens(), &[]).unwrap();
        let found: Vec<f64> =
            executor.buffer("logits").unwrap().iter().map(|&logit| f64::from(logit)).collect();
        golden.assert_near("CPU", "logits", &found, LOGITS);
    }

    pub async fn gpu(golden: &Golden) {
        let gpu = GpuDevice::open().await.expect("a graphics adapter");
        let checkpoint = golden.checkpoint();
        let weights = golden::weights(&checkpoint);
        let (mut pipelines, mut uploaded) = (Pipelines::default(), WeightBuffers::default());
        for products in [Products::Tiled, Products::Direct] {
            let program = program(golden, checkpoint.config.block_count, products);
            let quiet = &mut |_| {};
            let loading = GpuExecutor::new(&gpu, &mut pipelines, &mut uploaded, &program, &weights, quiet);
            let mut executor = loading.await.unwrap();
            executor.run(&golden.tokens(), &[]).await.unwrap();
            let words = executor.read_buffer("logits").await.unwrap();
            let found: Vec<f64> = words.into_iter().map(|bits| f64::from(f32::from_bits(bits))).collect();
            golden.assert_near(&format!("{products:?} products"), "logits", &found, LOGITS);
        }
    }
}
