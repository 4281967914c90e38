//! The families side by side: one prompt, one seed, the same data and size, and the scorecard of each.

use std::sync::Arc;

use diffusion::decode::{Decoder, GaussianSettings, GaussianStep, run_batch, run_gaussian};
use diffusion::measure::scorecard::{Family, Instrument, Reading, scorecard, scorecard_of_vectors};
use diffusion::measure::{Estimate, Moments};
use diffusion::process::Gaussian;
use diffusion::{FullDenoiser, SpecialTokens, TokenId};
use model_loader::{ModelConfig, Tokenizer};
use storyworld::Violation;

use super::runs::{Trouble, decoder, state_at, text};
use crate::failure::Failure;
use crate::session::language::Language;
use crate::session::models::ShippedModel;
use crate::settings::Settings;
use crate::view::{Cell, columns, columns_of_vectors};

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
    /// The run with the visitor's seed, from its start. `// (calls + 1, positions)`
    pub columns: Vec<Vec<Cell>>,
    /// Its text up to the end.
    pub text: Vec<TokenId>,
    /// What is broken in it, where the language is known.
    pub violations: Option<Vec<Violation>>,
    /// Broken rules per text over all runs, where the language is known.
    pub broken: Option<Estimate>,
    /// What was read off all runs.
    pub readings: Vec<Reading>,
}

impl Member {
    /// Calls of the run that is shown.
    pub fn calls(&self) -> usize {
        self.columns.len().saturating_sub(1)
    }
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

/// Writes all texts of one family and reads the scorecard off them. `give_way` may pause between two parts of the reading.
///
/// # Errors
/// If the denoiser fails or is overtaken.
pub async fn write<D: FullDenoiser>(
    denoiser: &mut D,
    model: ShippedModel,
    language: &Language,
    config: &ModelConfig,
    decoders: Vec<Decoder>,
    mut give_way: impl AsyncFnMut(),
) -> Result<Member, Trouble<D::Error>> {
    let runs = run_batch(denoiser, decoders).await.map_err(Trouble::of)?;
    give_way().await;
    let readings = scorecard(&runs, engine::family(config)).map_err(|error| Trouble::Other(error.into()))?;
    let mut texts = Vec::new();
    for run in &runs {
        texts.push(text(&state_at(run, run.steps.len()).map_err(Trouble::Other)?));
    }
    let columns = runs.first().map(columns).unwrap_or_default();
    Ok(member(model, engine::family(config), columns, texts, readings, language, give_way).await)
}

/// The same for the model of noise on vectors. The knob makes as many calls as for the others, but never fewer than two.
///
/// # Errors
/// If the denoiser fails or is overtaken, or the visitor's words do not fit.
pub async fn write_vectors<D: FullDenoiser>(
    denoiser: &mut D,
    process: &Gaussian,
    language: &Language,
    config: &ModelConfig,
    settings: &Settings,
    give_way: impl AsyncFnMut(),
) -> Result<Member, Trouble<D::Error>> {
    let (decoder, _) = decoder(settings, language, config, settings.slots).map_err(Trouble::Other)?;
    let start = decoder.sequence();
    // The last call reads the tokens off.
    let steps = (start.masked_count() as u32).div_ceil(settings.slots.max(1)).saturating_sub(1).max(1);
    let mut runs = Vec::new();
    for run in 0..RUNS {
        let settings = GaussianSettings { seed: settings.seed.wrapping_add(run), steps };
        runs.push(
            run_gaussian(denoiser, process, start, settings, SpecialTokens::default())
                .await
                .map_err(Trouble::of_vectors)?,
        );
    }
    let end = SpecialTokens::default().end_of_text;
    let last = |run: &Vec<GaussianStep>| {
        let tokens = run.last().map(|step| step.tokens.iter());
        tokens.into_iter().flatten().copied().take_while(|token| *token != end).collect()
    };
    let texts = runs.iter().map(last).collect();
    let columns = runs.first().map(|run| columns_of_vectors(start, run)).unwrap_or_default();
    let runs: Vec<_> = runs.into_iter().map(|run| (start.clone(), run)).collect();
    let readings = scorecard_of_vectors(&runs);
    let family = engine::family(config);
    Ok(member(ShippedModel::Gaussian, family, columns, texts, readings, language, give_way).await)
}

async fn member(
    model: ShippedModel,
    family: Family,
    columns: Vec<Vec<Cell>>,
    mut texts: Vec<Vec<TokenId>>,
    mut readings: Vec<Reading>,
    language: &Language,
    give_way: impl AsyncFnMut(),
) -> Member {
    let found = language.violations_of_all(&texts, give_way).await;
    let broken = found.iter().map(|list| list.len() as f64).collect::<Moments>().estimate();
    readings.push(Reading { instrument: Instrument::Violations, estimate: broken });
    let violations = found.into_iter().next();
    Member { model, family, columns, text: texts.swap_remove(0), violations, broken, readings }
}
