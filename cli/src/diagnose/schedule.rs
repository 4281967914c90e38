//! A decoding schedule of any family: how tokens are committed, or how vectors are stepped back.

use std::path::Path;

use anyhow::Context;
use diffusion::DecodeSettings;
use diffusion::decode::{GaussianSettings, Noise, Order, Parallelism};
use model_loader::Process;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read;
use crate::failure::Failure;
use crate::model::Model;

/// What a schedule file says, by the kind of model that it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Schedule {
    /// For models whose slots hold tokens.
    Tokens(Box<DecodeSettings>),
    /// For models of Gaussian noise.
    Vectors(GaussianSettings),
}

impl Schedule {
    /// From a file, its ranges checked, for this model; without one the default.
    pub fn read(file: Option<&Path>, model: &Model) -> Result<Self, Failure> {
        let (json, wrong) = match file {
            Some(file) => json_of(file)?,
            None => (Value::Object(Default::default()), "nothing".to_owned()),
        };
        Self::of(json, model, &wrong)
    }

    /// From JSON; `wrong` begins the sentence about what is none.
    pub fn of(json: Value, model: &Model, wrong: &str) -> Result<Self, Failure> {
        if matches!(model.checkpoint.config.process, Process::Gaussian { .. }) {
            let settings: GaussianSettings = serde_json::from_value(json)
                .with_context(|| format!("{wrong} of Gaussian noise: seed and steps"))
                .map_err(Failure::Input)?;
            settings.validate().map_err(Failure::input)?;
            return Ok(Self::Vectors(settings));
        }
        let settings = decoding(json, wrong)?;
        model.expect_fit(&settings)?;
        Ok(Self::Tokens(Box::new(settings)))
    }

    /// The baseline: one slot per call, the same draws of tokens, nothing else. Of masks a random slot, of an autoregressive model
    /// the next; noise is stepped back in as many steps as the window has slots.
    pub fn sequential(&self, model: &Model) -> Self {
        let steps = model.checkpoint.config.context_length as u32;
        match self {
            Self::Vectors(settings) => Self::Vectors(GaussianSettings { steps, ..*settings }),
            Self::Tokens(settings) => {
                let plain = DecodeSettings {
                    seed: settings.seed,
                    sampling: settings.sampling,
                    ..DecodeSettings::default()
                };
                let plain = match settings.noise {
                    Noise::Mask if model.checkpoint.config.process == Process::Autoregressive => {
                        DecodeSettings { order: Order::LeftToRight, ..plain }
                    }
                    Noise::Mask => plain,
                    noise => {
                        let schedule = diffusion::schedule::Schedule::Linear;
                        let parallelism = Parallelism::Ancestral { steps, schedule };
                        DecodeSettings { noise, parallelism, ..plain }
                    }
                };
                Self::Tokens(Box::new(plain))
            }
        }
    }
}

/// Decoding settings from a file, their ranges checked, for whatever model.
pub fn read_decoding(file: &Path) -> Result<DecodeSettings, Failure> {
    let (json, wrong) = json_of(file)?;
    decoding(json, &wrong)
}

fn decoding(json: Value, wrong: &str) -> Result<DecodeSettings, Failure> {
    let settings: DecodeSettings =
        serde_json::from_value(json).with_context(|| wrong.to_owned()).map_err(Failure::Input)?;
    settings.validate().map_err(Failure::input)?;
    Ok(settings)
}

/// A file's JSON, and the beginning of the sentence about what is no schedule.
fn json_of(file: &Path) -> Result<(Value, String), Failure> {
    let wrong = format!("{} is no schedule", file.display());
    let json = serde_json::from_str(&read(file)?).with_context(|| wrong.clone()).map_err(Failure::Input)?;
    Ok((json, wrong))
}
