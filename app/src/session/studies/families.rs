//! The families side by side: one prompt, one seed, the same data and size, and the scorecard of each.

use std::sync::Arc;

use diffusion::decode::{Decoder, Trajectory, run_batch};
use diffusion::measure::scorecard::{Family, Instrument, Reading, scorecard};
use diffusion::measure::{Estimate, Moments};
use diffusion::{Denoiser, TokenId};
use model_loader::{ModelConfig, Tokenizer};
use storyworld::Violation;

use super::runs::{Trouble, decoder, state_at, text};
use crate::failure::Failure;
use crate::session::language::Language;
use crate::session::models::ShippedModel;
use crate::settings::Settings;

/// Texts of each family: the one that is shown, and others for the standard errors.
pub const RUNS: u32 = 4;

/// All families that are done so far.
#[derive(Clone, Debug)]
pub struct Families {
    /// In the order of the page.
    pub members: Vec<Member>,
    /// Names of tokens.
    pub words: Arc<Tokenizer>,
    /// Words of the prompt that the models do not know.
    pub unknown: Vec<String>,
}

/// What one family made of the prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Which model.
    pub model: ShippedModel,
    /// The paper's name for its kind.
    pub family: Family,
    /// The run with the visitor's seed.
    pub trajectory: Trajectory,
    /// Its text up to the end.
    pub text: Vec<TokenId>,
    /// What is broken in it, where the language is known.
    pub violations: Option<Vec<Violation>>,
    /// Broken rules per text over all runs, where the language is known.
    pub broken: Option<Estimate>,
    /// What was read off all runs.
    pub readings: Vec<Reading>,
}

/// Decoders of one family: the visitor's seed and the next ones. An autoregressive model writes one slot per call.
///
/// # Errors
/// If the visitor's words do not fit.
pub fn decoders(
    settings: &Settings,
    model: ShippedModel,
    language: &Language,
    config: &ModelConfig,
) -> Result<(Vec<Decoder>, Vec<String>), Failure> {
    let slots = if model.is_autoregressive() { 1 } else { settings.slots };
    let mut unknown = Vec::new();
    let one = |run: u32| {
        let settings = Settings { seed: settings.seed.wrapping_add(run), ..settings.clone() };
        let (decoder, words) = decoder(&settings, language, config, slots)?;
        unknown = words;
        Ok(decoder)
    };
    let decoders = (0..RUNS).map(one).collect::<Result<_, Failure>>()?;
    Ok((decoders, unknown))
}

/// Writes all texts of one family and reads the scorecard off them.
///
/// # Errors
/// If the denoiser fails or is overtaken.
pub async fn write<D: Denoiser>(
    denoiser: &mut D,
    model: ShippedModel,
    language: &Language,
    config: &ModelConfig,
    decoders: Vec<Decoder>,
) -> Result<Member, Trouble<D::Error>> {
    let runs = run_batch(denoiser, decoders).await.map_err(Trouble::of)?;
    let mut readings = scorecard(&runs).map_err(|error| Trouble::Other(error.into()))?;
    let mut texts = Vec::new();
    for run in &runs {
        texts.push(text(&state_at(run, run.steps.len()).map_err(Trouble::Other)?));
    }
    let broken = texts.iter().filter_map(|text| language.violations(text)).map(|list| list.len() as f64);
    let broken = broken.collect::<Moments>().estimate();
    readings.push(Reading { instrument: Instrument::Violations, estimate: broken });
    let text = texts.swap_remove(0);
    let violations = language.violations(&text);
    let trajectory =
        runs.into_iter().next().unwrap_or_else(|| unreachable!("at least one run was asked for"));
    Ok(Member { model, family: engine::family(config), trajectory, text, violations, broken, readings })
}
