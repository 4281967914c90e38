//! What a decoder asks of a network, and what it gets: a small summary per row, never the logits.

use std::future::Future;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::sequence::TokenId;

/// Number of best candidates that a [`Prediction`] lists.
pub const TOP_CANDIDATES: usize = 5;

/// One position at which the denoiser's distribution is wanted, and how to draw from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which sequence of the query's batch.
    pub sequence: u32,
    /// Which slot of that sequence.
    pub slot: u32,
    /// Seed of the draw.
    pub seed: u32,
    /// Number of this call within its run; keys the draw together with seed, slot and token id.
    pub call: u32,
    /// Softmax temperature of the draw, applied before `top_k` and `top_p`; 0 takes the most probable token.
    pub temperature: f32,
    /// A token stays in the draw if fewer than `top_k` tokens are strictly more probable; 0 turns this off.
    pub top_k: u32,
    /// A token stays in the draw if the tempered mass of the strictly more probable ones is below `top_p`
    /// (so equals stand or fall together); 1 turns this off.
    pub top_p: f32,
    /// Tokens with a smaller id have probability zero here (mask and unknown; also end-of-text on request).
    pub first_token: u32,
    /// The token whose log-probability is wanted too: the clean token when a bound is measured, otherwise
    /// the token present in the slot.
    pub target: TokenId,
}

impl Row {
    /// A row that is only measured: nothing is drawn, every token from `first_token` on counts.
    pub fn measured(sequence: u32, slot: u32, first_token: u32, target: TokenId) -> Self {
        let (seed, call, temperature, top_k, top_p) = (0, 0, 0.0, 0, 1.0);
        Self { sequence, slot, seed, call, temperature, top_k, top_p, first_token, target }
    }
}

/// Largest number of tokens in a [`Mixture`].
pub const MIXTURE_PARTS: usize = 5;

/// A masked slot that shows a weighted mean of embeddings instead of the mask's own (soft masking, arXiv
/// 2510.17206). What the weights lack to one is the mask's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Which sequence of the query's batch.
    pub sequence: u32,
    /// Which slot of that sequence.
    pub slot: u32,
    /// Tokens and their weights, at least 0, together at most 1; unused parts weigh nothing.
    pub parts: [(TokenId, f32); MIXTURE_PARTS],
}

impl Mixture {
    /// The best tokens of a distribution, best first, ties to the lower token. `// logs: (vocabulary)`
    pub fn of_best(sequence: u32, slot: u32, logs: &[f32]) -> Self {
        let mut best = [(TokenId(0), f32::NEG_INFINITY); MIXTURE_PARTS];
        for (token, &log) in (0..).zip(logs) {
            let place = best.iter().take_while(|(_, better)| better.total_cmp(&log).is_ge()).count();
            if place < MIXTURE_PARTS {
                best[place..].rotate_right(1);
                best[place] = (TokenId(token), log);
            }
        }
        Self { sequence, slot, parts: best.map(|(token, log)| (token, log.exp())) }
    }
}

/// One call: a batch of sequences of equal length, and the rows whose predictions are wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Slots per sequence.
    pub length: usize,
    /// Token ids, sequence after sequence. `// (batch, length)`
    pub tokens: Vec<TokenId>,
    /// Time in [0, 1] of every sequence, for networks that must be told (uniform noise); others ignore it.
    /// `// (batch)`
    pub times: Vec<f64>,
    /// Masked slots that show a mixture; mostly none. Where slots hold vectors: the network's last guess of each.
    pub mixtures: Vec<Mixture>,
    /// What slots hold where states are vectors in embedding space; empty where they are tokens.
    /// `// (batch, length, width)`
    pub vectors: Vec<f32>,
    /// The rows to predict, in the order in which predictions come back.
    pub rows: Vec<Row>,
}

impl Query {
    /// Number of sequences.
    pub fn batch(&self) -> usize {
        self.tokens.len().checked_div(self.length).unwrap_or(0)
    }

    /// The part of the query about the sequences in `range`; its rows are those of the whole, in their order.
    pub fn of_sequences(&self, range: Range<usize>) -> Self {
        let slots = range.start * self.length..range.end * self.length;
        let width = self.vectors.len().checked_div(self.tokens.len()).unwrap_or(0);
        let (first, within) = (range.start as u32, |sequence: u32| range.contains(&(sequence as usize)));
        let mixtures = self.mixtures.iter().filter(|mixture| within(mixture.sequence));
        let rows = self.rows.iter().filter(|row| within(row.sequence));
        Self {
            length: self.length,
            tokens: self.tokens[slots.clone()].to_vec(),
            times: self.times[range.clone()].to_vec(),
            mixtures: mixtures.map(|m| Mixture { sequence: m.sequence - first, ..*m }).collect(),
            vectors: self.vectors[slots.start * width..slots.end * width].to_vec(),
            rows: rows.map(|row| Row { sequence: row.sequence - first, ..*row }).collect(),
        }
    }
}

/// A token and its log-probability (nats, temperature 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The token.
    pub token: TokenId,
    /// Its log-probability in nats at temperature 1 over all tokens from `first_token` on.
    #[serde(with = "log_probability")]
    pub log_probability: f32,
}

/// What the denoiser says about one row. All quantities are at temperature 1, but for the draw and, where it is asked, its
/// tempered log-probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The token drawn with the row's temperature, `top_k` and `top_p`.
    pub drawn: Candidate,
    /// Entropy of the distribution in nats.
    pub entropy_nats: f32,
    /// Logarithm of the sum of exponentiated logits, in nats.
    pub log_sum_exp: f32,
    /// Log-probability in nats of the row's target (minus infinity if it cannot be predicted).
    #[serde(with = "log_probability")]
    pub target_log_probability: f32,
    /// The most probable tokens, best first; ties by smaller id.
    pub top: [Candidate; TOP_CANDIDATES],
    /// KL(this distribution ‖ that of the slot at the run's call before) in nats over all tokens, where the rule needs it
    /// ([`Asker`](crate::decode::Asker)); no denoiser knows it by itself.
    #[serde(default)]
    pub drift_nats: Option<f32>,
    /// Log-probability in nats of the drawn token at the temperature of its draw, before `top_k` and `top_p`, where the rule
    /// needs it: of a draw that would change the slot ([`Asker`](crate::decode::Asker)).
    #[serde(default)]
    pub tempered_log_probability: Option<f32>,
}

/// Turns sequences into predictions for clean tokens (posterior p(x_i | all of x_t)).
pub trait Denoiser {
    /// Why a call failed.
    type Error: std::error::Error + 'static;

    /// One forward pass over the batch. The answer has one prediction per row of the query, in order.
    fn predict(&mut self, query: &Query) -> impl Future<Output = Result<Vec<Prediction>, Self::Error>>;
}

/// A denoiser that can also show its whole distributions: what guides, constraints and conversions need. Costs a
/// readback of the vocabulary per row, so the plain [`Denoiser`] is preferred wherever a summary will do.
pub trait FullDenoiser: Denoiser {
    /// Number of token ids.
    fn vocabulary(&self) -> usize;

    /// One forward pass: for every row of the query the log-probabilities (nats, temperature 1, summing to one
    /// over all tokens from the row's `first_token` on) of every token. `// (rows, vocabulary)`
    fn distributions(&mut self, query: &Query) -> impl Future<Output = Result<Vec<f32>, Self::Error>>;
}

impl<D: Denoiser> Denoiser for &mut D {
    type Error = D::Error;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, D::Error> {
        (**self).predict(query).await
    }
}

impl<D: FullDenoiser> FullDenoiser for &mut D {
    fn vocabulary(&self) -> usize {
        (**self).vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, D::Error> {
        (**self).distributions(query).await
    }
}

/// Writes minus infinity as null, because JSON has no infinities.
mod log_probability {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        Some(*value).filter(|value| *value != f32::NEG_INFINITY).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f32::NEG_INFINITY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_query_asks_the_same_of_its_sequences() {
        let row = |sequence, slot| Row::measured(sequence, slot, 3, TokenId(slot));
        let parts = [(TokenId(7), 1.0); MIXTURE_PARTS];
        let query = Query {
            length: 2,
            tokens: (0..6).map(TokenId).collect(),
            times: vec![0.1, 0.2, 0.3],
            mixtures: vec![Mixture { sequence: 0, slot: 0, parts }, Mixture { sequence: 2, slot: 1, parts }],
            vectors: (0..12).map(|value| value as f32).collect(),
            rows: vec![row(0, 1), row(1, 0), row(2, 1)],
        };
        let part = query.of_sequences(1..3);
        assert_eq!((query.batch(), part.batch()), (3, 2));
        assert_eq!(part.tokens, [2, 3, 4, 5].map(TokenId));
        assert_eq!(part.times, [0.2, 0.3]);
        assert_eq!(part.mixtures, [Mixture { sequence: 1, slot: 1, parts }]);
        assert_eq!(part.vectors, (4..12).map(|value| value as f32).collect::<Vec<_>>());
        assert_eq!(part.rows, [row(0, 0), Row { target: TokenId(1), ..row(1, 1) }]);
        let without = Query { vectors: Vec::new(), ..query }.of_sequences(0..1);
        assert!(without.vectors.is_empty());
    }

    #[test]
    fn the_guess_is_of_the_five_best() {
        let logs: Vec<f32> = [0.0, 0.05, 0.3, 0.2, 0.15, 0.1, 0.2].map(f32::ln).to_vec();
        let mixture = Mixture::of_best(1, 2, &logs);
        let parts = mixture.parts.map(|(token, _)| token.0);
        assert_eq!((mixture.sequence, mixture.slot, parts), (1, 2, [2, 3, 6, 4, 5]));
        let mass: f64 = mixture.parts.iter().map(|(_, p)| f64::from(*p)).sum();
        assert!((mass - 0.95).abs() < 1e-6, "{mass}");
    }
}
