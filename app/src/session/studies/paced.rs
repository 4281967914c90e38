//! A denoiser in slices: between two parts of a large batch the visitor may cancel, and the page tells how far it is.

use std::future::Future;
use std::ops::Range;

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

impl<D, P: Pace> Paced<'_, D, P> {
    /// The slices of a batch.
    fn slices(&self, batch: usize) -> impl Iterator<Item = Range<usize>> + use<D, P> {
        let at_once = self.at_once.max(1);
        (0..batch).step_by(at_once).map(move |first| first..(first + at_once).min(batch))
    }
}

impl<D: Denoiser, P: Pace> Denoiser for Paced<'_, D, P> {
    type Error = Halt<D::Error>;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Self::Error> {
        let mut slices = Vec::new();
        for range in self.slices(query.batch()) {
            let part = query.of_sequences(range.clone());
            if part.rows.is_empty() {
                continue;
            }
            if !self.pace.go_on().await {
                return Err(Halt::Overtaken);
            }
            let answers = self.denoiser.predict(&part).await.map_err(Halt::Denoiser)?;
            slices.push((range, answers.into_iter()));
        }
        Ok(in_order(query, slices))
    }
}

/// The answers of all slices in the order of the whole query's rows.
fn in_order(
    query: &Query,
    mut slices: Vec<(Range<usize>, impl Iterator<Item = Prediction>)>,
) -> Vec<Prediction> {
    let own = |sequence: u32, range: &Range<usize>| range.contains(&(sequence as usize));
    let answer = |row: &diffusion::Row| {
        let slice = slices.iter_mut().find(|(range, _)| own(row.sequence, range));
        slice.and_then(|(_, answers)| answers.next())
    };
    query.rows.iter().filter_map(answer).collect()
}

impl<D: FullDenoiser, P: Pace> FullDenoiser for Paced<'_, D, P> {
    fn vocabulary(&self) -> usize {
        self.denoiser.vocabulary()
    }

    /// Whole distributions are asked of few sequences, so they are not cut.
    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
        if !self.pace.go_on().await {
            return Err(Halt::Overtaken);
        }
        self.denoiser.distributions(query).await.map_err(Halt::Denoiser)
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
        for at_once in [1, 2, 5, 9] {
            let mut noting = Noting(vec![]);
            let mut paced = Paced { denoiser: &mut noting, pace: Times(99), at_once };
            assert_eq!(now(paced.predict(&query())).unwrap(), whole, "{at_once} at once");
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
