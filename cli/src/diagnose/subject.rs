//! What is put under test: a schedule, alone, under guides, or with an autoregressive model that writes along.

use std::rc::Rc;

use anyhow::anyhow;
use diffusion::guide::Guides;
use diffusion::hybrid::Hybrid;
use serde::Serialize;

use super::schedule::Schedule;
use crate::failure::Failure;
use crate::guides::Guiding;
use crate::model::{Identity, Model};

/// What writes texts.
pub struct Subject {
    /// How slots are written.
    pub schedule: Schedule,
    /// What changes the model's word.
    pub guiding: Option<Rc<Guiding>>,
    /// What writes along.
    pub hybrid: Option<Hybrid>,
    /// Seeds from one text to the next: a hybrid may take several for one.
    pub seed_stride: u32,
}

/// Its description, as reports print it.
#[derive(Clone, Serialize)]
pub struct Description {
    /// Decoding settings.
    pub schedule: Schedule,
    /// Those of the baseline too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guides: Option<Guides>,
    /// Not part of the baseline, which is the mask model alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hybrid: Option<Hybrid>,
    /// The second model of a hybrid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoregressive: Option<Identity>,
}

impl Subject {
    /// Refuses what does not go together, before anything is run.
    pub fn new(
        schedule: Schedule,
        guides: Option<Guides>,
        hybrid: Option<Hybrid>,
        model: &Model,
    ) -> Result<Self, Failure> {
        let length = model.checkpoint.config.context_length;
        let guiding = match &schedule {
            Schedule::Vectors(_) if guides.is_some() || hybrid.is_some() => {
                let file = &model.identity.file;
                return Err(Failure::Input(anyhow!(
                    "{file} undoes noise on vectors: found guides or a hybrid, expected a schedule only"
                )));
            }
            Schedule::Vectors(_) => None,
            Schedule::Tokens(settings) => {
                if let Some(hybrid) = &hybrid {
                    hybrid.validate().and_then(|()| hybrid.fits(settings)).map_err(Failure::input)?;
                }
                guides.map(|guides| Guiding::new(guides, model, settings, length)).transpose()?
            }
        };
        let seed_stride = hybrid.map_or(1, |hybrid| hybrid.seeds_per_text());
        Ok(Self { schedule, guiding: guiding.map(Rc::new), hybrid, seed_stride })
    }

    /// The baseline: one slot per call of the model alone, under the same guides, with the same seeds.
    pub fn sequential(&self, model: &Model) -> Self {
        Self {
            schedule: self.schedule.sequential(model),
            guiding: self.guiding.clone(),
            hybrid: None,
            ..*self
        }
    }

    /// As reports print it.
    pub fn description(&self, autoregressive: Option<&Model>) -> Description {
        Description {
            schedule: self.schedule.clone(),
            guides: self.guiding.as_ref().map(|guiding| guiding.guides.clone()),
            hybrid: self.hybrid,
            autoregressive: autoregressive.map(|model| model.identity.clone()),
        }
    }
}

impl Description {
    /// A line for people about what there is beside the schedule.
    pub fn page(&self) -> String {
        match (&self.guides, &self.hybrid, &self.autoregressive) {
            (Some(Guides { scale, rules }), ..) => {
                format!("under guides, and so is one per call: scale {scale}, {} rules\n", rules.len())
            }
            (None, Some(_), Some(other)) => {
                format!("a hybrid with {}; one per call is the mask model alone\n", other.file)
            }
            _ => String::new(),
        }
    }
}

impl From<Schedule> for Description {
    /// Of a schedule alone.
    fn from(schedule: Schedule) -> Self {
        Self { schedule, guides: None, hybrid: None, autoregressive: None }
    }
}
