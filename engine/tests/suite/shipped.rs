//! Shipped models as they lie in `static/models`: every one against PyTorch, and one under KLASS.

use std::collections::BTreeMap;
use std::path::Path;
use std::slice::from_ref;

use diffusion::decode::{Asker, Decoder};
use diffusion::{FullDenoiser, Query, Sequence, SpecialTokens};
use engine::{BackendChoice, Engine};
use model_loader::Checkpoint;

use crate::families::bodies::answers_like_pytorch;

#[test]
fn every_shipped_model_answers_like_pytorch() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names: Vec<_> =
        root.join("static/models").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|folder| folder.join("model.gguf").is_file());
    assert!(!names.is_empty());
    for folder in names {
        let name = folder.file_name().unwrap().display().to_string();
        println!("{name}");
        let tensors = root.join(format!("tests/golden/shipped/{name}.safetensors"));
        let tensors = std::fs::read(&tensors).unwrap_or_else(|_| {
            panic!("{name} has no golden; `python -m training.golden_families {name}` writes it")
        });
        let model = std::fs::read(folder.join("model.gguf")).unwrap();
        pollster::block_on(answers_like_pytorch((&model, &tensors)));
    }
}

/// KLASS on a shipped model: the drift that the asker finds is the divergence of two distributions asked for directly, also where
/// the run was taken up and the call before was asked by no one.
#[test]
fn the_drift_is_that_of_two_calls() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/models/storyworld-mask/model.gguf");
    let checkpoint = Checkpoint::from_bytes(&std::fs::read(path).unwrap()).unwrap();
    let opened = pollster::block_on(Engine::open(&checkpoint, BackendChoice::Cpu, &mut |_| {}));
    let (mut engine, vocabulary) = (opened.unwrap().0, checkpoint.config.vocab_size);
    let settings =
        serde_json::from_str(r#"{"order": "confidence", "parallelism": {"rule": "stable"}}"#).unwrap();
    let special = SpecialTokens::default();
    let start = Sequence::masked(checkpoint.config.context_length, special.mask);
    let mut decoder = Decoder::new(settings, start, special).unwrap();
    let (mut asker, mut before, mut compared) = (Asker::default(), None, 0);
    for _ in 0..4 {
        let query = decoder.query();
        let answers = pollster::block_on(asker.ask(&mut engine, from_ref(&decoder))).unwrap();
        let anew = pollster::block_on(Asker::default().ask(&mut engine, from_ref(&decoder))).unwrap();
        assert_eq!(answers, anew);
        let now = pollster::block_on(engine.distributions(&query)).unwrap();
        let rows = |query: &Query| query.rows.iter().map(|row| row.slot).collect::<Vec<_>>();
        let (slots, now) = (rows(&query), now.chunks(vocabulary).map(<[f32]>::to_vec).collect::<Vec<_>>());
        let now: BTreeMap<u32, Vec<f32>> = slots.into_iter().zip(now).collect();
        for (row, answer) in query.rows.iter().zip(&answers) {
            let Some(before) = before.as_ref().map(|before: &BTreeMap<u32, Vec<f32>>| &before[&row.slot])
            else {
                assert_eq!(answer.drift_nats, None);
                continue;
            };
            let terms = now[&row.slot].iter().zip(before).filter(|(log, _)| **log > f32::NEG_INFINITY);
            let term = |(now, before): (&f32, &f32)| f64::from(*now).exp() * f64::from(now - before);
            let (found, expected) = (f64::from(answer.drift_nats.unwrap()), terms.map(term).sum::<f64>());
            assert!((found - expected).abs() < 1e-5 * (1.0 + expected), "{found}, expected {expected}");
            compared += usize::from(expected > 1e-4);
        }
        decoder.apply(&answers).unwrap();
        before = Some(now);
    }
    assert!(compared > 50, "only {compared} predictions moved");
}
