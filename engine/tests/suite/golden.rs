//! The tiny model and PyTorch's tensors for it; see `tests/golden/README.md`.

use engine::Weights;
use engine::model::Shape;
use model_loader::{Checkpoint, ModelConfig};
use safetensors::SafeTensors;

const MODEL: &[u8] = include_bytes!("../../../tests/golden/tiny.gguf");
const TENSORS: &[u8] = include_bytes!("../../../tests/golden/tiny.safetensors");

/// The checkpoint under test.
pub fn checkpoint() -> Checkpoint {
    Checkpoint::from_bytes(MODEL).expect("the golden model is readable")
}

/// Its weights.
pub fn weights(checkpoint: &Checkpoint) -> Weights {
    Weights::pack(&checkpoint.config, |name| checkpoint.tensor(name))
        .expect("the golden model has all weights")
}

/// The golden input is two sequences.
pub fn shape(config: &ModelConfig) -> Shape {
    Shape { batch: 2, length: config.context_length, rows: 2 * config.context_length }
}

/// The golden input.
pub fn tokens() -> Vec<u32> {
    bytes("tokens").chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// A golden tensor of floats, flat.
pub fn floats(name: &str) -> Vec<f32> {
    bytes(name).chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn bytes(name: &str) -> Vec<u8> {
    let file = SafeTensors::deserialize(TENSORS).expect("the golden tensors are readable");
    file.tensor(name).expect("the golden tensor is there").data().to_vec()
}

/// Fails unless the two are equally long and nowhere further apart than `tolerance`; NaN fails.
pub fn assert_near(what: &str, found: &[f64], expected: &[f32], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "length of {what}");
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - f64::from(expected)).abs() <= tolerance;
        assert!(near, "{what}[{index}]: found {found}, expected {expected} within {tolerance}");
    }
}
