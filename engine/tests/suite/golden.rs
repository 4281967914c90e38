//! Models and PyTorch's tensors for them; see `tests/golden/README.md`.

use engine::Weights;
use engine::model::Shape;
use model_loader::{Checkpoint, ModelConfig};
use safetensors::SafeTensors;

/// A model file and what PyTorch computes from it.
pub struct Golden {
    model: &'static [u8],
    tensors: &'static [u8],
}

/// Two layers with random weights, every weight format.
pub const TINY: Golden = Golden {
    model: include_bytes!("../../../tests/golden/tiny.gguf"),
    tensors: include_bytes!("../../../tests/golden/tiny.safetensors"),
};

/// The shipped model: six layers, trained. Native only, where the f64 reference is quick enough.
#[cfg(not(target_arch = "wasm32"))]
pub const STORYWORLD: Golden = Golden {
    model: include_bytes!("../../../static/models/storyworld-mask/model.gguf"),
    tensors: include_bytes!("../../../tests/golden/storyworld-mask.safetensors"),
};

impl Golden {
    /// The checkpoint under test.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::from_bytes(self.model).expect("the golden model is readable")
    }

    /// The input: two sequences. `// (2, length)`
    pub fn tokens(&self) -> Vec<u32> {
        self.words("tokens")
    }

    /// Holds a buffer of all positions against a golden tensor, which has some slots of each sequence.
    ///
    /// Fails where they are further apart than `tolerance`, relative to values above 1; NaN fails.
    pub fn assert_near(&self, what: &str, tensor: &str, found: &[f64], tolerance: f64) {
        let expected: Vec<f32> = self.words(tensor).into_iter().map(f32::from_bits).collect();
        let (slots, positions) = (self.words("slots"), self.tokens().len());
        let width = found.len() / positions;
        assert_eq!(expected.len(), 2 * slots.len() * width, "size of {what}: {tensor}");
        let kept = (0..2)
            .flat_map(|sequence| slots.iter().map(move |&slot| sequence * positions / 2 + slot as usize));
        let kept = kept.flat_map(|position| &found[position * width..(position + 1) * width]);
        for (index, (&found, &expected)) in kept.zip(&expected).enumerate() {
            let error = (found - f64::from(expected)).abs();
            let near = error <= tolerance * f64::from(expected).abs().max(1.0);
            assert!(near, "{what}: {tensor}[{index}] is {found}, expected {expected} within {tolerance}");
        }
    }

    fn words(&self, name: &str) -> Vec<u32> {
        let file = SafeTensors::deserialize(self.tensors).expect("the golden tensors are readable");
        let tensor = file.tensor(name).expect("the golden tensor is there");
        tensor.data().chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

/// The weights of a checkpoint.
pub fn weights(checkpoint: &Checkpoint) -> Weights {
    Weights::pack(&checkpoint.config, |name| checkpoint.tensor(name))
        .expect("the golden model has all weights")
}

/// The golden input's shape.
pub fn shape(config: &ModelConfig) -> Shape {
    Shape { batch: 2, length: config.context_length, rows: 2 * config.context_length }
}
