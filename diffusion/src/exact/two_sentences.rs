//! The two-sentence corpus: "He likes apple" with weight w, "I play tennis" with 1 − w.
//!
//! The smallest system with the marginal trap: tokens drawn independently from perfectly right marginals
//! make sentences that nobody wrote, such as "I likes tennis" (Jin et al., arXiv 2512.22630).

use super::Corpus;
use crate::exact::CorpusError;
use crate::sequence::{SpecialTokens, TokenId};

/// Token ids of "He likes apple", words 3 to 5.
pub const FIRST: [TokenId; 3] = [TokenId(3), TokenId(4), TokenId(5)];
/// Token ids of "I play tennis", words 6 to 8.
pub const SECOND: [TokenId; 3] = [TokenId(6), TokenId(7), TokenId(8)];
/// The words, by token id; the first three are special.
pub const WORDS: [&str; 9] = ["[MASK]", "[UNK]", "[EOS]", "He", "likes", "apple", "I", "play", "tennis"];

/// The corpus with weight `weight`, strictly between 0 and 1, on the first sentence.
pub fn corpus(weight: f64) -> Result<Corpus, CorpusError> {
    let sentences = vec![(FIRST.to_vec(), weight), (SECOND.to_vec(), 1.0 - weight)];
    Corpus::new(sentences, SpecialTokens::default().mask)
}

/// Probability that a draw takes the first sentence's word when both are open: w^(1/τ), normalised.
pub fn tempered_weight(weight: f64, temperature: f64) -> f64 {
    let (first, second) = (weight.powf(temperature.recip()), (1.0 - weight).powf(temperature.recip()));
    first / (first + second)
}

/// P(unseen) when `slots` are drawn in the first call and the rest afterwards: 1 − p^k − (1 − p)^k.
pub fn unseen_at_once(weight: f64, temperature: f64, slots: u32) -> f64 {
    let p = tempered_weight(weight, temperature);
    1.0 - p.powi(slots as i32) - (1.0 - p).powi(slots as i32)
}

/// P(unseen) of ancestral sampling in `steps` equal steps of the linear schedule at w = 1/2: 3 / (4T).
pub fn unseen_ancestral(steps: u32) -> f64 {
    3.0 / (4.0 * f64::from(steps))
}
