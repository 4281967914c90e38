//! Classifier-free guidance: away from what a denoiser says without the prompt.

use super::{GuideError, normalise, summaries};
use crate::decode::SettingsError;
use crate::decode::validation::within;
use crate::denoiser::{FullDenoiser, Prediction, Query};
use crate::sequence::TokenId;
use crate::{Denoiser, sequence};

/// log p ∝ (1 + s) log p(x_i | prompt, rest) − s log p(x_i | rest), as LLaDA decodes (arXiv 2502.09992; Ho and Salimans,
/// arXiv 2207.12598). Scale 0, the default of [`Guides`](super::Guides), is the denoiser itself, at no cost; usual scales are 0 to 2. Cost
/// of all others: two sequences per sequence.
/// Known failure: large scales sharpen like a low temperature and cost diversity.
#[derive(Clone, Debug)]
pub struct Guided<D> {
    denoiser: D,
    scale: f32,
    /// Which slots the prompt holds. `// (length)`
    prompt: Vec<bool>,
    mask: TokenId,
}

impl<D> Guided<D> {
    /// Guidance of this scale (0 to 100) towards the given slots of `start`.
    ///
    /// # Errors
    /// If the scale is out of range.
    pub fn new(
        denoiser: D,
        scale: f32,
        start: &sequence::Sequence,
        mask: TokenId,
    ) -> Result<Self, SettingsError> {
        within("scale", scale.into(), 0.0, 100.0)?;
        let prompt = start.slots.iter().map(|slot| slot.state == sequence::SlotState::Given).collect();
        Ok(Self { denoiser, scale, prompt, mask })
    }

    /// Every sequence a second time, without the prompt.
    fn doubled(&self, query: &Query) -> Query {
        let batch = query.tokens.len() / query.length;
        let mut doubled = query.clone();
        let without = |(index, &token): (usize, &TokenId)| {
            let is_prompt = self.prompt.get(index % query.length).copied().unwrap_or(false);
            if is_prompt { self.mask } else { token }
        };
        doubled.tokens.extend(query.tokens.iter().enumerate().map(without));
        doubled.times.extend(&query.times);
        // Where slots hold vectors, nothing of a prompt is no vector at all.
        let width = query.vectors.len().checked_div(query.tokens.len()).unwrap_or(0).max(1);
        let part = |(index, &x): (usize, &f32)| {
            let is_prompt = self.prompt.get(index / width % query.length).copied().unwrap_or(false);
            if is_prompt { 0.0 } else { x }
        };
        doubled.vectors.extend(query.vectors.iter().enumerate().map(part));
        let shift = |sequence: u32| sequence + batch as u32;
        doubled
            .mixtures
            .extend(query.mixtures.iter().map(|m| crate::Mixture { sequence: shift(m.sequence), ..*m }));
        doubled
            .rows
            .extend(query.rows.iter().map(|row| crate::Row { sequence: shift(row.sequence), ..*row }));
        doubled
    }
}

impl<D: FullDenoiser> FullDenoiser for Guided<D> {
    fn vocabulary(&self) -> usize {
        self.denoiser.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
        if self.scale == 0.0 {
            return self.denoiser.distributions(query).await.map_err(GuideError::Denoiser);
        }
        let doubled = self.doubled(query);
        let mut with = self.denoiser.distributions(&doubled).await.map_err(GuideError::Denoiser)?;
        let without = with.split_off(with.len() / 2);
        // What is impossible with the prompt stays so; 0/0 is impossible too.
        let guided = |(with, without): (&f32, &f32)| match *with {
            f32::NEG_INFINITY => f32::NEG_INFINITY,
            _ => (1.0 + self.scale) * with - self.scale * without.max(-80.0),
        };
        let mut logits: Vec<f32> = with.iter().zip(&without).map(guided).collect();
        logits.chunks_mut(self.denoiser.vocabulary()).for_each(normalise);
        Ok(logits)
    }
}

impl<D: FullDenoiser> Denoiser for Guided<D> {
    type Error = GuideError<D::Error>;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Self::Error> {
        let logits = self.distributions(query).await?;
        summaries(query, &logits, self.vocabulary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder};
    use crate::exact::Corpus;
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::near;

    /// Word 3 or 4 first; after 3 comes 5 with .6, after 4 with .2.
    fn corpus() -> Corpus {
        let sentence = |a, b, p| (vec![TokenId(a), TokenId(b)], p);
        let sentences =
            vec![sentence(3, 5, 0.3), sentence(3, 6, 0.2), sentence(4, 5, 0.1), sentence(4, 6, 0.4)];
        Corpus::new(sentences, TokenId(0)).unwrap()
    }

    fn query() -> (Sequence, Query) {
        let special = SpecialTokens::default();
        let start = Sequence::infill(&[Some(TokenId(3)), None], special.mask);
        let decoder = Decoder::new(DecodeSettings::default(), start.clone(), special).unwrap();
        (start, decoder.query())
    }

    fn probability(scale: f32) -> f64 {
        let (start, query) = query();
        let mut guided = Guided::new(corpus(), scale, &start, TokenId(0)).unwrap();
        let found = pollster::block_on(guided.distributions(&query)).unwrap();
        f64::from(found[5]).exp()
    }

    #[test]
    fn scale_zero_changes_nothing() {
        let (start, query) = query();
        let mut guided = Guided::new(corpus(), 0.0, &start, TokenId(0)).unwrap();
        let found = pollster::block_on(guided.predict(&query)).unwrap();
        let plain = pollster::block_on(corpus().predict(&query)).unwrap();
        assert_eq!(found[0].drawn.token, plain[0].drawn.token);
        assert!(near(probability(0.0), 0.6, 1e-6));
    }

    #[test]
    fn the_prompt_counts_twice_with_scale_one() {
        // With: .6, .4; without: .4, .6. Squared over: .36 / .4 = .9, .16 / .6 = .2667.
        let expected = 0.9 / (0.9 + 0.16 / 0.6);
        assert!(near(probability(1.0), expected, 1e-6), "{} {expected}", probability(1.0));
        assert!(probability(2.0) > probability(1.0));
    }

    #[test]
    fn a_scale_out_of_range_is_refused_and_vectors_lose_their_prompt() {
        let (start, mut query) = query();
        for scale in [-1.0, f32::NAN, f32::INFINITY] {
            assert!(Guided::new(corpus(), scale, &start, TokenId(0)).is_err(), "{scale}");
        }
        query.vectors = vec![1.0, 2.0, 3.0, 4.0];
        let doubled = Guided::new(corpus(), 1.0, &start, TokenId(0)).unwrap().doubled(&query);
        assert_eq!(doubled.vectors, [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 3.0, 4.0]);
    }
}
