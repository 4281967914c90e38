on_every_target! {
    a_call_is_one_submit_and_one_readback_of_64_bytes_per_row
    a_buffer_beyond_the_limits_is_refused_before_it_is_made
}

/// The recorded program says it without any device.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_layer_is_at_most_eight_dispatches() {
    use engine::model::{Options, Products, record};
    use model_loader::ModelConfig;

    let checkpoint = crate::golden::TINY.checkpoint();
    let weights = crate::golden::weights(&checkpoint);
    let options = Options { products: Products::Tiled, truncated: true };
    let dispatches = |layers: usize| {
        let config = ModelConfig { block_count: layers, ..checkpoint.config.clone() };
        record(&config, &weights, crate::golden::shape(&config), options).unwrap().dispatches.len()
    };
    assert!(dispatches(2) - dispatches(1) <= 8);
    // Embedding, final norm, thresholds, head, merge.
    assert!(dispatches(2) - 2 * (dispatches(2) - dispatches(1)) <= 5);
}

mod bodies {
    use engine::gpu::{Counters, GpuDevice, GpuExecutor, Pipelines, WeightBuffers};
    use engine::model::{Options, Products, record};
    use engine::program::{BufferSpec, Program, Role};
    use engine::{Error, Weights};
    use shaders::Element;
    use shaders::records::Row;

    use crate::golden::{self, TINY};

    pub async fn a_call_is_one_submit_and_one_readback_of_64_bytes_per_row() {
        let gpu = GpuDevice::open().await.expect("a graphics adapter");
        let checkpoint = TINY.checkpoint();
        let (config, weights) = (&checkpoint.config, golden::weights(&checkpoint));
        let options = Options { products: Products::Direct, truncated: false };
        let program = record(config, &weights, golden::shape(config), options).unwrap();
        let (mut pipelines, mut uploaded) = (Pipelines::default(), WeightBuffers::default());
        let mut executor =
            GpuExecutor::new(&gpu, &mut pipelines, &mut uploaded, &program, &weights, &mut |_| {})
                .await
                .unwrap();
        let row = |position| Row {
            position,
            seed: 1,
            call: 0,
            target: 3,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
        };
        let rows = [row(0), row(5), row(20)];
        for calls in 1..=2 {
            let summaries = executor.run(&TINY.tokens(), bytemuck::cast_slice(&rows)).await.unwrap();
            assert_eq!(summaries.len(), 16 * rows.len());
            let expected = Counters {
                dispatches: calls * program.dispatches.len() as u64,
                submits: calls,
                readbacks: calls,
                bytes_read: calls * 64 * rows.len() as u64,
            };
            assert_eq!(executor.counters(), expected);
        }
    }

    pub async fn a_buffer_beyond_the_limits_is_refused_before_it_is_made() {
        let gpu = GpuDevice::open().await.expect("a graphics adapter");
        let largest = gpu.limits().max_storage_buffer_binding_size;
        let spec = |bytes: u64| BufferSpec {
            name: "large".to_owned(),
            elements: (bytes / 4) as usize,
            element: Element::F32,
            role: Role::Scratch,
        };
        let program = Program { buffers: vec![spec(largest + 4)], dispatches: Vec::new() };
        let (mut pipelines, mut uploaded) = (Pipelines::default(), WeightBuffers::default());
        let weights = Weights::default();
        let refused =
            GpuExecutor::new(&gpu, &mut pipelines, &mut uploaded, &program, &weights, &mut |_| {}).await;
        let expected = Error::LimitTooSmall {
            limit: "maxStorageBufferBindingSize".into(),
            found: largest,
            expected: largest + 4,
        };
        assert_eq!(refused.err(), Some(expected));
    }
}
