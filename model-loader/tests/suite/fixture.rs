//! Writes model files for tests.

use model_loader::Format;

/// A metadata value, written with the GGUF type that its name says.
#[derive(Clone)]
pub enum Value {
    U32(u32),
    F32(f32),
    Bool(u8),
    Text(Vec<u8>),
    /// Type number and bytes as they are.
    Raw(u32, Vec<u8>),
}

/// A directory entry and its data; `dimensions` in GGUF order, contiguous first.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub dimensions: Vec<u64>,
    pub ggml_type: u32,
    pub data: Vec<u8>,
    /// Written instead of the true offset.
    pub false_offset: Option<u64>,
}

/// A file in parts.
#[derive(Clone)]
pub struct Fixture {
    pub version: u32,
    pub pairs: Vec<(String, Value)>,
    pub entries: Vec<Entry>,
    pub alignment: usize,
}

pub const WORDS: [&str; 9] = ["[MASK]", "[UNK]", "[EOS]", "the", "dog", "Rose", "rose", ".", "ran"];
pub const WIDTH: u64 = 32;

/// The text of a tokenizer file with these words.
pub fn tokenizer_json(words: &[&str]) -> String {
    let vocab: Vec<String> = words.iter().enumerate().map(|(i, word)| format!("{word:?}: {i}")).collect();
    format!(
        r#"{{"version": "1.0", "added_tokens": [], "pre_tokenizer": {{"type": "WhitespaceSplit"}},
            "model": {{"type": "WordLevel", "vocab": {{{}}}, "unk_token": "[UNK]"}}}}"#,
        vocab.join(", ")
    )
}

/// A model with one layer, width 32, one head of 32, feed-forward 64, in all four formats.
pub fn valid() -> Fixture {
    let vocabulary = WORDS.len() as u64;
    let layer = |name: &str| format!("blk.0.{name}.weight");
    let entries = vec![
        entry("token_embd.weight".into(), &[WIDTH, vocabulary], Format::Q8_0),
        entry("position_embd.weight".into(), &[WIDTH, 16], Format::F32),
        entry(layer("attn_norm"), &[WIDTH], Format::F32),
        entry(layer("attn_q"), &[WIDTH, 32], Format::Q4_0),
        entry(layer("attn_k"), &[WIDTH, 32], Format::Q4_0),
        entry(layer("attn_v"), &[WIDTH, 32], Format::F16),
        entry(layer("attn_q_norm"), &[32], Format::F32),
        entry(layer("attn_k_norm"), &[32], Format::F32),
        entry(layer("attn_output"), &[32, WIDTH], Format::Q4_0),
        entry(layer("ffn_norm"), &[WIDTH], Format::F32),
        entry(layer("ffn_gate"), &[WIDTH, 64], Format::Q4_0),
        entry(layer("ffn_up"), &[WIDTH, 64], Format::Q4_0),
        entry(layer("ffn_down"), &[64, WIDTH], Format::Q8_0),
        entry("output_norm.weight".into(), &[WIDTH], Format::F32),
    ];
    Fixture { version: 3, pairs: pairs(vocabulary as u32), entries, alignment: 32 }
}

fn pairs(vocabulary: u32) -> Vec<(String, Value)> {
    let text = |text: &str| Value::Text(text.into());
    [
        ("general.architecture", text("unmask")),
        ("general.name", text("fixture")),
        ("general.license", text("MIT OR Apache-2.0")),
        ("unmask.format_version", Value::U32(1)),
        ("unmask.block_count", Value::U32(1)),
        ("unmask.embedding_length", Value::U32(WIDTH as u32)),
        ("unmask.feed_forward_length", Value::U32(64)),
        ("unmask.context_length", Value::U32(16)),
        ("unmask.attention.head_count", Value::U32(1)),
        ("unmask.attention.key_length", Value::U32(32)),
        ("unmask.attention.causal", Value::Bool(0)),
        ("unmask.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("unmask.rope.freq_base", Value::F32(10000.0)),
        ("unmask.vocab_size", Value::U32(vocabulary)),
        ("unmask.process", text("mask")),
        ("unmask.provenance", text(r#"{"data": "none"}"#)),
        ("tokenizer.huggingface.json", text(&tokenizer_json(&WORDS))),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// A tensor full of ones (floats) or of scale 1 and codes 0x88 (blocks).
pub fn entry(name: String, dimensions: &[u64], format: Format) -> Entry {
    let blocks = dimensions.iter().product::<u64>() as usize / format.block_values();
    let block = match format {
        Format::F32 => 1.0f32.to_le_bytes().to_vec(),
        _ => [&[0x00, 0x3c][..], &vec![0x88; format.block_bytes() - 2]].concat(),
    };
    let data = block.repeat(blocks);
    Entry { name, dimensions: dimensions.to_vec(), ggml_type: format.to_ggml(), data, false_offset: None }
}

impl Fixture {
    pub fn set(&mut self, key: &str, value: Value) {
        self.pairs.retain(|(name, _)| name != key);
        self.pairs.push((key.into(), value));
    }

    pub fn remove(&mut self, key: &str) {
        self.pairs.retain(|(name, _)| name != key);
    }

    pub fn entry(&mut self, name: &str) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.name == name).unwrap()
    }

    /// Everything before the data, padding included.
    pub fn head(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend((self.entries.len() as u64).to_le_bytes());
        file.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            push_text(&mut file, key.as_bytes());
            push_value(&mut file, value);
        }
        let mut offset = 0u64;
        for entry in &self.entries {
            push_text(&mut file, entry.name.as_bytes());
            file.extend((entry.dimensions.len() as u32).to_le_bytes());
            file.extend(entry.dimensions.iter().flat_map(|d| d.to_le_bytes()));
            file.extend(entry.ggml_type.to_le_bytes());
            file.extend(entry.false_offset.unwrap_or(offset).to_le_bytes());
            offset += entry.data.len().next_multiple_of(self.alignment) as u64;
        }
        file.resize(file.len().next_multiple_of(self.alignment), 0);
        file
    }

    /// The whole file; the last tensor is not padded, so that its last byte is the file's last.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = self.head();
        for entry in &self.entries {
            file.resize(file.len().next_multiple_of(self.alignment), 0);
            file.extend(&entry.data);
        }
        file
    }
}

fn push_text(file: &mut Vec<u8>, text: &[u8]) {
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text);
}

fn push_value(file: &mut Vec<u8>, value: &Value) {
    let kind: u32 = match value {
        Value::U32(_) => 4,
        Value::F32(_) => 6,
        Value::Bool(_) => 7,
        Value::Text(_) => 8,
        Value::Raw(kind, _) => *kind,
    };
    file.extend(kind.to_le_bytes());
    match value {
        Value::U32(number) => file.extend(number.to_le_bytes()),
        Value::F32(number) => file.extend(number.to_le_bytes()),
        Value::Bool(byte) => file.push(*byte),
        Value::Text(text) => push_text(file, text),
        Value::Raw(_, bytes) => file.extend(bytes),
    }
}
