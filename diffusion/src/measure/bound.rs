//! The negative evidence lower bound (NELBO): an upper bound on −log p(text), in bits. Here that of masked models;
//! [`token_noise_bound`] for uniform noise and mixtures of both, [`token_schedules_bound`] for masks with a schedule per token,
//! [`embedding_noise_bound`] for Gaussian noise, and
//! [`exact_bits`] for autoregressive models, which need none.
//!
//! NELBO = ∫ (−α′/(1 − α)) E[Σ over masked slots of −log p(x_i | x_t)] dt does not depend on the schedule and
//! equals E over k uniform in 1..n and over sets of k slots of (n / k) Σ −log p(x_i | the rest). Drawing k
//! instead of t gives the same bound with far less variance. Cost: one sequence of a call per draw. Blind
//! spot: it is a bound. Exact any-order likelihoods lie below it, so it is unfair against exact ones.

mod embedding_noise;
mod exact;
mod strata;
mod terms;
mod token_noise;
mod token_schedules;

pub use embedding_noise::{FIRST_TIME, embedding_noise_bound, embedding_noise_terms};
pub use exact::exact_bits;
pub use strata::BoundTerm;
pub use terms::EDGE;
pub use token_noise::{token_noise_bound, token_noise_terms};
pub use token_schedules::{token_schedules_bound, token_schedules_terms};

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::{Estimate, Moments};
use crate::denoiser::{Denoiser, Query, Row};
use crate::random::{Purpose, Stream, below};
use crate::sequence::{SpecialTokens, TokenId};

/// How a bound is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoundSettings {
    /// Seed of the hidden sets.
    pub seed: u32,
    /// Draws per text, at least 2 (one gives no standard error).
    pub draws: u32,
    /// Sequences per call, at least 1.
    pub batch: u32,
}

impl BoundSettings {
    /// Whether they can measure this text.
    pub(super) fn check<E: std::error::Error>(self, text: &[TokenId]) -> Result<(), BoundError<E>> {
        let Self { draws, batch, .. } = self;
        if text.is_empty() {
            return Err(BoundError::Empty);
        }
        if draws < 2 || batch < 1 { Err(BoundError::Settings { draws, batch }) } else { Ok(()) }
    }
}

impl Default for BoundSettings {
    fn default() -> Self {
        Self { seed: 0, draws: 16, batch: 16 }
    }
}

/// Why there is no bound.
#[derive(Debug, thiserror::Error)]
pub enum BoundError<E: std::error::Error + 'static> {
    /// The denoiser failed.
    #[error("denoiser")]
    Denoiser(#[source] E),
    /// Too few draws, or an empty batch.
    #[error("bound settings: found {draws} draws in batches of {batch}, expected at least 2 and 1")]
    Settings {
        /// Draws per text.
        draws: u32,
        /// Sequences per call.
        batch: u32,
    },
    /// The denoiser left rows out.
    #[error("predictions: found {found}, expected {expected}")]
    Count {
        /// Predictions received.
        found: usize,
        /// Rows asked.
        expected: usize,
    },
    /// A slot's token cannot be predicted (mask or unknown), or its log-probability is not a number.
    #[error("log-probability of token {token} in slot {slot}: found {found}, expected a finite number")]
    Impossible {
        /// The token.
        token: u32,
        /// Its slot.
        slot: u32,
        /// What the denoiser says.
        found: f32,
    },
    /// No slot.
    #[error("text: found no token, expected at least one")]
    Empty,
    /// A draw was infinitely surprised, or no number came out.
    #[error("bound: found a sum that is not finite, expected a number of bits")]
    Infinite,
}

/// The bound of one text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextBound {
    /// Bits for the whole window.
    pub bits: Estimate,
    /// Tokens that the bits are shared among: all, or those before the padding.
    pub tokens: u32,
}

/// The bound of many texts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Sum of bits over sum of tokens. The standard error is that of the drawn masks: how far another seed
    /// would land on these texts. It does not cover the choice of the texts.
    pub bits_per_token: Estimate,
    /// Standard error that covers the choice of the texts too: of a ratio of means, from the scatter of
    /// bits − ratio · tokens. Absent for a single text.
    pub over_texts: Option<f64>,
    /// Number of texts.
    pub texts: u32,
    /// Number of tokens.
    pub tokens: u64,
}

impl Bound {
    /// Puts the texts together; `None` if there is no token in them.
    pub fn of(texts: &[TextBound]) -> Option<Self> {
        let tokens: u64 = texts.iter().map(|text| u64::from(text.tokens)).sum();
        if tokens == 0 {
            return None;
        }
        let bits: f64 = texts.iter().map(|text| text.bits.value).sum();
        let variance: f64 = texts.iter().map(|text| text.bits.standard_error.powi(2)).sum();
        let bits_per_token = Estimate {
            value: bits / tokens as f64,
            standard_error: variance.sqrt() / tokens as f64,
            samples: texts.iter().map(|text| text.bits.samples).sum(),
        };
        let residual = |text: &TextBound| text.bits.value - bits_per_token.value * f64::from(text.tokens);
        let scatter = texts.iter().map(residual).collect::<Moments>().estimate();
        let over_texts = scatter.map(|scatter| scatter.standard_error * texts.len() as f64 / tokens as f64);
        Some(Self { bits_per_token, over_texts, texts: texts.len() as u32, tokens })
    }
}

/// Estimates the bound of one window of tokens, padding included: number `index` of its file, which keys the
/// hidden sets. `counted` tokens share the bits.
pub async fn text_bound<D: Denoiser>(
    denoiser: &mut D,
    text: &[TokenId],
    counted: u32,
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<TextBound, BoundError<D::Error>> {
    let BoundSettings { seed, draws, batch } = settings;
    settings.check(text)?;
    let mut moments = Moments::default();
    let mut hidden = HiddenSets { text, index, special, seed, draw: 0 };
    while hidden.draw < draws {
        let query = hidden.query(batch.min(draws - hidden.draw));
        for nats in weighted_cross_entropies(denoiser, &query).await? {
            moments.push(nats / LN_2);
        }
    }
    let bits = moments.estimate().ok_or(BoundError::Settings { draws, batch })?;
    Ok(TextBound { bits, tokens: counted })
}

/// Draws what to hide.
struct HiddenSets<'a> {
    text: &'a [TokenId],
    index: u32,
    special: SpecialTokens,
    seed: u32,
    draw: u32,
}

impl HiddenSets<'_> {
    /// The next `sequences` draws as one query.
    fn query(&mut self, sequences: u32) -> Query {
        let length = self.text.len();
        let mut query = Query {
            length,
            tokens: self.text.repeat(sequences as usize),
            times: Vec::with_capacity(sequences as usize),
            mixtures: Vec::new(),
            vectors: Vec::new(),
            rows: Vec::new(),
        };
        let mut slots: Vec<u32> = (0..length as u32).collect();
        for sequence in 0..sequences {
            let mut stream = Stream::new(self.seed, self.draw, self.index, Purpose::Bound);
            let count = 1 + below(stream.word(), length as u32) as usize;
            query.times.push(count as f64 / length as f64);
            stream.choose(&mut slots, count);
            for &slot in &slots[..count] {
                query.tokens[sequence as usize * length + slot as usize] = self.special.mask;
                query.rows.push(self.row(sequence, slot));
            }
            self.draw += 1;
        }
        query
    }

    fn row(&self, sequence: u32, slot: u32) -> Row {
        let first_token = self.special.first_token(false);
        let row = Row::measured(sequence, slot, first_token, self.text[slot as usize]);
        Row { seed: self.seed, call: self.draw, ..row }
    }
}

/// (n / k) Σ −log p over the k rows of each sequence, in nats.
async fn weighted_cross_entropies<D: Denoiser>(
    denoiser: &mut D,
    query: &Query,
) -> Result<Vec<f64>, BoundError<D::Error>> {
    let predictions = denoiser.predict(query).await.map_err(BoundError::Denoiser)?;
    if predictions.len() != query.rows.len() {
        return Err(BoundError::Count { found: predictions.len(), expected: query.rows.len() });
    }
    let sequences = query.tokens.len() / query.length;
    let mut sums = vec![(0.0, 0.0); sequences]; // (nats, rows)
    for (row, prediction) in query.rows.iter().zip(&predictions) {
        let (nats, rows) = &mut sums[row.sequence as usize];
        *nats -= finite(prediction.target_log_probability, row.target, row.slot)?;
        *rows += 1.0;
    }
    Ok(sums.into_iter().map(|(nats, rows)| query.length as f64 / rows * nats).collect())
}

/// A log-probability that is a number.
fn finite<E: std::error::Error>(found: f32, token: TokenId, slot: u32) -> Result<f64, BoundError<E>> {
    let impossible = BoundError::Impossible { token: token.0, slot, found };
    if found.is_finite() { Ok(f64::from(found)) } else { Err(impossible) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Corpus, two_sentences};
    use crate::testing::near;

    const SETTINGS: BoundSettings = BoundSettings { seed: 1, draws: 4000, batch: 64 };

    fn bound(corpus: &mut Corpus, text: &[TokenId], settings: BoundSettings) -> TextBound {
        let special = SpecialTokens::default();
        pollster::block_on(text_bound(corpus, text, text.len() as u32, 0, special, settings)).unwrap()
    }

    /// With an exact denoiser the bound is tight: it is −log2 of the text's probability.
    fn check(corpus: &mut Corpus, text: &[TokenId]) {
        let exact = -corpus.probability(text).log2();
        let bits = bound(corpus, text, SETTINGS).bits;
        assert!(bits.standard_error > 0.0 && bits.standard_error < 0.05, "{bits:?}");
        assert!(near(bits.value, exact, 4.0 * bits.standard_error), "found {bits:?}, expected {exact}");
    }

    #[test]
    fn the_two_sentences_cost_one_bit() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        check(&mut corpus, &two_sentences::FIRST);
        check(&mut corpus, &two_sentences::SECOND);
    }

    #[test]
    fn an_uneven_corpus_costs_what_its_weights_say() {
        let mut corpus = two_sentences::corpus(0.9).unwrap();
        check(&mut corpus, &two_sentences::FIRST);
        let ids = |ids: [u32; 4]| ids.map(TokenId).to_vec();
        let sentences = vec![(ids([3, 4, 5, 6]), 0.4), (ids([3, 7, 5, 8]), 0.3), (ids([9, 4, 5, 8]), 0.3)];
        let mut corpus = Corpus::new(sentences, TokenId(0)).unwrap();
        check(&mut corpus, &ids([3, 4, 5, 6]));
        check(&mut corpus, &ids([9, 4, 5, 8]));
    }

    #[test]
    fn the_standard_error_is_how_far_seeds_scatter() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let (mut values, mut claimed) = (Moments::default(), Moments::default());
        for seed in 0..300 {
            let bits =
                bound(&mut corpus, &two_sentences::FIRST, BoundSettings { seed, draws: 50, batch: 16 }).bits;
            values.push(bits.value);
            claimed.push(bits.standard_error);
        }
        let scatter = values.estimate().unwrap().standard_error * 300.0_f64.sqrt();
        let claimed = claimed.estimate().unwrap().value;
        assert!(near(scatter / claimed, 1.0, 0.15), "scatter {scatter}, claimed {claimed}");
    }

    #[test]
    fn the_batch_size_changes_nothing() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let of = |corpus: &mut Corpus, batch| {
            bound(corpus, &two_sentences::FIRST, BoundSettings { seed: 5, draws: 30, batch })
        };
        assert_eq!(of(&mut corpus, 1), of(&mut corpus, 16));
    }

    #[test]
    fn texts_are_weighted_by_their_tokens() {
        let text = |value, standard_error, tokens| TextBound {
            bits: Estimate { value, standard_error, samples: 8 },
            tokens,
        };
        let both = Bound::of(&[text(30.0, 3.0, 10), text(20.0, 4.0, 30)]).unwrap();
        assert!(near(both.bits_per_token.value, 50.0 / 40.0, 1e-15));
        assert!(near(both.bits_per_token.standard_error, 5.0 / 40.0, 1e-15));
        assert_eq!((both.texts, both.tokens, both.bits_per_token.samples), (2, 40, 16));
        // Residuals 30 − 1.25 · 10 and its negative: variance 2 · 17.5², error of their mean 17.5, over 20 tokens a text.
        assert!(near(both.over_texts.unwrap(), 17.5 / 20.0, 1e-12));
        assert_eq!(Bound::of(&[text(30.0, 3.0, 10)]).unwrap().over_texts, None);
        assert_eq!(Bound::of(&[]), None);
    }

    #[test]
    fn what_has_no_bound_is_an_error() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let mut run = |text: &[TokenId], settings| {
            let special = SpecialTokens::default();
            pollster::block_on(text_bound(&mut corpus, text, 3, 0, special, settings)).unwrap_err()
        };
        let mut unknown = two_sentences::FIRST;
        unknown[1] = TokenId(1);
        assert!(matches!(run(&unknown, SETTINGS), BoundError::Impossible { token: 1, slot: 1, .. }));
        let one = BoundSettings { draws: 1, ..SETTINGS };
        assert!(matches!(run(&two_sentences::FIRST, one), BoundError::Settings { draws: 1, .. }));
        let none = BoundSettings { batch: 0, ..SETTINGS };
        assert!(matches!(run(&two_sentences::FIRST, none), BoundError::Settings { batch: 0, .. }));
        assert!(matches!(run(&[], SETTINGS), BoundError::Empty));
    }
}
