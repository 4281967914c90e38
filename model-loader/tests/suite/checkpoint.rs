use model_loader::gguf::Value as Read;
use model_loader::{Checkpoint, Format, Gguf, Process, Shape};

use crate::fixture::{Value, WORDS, valid};

/// `tests/golden/NAME`, whole.
fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_complete_file_gives_a_checkpoint() {
    let checkpoint = Checkpoint::from_bytes(&valid().bytes()).unwrap();
    let config = &checkpoint.config;
    assert_eq!((config.block_count, config.embedding_length, config.feed_forward_length), (1, 32, 64));
    assert_eq!((config.context_length, config.head_count, config.key_length), (16, 1, 32));
    assert_eq!((config.vocab_size, config.causal, config.process), (WORDS.len(), false, Process::Mask));
    assert_eq!((config.rms_epsilon, config.rope_freq_base), (1e-6, 10000.0));
    assert_eq!(checkpoint.origin.name.as_deref(), Some("fixture"));
    assert_eq!(checkpoint.origin.description, None);
    assert_eq!(checkpoint.origin.provenance.as_ref().unwrap()["data"], "none");
    assert_eq!(checkpoint.tensors().count(), config.tensor_count());
    let up = checkpoint.tensor("blk.0.ffn_up.weight").unwrap();
    assert_eq!((up.shape, up.format), (Shape::Matrix { outputs: 64, inputs: 32 }, Format::Q4_0));
    assert!(up.to_f32().iter().all(|&value| value == 0.0), "code 8 is zero");
    assert_eq!(checkpoint.parameters(), 32 * (WORDS.len() + 16) + 5 * 32 + 4 * 32 * 32 + 3 * 32 * 64);
}

#[test]
fn tensors_may_lie_in_any_order_and_versions_2_and_3_read_alike() {
    let mut fixture = valid();
    let expected: Vec<_> = Checkpoint::from_bytes(&fixture.bytes()).unwrap().tensors().cloned().collect();
    fixture.entries.reverse();
    fixture.version = 2;
    let reversed = Checkpoint::from_bytes(&fixture.bytes()).unwrap();
    assert_eq!(reversed.tensors().cloned().collect::<Vec<_>>(), expected);
}

#[test]
fn the_file_may_choose_its_alignment() {
    let mut fixture = valid();
    fixture.alignment = 256;
    fixture.set("general.alignment", Value::U32(256));
    assert!(Checkpoint::from_bytes(&fixture.bytes()).is_ok());
}

#[test]
fn every_kind_of_metadata_value_is_read() {
    let mut fixture = valid();
    let array = [8u32.to_le_bytes().to_vec(), 2u64.to_le_bytes().to_vec(), vec![0; 16]].concat();
    let cases = [
        (0, vec![200], Read::Unsigned(200)),
        (1, vec![0xff], Read::Signed(-1)),
        (2, 60000u16.to_le_bytes().to_vec(), Read::Unsigned(60000)),
        (3, (-2i16).to_le_bytes().to_vec(), Read::Signed(-2)),
        (4, 7u32.to_le_bytes().to_vec(), Read::Unsigned(7)),
        (5, (-3i32).to_le_bytes().to_vec(), Read::Signed(-3)),
        (6, 0.5f32.to_le_bytes().to_vec(), Read::Float(0.5)),
        (7, vec![1], Read::Bool(true)),
        (9, array, Read::Array { length: 2, kind: 8, bytes: &[0; 16] }),
        (10, u64::MAX.to_le_bytes().to_vec(), Read::Unsigned(u64::MAX)),
        (11, (-4i64).to_le_bytes().to_vec(), Read::Signed(-4)),
        (12, 0.1f64.to_le_bytes().to_vec(), Read::Float(0.1)),
    ];
    for (kind, bytes, _) in &cases {
        fixture.set(&format!("test.{kind}"), Value::Raw(*kind, bytes.clone()));
    }
    let bytes = fixture.bytes();
    let file = Gguf::parse(&bytes).unwrap();
    for (kind, _, expected) in cases {
        assert_eq!(file.metadata.get(&format!("test.{kind}")), Some(expected), "type {kind}");
    }
}

#[test]
fn the_tiny_golden_loads_with_every_format() {
    let checkpoint = Checkpoint::from_bytes(&golden("tiny.gguf")).unwrap();
    let formats: std::collections::BTreeSet<_> = checkpoint.tensors().map(|tensor| tensor.format).collect();
    assert_eq!(
        formats.into_iter().collect::<Vec<_>>(),
        [Format::F32, Format::F16, Format::Q8_0, Format::Q4_0]
    );
    let encoding = checkpoint.tokenizer.encode("The red fox runs.");
    assert_eq!(encoding.unknown, []);
    assert_eq!(checkpoint.tokenizer.decode(&encoding.tokens), "The red fox runs.");
}

/// PyTorch's embedding of the golden tokens, bit for bit: rows of eight-bit blocks plus rows of positions.
#[test]
fn the_embedding_of_the_tiny_golden_is_that_of_pytorch() {
    let checkpoint = Checkpoint::from_bytes(&golden("tiny.gguf")).unwrap();
    let (width, length) = (checkpoint.config.embedding_length, checkpoint.config.context_length);
    let words = checkpoint.tensor("token_embd.weight").unwrap().to_f32(); // (vocabulary, width)
    let positions = checkpoint.tensor("position_embd.weight").unwrap().to_f32(); // (length, width)
    let sum = |(slot, token): (usize, u32)| {
        let word = words[token as usize * width..][..width].iter();
        let position = &positions[slot % length * width..][..width];
        word.zip(position).map(|(&w, &p)| (f64::from(w) + f64::from(p)) as f32).collect::<Vec<_>>()
    };
    let file = golden("tiny.safetensors");
    let tokens = safetensor(&file, "tokens").map(u32::from_le_bytes);
    let found: Vec<f32> = tokens.enumerate().flat_map(sum).collect();
    assert_eq!(found.len(), 2 * length * width);
    assert_eq!(found, safetensor(&file, "embedding").map(f32::from_le_bytes).collect::<Vec<_>>());
}

/// The four-byte scalars of one tensor of a safetensors file.
fn safetensor<'a>(file: &'a [u8], name: &str) -> impl Iterator<Item = [u8; 4]> + 'a {
    let header_length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let (header, data) = file[8..].split_at(header_length);
    let header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let offset = |end: usize| header[name]["data_offsets"][end].as_u64().unwrap() as usize;
    data[offset(0)..offset(1)].chunks_exact(4).map(|scalar| scalar.try_into().unwrap())
}

#[test]
fn every_family_has_its_tensors_and_numbers() {
    let config = |name: &str| {
        let checkpoint = Checkpoint::from_bytes(&golden(&format!("tiny-{name}.gguf"))).unwrap();
        assert_eq!(checkpoint.tensors().count(), checkpoint.config.tensor_count(), "{name}");
        checkpoint.config
    };
    let autoregressive = config("autoregressive");
    assert_eq!((autoregressive.process, autoregressive.causal), (Process::Autoregressive, true));
    assert_eq!(config("uniform").process, Process::Uniform);
    assert_eq!(config("mask-uniform").process, Process::MaskUniform { uniform_share: 0.1 });
    assert_eq!(config("gaussian").process, Process::Gaussian { embedding_power: 14.0 });
    assert_eq!(config("gaussian").tensor_count(), config("uniform").tensor_count() + 1);
}

#[test]
fn counts_are_of_every_token_or_refused() {
    let counts = |numbers: &[i32]| {
        let head = [5u32.to_le_bytes().to_vec(), (numbers.len() as u64).to_le_bytes().to_vec()].concat();
        let elements = numbers.iter().flat_map(|number| number.to_le_bytes());
        let mut fixture = valid();
        fixture.set("unmask.token_counts", Value::Raw(9, head.into_iter().chain(elements).collect()));
        Checkpoint::from_bytes(&fixture.bytes())
    };
    let all: Vec<i32> = (0..WORDS.len() as i32).collect();
    let expected: Vec<u64> = (0..WORDS.len() as u64).collect();
    assert_eq!(counts(&all).unwrap().origin.token_counts, Some(expected));
    assert_eq!(Checkpoint::from_bytes(&valid().bytes()).unwrap().origin.token_counts, None);
    for wrong in [&all[1..], &[&all[1..], &[-1]].concat()] {
        let error = counts(wrong).unwrap_err().to_string();
        assert!(error.contains("unmask.token_counts"), "{error}");
    }
}
