//! Which controls have no say in what is written, and why: the one place that knows. A control that rests says so.

use super::{Rule, Settings};
use crate::labs::Lab;
use crate::texts::say;

/// A control that something else may overrule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// How daring each guess is.
    Temperature,
    /// The third knob.
    Parallelism,
    /// What the third knob counts.
    Rule,
    /// How fast the corruption proceeds.
    Schedule,
    /// Which slots go first.
    Order,
    /// Among how many best tokens is drawn.
    TopK,
    /// From how much mass is drawn.
    TopP,
    /// Whether the end of the text is never predicted.
    SuppressEnd,
    /// The box for any decoder.
    Decoder,
}

/// What decides in place of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// The visitor's JSON names it.
    Decoder,
    /// The model knows one way only.
    Model,
    /// At temperature 0 the best token is taken, whatever else could be drawn.
    BestOnly,
    /// Nothing follows a schedule: the knob counts slots, and no text is hidden in part.
    NoSteps,
}

impl Because {
    /// One sentence for the visitor.
    pub fn says(self) -> &'static str {
        match self {
            Self::Decoder => say("rests.decoder"),
            Self::Model => say("rests.model"),
            Self::BestOnly => say("rests.best-only"),
            Self::NoSteps => say("rests.no-steps"),
        }
    }
}

impl Settings {
    /// Why a control has no say now; none if it has.
    pub fn rests(&self, control: Control) -> Option<Because> {
        match control {
            Control::Temperature => self.overruled("sampling.temperature"),
            Control::Parallelism | Control::Rule => self.overruled("parallelism"),
            Control::Schedule => self.schedule_rests(),
            Control::Order => self.order_rests(),
            Control::TopK => self.filter_rests("sampling.top_k"),
            Control::TopP => self.filter_rests("sampling.top_p"),
            Control::SuppressEnd => self.overruled("sampling.suppress_end_of_text"),
            Control::Decoder => (!self.model.hears_order()).then_some(Because::Model),
        }
    }

    /// Whether the visitor's JSON decides a field; parts of a field behind a point. Labs keep to the knobs.
    fn overruled(&self, field: &str) -> Option<Because> {
        (self.lab == Lab::Generate && self.decoder_names(field)).then_some(Because::Decoder)
    }

    fn order_rests(&self) -> Option<Because> {
        match self.lab {
            // There are masks among them, whatever the model of the other labs.
            Lab::Families => None,
            _ if !self.model.hears_order() => Some(Because::Model),
            _ => self.overruled("order"),
        }
    }

    fn schedule_rests(&self) -> Option<Because> {
        let hides_in_part = self.time > 0.0 && self.time < 1.0 && !self.text.trim().is_empty();
        match self.overruled("parallelism") {
            _ if hides_in_part => None,
            None if self.model.is_noisy() => Some(Because::Model),
            None if self.rule == Rule::SlotsPerCall => Some(Because::NoSteps),
            because => because,
        }
    }

    /// For what is drawn from.
    fn filter_rests(&self, field: &str) -> Option<Because> {
        match self.overruled(field) {
            None if self.model.is_noisy() => Some(Because::Model),
            None if self.decode().sampling.temperature == 0.0 => Some(Because::BestOnly),
            because => because,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use diffusion::decode::{DecodeSettings, Order};
    use diffusion::schedule::Schedule;
    use diffusion::{Sequence, SpecialTokens};
    use model_loader::ModelConfig;

    use super::*;
    use crate::session::models::tests::checkpoint;
    use crate::session::models::{ShippedModel, fitted};
    use crate::session::start::start;
    use crate::session::start::tests::tokenizer;
    use crate::settings::decoder::PRESETS;

    const ALL: [Control; 9] = [
        Control::Temperature,
        Control::Parallelism,
        Control::Rule,
        Control::Schedule,
        Control::Order,
        Control::TopK,
        Control::TopP,
        Control::SuppressEnd,
        Control::Decoder,
    ];

    /// Names all that the box can overrule.
    const SAMPLING: &str =
        r#"{"sampling": {"temperature": 0.5, "top_k": 7, "top_p": 0.5, "suppress_end_of_text": true}}"#;

    /// The same settings with the control turned to something else.
    fn turned(settings: &Settings, control: Control) -> Settings {
        let mut other = settings.clone();
        match control {
            Control::Temperature => other.temperature += 0.4,
            Control::Parallelism => (other.slots, other.steps) = (5, 11),
            Control::Rule => {
                let counts_slots = settings.rule == Rule::SlotsPerCall;
                other.rule = if counts_slots { Rule::Quota } else { Rule::SlotsPerCall };
            }
            Control::Schedule => other.schedule = Schedule::Geometric,
            Control::Order => other.order = Order::Margin,
            Control::TopK => other.top_k += 3,
            Control::TopP => other.top_p = 0.3,
            Control::SuppressEnd => other.suppress_end ^= true,
            Control::Decoder => other.decoder = r#"{"block_length": 16}"#.into(),
        }
        other
    }

    /// All that a run is made of.
    fn run(settings: &Settings, config: &ModelConfig) -> (DecodeSettings, Vec<Sequence>) {
        let mut decode = fitted(settings.decode(), config, settings.length);
        // At temperature 0 nothing is drawn, so it is the same run whatever it could be drawn from.
        if decode.sampling.temperature == 0.0 {
            (decode.sampling.top_k, decode.sampling.top_p) = (0, 1.0);
        }
        let begin =
            |seed| start(&Settings { seed, ..settings.clone() }, &tokenizer(), SpecialTokens::default());
        (decode, (0..20).map(|seed| begin(seed).unwrap().sequence).collect())
    }

    fn configs() -> &'static [(ShippedModel, ModelConfig)] {
        static CONFIGS: OnceLock<Vec<(ShippedModel, ModelConfig)>> = OnceLock::new();
        CONFIGS.get_or_init(|| ShippedModel::ALL.map(|model| (model, checkpoint(model).config)).to_vec())
    }

    /// Settings of the stage that differ in whatever may overrule a control.
    fn many() -> Vec<Settings> {
        let decoders = ["", SAMPLING].into_iter().chain(PRESETS.map(|(_, json)| json));
        let mut all = Vec::new();
        for decoder in decoders {
            for rule in Rule::ALL {
                for (temperature, time) in [(0.8, 1.0), (0.0, 1.0), (0.8, 0.5), (0.8, 0.0)] {
                    let text = "the cat sat on the mat .".into();
                    let decoder = decoder.into();
                    all.push(Settings { decoder, rule, temperature, time, text, ..Settings::default() });
                }
            }
        }
        all
    }

    #[test]
    fn a_control_rests_exactly_where_turning_it_changes_no_run() {
        for (model, config) in configs() {
            for settings in many() {
                let settings = Settings { model: *model, ..settings };
                for control in ALL {
                    let same = run(&settings, config) == run(&turned(&settings, control), config);
                    assert_eq!(
                        settings.rests(control).is_some(),
                        same,
                        "{control:?} of {model:?}, {:?}, t = {}, T = {}, decoder {:?}",
                        settings.rule,
                        settings.time,
                        settings.temperature,
                        settings.decoder,
                    );
                }
            }
        }
    }

    #[test]
    fn labs_keep_to_the_knobs_and_the_families_hear_an_order() {
        let decoder: String = r#"{"order": "margin"}"#.into();
        let of = |lab, model| Settings { lab, model, decoder: decoder.clone(), ..Settings::default() };
        let order = |lab, model| of(lab, model).rests(Control::Order);
        assert_eq!(order(Lab::Generate, ShippedModel::Mask), Some(Because::Decoder));
        assert_eq!(order(Lab::Frontier, ShippedModel::Mask), None);
        assert_eq!(order(Lab::Frontier, ShippedModel::Uniform), Some(Because::Model));
        assert_eq!(order(Lab::Families, ShippedModel::Uniform), None);
    }
}
