//! A finite corpus as a denoiser: the exact posterior of every slot, by enumeration of its sentences.

use crate::denoiser::{Denoiser, FullDenoiser, Mixture, Prediction, Query, Row};
use crate::draw::{DrawError, summarise};
use crate::process::TokenProcess;
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
    /// A sequence without a time.
    #[error("time of sequence {sequence}: found none, expected a number from 0 to 1")]
    Time {
        /// The sequence.
        sequence: u32,
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

    /// What hides a token.
    pub fn mask(&self) -> TokenId {
        self.mask
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
        self.posterior_of_soft(visible, &[], slot)
    }

    /// The same where some masked slots show a mixture, read as a witness that is right with the mixture's weight
    /// and otherwise names any token: a sentence counts (1 − Σ w) / vocabulary + w of its token there. The reading is
    /// ours; without weights it is a mask, with weight one the token itself. What a slot itself shows does
    /// not count for it: it is the denoiser's own earlier guess. `// (vocabulary)`
    fn posterior_of_soft(&self, visible: &[TokenId], mixtures: &[Mixture], slot: usize) -> Vec<f64> {
        let fits = |sentence: &[TokenId]| {
            sentence.iter().zip(visible).all(|(token, seen)| *seen == self.mask || seen == token)
        };
        let witness = |sentence: &[TokenId], mixture: &Mixture| {
            let (token, parts) = (sentence[mixture.slot as usize], mixture.parts);
            let rest = 1.0 - parts.iter().map(|(_, weight)| f64::from(*weight)).sum::<f64>();
            let named = parts.iter().filter(|(named, _)| *named == token);
            rest / self.vocabulary as f64 + named.map(|(_, weight)| f64::from(*weight)).sum::<f64>()
        };
        let others = || mixtures.iter().filter(|m| m.slot as usize != slot);
        let joint = |(sentence, weight): (&[TokenId], f64)| {
            if fits(sentence) {
                weight * others().map(|m| witness(sentence, m)).product::<f64>()
            } else {
                0.0
            }
        };
        let mut joints: Vec<f64> = self.sentences().map(joint).collect();
        let mut total: f64 = joints.iter().sum();
        if total == 0.0 {
            (joints, total) = (self.weights.clone(), 1.0);
        }
        let mut probabilities = vec![0.0; self.vocabulary];
        for (sentence, joint) in self.sentences.iter().zip(joints) {
            probabilities[sentence[slot].0 as usize] += joint / total;
        }
        probabilities
    }

    /// Probabilities of each sentence's word at `slot`, given x_t = `noisy` under a process at time `t`; `except`
    /// is a slot of x_t to ignore (leave-one-out). Where no sentence explains x_t, what stands in the slot alone
    /// counts: an extrapolation, as above. `// (sentences)`
    pub fn posterior_under<P: TokenProcess>(
        &self,
        process: &P,
        noisy: &[TokenId],
        slot: usize,
        t: f64,
        except: Option<usize>,
    ) -> Vec<(TokenId, f64)> {
        let joint = |seen: &dyn Fn(usize) -> bool| -> Vec<f64> {
            let slots = || (0..noisy.len()).filter(|&i| Some(i) != except && seen(i));
            let likelihood =
                |s: &[TokenId]| -> f64 { slots().map(|i| process.marginal(s[i], noisy[i], t)).product() };
            self.sentences().map(|(sentence, weight)| weight * likelihood(sentence)).collect()
        };
        let mut joint_of_all = joint(&|_| true);
        if joint_of_all.iter().all(|&p| p == 0.0) {
            joint_of_all = joint(&|i| i == slot);
        }
        let total: f64 = joint_of_all.iter().sum();
        self.sentences.iter().zip(joint_of_all).map(|(sentence, p)| (sentence[slot], p / total)).collect()
    }

    /// Token ids are below this.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The sequence that a row asks about.
    pub(super) fn visible<'q>(&self, query: &'q Query, row: &Row) -> Result<&'q [TokenId], ExactError> {
        if query.length != self.length() {
            return Err(ExactError::Length { found: query.length, expected: self.length() });
        }
        let Row { sequence, slot, .. } = *row;
        let begin = sequence as usize * query.length;
        let visible = query.tokens.get(begin..begin + query.length);
        visible.filter(|_| (slot as usize) < query.length).ok_or(ExactError::Row { sequence, slot })
    }

    /// p(x_i | visible slots) of a row, allowed tokens only, not yet normalised. `// (vocabulary)`
    fn row(&self, query: &Query, row: &Row) -> Result<Vec<f64>, ExactError> {
        let visible = self.visible(query, row)?;
        let mixtures: Vec<Mixture> =
            query.mixtures.iter().filter(|m| m.sequence == row.sequence).copied().collect();
        let mut probabilities = self.posterior_of_soft(visible, &mixtures, row.slot as usize);
        probabilities.iter_mut().take(row.first_token as usize).for_each(|p| *p = 0.0);
        Ok(probabilities)
    }
}

impl Denoiser for Corpus {
    type Error = ExactError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, ExactError> {
        let predict = |row: &Row| {
            let probabilities = self.row(query, row)?;
            Ok(summarise(probabilities.iter().map(|p| p.ln()), row)?)
        };
        query.rows.iter().map(predict).collect()
    }
}

impl FullDenoiser for Corpus {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, ExactError> {
        let mut all = Vec::with_capacity(query.rows.len() * self.vocabulary);
        for row in &query.rows {
            all.extend(logs(&self.row(query, row)?, row)?);
        }
        Ok(all)
    }
}

/// Log-probabilities of what may stand somewhere, from weights. `// (vocabulary)`
///
/// # Errors
/// If nothing may.
pub(super) fn logs<'w>(weights: &'w [f64], row: &Row) -> Result<impl Iterator<Item = f32> + 'w, ExactError> {
    let total: f64 = weights.iter().sum();
    let logs = weights.iter().map(move |weight| (weight / total).ln() as f32);
    if total > 0.0 { Ok(logs) } else { Err(DrawError::NoToken { first_token: row.first_token }.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::near;

    const MASK: TokenId = TokenId(0);

    fn tokens(ids: [u32; 3]) -> Vec<TokenId> {
        ids.map(TokenId).to_vec()
    }

    fn corpus() -> Corpus {
        let sentences = vec![(tokens([3, 4, 5]), 2.0), (tokens([3, 6, 5]), 1.0), (tokens([7, 6, 8]), 1.0)];
        Corpus::new(sentences, MASK).unwrap()
    }

    #[test]
    fn posteriors_are_bayes_rule() {
        let corpus = corpus();
        let check = |visible, slot, token: usize, expected| {
            let posterior = corpus.posterior(&tokens(visible), slot);
            assert!(near(posterior[token], expected, 1e-15), "{visible:?}: {posterior:?}");
            assert!(near(posterior.iter().sum(), 1.0, 1e-15));
        };
        check([0, 0, 0], 0, 3, 0.75);
        check([3, 0, 0], 1, 4, 2.0 / 3.0);
        check([0, 6, 0], 0, 7, 0.5);
        check([0, 6, 8], 0, 7, 1.0);
        // No sentence has 4 and 8: the prior of the slot.
        check([0, 4, 8], 0, 3, 0.75);
    }

    #[test]
    fn sequences_have_their_weight_as_probability() {
        let corpus = corpus();
        assert_eq!(corpus.probability(&tokens([3, 4, 5])), 0.5);
        assert_eq!(corpus.probability(&tokens([3, 4, 8])), 0.0);
    }

    #[test]
    fn senseless_corpora_are_refused() {
        assert_eq!(Corpus::new(Vec::new(), MASK), Err(CorpusError::Empty));
        let unequal = vec![(tokens([3, 4, 5]), 1.0), (vec![TokenId(3)], 1.0)];
        assert_eq!(
            Corpus::new(unequal, MASK),
            Err(CorpusError::Length { sentence: 1, found: 1, expected: 3 })
        );
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let result = Corpus::new(vec![(tokens([3, 4, 5]), weight)], MASK);
            assert!(matches!(result, Err(CorpusError::Weight { sentence: 0, .. })), "{weight}");
        }
    }

    #[test]
    fn a_row_outside_the_batch_is_an_error() {
        let row = Row {
            sequence: 1,
            slot: 0,
            seed: 0,
            call: 0,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
            target: MASK,
        };
        for row in [row, Row { sequence: 0, slot: 3, ..row }] {
            let query = Query {
                length: 3,
                tokens: tokens([0, 0, 0]),
                times: vec![1.0],
                mixtures: Vec::new(),
                vectors: Vec::new(),
                rows: vec![row],
            };
            let result = pollster::block_on(corpus().predict(&query));
            assert_eq!(result, Err(ExactError::Row { sequence: row.sequence, slot: row.slot }));
        }
    }
}
