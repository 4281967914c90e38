//! Before a back end is trusted: a tiny forward pass, compared with stored values of the f64 reference.
//!
//! The model is made from counters, with the weight formats of a shipped one (4-bit matrices, 8-bit embedding,
//! heads of 64), so that the shaders compiled for the test are those that the model will run.

use diffusion::random::word;
use model_loader::{Format, ModelConfig, Process, Tensor};
use shaders::records::Row;

use crate::backend::{Backend, Resident};
use crate::error::Error;
use crate::model::{Options, Shape, record};
use crate::program::SUMMARY_WORDS;
use crate::progress::Progress;
use crate::weights::Weights;

mod expected;

const SHAPE: Shape = Shape { batch: 2, length: 8, rows: 4 };

/// Largest difference in nats that f32 arithmetic explains here, many times over.
const TOLERANCE_NATS: f64 = 2e-3;

/// Words of a summary that are token ids; the others are floats.
const TOKEN_WORDS: [usize; 6] = [0, 5, 6, 7, 8, 9];

/// Runs the tiny model on `backend`.
///
/// # Errors
/// [`Error::SelfTest`] with the first quantity that differs, or whatever stopped the back end.
pub(crate) async fn run(backend: &mut Backend, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
    let summaries = summaries(backend, progress).await?;
    compare(backend.name(), &summaries, &expected::SUMMARIES)
}

async fn summaries(backend: &mut Backend, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u32>, Error> {
    let config = config();
    let tensors = tensors(&config);
    let weights = Weights::pack(&config, |name| tensors.iter().find(|tensor| tensor.name == name))?;
    let options = Options { products: backend.products(), truncated: true };
    let program = record(&config, &weights, SHAPE, options)?;
    let mut executor = backend.load(&program, &weights, &mut Resident::default(), progress).await?;
    progress(Progress::Testing { backend: backend.name().into() });
    executor.run(&tokens(), bytemuck::cast_slice(&rows())).await
}

/// Tokens must be equal, floats near; NaN is never near.
fn compare(backend: &'static str, found: &[u32], expected: &[[f64; SUMMARY_WORDS]]) -> Result<(), Error> {
    for (row, (found, expected)) in found.chunks(SUMMARY_WORDS).zip(expected).enumerate() {
        for (word, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let (found, tolerance) = meaning(word, found);
            let near = found == expected || (found - expected).abs() <= tolerance;
            if !near {
                let quantity = format!("word {word} of row {row}");
                return Err(Error::SelfTest { backend: backend.into(), quantity, found, expected });
            }
        }
    }
    Ok(())
}

/// What a word of a summary says, and how far it may be off.
fn meaning(word: usize, bits: u32) -> (f64, f64) {
    if TOKEN_WORDS.contains(&word) {
        (f64::from(bits), 0.0)
    } else {
        (f64::from(f32::from_bits(bits)), TOLERANCE_NATS)
    }
}

fn config() -> ModelConfig {
    ModelConfig {
        block_count: 2,
        embedding_length: 64,
        feed_forward_length: 96,
        context_length: 8,
        head_count: 1,
        key_length: 64,
        causal: false,
        rms_epsilon: 1e-5,
        rope_freq_base: 10_000.0,
        vocab_size: 80,
        process: Process::Mask,
    }
}

/// Bytes of one block of a tensor, from (number of the tensor, number of the block).
type Block = fn([u32; 2]) -> Vec<u8>;

/// Every tensor of the model with weights from counters.
fn tensors(config: &ModelConfig) -> Vec<Tensor> {
    let tensor = |(index, (name, shape)): (u32, (String, model_loader::Shape))| {
        let (format, block): (Format, Block) = match name.as_str() {
            "token_embd.weight" => (Format::Q8_0, |key| codes(key, 0.004, 32)),
            "position_embd.weight" => (Format::F32, |key| float(key, -0.3, 0.3)),
            name if name.ends_with("norm.weight") => (Format::F32, |key| float(key, 0.75, 1.25)),
            _ => (Format::Q4_0, |key| codes(key, 0.03, 16)),
        };
        let blocks = (shape.values() / format.block_values()) as u32;
        let bytes = (0..blocks).flat_map(|at| block([index, at])).collect();
        Tensor { name, shape, format, bytes }
    };
    (0..).zip(config.tensors()).map(tensor).collect()
}

fn random([tensor, block]: [u32; 2], item: u32) -> u32 {
    word(0x5e1f, tensor, block, item)
}

/// A quantized block: its scale, then random codes.
fn codes(key: [u32; 2], scale: f32, bytes: u32) -> Vec<u8> {
    let scale = half::f16::from_f32(scale).to_le_bytes();
    scale.into_iter().chain((0..bytes).map(|item| random(key, item) as u8)).collect()
}

/// One float between the two.
fn float(key: [u32; 2], low: f32, high: f32) -> Vec<u8> {
    let part = (random(key, 0) >> 16) as f32 / 65_536.0;
    (low + (high - low) * part).to_le_bytes().to_vec()
}

fn tokens() -> Vec<u32> {
    let slots = (SHAPE.batch * SHAPE.length) as u32;
    (0..slots).map(|slot| if slot % 3 == 0 { 0 } else { word(7, 0, slot, 0) % 80 }).collect()
}

/// Rows of every kind: most probable, drawn, `top_k`, `top_p`.
fn rows() -> [Row; SHAPE.rows] {
    let plain = Row {
        position: 0,
        seed: 11,
        call: 2,
        target: 40,
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        first_token: 2,
    };
    [
        plain,
        Row { position: 9, temperature: 1.0, ..plain },
        Row { position: 15, temperature: 1.5, top_k: 4, ..plain },
        Row { position: 6, temperature: 0.8, top_p: 0.5, ..plain },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To renew the stored values after a deliberate change, paste what this test prints.
    #[test]
    fn stored_values_are_those_of_the_reference() {
        let found = pollster::block_on(summaries(&mut Backend::Reference, &mut |_| {})).unwrap();
        let compared = compare("reference", &found, &expected::SUMMARIES);
        let text: Vec<Vec<f64>> = found
            .chunks(SUMMARY_WORDS)
            .map(|row| row.iter().enumerate().map(|(word, &bits)| meaning(word, bits).0).collect())
            .collect();
        assert!(compared.is_ok(), "{compared:?}\n{text:?}");
    }

    #[test]
    fn a_wrong_or_missing_number_fails() {
        let encode = |row: &[f64; SUMMARY_WORDS]| -> Vec<u32> {
            let word = |(word, &value): (usize, &f64)| {
                if TOKEN_WORDS.contains(&word) { value as u32 } else { (value as f32).to_bits() }
            };
            row.iter().enumerate().map(word).collect()
        };
        let good: Vec<u32> = expected::SUMMARIES.iter().flat_map(encode).collect();
        assert!(compare("test", &good, &expected::SUMMARIES).is_ok());
        for (word, bits) in [(2, f32::NAN.to_bits()), (3, 0f32.to_bits()), (16, 79), (33, 0f32.to_bits())] {
            let mut bad = good.clone();
            bad[word] = bits;
            assert!(compare("test", &bad, &expected::SUMMARIES).is_err(), "word {word}");
        }
    }
}
