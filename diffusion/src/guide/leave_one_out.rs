//! A network that predicts without looking at its own slot, turned into the posterior that decoders are promised.

use super::{GuideError, summaries};
use crate::denoiser::{Denoiser, FullDenoiser, Prediction, Query};
use crate::process::TokenProcess;

/// Networks trained by plugging their prediction into Bayes' rule (UDLM, DUO, GIDD) learn p(x_i | x_t without slot i).
/// This multiplies by q(x_t,i | x_i) and normalises: the posterior p(x_i | all of x_t) (Gourevitch et al., arXiv
/// 2605.22765). Cost: none. For masks nothing changes.
#[derive(Clone, Debug)]
pub struct LeaveOneOut<D, P> {
    denoiser: D,
    process: P,
}

impl<D, P> LeaveOneOut<D, P> {
    /// The network and the process it was trained on.
    pub fn new(denoiser: D, process: P) -> Self {
        Self { denoiser, process }
    }
}

impl<D: FullDenoiser, P: TokenProcess> FullDenoiser for LeaveOneOut<D, P> {
    fn vocabulary(&self) -> usize {
        self.denoiser.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
        let mut all = self.denoiser.distributions(query).await.map_err(GuideError::Denoiser)?;
        let mut probabilities = Vec::with_capacity(self.denoiser.vocabulary());
        for (row, logits) in query.rows.iter().zip(all.chunks_mut(self.denoiser.vocabulary())) {
            let noisy = query.tokens[row.sequence as usize * query.length + row.slot as usize];
            let time = query.times[row.sequence as usize];
            probabilities.clear();
            probabilities.extend(logits.iter().map(|&p| f64::from(p).exp()));
            self.process.posterior_of_leave_one_out(&mut probabilities, noisy, time);
            logits.iter_mut().zip(&probabilities).for_each(|(logit, p)| *logit = p.ln() as f32);
        }
        Ok(all)
    }
}

impl<D: FullDenoiser, P: TokenProcess> Denoiser for LeaveOneOut<D, P> {
    type Error = GuideError<D::Error>;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Self::Error> {
        let logits = self.distributions(query).await?;
        summaries(query, &logits, self.vocabulary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Row;
    use crate::exact::{Corpus, ExactError, Noisy, two_sentences};
    use crate::process::{Uniform, Words};
    use crate::schedule::Schedule;
    use crate::sequence::TokenId;
    use crate::testing::near;

    const PROCESS: Uniform = Uniform { schedule: Schedule::Linear, words: Words { first: 3, count: 6 } };

    /// What an ideal network of UDLM's loss says: the exact leave-one-out prediction.
    struct Network(Corpus);

    impl Denoiser for Network {
        type Error = ExactError;

        async fn predict(&mut self, _: &Query) -> Result<Vec<Prediction>, ExactError> {
            unreachable!("the guide asks for whole distributions")
        }
    }

    impl FullDenoiser for Network {
        fn vocabulary(&self) -> usize {
            self.0.vocabulary()
        }

        async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, ExactError> {
            let row = |row: &Row| {
                let slot = row.slot as usize;
                let mut all = vec![0.0; self.0.vocabulary()];
                for (token, p) in
                    self.0.posterior_under(&PROCESS, &query.tokens, slot, query.times[0], Some(slot))
                {
                    all[token.0 as usize] += p;
                }
                all.into_iter().map(|p: f64| p.ln() as f32)
            };
            Ok(query.rows.iter().flat_map(row).collect())
        }
    }

    #[test]
    fn the_leave_one_out_prediction_becomes_the_exact_posterior() {
        let corpus = two_sentences::corpus(0.7).unwrap();
        let row = |slot| Row {
            sequence: 0,
            slot,
            seed: 0,
            call: 0,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
            target: TokenId(3),
        };
        let tokens = [two_sentences::FIRST[0], two_sentences::SECOND[1], TokenId(8)].to_vec();
        let rows = (0..3).map(row).collect();
        let query =
            Query { length: 3, tokens, times: vec![0.6], mixtures: Vec::new(), vectors: Vec::new(), rows };
        let raw = pollster::block_on(Network(corpus.clone()).distributions(&query)).unwrap();
        let mut guide = LeaveOneOut::new(Network(corpus.clone()), PROCESS);
        let found = pollster::block_on(guide.distributions(&query)).unwrap();
        let exact = pollster::block_on(Noisy::new(corpus, PROCESS).distributions(&query)).unwrap();
        let differ = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).any(|(a, b)| !near(f64::from(*a).exp(), f64::from(*b).exp(), 1e-6))
        };
        assert!(!differ(&found, &exact), "{found:?} {exact:?}");
        assert!(differ(&raw, &exact), "power: without the conversion they differ");
    }
}
