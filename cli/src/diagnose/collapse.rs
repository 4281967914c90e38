//! Frequency collapse behind the prompts: what the first call of a schedule expects, by distance to the nearest visible slot.

use diffusion::decode::{Asker, Decoder, Noise};
use diffusion::measure::collapse::{OverRuns, by_distance, over_runs};
use diffusion::measure::decay::{self, e_folding_over_runs, kl_by_distance};
use diffusion::measure::unigram::{COMMON, commonest, smoothed};
use diffusion::{DecodeSettings, SpecialTokens};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;

use super::report::Interval;
use super::runs::Runs;
use crate::failure::Failure;
use crate::prompt;

/// Distances up to this one tell how fast the divergence from the unigram falls.
pub const FITTED: u32 = 16;

/// Frequency collapse in the schedule's first call, over the prompts.
#[derive(Default, Serialize)]
pub struct Collapse {
    /// By distance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collapse: Vec<AtDistance>,
    /// Distance in slots over which the divergence falls to 1/e; absent if it does not fall without every prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e_folding_slots: Option<Interval>,
}

/// What masked slots at one distance look like, over the prompts.
#[derive(Serialize)]
pub struct AtDistance {
    /// In slots.
    pub distance: u32,
    /// Mean entropy in bits.
    pub entropy_bits: Interval,
    /// Share of slots whose three best candidates are all among the commonest tokens, 0 to 1.
    pub collapsed: Interval,
    /// Mean divergence from the unigram in bits.
    pub kl_bits: Interval,
}

/// Asks twice behind every prompt, the second time for whole distributions; seeds do not change the first call. Nothing for fewer
/// than two prompts, for noise of other kinds, or where the file does not say how often its tokens occur.
pub async fn behind_prompts(
    engine: &mut Engine,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
) -> Result<Collapse, Failure> {
    let counts = runs.checkpoint.origin.token_counts.as_deref().unwrap_or_default();
    let is_masked = settings.noise == Noise::Mask && runs.checkpoint.config.process == Process::Mask;
    if !is_masked || counts.is_empty() || runs.prompts.len() < 2 {
        return Ok(Collapse::default());
    }
    let special = SpecialTokens::default();
    let unigram = smoothed(counts, counts.len(), special);
    let common = commonest(&unigram, COMMON);
    let (mut calls, mut divergences) = (Vec::new(), Vec::new());
    for text in runs.prompts {
        let start = prompt::start(runs.checkpoint, text, None, settings, None)?;
        let decoder = Decoder::new(settings.clone(), start.clone(), special);
        let mut decoder = decoder.map_err(Failure::input)?;
        let predictions = Asker::default().ask(engine, std::slice::from_ref(&decoder)).await;
        let predictions = predictions.map_err(|error| Failure::of_causes(&error))?;
        let step = decoder.apply(&predictions).map_err(Failure::run)?;
        calls.push(by_distance(&step, &start, &common));
        let divergence = kl_by_distance(engine, &start, &unigram, special).await;
        divergences.push(divergence.map_err(|error| Failure::of_causes(&error))?);
    }
    let kl_bits = decay::over_runs(&divergences);
    let line = |(distance, OverRuns { entropy_bits, collapsed })| {
        let [entropy_bits, collapsed] = [entropy_bits, collapsed].map(Interval::of);
        let kl_bits = Interval::of(*kl_bits.get(&distance)?);
        Some(AtDistance { distance, entropy_bits, collapsed, kl_bits })
    };
    Ok(Collapse {
        collapse: over_runs(&calls).into_iter().filter_map(line).collect(),
        e_folding_slots: e_folding_over_runs(&divergences, FITTED).map(Interval::of),
    })
}
