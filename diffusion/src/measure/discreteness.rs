//! L1: how far a state is from symbols.
//!
//! [`symbol_share`]: share of the slots whose input is one token's own embedding, 0 to 1: 1 for masks and uniform
//! noise, 1 less the soft slots for mixtures. [`mixture_entropy_bits`]: mean over the mixtures of
//! −Σ_k w_k log2 w_k − w log2 w in bits, where w = 1 − Σ_k w_k is the mask's weight; 0 for one symbol, at most
//! log2 of the parts and the mask. [`Symbols::round`]: for vectors, the distance to the nearest embedding over the
//! mean distance of an embedding to its nearest neighbour, and the margin (d₂ − d₁) / d₁ to the second nearest. No
//! estimates: all are of one state, and errors come over runs. Cost: no call. Blind spots: the entropy is of the
//! slots that have a mixture, not of all, and of weights, not of embeddings: a mixture of two words that lie close
//! has as much as one of two that lie far apart; embeddings may shrink in training, hence the scale; and a small gap
//! says nothing about whether the nearest symbol is the right one.

use crate::denoiser::Query;

/// Share of a query's slots that show one token; a weight that is no number makes a slot soft.
pub fn symbol_share(query: &Query) -> Option<f64> {
    let soft = query.mixtures.iter().filter(|m| m.parts.iter().any(|(_, weight)| *weight != 0.0)).count();
    let slots = query.tokens.len();
    (slots > 0).then(|| (slots - soft) as f64 / slots as f64)
}

/// Mean entropy in bits of the mixtures that a query feeds, the mask counted as one part; `None` without any, and no
/// number if a weight is none.
pub fn mixture_entropy_bits(query: &Query) -> Option<f64> {
    // Rounding may leave the mask a trace below 0.
    let term = |p: f64| if p <= 0.0 { 0.0 } else { -p * p.log2() };
    let entropy = |m: &crate::Mixture| {
        let weights = m.parts.iter().map(|(_, weight)| f64::from(*weight));
        term(1.0 - weights.clone().sum::<f64>()) + weights.map(term).sum::<f64>()
    };
    let count = query.mixtures.len();
    (count > 0).then(|| query.mixtures.iter().map(entropy).sum::<f64>() / count as f64)
}

/// How near a vector is to a symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// Index of the nearest embedding.
    pub nearest: usize,
    /// Distance to it over the mean nearest-neighbour distance of the embeddings.
    pub gap: f64,
    /// (d₂ − d₁) / d₁; infinite on a symbol.
    pub margin: f64,
}

/// Embeddings to round to, with the mean distance of one to its nearest neighbour.
#[derive(Clone, Debug)]
pub struct Symbols {
    /// `// (count, width)`
    embeddings: Vec<Vec<f64>>,
    neighbour: f64,
}

impl Symbols {
    /// Measures the distances between all of them `// (count, width)`; `None` for fewer than two.
    pub fn new(embeddings: Vec<Vec<f64>>) -> Option<Self> {
        let neighbour = mean_neighbour_distance(&embeddings);
        (embeddings.len() >= 2).then_some(Self { embeddings, neighbour })
    }

    /// Rounds a vector; `None` for one of another width.
    pub fn round(&self, vector: &[f64]) -> Option<Rounding> {
        if self.embeddings.iter().any(|e| e.len() != vector.len()) {
            return None;
        }
        let mut distances: Vec<(f64, usize)> =
            self.embeddings.iter().enumerate().map(|(index, e)| (distance(vector, e), index)).collect();
        distances.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (first, nearest) = distances[0];
        Some(Rounding { nearest, gap: first / self.neighbour, margin: (distances[1].0 - first) / first })
    }
}

/// Mean over embeddings of the distance to the nearest other one.
fn mean_neighbour_distance(embeddings: &[Vec<f64>]) -> f64 {
    let nearest = |(index, e): (usize, &Vec<f64>)| {
        let others = embeddings.iter().enumerate().filter(|(other, _)| *other != index);
        others.map(|(_, other)| distance(e, other)).fold(f64::INFINITY, f64::min)
    };
    embeddings.iter().enumerate().map(nearest).sum::<f64>() / embeddings.len() as f64
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder, SoftFeedback};
    use crate::denoiser::Denoiser;
    use crate::exact::two_sentences;
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::near;

    #[test]
    fn masks_are_symbols_and_soft_slots_are_not() {
        let settings =
            DecodeSettings { soft_feedback: Some(SoftFeedback::default()), ..DecodeSettings::default() };
        let special = SpecialTokens::default();
        let mut decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
        assert_eq!(symbol_share(&decoder.query()), Some(1.0));
        assert_eq!(mixture_entropy_bits(&decoder.query()), None);
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let predictions = pollster::block_on(corpus.predict(&decoder.query())).unwrap();
        decoder.apply(&predictions).unwrap();
        assert_eq!(symbol_share(&decoder.query()), Some(1.0 / 3.0), "two of three slots are soft");
        // λ = .5 sigmoid(1 − ln 2) on two even words: weights λ / 2, λ / 2 and 1 − λ.
        let share = 0.5 / (1.0 + (std::f64::consts::LN_2 - 1.0).exp());
        let bits = -share * (share / 2.0).log2() - (1.0 - share) * (1.0 - share).log2();
        assert!(near(mixture_entropy_bits(&decoder.query()).unwrap(), bits, 1e-6));
        let mut broken = decoder.query();
        broken.mixtures[0].parts.iter_mut().for_each(|(_, weight)| *weight = f32::NAN);
        assert!(mixture_entropy_bits(&broken).unwrap().is_nan());
        assert_eq!(symbol_share(&broken), Some(1.0 / 3.0));
    }

    #[test]
    fn gap_and_margin_on_a_line() {
        let embeddings: Vec<Vec<f64>> = [0.0, 2.0, 6.0].map(|x| vec![x]).to_vec();
        // Nearest neighbours at 2, 2 and 4: mean 8 / 3.
        let rounding = |x: &[f64]| Symbols::new(embeddings.clone()).unwrap().round(x);
        let found = rounding(&[2.5]).unwrap();
        assert_eq!(found.nearest, 1);
        assert!(near(found.gap, 0.5 / (8.0 / 3.0), 1e-12) && near(found.margin, (2.5 - 0.5) / 0.5, 1e-12));
        assert_eq!(rounding(&[6.0]).unwrap().gap, 0.0);
        let twice: Vec<Vec<f64>> = [0.0, 4.0, 12.0].map(|x| vec![x]).to_vec();
        assert!(
            near(Symbols::new(twice).unwrap().round(&[5.0]).unwrap().gap, found.gap, 1e-12),
            "the scale does not count"
        );
        assert_eq!(rounding(&[1.0, 2.0]), None);
        assert!(Symbols::new(vec![vec![1.0]]).is_none());
    }
}
