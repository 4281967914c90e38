//! Frequency collapse behind the prompts: what the first call of a schedule expects, by distance to the nearest visible slot.

use anyhow::anyhow;
use diffusion::decode::{Decoder, Noise};
use diffusion::measure::collapse::{OverRuns, by_distance, over_runs};
use diffusion::{DecodeSettings, Denoiser, SpecialTokens, TokenId};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;

use super::report::Interval;
use super::runs::Runs;
use crate::failure::Failure;
use crate::prompt;

/// Number of tokens that count as common.
const COMMON: usize = 20;

/// What masked slots at one distance look like, over the prompts.
#[derive(Serialize)]
pub struct AtDistance {
    /// In slots.
    pub distance: u32,
    /// Mean entropy in bits.
    pub entropy_bits: Interval,
    /// Share of slots whose three best candidates are all among the commonest tokens, 0 to 1.
    pub collapsed: Interval,
}

/// Asks once behind every prompt; seeds do not change the first call. Nothing for fewer than two prompts, for noise of other kinds, or
/// where the file does not say how often its tokens occur.
pub async fn behind_prompts(
    engine: &mut Engine,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
) -> Result<Vec<AtDistance>, Failure> {
    let counts = runs.checkpoint.origin.token_counts.as_deref().unwrap_or_default();
    let is_masked = settings.noise == Noise::Mask && runs.checkpoint.config.process == Process::Mask;
    if !is_masked || counts.is_empty() || runs.prompts.len() < 2 {
        return Ok(Vec::new());
    }
    let common = commonest(counts);
    let mut calls = Vec::new();
    for text in runs.prompts {
        let start = prompt::start(runs.checkpoint, text, None, settings, None)?;
        let decoder = Decoder::new(settings.clone(), start.clone(), SpecialTokens::default());
        let mut decoder = decoder.map_err(Failure::input)?;
        let predictions =
            engine.predict(&decoder.query()).await.map_err(|error| Failure::Run(anyhow!("{error}")))?;
        let step = decoder.apply(&predictions).map_err(Failure::run)?;
        calls.push(by_distance(&step, &start, &common));
    }
    let line = |(distance, OverRuns { entropy_bits, collapsed })| AtDistance {
        distance,
        entropy_bits: Interval::of(entropy_bits),
        collapsed: Interval::of(collapsed),
    };
    Ok(over_runs(&calls).into_iter().map(line).collect())
}

/// The tokens that occur most often, of equals the smaller ids.
fn commonest(counts: &[u64]) -> Vec<TokenId> {
    let mut tokens: Vec<(u32, u64)> = (0..).zip(counts.iter().copied()).collect();
    tokens.sort_by_key(|&(token, count)| (std::cmp::Reverse(count), token));
    tokens.into_iter().take(COMMON).map(|(token, _)| TokenId(token)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_come_first_and_equals_by_id() {
        let mut counts = vec![1; 30];
        counts[25] = 9;
        let found = commonest(&counts);
        assert_eq!((found.len(), found[0], found[1], found[19]), (20, TokenId(25), TokenId(0), TokenId(18)));
    }
}
