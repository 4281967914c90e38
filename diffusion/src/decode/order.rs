//! Decoding orders: which masked slots go first.

use serde::{Deserialize, Serialize};

use crate::denoiser::Prediction;

/// Which masked slots are committed first; equals go from left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A uniformly random subset, new at every step: the order of the reverse process itself, whatever the
    /// denoiser says (MDLM, arXiv 2406.07524).
    #[default]
    Random,
    /// Reading order, as an autoregressive model writes.
    LeftToRight,
    /// The highest probability of the drawn token at temperature 1 first (LLaDA's low-confidence remasking,
    /// arXiv 2502.09992). Known failure: floods of end-of-text, which is easy to be sure of.
    Confidence,
    /// The largest gap between the two best probabilities first (Dream's `topk_margin`, arXiv 2508.15487).
    Margin,
    /// The lowest entropy first (Dream's `entropy`).
    Entropy,
}

impl Order {
    /// Every order, for menus and tests.
    pub const ALL: [Self; 5] =
        [Self::Random, Self::LeftToRight, Self::Confidence, Self::Margin, Self::Entropy];

    /// Priority of a slot, larger first. `reveal_word` is the slot's random word at this step.
    pub fn priority(self, slot: u32, prediction: &Prediction, reveal_word: u32) -> f64 {
        let probability = |rank: usize| f64::from(prediction.top[rank].log_probability).exp();
        match self {
            Self::Random => -f64::from(reveal_word),
            Self::LeftToRight => -f64::from(slot),
            Self::Confidence => f64::from(prediction.drawn.log_probability),
            Self::Margin => probability(0) - probability(1),
            Self::Entropy => -f64::from(prediction.entropy_nats),
        }
    }
}
