//! A second run beside the first: the same but for one setting.

use diffusion::decode::Order;

use super::edits::Edits;
use super::query::Named;
use super::{Rule, Settings};
use crate::session::models::ShippedModel;

/// What a second run may have otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob {
    /// How much is hidden at the start.
    Corruption,
    /// How daring each guess is.
    Temperature,
    /// What the third knob counts, by the rule that is set.
    Parallelism,
    /// Which slots go first.
    Order,
    /// Which model writes.
    Model,
    /// What was changed by hand.
    Edits,
}

impl Named for Knob {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Temperature, "temperature"),
        (Self::Parallelism, "parallelism"),
        (Self::Corruption, "corruption"),
        (Self::Order, "order"),
        (Self::Model, "model"),
        (Self::Edits, "edits"),
    ];
}

/// The setting and the value that the second run has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Which.
    pub knob: Knob,
    /// Its value, as a link writes it.
    pub value: String,
}

impl Beside {
    /// A value that is worth a look beside what is set.
    pub fn suggested(knob: Knob, settings: &Settings) -> Self {
        let value = match knob {
            Knob::Temperature => if settings.temperature > 0.0 { "0" } else { "1" }.into(),
            Knob::Parallelism => match (settings.rule, settings.slots, settings.steps) {
                (Rule::SlotsPerCall, 1, _) => "8".into(),
                (Rule::SlotsPerCall, ..) => "1".into(),
                (_, _, 4) => "16".into(),
                _ => "4".into(),
            },
            Knob::Corruption => if settings.time < 1.0 { "1" } else { "0.5" }.into(),
            Knob::Order if settings.order == Order::Random => Order::Confidence.name().into(),
            Knob::Order => Order::Random.name().into(),
            Knob::Model => other_model(settings.model).name().into(),
            Knob::Edits => Edits::default().to_query(),
        };
        Self { knob, value }
    }

    /// As a link writes it.
    pub fn to_query(&self) -> String {
        format!("{}:{}", self.knob.name(), self.value)
    }

    /// Reads what [`to_query`](Self::to_query) writes.
    pub fn from_query(value: &str) -> Option<Self> {
        let (knob, value) = value.split_once(':')?;
        Some(Self { knob: Named::named(knob)?, value: value.to_owned() })
    }

    /// The key of the setting in a link.
    fn key(&self, settings: &Settings) -> &'static str {
        match (self.knob, settings.rule) {
            (Knob::Parallelism, Rule::SlotsPerCall) => "slots",
            (Knob::Parallelism, _) => "steps",
            (knob, _) => knob.name(),
        }
    }
}

/// Another of its language that the stage runs: only there do both have the same words.
fn other_model(model: ShippedModel) -> ShippedModel {
    let others =
        model.families().iter().copied().filter(|other| *other != model && ShippedModel::ALL.contains(other));
    others.rev().find(|other| !other.is_autoregressive()).unwrap_or(model)
}

impl Settings {
    /// The settings of the run beside this one, if there is to be one.
    pub fn second(&self) -> Option<Self> {
        let beside = self.beside.as_ref()?;
        let second = Self { beside: None, ..self.clone() };
        let second = second.with([(beside.key(self), beside.value.clone())]);
        (second.model.is_english() == self.model.is_english()).then_some(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(beside: &str) -> Settings {
        Settings { beside: Beside::from_query(beside), ..Settings::default() }
    }

    #[test]
    fn the_second_run_has_one_setting_otherwise() {
        let second = with("temperature:0").second().unwrap();
        assert_eq!(second, Settings { temperature: 0.0, ..Settings::default() });
        assert_eq!(with("parallelism:8").second().unwrap().slots, 8);
        let steps = Settings { rule: Rule::Quota, ..with("parallelism:8") };
        assert_eq!(steps.second().unwrap().steps, 8);
        assert_eq!(with("model:english-mask").second(), None, "other words cannot be compared");
        assert_eq!(Settings::default().second(), None);
        let edits = Edits::from_query("2.3.9").unwrap();
        assert_eq!(Settings { edits, ..with("edits:") }.second().unwrap().edits, Edits::default());
    }

    #[test]
    fn what_is_suggested_differs_and_comes_back_from_a_link() {
        for (knob, _) in Knob::NAMES {
            let edits = Edits::from_query("2.3.9").unwrap();
            let settings = Settings { edits, ..Settings::default() };
            let beside = Beside::suggested(*knob, &settings);
            assert_eq!(Beside::from_query(&beside.to_query()), Some(beside.clone()));
            let second = Settings { beside: Some(beside), ..settings.clone() }.second().unwrap();
            assert!(!second.same_run(&settings), "{knob:?}");
        }
    }

    #[test]
    fn what_is_no_knob_is_no_second_run() {
        assert_eq!([with("seed:4").beside, with("temperature").beside, with("").beside], [None, None, None]);
    }
}
