//! What held-out texts tell of a model's process and of a schedule's correction, beside the bound.

use diffusion::decode::{DecodeSettings, Decoder, RunError};
use diffusion::measure::agreement::Agreement;
use diffusion::measure::heterogeneity::{Heterogeneity, Hiding, told};
use diffusion::measure::revision::{Corruption, repair};
use diffusion::measure::scorecard::{Instrument, Reading};
use diffusion::measure::{Estimate, Moments};
use diffusion::{SpecialTokens, TokenId};
use engine::Engine;
use model_loader::{Checkpoint, Process};

use super::bounds::Noise;
use super::passages::Passage;
use crate::failure::Failure;
use crate::output::Progress;

/// The time at which slots are compared, and up to which chains run: half of the text is gone.
const TIME: f64 = 0.5;
/// Sets of hidden slots per text.
const DRAWS: u32 = 8;
/// Steps of a chain.
const STEPS: u32 = 32;
/// Chains per word.
const CHAINS: u32 = 8;
/// Probability that a word is corrupted before it is corrected.
const CORRUPTED: f64 = 0.1;

/// How unequal hidden slots are, for a model of masks whose file says how often its tokens occur.
pub async fn heterogeneity(
    engine: &mut Engine,
    checkpoint: &Checkpoint,
    passages: &[Passage],
) -> Result<[Reading; 2], Failure> {
    let (mut deviations, mut shares) = (Moments::default(), Moments::default());
    let counts = checkpoint.origin.token_counts.as_deref().unwrap_or_default();
    if checkpoint.config.process == Process::Mask && !counts.is_empty() {
        let total: u64 = counts.iter().sum();
        let unigram: Vec<f64> = counts.iter().map(|&count| count as f64 / total as f64).collect();
        let (mut line, special) = (Progress::new(), SpecialTokens::default());
        for (index, passage) in (0..).zip(passages) {
            line.show(&format!("hidden slots of passage {} of {}", index + 1, passages.len()));
            let hiding = Hiding { t: TIME, seed: 0, draws: DRAWS };
            // The padding tells nothing of itself.
            let text = &passage.window[..passage.tokens as usize];
            let told = told(engine, text, index, &unigram, special, hiding).await.map_err(Failure::run)?;
            let found = Heterogeneity::of(&told);
            found.iter().for_each(|found| deviations.push(found.deviation_bits));
            found.and_then(|found| found.by_distance).into_iter().for_each(|share| shares.push(share));
        }
    }
    Ok([reading(Instrument::Heterogeneity, deviations), reading(Instrument::ByDistance, shares)])
}

/// Whether the chain of the model's process arrives where its direct draws go.
pub fn chain_gap(noise: &Noise, passages: &[Passage]) -> Reading {
    let mut agreement = Agreement::default();
    for (index, passage) in (0..).zip(passages) {
        for (slot, &token) in (0..).zip(&passage.window[..passage.tokens as usize]) {
            for chain in 0..CHAINS {
                noise.chain(&mut agreement, token, TIME, STEPS, index * CHAINS + chain, slot);
            }
        }
    }
    Reading { instrument: Instrument::ChainGap, estimate: agreement.chain_gap() }
}

/// What the schedule's correction makes of corrupted texts.
pub async fn repairs(
    engine: &mut Engine,
    settings: &DecodeSettings,
    passages: &[Passage],
) -> Result<Reading, Failure> {
    let (mut line, mut nets) = (Progress::new(), Moments::default());
    let words = engine::noise_words(engine.config());
    // The text is written: of the schedule only its correction has something to do.
    let DecodeSettings { seed, sampling, correction, .. } = settings.clone();
    let correcting = DecodeSettings { seed, sampling, correction, ..DecodeSettings::default() };
    for (index, passage) in (0..).zip(passages) {
        line.show(&format!("correction of passage {} of {}", index + 1, passages.len()));
        let text = &passage.window[..passage.tokens as usize];
        let corruption = Corruption { words, share: CORRUPTED, slots: text.len(), seed: settings.seed };
        let start = corruption.of(text, index);
        let decoder = Decoder::new(correcting.clone(), start, SpecialTokens::default());
        let found = repair(engine, text, decoder.map_err(Failure::input)?).await;
        let found = found.map_err(|error: RunError<engine::Error>| Failure::of_causes(&error))?;
        found.net().into_iter().for_each(|net| nets.push(net));
    }
    Ok(reading(Instrument::Repair, nets))
}

fn reading(instrument: Instrument, moments: Moments) -> Reading {
    Reading { instrument, estimate: moments.estimate() }
}

/// What cannot be read without texts, or off this kind of model.
pub fn unread(instruments: impl IntoIterator<Item = Instrument>) -> impl Iterator<Item = Reading> {
    instruments.into_iter().map(|instrument| Reading { instrument, estimate: None::<Estimate> })
}

impl Noise {
    /// One chain on a word, and one draw; nothing for a model without a process.
    fn chain(&self, agreement: &mut Agreement, clean: TokenId, t: f64, steps: u32, seed: u32, slot: u32) {
        match self {
            Self::RareFirst(process) => agreement.push(process, clean, t, steps, seed, slot),
            Self::Tokens(noise) => agreement.push(noise.process(), clean, t, steps, seed, slot),
            Self::Gaussian(process) => {
                let norm = process.embedding(clean).iter().map(|x| x * x).sum::<f64>().sqrt();
                agreement.push_along(process.schedule(), norm, t, steps, seed, slot);
            }
            Self::None => {}
        }
    }
}
