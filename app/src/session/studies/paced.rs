//! A denoiser in slices: between two parts of a large batch the visitor may cancel, and the page tells how far it is.

use std::future::Future;

use diffusion::{Denoiser, FullDenoiser, Prediction, Query};

/// What decides whether a study goes on.
pub trait Pace {
    /// Called before every slice: lets the browser paint and listen; false if the visitor wants something else.
    fn go_on(&mut self) -> impl Future<Output = bool>;
}

/// Why a paced call has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Halt<E: std::error::Error + 'static> {
    /// The visitor wants something else.
    #[error("study: found a newer request, expected to go on")]
    Overtaken,
    /// The denoiser failed.
    #[error(transparent)]
    Denoiser(E),
}

/// A denoiser whose calls carry at most `at_once` sequences each.
pub struct Paced<'a, D, P> {
    /// The denoiser.
    pub denoiser: &'a mut D,
    /// Who decides.
    pub pace: P,
    /// Sequences per slice, at least 1.
    pub at_once: usize,
}

impl<D: Denoiser, P: Pace> Paced<'_, D, P> {
    /// Asks slice by slice; the answers, so many values of each row, are in the order of the query's rows.
    async fn in_slices<T>(
        &mut self,
        query: &Query,
        values: usize,
        mut ask: impl AsyncFnMut(&mut D, &Query) -> Result<Vec<T>, D::Error>,
    ) -> Result<Vec<T>, Halt<D::Error>> {
        let (at_once, batch) = (self.at_once.max(1), query.batch());
        let mut slices = Vec::new();
        for first in (0..batch).step_by(at_once) {
            let range = first..(first + at_once).min(batch);
            let part = query.of_sequences(range.clone());
            if part.rows.is_empty() {
                continue;
            }
            if !self.pace.go_on().await {
                return Err(Halt::Overtaken);
            }
            let answers = ask(self.denoiser, &part).await.map_err(Halt::Denoiser)?;
            slices.push((range, answers.into_iter()));
        }
        let mut all = Vec::with_capacity(query.rows.len() * values);
        for row in &query.rows {
            let own = slices.iter_mut().find(|(range, _)| range.contains(&(row.sequence as usize)));
            all.extend(own.into_iter().flat_map(|(_, answers)| answers.by_ref().take(values)));
        }
        Ok(all)
    }
}

impl<D: Denoiser, P: Pace> Denoiser for Paced<'_, D, P> {
    type Error = Halt<D::Error>;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Self::Error> {
        self.in_slices(query, 1, async |denoiser, part| denoiser.predict(part).await).await
    }
}

impl<D: FullDenoiser, P: Pace> FullDenoiser for Paced<'_, D, P> {
    fn vocabulary(&self) -> usize {
        self.denoiser.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
        let vocabulary = self.vocabulary();
        self.in_slices(query, vocabulary, async |denoiser, part| denoiser.distributions(part).await).await
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use diffusion::{Row, TokenId};

    use super::*;
    use crate::session::decode::tests::now;
    use crate::view::tests::prediction;

    /// Goes on so many times.
    pub(crate) struct Times(pub usize);

    impl Pace for Times {
        async fn go_on(&mut self) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 > 0
        }
    }

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("device: found lost, expected present")]
    struct Lost;

    /// Notes the size of every batch.
    struct Noting(Vec<usize>);

    impl Denoiser for Noting {
        type Error = Lost;
        async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Lost> {
            self.0.push(query.batch());
            let answer = |row: &Row| Prediction {
                log_sum_exp: query.tokens[row.sequence as usize * query.length + row.slot as usize].0 as f32,
                ..prediction(row)
            };
            Ok(query.rows.iter().map(answer).collect())
        }
    }

    impl FullDenoiser for Noting {
        fn vocabulary(&self) -> usize {
            3
        }

        /// The token of the row three times.
        async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Lost> {
            Ok(self.predict(query).await?.iter().flat_map(|answer| [answer.log_sum_exp; 3]).collect())
        }
    }

    fn query() -> Query {
        // Rows in no order of sequences, and one sequence without any.
        let rows = [4, 0, 1, 0, 4, 3].map(|sequence| Row::measured(sequence, sequence % 2, 3, TokenId(5)));
        Query {
            length: 2,
            tokens: (0..10).map(TokenId).collect(),
            times: vec![0.5; 5],
            mixtures: vec![],
            vectors: vec![],
            rows: rows.to_vec(),
        }
    }

    #[test]
    fn slices_answer_as_the_whole_does() {
        let whole = now(Noting(vec![]).predict(&query())).unwrap();
        let distributions = now(Noting(vec![]).distributions(&query())).unwrap();
        for at_once in [1, 2, 5, 9] {
            let mut noting = Noting(vec![]);
            let mut paced = Paced { denoiser: &mut noting, pace: Times(99), at_once };
            assert_eq!(now(paced.predict(&query())).unwrap(), whole, "{at_once} at once");
            assert_eq!(now(paced.distributions(&query())).unwrap(), distributions, "{at_once} at once");
            assert!(noting.0.iter().all(|size| *size <= at_once), "{:?}", noting.0);
        }
    }

    #[test]
    fn a_newer_wish_stops_between_two_slices() {
        let mut noting = Noting(vec![]);
        let mut paced = Paced { denoiser: &mut noting, pace: Times(3), at_once: 1 };
        assert_eq!(now(paced.predict(&query())), Err(Halt::Overtaken));
        assert_eq!(noting.0.len(), 2);
    }
}
