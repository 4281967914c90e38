//! Best of n: several runs of a diffusion model, and the one that an autoregressive model finds likeliest.

use serde::{Deserialize, Serialize};

use super::HybridError;
use crate::decode::validation::within;
use crate::decode::{DecodeSettings, Decoder, SettingsError, Trajectory, run_batch};
use crate::denoiser::{Denoiser, FullDenoiser};
use crate::measure::judge::log_probabilities;
use crate::measure::surface::histogram_bits;
use crate::sequence::{Sequence, SpecialTokens, TokenId};

/// Knobs of the choice. Rule: the run with the largest ln p under the autoregressive model wins, of those whose words reach the entropy
/// floor (plain best of n; no source of its own). Cost: n runs, and n sequences of the autoregressive model. Known failure: likelihood loves repetition, hence the floor, and short texts, because it
/// sums up to the first end; and the best of n is no draw from either model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rerank {
    /// Number of runs n, from 1 to 10⁶, default 8; seeds count up from that of the settings.
    pub candidates: u32,
    /// Smallest unigram entropy in bits that a candidate's own words must have, 0 to 64; default 0, no floor.
    pub least_entropy_bits: f64,
}

impl Default for Rerank {
    fn default() -> Self {
        Self { candidates: 8, least_entropy_bits: 0.0 }
    }
}

impl Rerank {
    /// Whether every knob is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        within("candidates", self.candidates.into(), 1.0, 1e6)?;
        within("least_entropy_bits", self.least_entropy_bits, 0.0, 64.0)
    }
}

/// The chosen run and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Reranked {
    /// The run.
    pub trajectory: Trajectory,
    /// Its ln p under the autoregressive model.
    pub log_probability: f64,
    /// Calls of the diffusion model, all candidates counted one by one.
    pub denoiser_calls: u32,
    /// Sequences that the autoregressive model has judged.
    pub autoregressive_calls: u32,
}

/// Decodes all candidates side by side and keeps the likeliest; ties go to the smaller seed.
///
/// # Errors
/// [`HybridError`]; also if no candidate reaches the floor.
pub async fn rerank<D: FullDenoiser, A: Denoiser>(
    denoiser: &mut D,
    autoregressive: &mut A,
    knobs: Rerank,
    settings: &DecodeSettings,
    start: &Sequence,
    special: SpecialTokens,
) -> Result<Reranked, HybridError<D::Error, A::Error>> {
    knobs.validate()?;
    let decoder = |seed: u32| {
        let settings = DecodeSettings { seed: settings.seed.wrapping_add(seed), ..settings.clone() };
        Decoder::new(settings, start.clone(), special)
    };
    let decoders = (0..knobs.candidates).map(decoder).collect::<Result<Vec<_>, _>>()?;
    let runs = run_batch(denoiser, decoders).await.map_err(HybridError::Run)?;
    let denoiser_calls = runs.iter().map(|run| run.steps.len() as u32).sum();
    let ends: Vec<Sequence> = runs.iter().filter_map(|run| run.sequence_at(run.steps.len()).ok()).collect();
    let judged = log_probabilities(autoregressive, &ends, special).await;
    let judged = judged.map_err(HybridError::Autoregressive)?;
    let reaches_floor = |text: &Sequence| {
        let words: Vec<TokenId> = text.tokens().take(text.text_length(special.end_of_text)).collect();
        histogram_bits(words) >= knobs.least_entropy_bits
    };
    let candidates = runs
        .into_iter()
        .zip(judged)
        .zip(&ends)
        .filter(|((_, judged), end)| !judged.is_nan() && reaches_floor(end));
    let best = candidates.map(|(run, _)| run).reduce(|best, next| if next.1 > best.1 { next } else { best });
    let Rerank { least_entropy_bits, candidates } = knobs;
    let (trajectory, log_probability) = best.ok_or(HybridError::NoCandidate { least_entropy_bits })?;
    Ok(Reranked { trajectory, log_probability, denoiser_calls, autoregressive_calls: candidates })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Parallelism;
    use crate::exact::two_sentences;
    use crate::guide::Causal;
    use crate::testing::share_fits;

    fn unseen(knobs: Rerank) -> u64 {
        let special = SpecialTokens::default();
        let corpus = two_sentences::corpus(0.5).unwrap();
        let mut autoregressive = Causal::new(corpus.clone(), special.mask);
        let start = Sequence::masked(3, special.mask);
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let is_unseen = |seed: u32| {
            let settings =
                DecodeSettings { seed: seed * knobs.candidates, parallelism, ..DecodeSettings::default() };
            let mut denoiser = corpus.clone();
            let chosen = rerank(&mut denoiser, &mut autoregressive, knobs, &settings, &start, special);
            let chosen = pollster::block_on(chosen).unwrap();
            assert_eq!(
                (chosen.denoiser_calls, chosen.autoregressive_calls),
                (knobs.candidates, knobs.candidates)
            );
            let text: Vec<TokenId> = chosen.trajectory.sequence_at(1).unwrap().tokens().collect();
            u64::from(corpus.probability(&text) == 0.0)
        };
        (0..4000).map(is_unseen).sum()
    }

    #[test]
    fn a_mixture_is_kept_only_if_all_candidates_are_mixtures() {
        for candidates in [1, 2, 4] {
            let found = unseen(Rerank { candidates, ..Rerank::default() });
            let expected = 0.75_f64.powi(candidates as i32);
            assert!(share_fits(found, 4000, expected), "{candidates}: {found} of 4000, expected {expected}");
        }
    }

    #[test]
    fn a_floor_that_nothing_reaches_is_an_error() {
        let special = SpecialTokens::default();
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let mut autoregressive = Causal::new(corpus.clone(), special.mask);
        let knobs = Rerank { candidates: 2, least_entropy_bits: 2.0 };
        let (settings, start) = (DecodeSettings::default(), Sequence::masked(3, special.mask));
        let found = rerank(&mut corpus, &mut autoregressive, knobs, &settings, &start, special);
        let found = pollster::block_on(found);
        assert!(
            matches!(found, Err(HybridError::NoCandidate { .. })),
            "three words have log2 3 bits at most"
        );
    }

    #[test]
    fn of_two_right_texts_the_likelier_wins() {
        // With eight candidates of which each is the first sentence with .9³ and the second with .1³, the second is chosen only if the
        // first is not among them; mixtures have no chance against either.
        let special = SpecialTokens::default();
        let corpus = two_sentences::corpus(0.9).unwrap();
        let mut autoregressive = Causal::new(corpus.clone(), special.mask);
        let start = Sequence::masked(3, special.mask);
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let knobs = Rerank::default();
        let mut first = 0;
        for seed in 0..500 {
            let settings = DecodeSettings { seed: seed * 8, parallelism, ..DecodeSettings::default() };
            let mut denoiser = corpus.clone();
            let chosen = rerank(&mut denoiser, &mut autoregressive, knobs, &settings, &start, special);
            let chosen = pollster::block_on(chosen).unwrap();
            let text: Vec<TokenId> = chosen.trajectory.sequence_at(1).unwrap().tokens().collect();
            first += u64::from(text == two_sentences::FIRST);
            assert!(text != two_sentences::SECOND || (chosen.log_probability - 0.1_f64.ln()).abs() < 1e-5);
        }
        // 1 − (1 − .729)^8 = 1 − 2.9e-5.
        assert!(first >= 499, "{first} of 500");
    }

    #[test]
    fn an_empty_object_is_the_default() {
        assert_eq!(serde_json::from_str::<Rerank>("{}").unwrap(), Rerank::default());
        assert_eq!(serde_json::from_str::<crate::hybrid::edlm::Edlm>("{}").unwrap(), Default::default());
        let speculative = serde_json::from_str::<crate::hybrid::speculative::Speculative>("{}");
        assert_eq!(speculative.unwrap(), Default::default());
    }
}
