use model_loader::{Checkpoint, Error, Format, Shape};

use crate::fixture::{Fixture, Value, WORDS, entry, tokenizer_json, valid};

/// Loads bytes that must be refused. Every message names both what was found and what was expected.
fn refuse(bytes: &[u8]) -> Error {
    let error = Checkpoint::from_bytes(bytes).expect_err("a faulty file was accepted");
    let message = error.to_string();
    assert!(message.contains("found ") && message.contains("expected "), "{message}");
    error
}

/// Changes one thing of a good file and returns the error.
fn fault(change: impl FnOnce(&mut Fixture)) -> Error {
    let mut fixture = valid();
    change(&mut fixture);
    refuse(&fixture.bytes())
}

/// The same for a key's value.
fn fault_of_key(key: &str, value: Value) -> Error {
    fault(|file| file.set(key, value))
}

#[test]
fn not_a_gguf() {
    assert_eq!(refuse(b"<!doctype html>"), Error::NotGguf { found: "<!do".into() });
    assert_eq!(refuse(b"\x7fE"), Error::NotGguf { found: "\\x7fE".into() });
    assert_eq!(refuse(b""), Error::NotGguf { found: String::new() });
}

#[test]
fn versions() {
    assert_eq!(fault(|file| file.version = 1), Error::GgufVersion { found: 1 });
    assert_eq!(fault(|file| file.version = 4), Error::GgufVersion { found: 4 });
    let big_endian = 3u32.swap_bytes();
    assert_eq!(fault(|file| file.version = big_endian), Error::GgufVersion { found: big_endian });
    let error = fault_of_key("unmask.format_version", Value::U32(2));
    assert_eq!(error, Error::FormatVersion { found: 2, expected: 1 });
}

#[test]
fn absurd_counts() {
    for position in [8, 16] {
        let mut bytes = valid().bytes();
        bytes[position..position + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(refuse(&bytes), Error::OutOfRange { found: u64::MAX, .. }));
        bytes[position..position + 8].copy_from_slice(&60000u64.to_le_bytes());
        assert!(matches!(refuse(&bytes), Error::Truncated { .. }));
    }
    let array = [4u32.to_le_bytes().to_vec(), u64::MAX.to_le_bytes().to_vec()].concat();
    assert!(matches!(fault_of_key("test.array", Value::Raw(9, array)), Error::Truncated { .. }));
}

#[test]
fn arrays_nested_without_end() {
    let level = [9u32.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat();
    let error = fault_of_key("test.array", Value::Raw(9, level.repeat(100_000)));
    assert!(matches!(error, Error::KeyValue { .. }), "{error}");
}

#[test]
fn unknown_types() {
    let error = fault_of_key("test.value", Value::Raw(13, vec![0; 8]));
    assert_eq!(error, Error::ValueType { key: "test.value".into(), found: 13 });
    let error = fault(|file| file.entry("blk.0.attn_q.weight").ggml_type = 12);
    assert_eq!(error, Error::TensorFormat { tensor: "blk.0.attn_q.weight".into(), found: 12 });
}

#[test]
fn missing_keys() {
    let required: Vec<String> = valid().pairs.into_iter().map(|(key, _)| key).collect();
    let optional = ["general.name", "general.license", "unmask.provenance"];
    for key in required.iter().filter(|key| !optional.contains(&key.as_str())) {
        let error = fault(|file| file.remove(key));
        assert!(matches!(&error, Error::MissingKey { key: missing, .. } if missing == key), "{error}");
    }
}

#[test]
fn keys_of_the_wrong_type() {
    for (key, _) in valid().pairs {
        let error = fault_of_key(&key, Value::Raw(11, vec![1; 8]));
        let expected_key = matches!(&error, Error::KeyType { key: wrong, .. } if *wrong == key);
        assert!(expected_key, "{key}: {error}");
    }
}

#[test]
fn keys_with_impossible_values() {
    let refused = [
        ("general.architecture", Value::Text("llama".into())),
        ("general.alignment", Value::U32(0)),
        ("general.alignment", Value::U32(48)),
        ("unmask.block_count", Value::U32(0)),
        ("unmask.block_count", Value::U32(u32::MAX)),
        ("unmask.attention.key_length", Value::U32(33)),
        ("unmask.attention.causal", Value::Bool(2)),
        ("unmask.attention.causal", Value::Bool(1)),
        ("unmask.attention.layer_norm_rms_epsilon", Value::F32(f32::NAN)),
        ("unmask.attention.layer_norm_rms_epsilon", Value::F32(0.0)),
        ("unmask.rope.freq_base", Value::F32(f32::INFINITY)),
        ("unmask.process", Value::Text("poisson".into())),
        ("unmask.provenance", Value::Text("{".into())),
    ];
    for (key, value) in refused {
        let error = fault_of_key(key, value);
        assert!(matches!(&error, Error::KeyValue { key: wrong, .. } if wrong == key), "{key}: {error}");
    }
}

#[test]
fn what_a_process_needs_is_missed() {
    let timed = |process: &str| {
        fault(|file| {
            file.set("unmask.process", Value::Text(process.into()));
            file.set("unmask.process.embedding_power", Value::F32(14.0));
        })
    };
    for process in ["uniform", "gaussian"] {
        let error = timed(process);
        assert!(
            matches!(&error, Error::MissingTensor { tensor, .. } if tensor == "time_in.weight"),
            "{error}"
        );
    }
    let error = timed("mask_uniform");
    assert!(matches!(&error, Error::MissingKey { .. }), "{error}");
}

#[test]
fn keys_and_tensors_twice() {
    let error = fault(|file| file.pairs.push(file.pairs[0].clone()));
    assert_eq!(error, Error::Duplicate { subject: "key", name: "general.architecture".into() });
    let error = fault(|file| file.entries.push(file.entries[2].clone()));
    assert_eq!(error, Error::Duplicate { subject: "tensor", name: "blk.0.attn_norm.weight".into() });
}

#[test]
fn text_that_is_not_utf8() {
    let error = fault_of_key("general.name", Value::Text(b"fix\xffture".to_vec()));
    assert_eq!(error, Error::NotText { subject: "the value of key general.name".into(), position: 3 });
}

#[test]
fn missing_and_surplus_tensors() {
    for missing in valid().entries {
        let error = fault(|file| file.entries.retain(|entry| entry.name != missing.name));
        assert!(matches!(&error, Error::MissingTensor { tensor, .. } if *tensor == missing.name), "{error}");
    }
    let error = fault(|file| file.entries.push(entry("output.weight".into(), &[32, 9], Format::Q8_0)));
    let found = Shape::Matrix { outputs: 9, inputs: 32 };
    assert_eq!(error, Error::UnexpectedTensor { tensor: "output.weight".into(), found });
    // A configuration that claims a million layers is refused at the first one that is not there.
    let error = fault_of_key("unmask.block_count", Value::U32(1 << 20));
    assert!(matches!(&error, Error::MissingTensor { tensor, .. } if tensor == "blk.1.attn_norm.weight"));
}

#[test]
fn wrong_shapes() {
    let name = "blk.0.ffn_up.weight";
    let error = fault(|file| *file.entry(name) = entry(name.into(), &[64, 32], Format::Q4_0));
    let (found, expected) =
        (Shape::Matrix { outputs: 32, inputs: 64 }, Shape::Matrix { outputs: 64, inputs: 32 });
    assert_eq!(error, Error::TensorShape { tensor: name.into(), found, expected });
    let error = fault(|file| *file.entry(name) = entry(name.into(), &[2048], Format::Q4_0));
    assert_eq!(error, Error::TensorShape { tensor: name.into(), found: Shape::Vector(2048), expected });
}

#[test]
fn impossible_dimensions() {
    let name = "blk.0.ffn_up.weight";
    for dimensions in [&[][..], &[1, 1, 1], &[0, 64], &[32, 0], &[u64::MAX, 2], &[31, 64]] {
        let error = fault(|file| file.entry(name).dimensions = dimensions.to_vec());
        assert!(matches!(&error, Error::TensorLayout { tensor, .. } if tensor == name), "{error}");
    }
}

#[test]
fn data_that_cannot_lie_there() {
    let name = "blk.0.attn_q.weight";
    let place = |offset| fault(|file| file.entry(name).false_offset = Some(offset));
    let last = fault(|file| file.entry("output_norm.weight").false_offset = Some(1 << 40));
    assert!(matches!(last, Error::Truncated { expected, .. } if expected > 1 << 40));
    assert!(matches!(place(u64::MAX - 31), Error::Truncated { expected: u64::MAX, .. }));
    // The embedding takes 9 rows of 34 bytes, the norm after it begins at 320.
    let error = place(0);
    assert!(matches!(error, Error::Overlap { .. }), "{error}");
    let error = fault(|file| file.entry("output_norm.weight").false_offset = Some((1 << 40) + 1));
    assert!(matches!(&error, Error::Misaligned { found, expected: 32, .. } if found % 32 == 1), "{error}");
}

#[test]
fn weights_that_are_no_numbers() {
    let not_a_number = |name: &str, position: usize, bytes: &[u8]| {
        fault(|file| file.entry(name).data[position..][..bytes.len()].copy_from_slice(bytes))
    };
    let error = not_a_number("output_norm.weight", 12, &f32::NAN.to_le_bytes());
    assert_eq!(error, Error::NotFinite { tensor: "output_norm.weight".into(), block: 3 });
    let error = not_a_number("blk.0.attn_q.weight", 18, &[0x00, 0x7c]);
    assert_eq!(error, Error::NotFinite { tensor: "blk.0.attn_q.weight".into(), block: 1 });
}

#[test]
fn tokenizers_that_do_not_fit() {
    let with = |json: &str| fault_of_key("tokenizer.huggingface.json", Value::Text(json.into()));
    let mut swapped = WORDS;
    swapped.swap(0, 1);
    let gap = tokenizer_json(&WORDS).replace(r#""ran": 8"#, r#""ran": 9"#);
    let twice = tokenizer_json(&WORDS).replace(r#""ran": 8"#, r#""ran": 7"#);
    let other_model = tokenizer_json(&WORDS).replace("\"WordLevel\"", "\"BPE\"");
    let texts =
        ["{}", "", &gap, &twice, &other_model, &tokenizer_json(&WORDS[..8]), &tokenizer_json(&swapped)];
    for json in texts {
        let error = with(json);
        assert!(matches!(error, Error::Tokenizer { .. }), "{json}: {error}");
    }
}
