//! EDLM: at each call several whole candidates are drawn, and one is resampled by what the product of marginals
//! gets wrong (Xu et al., *Energy-based diffusion language models*, arXiv 2410.21357, with the autoregressive energy).

use serde::{Deserialize, Serialize};

use super::HybridError;
use crate::decode::validation::within;
use crate::decode::{Asker, Decoder, Sampling, SettingsError, Trajectory};
use crate::denoiser::{Denoiser, FullDenoiser, Prediction, Query, Row};
use crate::measure::judge::{judged, log_probabilities};
use crate::random::{Purpose, uniform, word};
use crate::sequence::{Sequence, Slot};

/// Knobs. A candidate completes the text with one draw per masked slot; it is chosen with probability ∝ exp(log p_AR −
/// log p_diff), both of the text up to its first end. With an exact autoregressive model and many candidates the choice tends to a draw from the joint,
/// so that even one step makes no mixtures. Known failure: with few candidates all may be mixtures, and
/// the choice leans to what the product prefers (by about 1 / candidates). Cost: a step in the window is one call of either model with
/// k sequences, a step before or after it one sequence of the diffusion model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edlm {
    /// Number of candidates k, from 1 to 10⁶, default 8; the paper's are 2 to 16.
    pub candidates: u32,
    /// Resampling happens while t > 1 − `window`, from 0 (never) to 1; default .2, the paper's.
    pub window: f64,
}

impl Default for Edlm {
    fn default() -> Self {
        Self { candidates: 8, window: 0.2 }
    }
}

impl Edlm {
    /// Whether every knob is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        within("candidates", self.candidates.into(), 1.0, 1e6)?;
        within("window", self.window, 0.0, 1.0)
    }

    /// Whether draws are those that it weighs.
    ///
    /// # Errors
    /// If they are tempered or truncated.
    pub fn fits(&self, sampling: &Sampling) -> Result<(), SettingsError> {
        let Sampling { temperature, top_k, top_p, .. } = *sampling;
        if temperature == 1.0 && top_k == 0 && top_p >= 1.0 {
            return Ok(());
        }
        let expected = "temperature 1 without top_k and top_p, whose draws it weighs";
        Err(SettingsError::Together { first: "edlm", expected })
    }
}

/// A run and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampled {
    /// The run; its predictions are those of the chosen candidates.
    pub trajectory: Trajectory,
    /// Calls of the diffusion model, one per step; in the window each has as many sequences as candidates.
    pub denoiser_calls: u32,
    /// Sequences that the autoregressive model has judged.
    pub autoregressive_calls: u32,
}

/// Decodes one sequence to the end.
///
/// # Errors
/// [`HybridError`].
pub async fn edlm<D: FullDenoiser, A: Denoiser>(
    denoiser: &mut D,
    autoregressive: &mut A,
    knobs: Edlm,
    mut decoder: Decoder,
) -> Result<Resampled, HybridError<D::Error, A::Error>> {
    knobs.validate()?;
    knobs.fits(&decoder.settings().sampling)?;
    let mut run =
        Resampled { trajectory: Trajectory::begin(&decoder), denoiser_calls: 0, autoregressive_calls: 0 };
    let mut asker = Asker::default();
    while !decoder.is_finished() {
        let many = if decoder.time() > 1.0 - knobs.window { knobs.candidates } else { 1 };
        let query = candidates(&decoder.query(), many);
        let rows = decoder.asked_count();
        let asked = vec![&decoder; many as usize];
        let predictions = asker.put(denoiser, query, &asked).await.map_err(HybridError::Run)?;
        let drawn: Vec<&[Prediction]> = predictions.chunks(rows.max(1)).collect();
        let chosen = if many == 1 {
            0
        } else {
            let texts: Vec<Sequence> = drawn.iter().map(|drawn| completed(&decoder, drawn)).collect();
            let scores = log_probabilities(autoregressive, &texts, decoder.special()).await;
            run.autoregressive_calls += many;
            let scores = scores.map_err(HybridError::Autoregressive)?;
            let parts = scores.iter().zip(&texts).zip(&drawn);
            let energies =
                parts.map(|((score, text), drawn)| score - own(&decoder, text, drawn)).collect::<Vec<_>>();
            choose(&energies, decoder.settings().seed, decoder.checkpoint().call)
        };
        run.denoiser_calls += 1;
        run.trajectory.push(decoder.apply(drawn.get(chosen).copied().unwrap_or_default())?);
    }
    Ok(run)
}

/// The same call `many` times, each with draws of its own; the first is the decoder's.
fn candidates(query: &Query, many: u32) -> Query {
    let seed = |seed: u32, sequence: u32| match sequence {
        0 => seed,
        _ => word(seed, sequence, 0, Purpose::Candidate as u32),
    };
    let row = |row: &Row, sequence: u32| Row { sequence, seed: seed(row.seed, sequence), ..*row };
    Query {
        length: query.length,
        tokens: query.tokens.repeat(many as usize),
        times: query.times.repeat(many as usize),
        mixtures: (0..many)
            .flat_map(|sequence| query.mixtures.iter().map(move |m| crate::Mixture { sequence, ..*m }))
            .collect(),
        vectors: query.vectors.repeat(many as usize),
        rows: (0..many).flat_map(|sequence| query.rows.iter().map(move |r| row(r, sequence))).collect(),
    }
}

/// The text with every draw in its place.
fn completed(decoder: &Decoder, drawn: &[Prediction]) -> Sequence {
    let mut text = decoder.sequence().clone();
    for (row, prediction) in decoder.rows(0).zip(drawn) {
        text.slots[row.slot as usize] = Slot::committed(prediction.drawn.token);
    }
    text
}

/// ln of the probability with which the marginals draw what the autoregressive model judges: nothing after the end.
fn own(decoder: &Decoder, text: &Sequence, drawn: &[Prediction]) -> f64 {
    let judged: Vec<u32> = judged(text, decoder.special()).collect();
    let counted = decoder.rows(0).zip(drawn).filter(|(row, _)| judged.binary_search(&row.slot).is_ok());
    counted.map(|(_, p)| f64::from(p.drawn.log_probability)).sum()
}

/// Draws a candidate by its weight; the first if none has any. NaN weighs nothing.
fn choose(energies: &[f64], seed: u32, call: u32) -> usize {
    let largest = energies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return 0;
    }
    let weight = |energy: &f64| if energy.is_nan() { 0.0 } else { (energy - largest).exp() };
    let weights: Vec<f64> = energies.iter().map(weight).collect();
    let mut left = uniform(word(seed, call, 1, Purpose::Candidate as u32)) * weights.iter().sum::<f64>();
    let passes = |weight: &f64| {
        left -= weight;
        *weight > 0.0 && left < 0.0
    };
    let last = || weights.iter().rposition(|weight| *weight > 0.0);
    weights.iter().position(passes).or_else(last).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::exact::{Corpus, two_sentences};
    use crate::guide::Causal;
    use crate::sequence::{SpecialTokens, TokenId};
    use crate::testing::share_fits;

    const RUNS: u32 = 4000;

    /// Runs in one step: how many are mixtures, and how many are the first sentence.
    fn endings(corpus: &Corpus, candidates: u32, window: f64) -> (u64, u64) {
        let special = SpecialTokens::default();
        let mut autoregressive = Causal::new(corpus.clone(), special.mask);
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let run = |seed| {
            let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
            let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
            let knobs = Edlm { candidates, window };
            let mut denoiser = corpus.clone();
            let run = edlm(&mut denoiser, &mut autoregressive, knobs, decoder);
            let run = pollster::block_on(run).unwrap();
            let end = run.trajectory.sequence_at(1).unwrap();
            end.tokens().collect::<Vec<TokenId>>()
        };
        (0..RUNS).map(run).fold((0, 0), |(unseen, first), text| {
            (
                unseen + u64::from(corpus.probability(&text) == 0.0),
                first + u64::from(text == two_sentences::FIRST),
            )
        })
    }

    #[test]
    fn a_mixture_comes_out_only_if_all_candidates_are_mixtures() {
        let corpus = two_sentences::corpus(0.5).unwrap();
        for candidates in [2, 8] {
            let (unseen, _) = endings(&corpus, candidates, 1.0);
            let expected = 0.75_f64.powi(candidates as i32);
            assert!(share_fits(unseen, RUNS.into(), expected), "{candidates}: {unseen}, expected {expected}");
        }
    }

    /// P(the first sentence) when the best of n candidates is resampled: whole first sentences are drawn with p³,
    /// second ones with (1 − p)³, and weigh p / p³ and (1 − p) / (1 − p)³; sums over how many of each there are.
    fn first_of(n: i32, p: f64) -> f64 {
        let (a, b) = (p.powi(3), (1.0 - p).powi(3));
        let choose = |n: i32, k: i32| (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product::<f64>();
        let term = |i: i32, j: i32| {
            let ways = choose(n, i) * choose(n - i, j);
            let chance = a.powi(i) * b.powi(j) * (1.0 - a - b).powi(n - i - j);
            let (first, second) = (f64::from(i) * p / a, f64::from(j) * (1.0 - p) / b);
            ways * chance * first / (first + second)
        };
        (1..=n).flat_map(|i| (0..=n - i).map(move |j| (i, j))).map(|(i, j)| term(i, j)).sum()
    }

    #[test]
    fn many_candidates_tend_to_the_joint_from_the_product() {
        let corpus = two_sentences::corpus(0.7).unwrap();
        let (unseen, first) = endings(&corpus, 64, 1.0);
        assert_eq!(unseen, 0);
        // The product has .927 of the whole sentences first; 64 candidates .729; the joint .7.
        let expected = first_of(64, 0.7);
        assert!(share_fits(first, RUNS.into(), expected), "{first} of {RUNS}, expected {expected}");
        assert!(!share_fits(first, RUNS.into(), 0.343 / 0.37), "power: the product would be noticed");
        assert!((0.7..0.712).contains(&first_of(200, 0.7)), "the joint is the limit");
    }

    #[test]
    fn what_comes_after_the_end_weighs_nothing() {
        // "3 [EOS]" and "4 5 6", half each. Counting the tail of the short one would give it two thirds.
        let special = SpecialTokens::default();
        let text = |ids: [u32; 3]| (ids.map(TokenId).to_vec(), 0.5);
        let corpus = Corpus::new(vec![text([3, 2, 2]), text([4, 5, 6])], special.mask).unwrap();
        let mut autoregressive = Causal::new(corpus.clone(), special.mask);
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let mut is_short = |seed| {
            let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
            let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
            let mut denoiser = corpus.clone();
            let run = edlm(&mut denoiser, &mut autoregressive, Edlm { candidates: 64, window: 1.0 }, decoder);
            let run = pollster::block_on(run).unwrap();
            run.trajectory.sequence_at(1).unwrap().slots[0].token == TokenId(3)
        };
        let short = (0..RUNS).filter(|&seed| is_short(seed)).count();
        assert!((short as f64 / f64::from(RUNS) - 0.5).abs() < 0.04, "{short} of {RUNS}");
    }

    #[test]
    fn other_draws_than_those_it_weighs_are_refused() {
        let special = SpecialTokens::default();
        let sampling = Sampling { temperature: 0.5, ..Sampling::default() };
        let settings = DecodeSettings { sampling, ..DecodeSettings::default() };
        let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
        let (mut denoiser, mut judge) =
            (two_sentences::corpus(0.5).unwrap(), two_sentences::corpus(0.5).unwrap());
        let found = pollster::block_on(edlm(&mut denoiser, &mut judge, Edlm::default(), decoder));
        assert!(matches!(found, Err(HybridError::Settings(_))), "{found:?}");
    }

    #[test]
    fn outside_the_window_it_is_the_decoder_alone() {
        let (unseen, _) = endings(&two_sentences::corpus(0.5).unwrap(), 8, 0.0);
        assert!(share_fits(unseen, RUNS.into(), 0.75), "{unseen}");
    }
}
