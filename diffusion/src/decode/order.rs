//! Decoding orders: which masked slots go first.
//!
//! No order costs a call; the only knob is the temperature at which three of them can be sampled
//! ([`DecodeSettings::order_temperature`](super::DecodeSettings::order_temperature)): a slot is ranked by a random word, by its place, or by what the call at
//! hand has predicted of it anyway, at temperature 1. How many slots go, and so how many calls a run takes, is
//! the [`Parallelism`](super::Parallelism)'s. An order has no say where all is drawn anew at every step (uniform
//! [`Noise`](super::Noise)) and under [`Remasking::RunningConfidence`](super::Remasking::RunningConfidence).

use serde::{Deserialize, Serialize};

use crate::denoiser::Prediction;
use crate::random::exponential;

/// Which masked slots are committed first; equals go from left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A uniformly random subset, new at every step: the order of the reverse process itself, whatever the
    /// denoiser says (MDLM, arXiv 2406.07524). The default. Known failure: blind to what the denoiser is sure of
    /// (LLaDA on GSM8K, from a summary: 21.3 against 70.0 by confidence).
    #[default]
    Random,
    /// Reading order, as an autoregressive model writes (plain). Known failures: a slot never sees what is right of
    /// it, unless that is given; states with all masks at the right are rare under random masks, so the network
    /// has seldom trained on them; and several slots per call are neighbours, which depend on each other most.
    LeftToRight,
    /// The highest probability of the drawn token at temperature 1 first (LLaDA's low-confidence remasking,
    /// arXiv 2502.09992). Known failure: floods of end-of-text, which is easy to be sure of.
    Confidence,
    /// The largest gap between the two best probabilities first (Dream's `topk_margin`, arXiv 2508.15487). Known
    /// failures: easy tokens go first, as under confidence; and two words that would do equally well make a slot look
    /// unsure. Dream's released code ranks the probabilities after temperature, top_k and top_p; here they are those at
    /// temperature 1, uncut, so that sampling does not change the order.
    Margin,
    /// The lowest entropy first (Dream's `entropy`, arXiv 2508.15487). Known failures: easy tokens go first, as under
    /// confidence; and a long tail of rare words makes a slot look unsure though one word leads by far. Tempered and cut
    /// in Dream's released code, not here, as under margin.
    Entropy,
    /// Low-discrepancy order (Halton scheduler, arXiv 2503.17076, in one dimension: van der Corput's sequence in
    /// base 2): every prefix of it is spread evenly over the block. Known failure: blind to content.
    Halton,
    /// Dilated rounds (DUS, arXiv 2506.19037): round r takes every slot k of the block (from 0) with
    /// k mod ⌊B / 2^r⌋ = 0, so that slots of one round are far apart. With
    /// [`Parallelism::Rounds`](super::Parallelism::Rounds) one round goes per call. Known failure: blind to content.
    Dilated,
}

/// Where a slot lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The slot.
    pub slot: u32,
    /// First slot of its block.
    pub block_start: u32,
    /// Number of slots of its block.
    pub block_length: u32,
    /// The slot's random word at this step.
    pub reveal_word: u32,
}

impl Order {
    /// Every order, for menus and tests.
    pub const ALL: [Self; 7] = [
        Self::Random,
        Self::LeftToRight,
        Self::Confidence,
        Self::Margin,
        Self::Entropy,
        Self::Halton,
        Self::Dilated,
    ];

    /// Whether a slot is ranked by what is predicted of it, so that the ranking can be sampled.
    pub(super) fn is_scored(self) -> bool {
        matches!(self, Self::Confidence | Self::Margin | Self::Entropy)
    }

    /// Priority of a slot where slots are drawn one after the other, without replacement, with probability ∝ exp(score / temperature):
    /// the order of score / temperature + Gumbel noise. `word` is the slot's own.
    pub(super) fn sampled(self, place: Place, prediction: &Prediction, temperature: f64, word: u32) -> f64 {
        let priority = self.priority(place, prediction);
        let score = if self == Self::Confidence { priority.exp() } else { priority };
        score / temperature - f64::from(exponential(word)).ln()
    }

    /// Priority of a slot, larger first.
    pub(super) fn priority(self, place: Place, prediction: &Prediction) -> f64 {
        let probability = |rank: usize| f64::from(prediction.top[rank].log_probability).exp();
        let index = place.slot - place.block_start;
        match self {
            Self::Random => -f64::from(place.reveal_word),
            Self::LeftToRight => -f64::from(place.slot),
            Self::Confidence => f64::from(prediction.drawn.log_probability),
            Self::Margin => probability(0) - probability(1),
            Self::Entropy => -f64::from(prediction.entropy_nats),
            Self::Halton => -f64::from(halton_rank(index, place.block_length)),
            Self::Dilated => -f64::from(dilated_round(index, place.block_length)),
        }
    }
}

/// Number of the first point of van der Corput's sequence in base 2 that falls into cell `index` of `length` equal
/// cells of [0, 1): the order in which the sequence visits the cells, each for the first time.
fn halton_rank(index: u32, length: u32) -> u32 {
    let (index, length) = (u64::from(index), u64::from(length));
    for bits in 0..32 {
        let point = (index << bits).div_ceil(length); // the first multiple of 2^-bits in the cell, if any
        if point * length < (index + 1) << bits {
            return if bits == 0 { 0 } else { (point as u32).reverse_bits() >> (32 - bits) };
        }
    }
    u32::MAX
}

/// The round, from 1 on, in which slot `index` of a block of `length` goes.
pub(super) fn dilated_round(index: u32, length: u32) -> u32 {
    (1..=32).find(|&round| index.is_multiple_of((length >> round.min(31)).max(1))).unwrap_or(32)
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
            order.priority(Place { slot: *slot, block_start: 0, block_length: 3, reveal_word }, &prediction)
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
        check(Order::Halton, [0, 1, 2]); // points 0, 1/2, 1/4, 3/4: cells 0, 1, 0, 2
        check(Order::Dilated, [0, 1, 2]); // ⌊3/2⌋ = 1: all in the first round
    }

    #[test]
    fn a_certain_slot_has_the_largest_margin() {
        let certain = prediction(0.0, [0.0, f32::NEG_INFINITY], 0.0);
        let place = Place { slot: 0, block_start: 0, block_length: 1, reveal_word: 0 };
        assert_eq!(Order::Margin.priority(place, &certain), 1.0);
    }

    #[test]
    fn halton_visits_the_cells_as_the_sequence_does() {
        for length in [1, 2, 8, 11, 64, 100] {
            let mut visited = Vec::new();
            for n in 0..4096_u32 {
                let cell = (f64::from(n.reverse_bits()) / 4_294_967_296.0 * f64::from(length)) as u32;
                if !visited.contains(&cell) {
                    visited.push(cell);
                }
            }
            let mut found: Vec<u32> = (0..length).collect();
            found.sort_by_key(|&index| halton_rank(index, length));
            assert_eq!(found, visited, "{length} cells");
        }
    }

    #[test]
    fn dilated_rounds_of_eight() {
        let rounds: Vec<u32> = (0..8).map(|index| dilated_round(index, 8)).collect();
        assert_eq!(rounds, [1, 3, 2, 3, 1, 3, 2, 3], "strides 4, 2, 1");
        assert_eq!(dilated_round(0, 1), 1);
        let last = |length| (0..length).map(|index| dilated_round(index, length)).max();
        assert_eq!([2, 16, 33, 64].map(last), [1, 4, 5, 6].map(Some), "⌊log2 B⌋ calls");
    }

    #[test]
    fn every_order_has_a_name_in_snake_case_that_reads_back() {
        let names = ["random", "left_to_right", "confidence", "margin", "entropy", "halton", "dilated"];
        for (order, name) in Order::ALL.into_iter().zip(names) {
            let json = serde_json::to_string(&order).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Order>(&json).unwrap(), order);
        }
    }
}
