//! A small corpus whose tokens are seen as noisy embeddings.

use super::{Corpus, ExactError};
use crate::denoiser::{Denoiser, FullDenoiser, Prediction, Query};
use crate::process::Gaussian;
use crate::sequence::TokenId;

/// The exact posterior of a corpus under Gaussian noise: p(x_0 = v in a slot | the vectors of all slots); a slot whose token
/// the query names is given, and its vector says nothing more. It answers with whole distributions; vectors do not tell a draw.
pub struct Embedded {
    corpus: Corpus,
    process: Gaussian,
}

impl Embedded {
    /// A corpus seen through a process.
    pub fn new(corpus: Corpus, process: Gaussian) -> Self {
        Self { corpus, process }
    }

    /// ln p(vectors and given tokens | sentence), less what is the same for all sentences.
    fn log_joint(&self, sentence: &[TokenId], shown: &[TokenId], vectors: &[f32], time: f64) -> f64 {
        let log = |((token, shown), x): ((&TokenId, &TokenId), &[f32])| {
            if *shown != self.corpus.mask() {
                return if shown == token { 0.0 } else { f64::NEG_INFINITY };
            }
            let normal = self.process.marginal(*token, time);
            let squares = normal.mean.iter().zip(x).map(|(m, x)| (m - f64::from(*x)).powi(2));
            -squares.sum::<f64>() / (2.0 * normal.variance)
        };
        sentence.iter().zip(shown).zip(vectors.chunks(self.process.width())).map(log).sum()
    }
}

impl Denoiser for Embedded {
    type Error = ExactError;

    async fn predict(&mut self, _: &Query) -> Result<Vec<Prediction>, ExactError> {
        Ok(Vec::new())
    }
}

impl FullDenoiser for Embedded {
    fn vocabulary(&self) -> usize {
        self.corpus.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, ExactError> {
        let slots = query.length * self.process.width();
        let mut all = Vec::new();
        for row in &query.rows {
            let sequence = row.sequence as usize;
            let vectors = &query.vectors[sequence * slots..][..slots];
            let shown = &query.tokens[sequence * query.length..][..query.length];
            let joint = |(sentence, weight): (&[TokenId], f64)| {
                let log = self.log_joint(sentence, shown, vectors, query.times[sequence]);
                (sentence[row.slot as usize], weight.ln() + log)
            };
            let joints: Vec<(TokenId, f64)> = self.corpus.sentences().map(joint).collect();
            let largest = joints.iter().map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = joints.iter().map(|(_, log)| (log - largest).exp()).sum();
            let mut p = vec![0.0; self.vocabulary()];
            joints.iter().for_each(|(token, log)| p[token.0 as usize] += (log - largest).exp() / total);
            all.extend(p.into_iter().map(|p: f64| p.ln() as f32));
        }
        Ok(all)
    }
}
