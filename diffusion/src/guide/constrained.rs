//! Constraints: a denoiser limited to the tokens that a rule allows at each slot.

use super::{GuideError, normalise, summaries};
use crate::decode::Span;
use crate::denoiser::{Denoiser, FullDenoiser, Prediction, Query};
use crate::sequence::TokenId;

/// Room that rules write on, kept over the rows of a call so that none of them allocates for each slot.
#[derive(Clone, Debug, Default)]
pub struct Room {
    pub(super) text: Vec<TokenId>,
    pub(super) order: Vec<u32>,
    /// Of three sets: which members each has.
    pub(super) sets: [Vec<bool>; 3],
}

/// A rule about texts.
pub trait Constraint {
    /// Sets `allowed` to false for every token id that must not stand in `slot` of this sequence (mask symbols where
    /// nothing is written). `logs` are the log-probabilities there before any rule. `// (vocabulary), (vocabulary)`
    fn limit(&self, sequence: &[TokenId], slot: u32, logs: &[f32], allowed: &mut [bool], room: &mut Room);
}

impl<C: Constraint + ?Sized> Constraint for &C {
    fn limit(&self, sequence: &[TokenId], slot: u32, logs: &[f32], allowed: &mut [bool], room: &mut Room) {
        (**self).limit(sequence, slot, logs, allowed, room);
    }
}

/// All of some rules, one after the other.
impl Constraint for Vec<Box<dyn Constraint>> {
    fn limit(&self, sequence: &[TokenId], slot: u32, logs: &[f32], allowed: &mut [bool], room: &mut Room) {
        self.iter().for_each(|rule| rule.limit(sequence, slot, logs, allowed, room));
    }
}

/// Only these words within a span; a plain filter, no source of its own. Knobs: the span and the words.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowedWords {
    /// Where.
    pub span: Span,
    /// Which.
    pub words: Vec<TokenId>,
}

impl Constraint for AllowedWords {
    fn limit(&self, _: &[TokenId], slot: u32, _: &[f32], allowed: &mut [bool], _: &mut Room) {
        if self.span.contains(slot) {
            let listed = |token: usize| self.words.iter().any(|word| word.0 as usize == token);
            (0..allowed.len()).for_each(|token| allowed[token] &= listed(token));
        }
    }
}

/// p(x_i | x_t) over the allowed tokens only, renormalised. Exact where one slot goes per call and the constraint
/// concerns slots one by one; known failure otherwise: it conditions each slot on being allowed, not the text on
/// what will have to be allowed later. Cost: none. A slot where nothing allowed has any probability is an error.
#[derive(Clone, Debug)]
pub struct Constrained<D, C> {
    denoiser: D,
    constraint: C,
}

impl<D, C> Constrained<D, C> {
    /// The denoiser under the constraint.
    pub fn new(denoiser: D, constraint: C) -> Self {
        Self { denoiser, constraint }
    }
}

impl<D: FullDenoiser, C: Constraint> FullDenoiser for Constrained<D, C> {
    fn vocabulary(&self) -> usize {
        self.denoiser.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
        let vocabulary = self.denoiser.vocabulary();
        let mut all = self.denoiser.distributions(query).await.map_err(GuideError::Denoiser)?;
        let (mut allowed, mut room) = (vec![true; vocabulary], Room::default());
        for (row, logits) in query.rows.iter().zip(all.chunks_mut(vocabulary)) {
            let begin = row.sequence as usize * query.length;
            allowed.fill(true);
            let sequence = &query.tokens[begin..begin + query.length];
            self.constraint.limit(sequence, row.slot, logits, &mut allowed, &mut room);
            let forbidden = logits.iter_mut().zip(&allowed).filter(|(_, allowed)| !**allowed);
            forbidden.for_each(|(logit, _)| *logit = f32::NEG_INFINITY);
            normalise(logits);
        }
        Ok(all)
    }
}

impl<D: FullDenoiser, C: Constraint> Denoiser for Constrained<D, C> {
    type Error = GuideError<D::Error>;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Self::Error> {
        let logits = self.distributions(query).await?;
        summaries(query, &logits, self.vocabulary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder, run};
    use crate::exact::Corpus;
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::share_fits;

    fn corpus() -> Corpus {
        let sentence = |a, b, p| (vec![TokenId(a), TokenId(b)], p);
        let sentences =
            vec![sentence(3, 5, 0.3), sentence(3, 6, 0.2), sentence(4, 5, 0.1), sentence(4, 6, 0.4)];
        Corpus::new(sentences, TokenId(0)).unwrap()
    }

    fn text(words: &[u32], slot: u32, seed: u32) -> Vec<TokenId> {
        let words = words.iter().copied().map(TokenId).collect();
        let rule = AllowedWords { span: Span { start: slot, end: slot + 1 }, words };
        let special = SpecialTokens::default();
        let settings = DecodeSettings { seed, order: crate::Order::LeftToRight, ..DecodeSettings::default() };
        let decoder = Decoder::new(settings, Sequence::masked(2, special.mask), special).unwrap();
        let run = pollster::block_on(run(&mut Constrained::new(corpus(), rule), decoder)).unwrap();
        run.sequence_at(2).unwrap().tokens().collect()
    }

    #[test]
    fn the_constraint_holds_and_the_rest_is_as_likely_as_before() {
        let texts: Vec<Vec<TokenId>> = (0..4000).map(|seed| text(&[4], 0, seed)).collect();
        assert!(texts.iter().all(|text| text[0] == TokenId(4)));
        let fives = texts.iter().filter(|text| text[1] == TokenId(5)).count() as u64;
        assert!(share_fits(fives, 4000, 0.2), "{fives} of 4000: p(5 | 4) = .1 / .5");
    }

    #[test]
    fn a_later_constraint_is_not_foreseen() {
        // Given that the second word is 5, the first is 3 with .75; from left to right it is drawn with .5.
        let threes = (0..4000).filter(|&seed| text(&[5], 1, seed)[0] == TokenId(3)).count() as u64;
        assert!(share_fits(threes, 4000, 0.5) && !share_fits(threes, 4000, 0.75), "{threes} of 4000");
    }

    #[test]
    fn nothing_allowed_is_an_error() {
        let rule = AllowedWords { span: Span { start: 0, end: 2 }, words: vec![TokenId(2)] };
        let special = SpecialTokens::default();
        let start = Sequence::masked(2, special.mask);
        let query = Decoder::new(DecodeSettings::default(), start, special).unwrap().query();
        let found = pollster::block_on(Constrained::new(corpus(), rule).predict(&query));
        assert!(matches!(found, Err(GuideError::Draw { slot: 0, .. })), "{found:?}");
    }
}
