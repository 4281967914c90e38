use std::collections::BTreeMap;
use std::fmt::Debug;

/// Texts and their probabilities.
pub type Law = BTreeMap<Vec<u32>, f64>;

/// How often every text was drawn.
pub type Counts = BTreeMap<Vec<u32>, u64>;

/// Most deviations of [`misfit`]: by chance one comparison of 300,000 passes it, and the suite makes some hundreds.
pub const LIMIT: f64 = 4.5;

/// Pearson's chi-square in standard deviations above its mean; what cannot be must not have been drawn.
pub fn misfit<K: Ord + Debug>(found: &BTreeMap<K, u64>, expected: &BTreeMap<K, f64>) -> f64 {
    let total: u64 = found.values().sum();
    for (text, count) in found {
        assert!(expected.get(text).is_some_and(|p| *p > 0.0), "{count} times the impossible {text:?}");
    }
    let (mut chi_square, mut freedom) = (0.0, -1.0);
    for (text, p) in expected.iter().filter(|(_, p)| **p > 0.0) {
        let mean = p * total as f64;
        chi_square += (found.get(text).copied().unwrap_or(0) as f64 - mean).powi(2) / mean;
        freedom += 1.0;
    }
    // Wilson and Hilferty's normal number for chi-square, which is right with few degrees of freedom too.
    let spread = 2.0 / (9.0 * freedom);
    if freedom < 1.0 {
        chi_square
    } else {
        (f64::cbrt(chi_square / freedom) - (1.0 - spread)) / spread.sqrt()
    }
}

/// False for NaN.
pub fn near(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by
}

/// Whether a share of so many independent draws is within four standard errors of its probability.
pub fn is_share(found: f64, probability: f64, draws: u32) -> bool {
    near(found, probability, 4.0 * (probability * (1.0 - probability) / f64::from(draws)).sqrt())
}

/// A number in (0, 1), the same for the same arguments.
pub fn unit(seed: u32, item: u32) -> f64 {
    diffusion::random::uniform(diffusion::random::word(seed, item, 77, 5))
}

/// The weights as shares of their sum.
pub fn normalised(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let weights: Vec<f64> = weights.into_iter().collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}
