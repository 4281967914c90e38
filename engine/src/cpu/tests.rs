//! Every kernel's cases, replayed on the CPU and held against the f64 reference: natively and, like all tests of
//! this back end, in a browser.

use shaders::kernels::{CATALOGUE, head, head_merge, head_threshold};
use shaders::records::{Row, Summary};
use shaders::{Case, Kernel, Values};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::matrix::PackedWeights;
use super::memory::Call;
use super::plan::Plan;
use crate::program::{BufferId, BufferSpec, Dispatch, Program, Role, Workgroups};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The case as a program of one dispatch.
fn program(kernel: &'static Kernel, case: &Case) -> Program {
    let role = |name: &str| match name {
        "tokens" => Role::Tokens,
        "rows" => Role::Rows,
        "weights" | "scales" => Role::Weight(name.to_owned()),
        _ => Role::Scratch,
    };
    let spec = |(binding, values): (&shaders::Binding, &Values)| BufferSpec {
        name: binding.name.to_owned(),
        elements: values.len(),
        element: binding.element,
        role: role(binding.name),
    };
    Program {
        buffers: kernel.bindings.iter().zip(&case.buffers).map(spec).collect(),
        dispatches: vec![Dispatch {
            label: case.label.clone(),
            kernel,
            overrides: case.overrides.clone(),
            params: case.params.clone(),
            bindings: (0..kernel.bindings.len()).map(BufferId).collect(),
            workgroups: Workgroups::Fixed(case.workgroups),
        }],
    }
}

/// The buffers as words, floats rounded to f32.
fn bits(values: &Values) -> Vec<u32> {
    bytemuck::pod_collect_to_vec(&values.to_bytes())
}

/// What a case left: its buffers, and one summary per row.
struct Outcome {
    buffers: Vec<Values>,
    summaries: Vec<Summary>,
}

fn replay(kernel: &'static Kernel, case: &Case) -> Outcome {
    let program = program(kernel, case);
    let words: Vec<Vec<u32>> = case.buffers.iter().map(bits).collect();
    let named =
        |name: &str| program.buffers.iter().position(|spec| spec.name == name).map(|i| words[i].as_slice());
    let mut plan =
        Plan::new(&program, &|key, _| Ok(named(key).unwrap()), &mut PackedWeights::default()).unwrap();
    for (floats, words) in plan.memory.floats.iter_mut().zip(&words).filter(|(floats, _)| !floats.is_empty())
    {
        *floats = bytemuck::cast_slice(words).to_vec();
    }
    let rows: &[Row] = bytemuck::cast_slice(named("rows").unwrap_or(&[]));
    let mut summaries: Vec<Summary> = vec![bytemuck::Zeroable::zeroed(); rows.len()];
    let mut call = Call { tokens: named("tokens").unwrap_or(&[]), rows, summaries: &mut summaries };
    for step in &plan.steps {
        plan.memory.replay(step, &mut call);
    }
    let mut buffers = case.buffers.clone();
    for (values, floats) in
        buffers.iter_mut().zip(&plan.memory.floats).filter(|(_, floats)| !floats.is_empty())
    {
        *values = Values::F64(floats.iter().map(|&value| f64::from(value)).collect());
    }
    Outcome { buffers, summaries }
}

#[test]
fn every_kernel_but_the_head_agrees_with_its_reference() {
    let kernels = CATALOGUE.iter().filter(|kernel| !kernel.entry.starts_with("head_"));
    for (kernel, seed) in kernels.flat_map(|kernel| (1..4).map(move |seed| (*kernel, seed))) {
        for case in (kernel.cases)(seed) {
            let found = replay(kernel, &case).buffers;
            if let Err(fault) = case.check(kernel, &case.expected(kernel), &found) {
                panic!("{}, {}: {fault}", kernel.name, case.label);
            }
        }
    }
}

/// The summaries that threshold, head and merge give in f64, one after the other.
fn expected_summaries(kernel: &Kernel, case: &Case) -> [Values; 2] {
    let p: head::Params = bytemuck::pod_read_unaligned(&case.params);
    let mut buffers = case.buffers.clone();
    let threshold = head_threshold::Params { rows: p.rows, vocabulary: p.vocabulary, inner: p.inner };
    let twin =
        if kernel.name.ends_with("q8") { &head_threshold::KERNEL_Q8 } else { &head_threshold::KERNEL_F32 };
    let at = |name: &str| kernel.bindings.iter().position(|binding| binding.name == name).unwrap();
    let mut bound: Vec<Values> =
        twin.bindings.iter().map(|binding| buffers[at(binding.name)].clone()).collect();
    (twin.reference)(bytemuck::bytes_of(&threshold), &[], &mut bound);
    buffers[at("thresholds")] = bound.pop().unwrap();
    (kernel.reference)(&case.params, &case.overrides, &mut buffers);
    let summaries = Values::U32(vec![0; p.rows as usize * Summary::RECORD.len()]);
    let mut merged = [buffers[at("partials")].clone(), summaries];
    let merge = head_merge::Params { rows: p.rows, partials: p.partials() };
    (head_merge::KERNEL.reference)(bytemuck::bytes_of(&merge), &[], &mut merged);
    merged
}

#[test]
fn the_head_agrees_with_threshold_head_and_merge() {
    let heads = CATALOGUE.iter().filter(|kernel| matches!(kernel.entry, "head_tiled" | "head_direct"));
    let mut truncated = 0;
    for (kernel, seed) in heads.flat_map(|kernel| (1..6).map(move |seed| (*kernel, seed))) {
        for case in (kernel.cases)(seed) {
            let [partials, expected] = expected_summaries(kernel, &case);
            let summaries = replay(kernel, &case).summaries;
            let found = [partials.clone(), Values::U32(bytemuck::cast_slice(&summaries).to_vec())];
            if let Err(fault) = case.check(&head_merge::KERNEL, &[partials, expected], &found) {
                panic!("{}, {}: {fault}", kernel.name, case.label);
            }
            let rows: &[Row] = bytemuck::cast_slice(case.buffers[0].words());
            truncated += rows.iter().filter(|row| row.is_truncated()).count();
        }
    }
    assert!(truncated > 100, "top-k and top-p were tried");
}

#[test]
fn a_kernel_without_a_twin_is_refused() {
    static STRANGER: Kernel = Kernel { name: "stranger", entry: "stranger", ..head_merge::KERNEL };
    let case = &(head_merge::KERNEL.cases)(1)[0];
    let error =
        Plan::new(&program(&STRANGER, case), &|_, _| Ok(&[]), &mut PackedWeights::default()).err().unwrap();
    assert_eq!(error.to_string(), "shader stranger was refused: the CPU back end has no twin of it");
}

/// The counter of allocations is native.
#[cfg(not(target_arch = "wasm32"))]
mod allocations {
    use model_loader::Checkpoint;
    use shaders::records::Row;

    use crate::cpu::CpuExecutor;
    use crate::model;
    use crate::weights::Weights;

    #[test]
    fn a_later_call_allocates_nothing_but_its_answer() {
        let checkpoint = Checkpoint::from_bytes(include_bytes!("../../../tests/golden/tiny.gguf")).unwrap();
        let weights = Weights::pack(&checkpoint.config, |name| checkpoint.tensor(name)).unwrap();
        let length = checkpoint.config.context_length;
        let shape = model::Shape { batch: 1, length, rows: length };
        let options = model::Options { products: model::Products::Direct, truncated: true };
        let program = model::record(&checkpoint.config, &weights, shape, options).unwrap();
        let mut executor = CpuExecutor::new(&program, &weights).unwrap();
        let row = |position| Row {
            position,
            temperature: 0.8,
            top_k: 5,
            top_p: 0.9,
            ..bytemuck::Zeroable::zeroed()
        };
        let rows: Vec<Row> = (0..length as u32).map(row).collect();
        let mut call =
            || executor.run(&vec![3; length], bytemuck::cast_slice(&rows)).map(|answer| answer.len());
        let first = allocation_counter::measure(|| assert_eq!(call(), Ok(16 * length)));
        let later = allocation_counter::measure(|| assert_eq!(call(), Ok(16 * length)));
        assert!(first.count_total > 2, "the counter counts: {first:?}");
        // The tokens above and the answer.
        assert_eq!(later.count_total, 2);
    }
}
