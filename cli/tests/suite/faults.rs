use crate::run::{TINY, TemporaryFile, refuse, unmask};

const GENERATE: [&str; 3] = ["generate", "--model", TINY];

/// A copy of the fixture model, damaged, and what `info` says about it.
fn damaged(name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = std::fs::read(TINY).unwrap();
    damage(&mut bytes);
    let file = TemporaryFile::new(name, &bytes);
    let sentence = refuse(&["info", file.path()]);
    let beginning = format!("cannot load {}: ", file.path());
    sentence.strip_prefix(&beginning).unwrap_or_else(|| panic!("{sentence}")).to_owned()
}

/// Writes over the first place where `from` stands.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[place..place + to.len()].copy_from_slice(to);
}

#[test]
fn model_files() {
    let sentence = damaged("not-gguf", |bytes| *bytes = b"PK\x03\x04 a zip".to_vec());
    assert_eq!(sentence, "file is not a GGUF model: found first bytes \"PK\\x03\\x04\", expected \"GGUF\"");

    let length = std::fs::metadata(TINY).unwrap().len();
    let sentence = damaged("truncated", |bytes| bytes.truncate(bytes.len() / 2));
    assert!(
        sentence.starts_with(&format!("file is truncated: found {} bytes, expected", length / 2)),
        "{sentence}"
    );

    let sentence = damaged("gguf-version", |bytes| bytes[4] = 9);
    assert_eq!(sentence, "GGUF version is not supported: found 9, expected 2 or 3");

    // The key, its type (u32 = 4), its value.
    let version = |value: u8| [&b"unmask.format_version"[..], &[4, 0, 0, 0, value]].concat();
    let sentence = damaged("format-version", |bytes| replace(bytes, &version(1), &version(7)));
    assert_eq!(sentence, "model format version is not supported: found 7, expected 1");

    let sentence = damaged("tensor-name", |bytes| replace(bytes, b"blk.1.ffn_up", b"blk.9.ffn_up"));
    assert_eq!(sentence, "tensor blk.1.ffn_up.weight is missing: found none, expected shape [96, 64]");

    let sentence = damaged("key-name", |bytes| replace(bytes, b"unmask.vocab_size", b"unmask.vocab_sizf"));
    assert_eq!(sentence, "key unmask.vocab_size is missing: found none, expected unsigned integer");

    let layers = |value: u8| [&b"unmask.embedding_length"[..], &[4, 0, 0, 0, value]].concat();
    let sentence = damaged("shape", |bytes| replace(bytes, &layers(64), &layers(96)));
    assert_eq!(sentence, "tensor token_embd.weight has the wrong shape: found [51, 64], expected [51, 96]");
}

#[test]
fn every_command_refuses_a_missing_file() {
    for arguments in [
        &["info", "no/such/model.gguf"][..],
        &["generate", "--model", "no/such/model.gguf"],
        &["eval", "--model", "no/such/model.gguf", "--text", TINY],
    ] {
        assert!(refuse(arguments).starts_with("cannot read no/such/model.gguf: "), "{arguments:?}");
    }
    let sentence = refuse(&["eval", "--model", TINY, "--text", "no/such/text.txt"]);
    assert!(sentence.starts_with("cannot read no/such/text.txt: "), "{sentence}");
}

#[test]
fn prompts() {
    let prompt = |text: &str, more: &[&str]| refuse(&[&GENERATE[..], &["--prompt", text], more].concat());
    let unknown = prompt("The zebra sees a Quokka.", &[]);
    assert_eq!(unknown, "prompt has words that the model does not know: \"zebra\", \"Quokka\"");
    let many = prompt(&"zebra ".repeat(20), &[]);
    assert!(many.ends_with("\"zebra\", \"zebra\", and 12 more"), "{many}");
    let long = prompt(&"the ".repeat(17), &[]);
    assert_eq!(long, "prompt is longer than the window: found 17 tokens, expected at most 16");
    let long = prompt("the red fox runs .", &["--length", "4"]);
    assert_eq!(long, "prompt is longer than the window: found 5 tokens, expected at most 4");
}

#[test]
fn settings() {
    let settings = |more: &[&str]| refuse(&[&GENERATE[..], more].concat());
    assert_eq!(settings(&["--length", "17"]), "length is out of range: found 17, expected 1 to 16");
    assert_eq!(settings(&["--length", "0"]), "length is out of range: found 0, expected 1 to 16");
    for (name, value) in
        [("--temperature", "NaN"), ("--top-p", "0"), ("--parallelism", "0"), ("--steps", "0")]
    {
        assert!(settings(&[name, value]).contains("found "), "{name}");
    }
    assert!(settings(&["--corrupt", "1.5", "--prompt", "the"]).contains("found 1.5"));
}

#[test]
fn arguments_that_do_not_parse() {
    for arguments in [
        &[][..],
        &["dance"],
        &["generate"],
        &[&GENERATE[..], &["--order", "alphabetical"]].concat(),
        &[&GENERATE[..], &["--seed", "-1"]].concat(),
        &[&GENERATE[..], &["--ancestral"]].concat(),
        &[&GENERATE[..], &["--corrupt", "0.5"]].concat(),
        &[&GENERATE[..], &["--steps", "4", "--parallelism", "2"]].concat(),
        &["eval", "--model", TINY, "--text", TINY, "--samples", "1"],
    ] {
        let output = unmask(arguments);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn text_files() {
    let eval = |name: &str, text: &[u8]| {
        let file = TemporaryFile::new(name, text);
        refuse(&["eval", "--model", TINY, "--text", file.path()])
    };
    let unknown = eval("unknown", b"the dog .\nthe zebra .\n");
    assert_eq!(unknown, "line 2 has words that the model does not know: \"zebra\"");
    assert_eq!(eval("mask", b"the _ .\n"), "line 1 is no plain text: found [MASK], expected words only");
    assert!(
        eval("empty", b"\n\n").ends_with("found 0 too long ones, expected at least one of at most 15 tokens")
    );
    let long = eval("long", "the ".repeat(16).as_bytes());
    assert!(long.ends_with("found 1 too long ones, expected at least one of at most 15 tokens"), "{long}");
    assert!(eval("binary", b"\xff\xfe").starts_with("cannot read "));
}

#[test]
fn models_asked_for_what_they_were_not_trained_for() {
    let model = |name: &str| format!("{}/../tests/golden/tiny-{name}.gguf", env!("CARGO_MANIFEST_DIR"));
    let schedule = TemporaryFile::new("schedule", b"{}");
    for name in ["autoregressive", "uniform", "mask-uniform", "gaussian"] {
        if name != "gaussian" {
            let sentence = refuse(&["diagnose", "--model", &model(name), "--schedule", schedule.path()]);
            assert!(sentence.contains(&model(name)) && sentence.contains("expected"), "{sentence}");
        }
        let sentence =
            refuse(&["generate", "--model", &model(name), "--length", "4", "--settings", schedule.path()]);
        assert!(sentence.contains(&model(name)) && sentence.contains("expected"), "{sentence}");
    }
    let left_to_right = ["generate", "--model", &model("autoregressive"), "--order", "left-to-right"];
    let output = unmask(&left_to_right);
    assert_eq!(output.code, 0, "{}", output.stderr);
}
