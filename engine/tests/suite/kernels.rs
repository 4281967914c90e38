on_every_target! {
    /// Tint in Chromium, naga natively: neither errors nor warnings.
    the_shader_compiler_has_nothing_to_say
    every_kernel_agrees_with_its_reference
    /// The two above can fail: a shader with a fault gives an error, not a panic or silence.
    a_wrong_shader_is_refused
}

mod bodies {
    use engine::Error;
    use engine::gpu::{GpuDevice, Pipelines, compiler_messages, run_kernel};
    use shaders::Kernel;
    use shaders::kernels::{CATALOGUE, rms_norm};

    const SEED: u32 = 20_251;

    pub async fn the_shader_compiler_has_nothing_to_say() {
        let gpu = GpuDevice::open().await.expect("a graphics adapter");
        for kernel in CATALOGUE {
            let messages = compiler_messages(&gpu, kernel).await;
            assert!(messages.is_empty(), "{}: {messages:?}", kernel.name);
        }
        assert!(!compiler_messages(&gpu, &WRONG).await.is_empty());
    }

    pub async fn every_kernel_agrees_with_its_reference() {
        let gpu = GpuDevice::open().await.expect("a graphics adapter");
        let mut pipelines = Pipelines::default();
        let mut failures = Vec::new();
        for kernel in CATALOGUE {
            for case in (kernel.cases)(SEED) {
                let outcome = match run_kernel(&gpu, &mut pipelines, kernel, &case).await {
                    Ok(found) => {
                        case.check(kernel, &case.expected(kernel), &found).map_err(|error| error.to_string())
                    }
                    Err(error) => Err(error.to_string()),
                };
                failures
                    .extend(outcome.err().map(|error| format!("{} ({}): {error}", kernel.name, case.label)));
            }
        }
        assert!(failures.is_empty(), "on {}:\n{}", gpu.description(), failures.join("\n"));
    }

    static WRONG: Kernel =
        Kernel { name: "wrong", source: "@compute fn rms_norm() { nonsense }", ..rms_norm::KERNEL };

    pub async fn a_wrong_shader_is_refused() {
        let gpu = GpuDevice::open().await.expect("a graphics adapter");
        let case = (rms_norm::KERNEL.cases)(SEED).remove(0);
        let refused = run_kernel(&gpu, &mut Pipelines::default(), &WRONG, &case).await;
        assert!(matches!(refused, Err(Error::Shader { ref kernel, .. }) if kernel == "wrong"), "{refused:?}");
    }
}
