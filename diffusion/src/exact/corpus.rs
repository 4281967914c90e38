//! A finite corpus as a denoiser: the exact posterior of every slot, by enumeration of its sentences.

use crate::denoiser::{Denoiser, Prediction, Query, Row};
use crate::draw::{DrawError, summarise};
use crate::sequence::TokenId;

/// Sentences of equal length with probabilities; predicts p(x_i | visible slots) exactly.
///
/// Where the visible slots fit no sentence (a decoder has mixed two of them), Bayes' rule gives 0/0. The
/// prediction is then the slot's prior, an extrapolation: it keeps the decoder going and mends nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    mask: TokenId,
    /// Ids are below this.
    vocabulary: usize,
    sentences: Vec<Vec<TokenId>>,
    /// Probability of each sentence; sum 1.
    weights: Vec<f64>,
}

/// A corpus that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CorpusError {
    /// No sentence.
    #[error("sentences: found none, expected at least one")]
    Empty,
    /// Sentences of different lengths.
    #[error("length of sentence {sentence}: found {found}, expected {expected} as in the first")]
    Length {
        /// Which sentence.
        sentence: usize,
        /// Its length.
        found: usize,
        /// Length of the first.
        expected: usize,
    },
    /// A weight that is no probability.
    #[error("weight of sentence {sentence}: found {found}, expected a number above 0")]
    Weight {
        /// Which sentence.
        sentence: usize,
        /// Its weight.
        found: f64,
    },
}

/// A question that does not fit the corpus.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ExactError {
    /// Sequences of another length.
    #[error("length of the query: found {found}, expected {expected} as in the corpus")]
    Length {
        /// Length of the query.
        found: usize,
        /// Length of the sentences.
        expected: usize,
    },
    /// A row outside the batch.
    #[error("row: found sequence {sequence}, slot {slot}, expected a place within the batch")]
    Row {
        /// Sequence of the row.
        sequence: u32,
        /// Slot of the row.
        slot: u32,
    },
    /// Nothing to draw.
    #[error("exact posterior")]
    Draw(#[from] DrawError),
}

impl Corpus {
    /// A corpus of weighted sentences. Weights need not sum to one.
    pub fn new(sentences: Vec<(Vec<TokenId>, f64)>, mask: TokenId) -> Result<Self, CorpusError> {
        let expected = sentences.first().ok_or(CorpusError::Empty)?.0.len();
        for (sentence, (tokens, weight)) in sentences.iter().enumerate() {
            if tokens.len() != expected {
                return Err(CorpusError::Length { sentence, found: tokens.len(), expected });
            }
            if !(weight.is_finite() && *weight > 0.0) {
                return Err(CorpusError::Weight { sentence, found: *weight });
            }
        }
        let total: f64 = sentences.iter().map(|(_, weight)| weight).sum();
        let (sentences, weights): (Vec<_>, Vec<_>) =
            sentences.into_iter().map(|(tokens, weight)| (tokens, weight / total)).unzip();
        let vocabulary = sentences.iter().flatten().map(|token| token.0 as usize + 1).max().unwrap_or(0);
        Ok(Self { mask, vocabulary, sentences, weights })
    }

    /// Number of slots of a sentence.
    pub fn length(&self) -> usize {
        self.sentences[0].len()
    }

    /// The sentences with their probabilities.
    pub fn sentences(&self) -> impl Iterator<Item = (&[TokenId], f64)> + '_ {
        self.sentences.iter().map(Vec::as_slice).zip(self.weights.iter().copied())
    }

    /// Probability of a whole sequence.
    pub fn probability(&self, tokens: &[TokenId]) -> f64 {
        self.sentences().filter(|(sentence, _)| *sentence == tokens).map(|(_, weight)| weight).sum()
    }

    /// Probabilities of the tokens at `slot`, given the visible ones. `// (vocabulary)`
    pub fn posterior(&self, visible: &[TokenId], slot: usize) -> Vec<f64> {
        let fits = |sentence: &[TokenId]| {
            sentence.iter().zip(visible).all(|(token, seen)| *seen == self.mask || seen == token)
        };
        let mut total: f64 = self.sentences().filter(|(s, _)| fits(s)).map(|(_, weight)| weight).sum();
        let off_support = total == 0.0;
        if off_support {
            total = 1.0;
        }
        let mut probabilities = vec![0.0; self.vocabulary];
        for (sentence, weight) in self.sentences().filter(|(s, _)| off_support || fits(s)) {
            probabilities[sentence[slot].0 as usize] += weight / total;
        }
        probabilities
    }

    fn row(&self, query: &Query, row: &Row) -> Result<Prediction, ExactError> {
        let Row { sequence, slot, .. } = *row;
        let begin = sequence as usize * query.length;
        let visible = query.tokens.get(begin..begin + query.length);
        let visible = visible.filter(|_| (slot as usize) < query.length);
        let visible = visible.ok_or(ExactError::Row { sequence, slot })?;
        let probabilities = self.posterior(visible, slot as usize);
        Ok(summarise(probabilities.iter().map(|p| p.ln()), row)?)
    }
}

impl Denoiser for Corpus {
    type Error = ExactError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, ExactError> {
        if query.length != self.length() {
            return Err(ExactError::Length { found: query.length, expected: self.length() });
        }
        query.rows.iter().map(|row| self.row(query, row)).collect()
    }
}
