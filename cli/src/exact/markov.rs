//! The symmetric chain of two words.

use diffusion::SpecialTokens;
use diffusion::exact::Markov;

use super::Table;

/// Entropy rate, how fast the exact denoiser collapses, and what a word costs under masks.
pub fn tables(flip: f64) -> Vec<Table> {
    let chain = Markov::symmetric(flip, 3, SpecialTokens::default().mask);
    let far = |distance: u32| (f64::from(distance), chain.information_at_bits(distance));
    let loss = |t: f64| (t, chain.loss_bits(t));
    vec![
        Table {
            quantity: "entropy rate in bits per word".into(),
            over: "flip",
            points: vec![(flip, chain.entropy_rate_bits())],
        },
        Table {
            quantity: "KL to the unigram in bits; total correlation of two hidden words".into(),
            over: "distance",
            points: [1, 2, 3, 4, 8, 16].map(far).to_vec(),
        },
        Table {
            quantity: "L(t), cross-entropy in bits per masked word".into(),
            over: "t",
            points: [0.0, 0.25, 0.5, 0.75, 1.0].map(loss).to_vec(),
        },
    ]
}
