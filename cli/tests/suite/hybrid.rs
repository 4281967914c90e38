use crate::run::{TINY, TemporaryFile, json, refuse, unmask};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/");

fn shipped(name: &str) -> String {
    format!("{MODELS}storyworld-{name}/model.gguf")
}

fn run<'a>(model: &'a str, autoregressive: &'a str, hybrid: &'a TemporaryFile) -> Vec<&'a str> {
    let base = ["generate", "--model", model, "--ar", autoregressive, "--hybrid", hybrid.path()];
    [&base[..], &["--prompt", "One day, Ivy", "--length", "12", "--backend", "cpu"]].concat()
}

#[test]
fn every_hybrid_writes_all_slots_and_tells_its_cost() {
    let (model, autoregressive) = (shipped("mask"), shipped("ar"));
    // Nothing of an exact number of calls is known of speculation and agreement: at most one of each per open slot. Of the others:
    // calls and sequences of the one model, then of the other, for eight open slots.
    for (name, text, exact) in [
        ("speculative", r#"{"hybrid": "speculative", "window": 3}"#, None),
        ("verified", r#"{"hybrid": "speculative", "window": 3, "sequential_draft": true}"#, None),
        ("adaptive", r#"{"hybrid": "adaptive", "window": 3, "seed": 5}"#, None),
        ("rerank", r#"{"hybrid": "rerank", "candidates": 2}"#, Some([8, 16, 1, 2])),
        ("edlm", r#"{"hybrid": "edlm", "candidates": 3, "window": 1.0}"#, Some([8, 24, 8, 24])),
    ] {
        let hybrid = TemporaryFile::new(&format!("hybrid-{name}"), text.as_bytes());
        let report = json(&run(&model, &autoregressive, &hybrid));
        let slots = report["sequence"]["slots"].as_array().unwrap();
        let is_written = |slot: &&serde_json::Value| slot["state"] == "committed";
        let open = slots.iter().filter(is_written).count() as u64;
        assert!(slots.len() == 12 && open == 12 - 4, "{name}: {slots:?}");
        assert!(slots.iter().all(|slot| slot["state"] != "masked"), "{name}");
        assert!(report["text"].as_str().unwrap().starts_with("One day, Ivy "), "{}", report["text"]);
        let of = ["denoiser_calls", "denoiser_sequences", "autoregressive_calls", "autoregressive_sequences"];
        let asked = of.map(|of| report[of].as_u64().unwrap());
        match exact {
            Some(exact) => assert_eq!(asked, exact, "{name}"),
            None => assert!(asked.iter().all(|asked| (1..=3 * open).contains(asked)), "{name}: {asked:?}"),
        }
        assert_eq!(report["hybrid"]["hybrid"], text.split('"').nth(3).unwrap());
        assert_eq!(report.get("trajectory").is_some(), exact.is_some(), "{name}");
    }
}

#[test]
fn what_does_not_fit_a_hybrid_is_refused_in_one_sentence() {
    let (mask, uniform, autoregressive) = (shipped("mask"), shipped("uniform"), shipped("ar"));
    let right = TemporaryFile::new("hybrid-right", br#"{"hybrid": "adaptive"}"#);
    let unknown = TemporaryFile::new("hybrid-unknown", br#"{"hybrid": "adaptive", "sead": 1}"#);
    let range = TemporaryFile::new("hybrid-range", br#"{"hybrid": "adaptive", "window": 0}"#);
    let noise = r#"{"noise": {"kind": "uniform", "words": {"first": 2, "count": 48}},
        "parallelism": {"rule": "ancestral", "steps": 4, "schedule": "linear"}}"#;
    let noise = TemporaryFile::new("hybrid-noise", noise.as_bytes());
    let with = |arguments: Vec<&str>, more: &[&str]| refuse(&[&arguments[..], more].concat());
    for (sentence, part) in [
        (with(run(&mask, &mask, &right), &[]), "expected an autoregressive model, for --ar"),
        (
            with(run(&uniform, &autoregressive, &right), &["--settings", noise.path()]),
            "expected masks, for a hybrid",
        ),
        (with(run(TINY, &autoregressive, &right)[..7].to_vec(), &[]), "expected those of"),
        (with(run(&mask, &autoregressive, &right), &["--seed", "3"]), "the seed in its own file"),
        (with(run(&mask, &autoregressive, &unknown), &[]), "sead"),
        (
            with(run(&mask, &autoregressive, &range), &[]),
            "window: found 0, expected a number from 1 to 1000000",
        ),
    ] {
        assert!(sentence.contains(part), "{sentence}");
    }
    let alone = unmask(&["generate", "--model", &mask, "--hybrid", right.path()]);
    assert_eq!(alone.code, 2, "a hybrid needs a second model");
}
