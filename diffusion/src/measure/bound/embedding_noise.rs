//! The bound under Gaussian noise on embeddings (Kingma et al., arXiv 2107.00630, with a cross-entropy at its end).
//!
//! NELBO = ∫ from t₀ to 1 of ½ |dSNR/dt| E Σ over slots ‖E(x_0) − x̂_0‖² dt + E Σ −ln p(x_0 | x_t₀), where x̂_0 = Σ_v p_v E(v);
//! the prior costs nothing where ᾱ(1) = 0. Unit: bits. Cost: four sequences per draw, since at both times the
//! network first makes the guess that it is then shown. Blind spot: it is a bound, and one of the first guess's quality too.

use std::f64::consts::LN_2;

use super::strata::{BoundTerm, Draw, draws, together};
use super::terms::row;
use super::{BoundError, BoundSettings, TextBound};
use crate::denoiser::{FullDenoiser, Mixture, Query};
use crate::process::Gaussian;
use crate::sequence::{SpecialTokens, TokenId};

/// t₀: below, the text is read off.
pub const FIRST_TIME: f64 = 0.02;

/// Estimates the bound of one window of tokens, padding included: number `index` of its file, which keys times and noise.
/// `counted` tokens share the bits. At least two draws; a few of the last may be left out, so that all passes are alike.
///
/// # Errors
/// [`BoundError`].
pub async fn embedding_noise_bound<D: FullDenoiser>(
    denoiser: &mut D,
    process: &Gaussian,
    text: &[TokenId],
    counted: u32,
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<TextBound, BoundError<D::Error>> {
    let terms = embedding_noise_terms(denoiser, process, text, index, special, settings).await?;
    // Two terms of each draw, each weighing twice: their sum is the draw.
    together(terms.chunks(2).map(|both| both.iter().map(|term| term.bits).sum::<f64>() / 2.0), counted)
}

/// The terms of the bound of one window: of every draw first the squared error at its time, then what reading off costs, at
/// [`FIRST_TIME`]; each weighs twice, so that the mean of all is the bound ([`smoothness`](crate::measure::smoothness)).
///
/// # Errors
/// [`BoundError`].
pub async fn embedding_noise_terms<D: FullDenoiser>(
    denoiser: &mut D,
    process: &Gaussian,
    text: &[TokenId],
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<Vec<BoundTerm>, BoundError<D::Error>> {
    let draws = draws(text, index, settings)?;
    let mut terms = Vec::with_capacity(2 * draws.len());
    for batch in draws.chunks(settings.batch as usize) {
        let [mut errors, mut read_off] = [vec![0.0; batch.len()], vec![0.0; batch.len()]];
        let at = |draw: &Draw| draw.time.max(FIRST_TIME);
        let mut parts = Parts { process, text, special, denoiser: &mut *denoiser, nats: &mut errors };
        parts.squared_errors(batch, batch.iter().map(at).collect()).await?;
        parts.nats = &mut read_off;
        parts.read_off(batch).await?;
        let term = |time: f64, nats: f64| BoundTerm { time, bits: 2.0 * nats / LN_2 };
        let both = batch.iter().zip(errors).zip(read_off);
        terms.extend(both.flat_map(|((draw, error), off)| [term(draw.time, error), term(FIRST_TIME, off)]));
    }
    Ok(terms)
}

/// The two parts of the bound for some draws.
struct Parts<'a, D> {
    process: &'a Gaussian,
    text: &'a [TokenId],
    special: SpecialTokens,
    denoiser: &'a mut D,
    /// `// (draws)`
    nats: &'a mut [f64],
}

impl<D: FullDenoiser> Parts<'_, D> {
    /// Adds ½ |dSNR/dt| ‖E(x_0) − x̂_0‖² of every slot. A draw below [`FIRST_TIME`] stands for the other part.
    async fn squared_errors(&mut self, draws: &[Draw], times: Vec<f64>) -> Result<(), BoundError<D::Error>> {
        let (vocabulary, slots) = (self.denoiser.vocabulary(), self.text.len());
        let all = self.guess(draws, times.clone()).await?;
        for (place, logs) in all.chunks(vocabulary).enumerate() {
            let (sequence, slot) = (place / slots, place % slots);
            if draws[sequence].time > FIRST_TIME {
                let weight = self.process.signal_to_noise_loss(times[sequence]) / 2.0;
                self.nats[sequence] += weight * squared_error(self.process, self.text[slot], logs);
            }
        }
        Ok(())
    }

    /// Adds the cross-entropy of every slot at [`FIRST_TIME`].
    async fn read_off(&mut self, draws: &[Draw]) -> Result<(), BoundError<D::Error>> {
        let (vocabulary, slots) = (self.denoiser.vocabulary(), self.text.len());
        let all = self.guess(draws, vec![FIRST_TIME; draws.len()]).await?;
        for (place, logs) in all.chunks(vocabulary).enumerate() {
            let own = logs.get(self.text[place % slots].0 as usize).copied().unwrap_or(f32::NEG_INFINITY);
            self.nats[place / slots] -= f64::from(own);
        }
        Ok(())
    }

    /// Whole distributions for the draws' noise at these times, by a network that has seen its own first guess.
    /// `// (draws, slots, vocabulary)`
    async fn guess(&mut self, draws: &[Draw], times: Vec<f64>) -> Result<Vec<f32>, BoundError<D::Error>> {
        let mut query = query(self, draws, times);
        let vocabulary = self.denoiser.vocabulary();
        let first = self.asked(&query).await?;
        query.mixtures = query
            .rows
            .iter()
            .zip(first.chunks(vocabulary))
            .map(|(row, logs)| Mixture::of_best(row.sequence, row.slot, logs))
            .collect();
        self.asked(&query).await
    }

    async fn asked(&mut self, query: &Query) -> Result<Vec<f32>, BoundError<D::Error>> {
        let all = self.denoiser.distributions(query).await.map_err(BoundError::Denoiser)?;
        let expected = query.rows.len() * self.denoiser.vocabulary();
        if all.len() == expected { Ok(all) } else { Err(BoundError::Count { found: all.len(), expected }) }
    }
}

/// ‖E(x_0) − Σ p_v E(v)‖².
fn squared_error(process: &Gaussian, clean: TokenId, logs: &[f32]) -> f64 {
    let pairs = process.embedding(clean).iter().zip(process.mean_embedding(logs));
    pairs.map(|(clean, guess)| (clean - guess).powi(2)).sum()
}

/// One sequence of noisy embeddings per draw, every slot asked.
fn query<D>(parts: &Parts<'_, D>, draws: &[Draw], times: Vec<f64>) -> Query {
    let Parts { process, text, special, .. } = *parts;
    let mut query = Query {
        length: text.len(),
        tokens: vec![special.mask; draws.len() * text.len()],
        times,
        mixtures: Vec::new(),
        vectors: Vec::with_capacity(draws.len() * text.len() * process.width()),
        rows: Vec::with_capacity(draws.len() * text.len()),
    };
    for (sequence, draw) in draws.iter().enumerate() {
        for (slot, &clean) in text.iter().enumerate() {
            let noisy = process.marginal(clean, query.times[sequence]);
            query.vectors.extend(noisy.draws(&mut draw.stream(slot)).map(|x| x as f32));
            query.rows.push(row(sequence as u32, slot as u32, special, special.mask));
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Corpus, Embedded, two_sentences};
    use crate::measure::Moments;
    use crate::schedule::Schedule;
    use crate::testing::near;

    /// Default ids, and those of a model that has others: the corpus and the network's masks follow.
    fn specials() -> [SpecialTokens; 2] {
        let others = SpecialTokens { mask: TokenId(2), unknown: TokenId(0), end_of_text: TokenId(1) };
        [SpecialTokens::default(), others]
    }

    #[test]
    fn an_exact_denoiser_pays_what_the_sentence_is_worth() {
        for (weight, special) in [0.5, 0.8].into_iter().zip(specials()) {
            let texts =
                [(two_sentences::FIRST.to_vec(), weight), (two_sentences::SECOND.to_vec(), 1.0 - weight)];
            let corpus = Corpus::new(texts.to_vec(), special.mask).unwrap();
            // Two words of a slot lie at distance 2; the others never stand in one slot together.
            let embeddings = (0..9).map(|token| if token < 6 { 1.0 } else { -1.0 }).collect();
            let process = Gaussian::new(Schedule::Linear, embeddings, 1);
            let mut denoiser = Embedded::new(corpus, process.clone());
            let settings = BoundSettings { seed: 2, draws: 256, batch: 64 };
            let bound = |index| {
                let bound = embedding_noise_bound(
                    &mut denoiser,
                    &process,
                    &two_sentences::FIRST,
                    3,
                    index,
                    special,
                    settings,
                );
                pollster::block_on(bound).unwrap().bits.value
            };
            let found = (0..300).map(bound).collect::<Moments>().estimate().unwrap();
            assert!(found.standard_error < 0.02, "power: {found:?}");
            assert!(near(found.value, -weight.log2(), 4.0 * found.standard_error), "{found:?}");
        }
    }
}
