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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::prediction;

    /// Three slots that every order ranks differently.
    fn check(order: Order, expected: [u32; 3]) {
        let ln = |p: f32| p.ln();
        let slots = [
            (prediction(ln(0.2), [ln(0.6), ln(0.2)], 0.95), 30), // drew its second choice
            (prediction(ln(0.5), [ln(0.5), ln(0.4)], 0.94), 10), // two close rivals
            (prediction(ln(0.4), [ln(0.4), ln(0.1)], 1.61), 20), // many small rivals
        ];
        let priority = |slot: &u32| {
            let (prediction, reveal_word) = slots[*slot as usize];
            order.priority(*slot, &prediction, reveal_word)
        };
        let mut found = [0, 1, 2];
        found.sort_by(|a, b| priority(b).total_cmp(&priority(a)));
        assert_eq!(found, expected, "{order:?}");
    }

    #[test]
    fn each_order_ranks_by_its_own_rule() {
        check(Order::Random, [1, 2, 0]);
        check(Order::LeftToRight, [0, 1, 2]);
        check(Order::Confidence, [1, 2, 0]);
        check(Order::Margin, [0, 2, 1]);
        check(Order::Entropy, [1, 0, 2]);
    }

    #[test]
    fn a_certain_slot_has_the_largest_margin() {
        let certain = prediction(0.0, [0.0, f32::NEG_INFINITY], 0.0);
        assert_eq!(Order::Margin.priority(0, &certain, 0), 1.0);
    }

    #[test]
    fn names_are_snake_case() {
        assert_eq!(serde_json::to_string(&Order::LeftToRight).unwrap(), "\"left_to_right\"");
    }
}
