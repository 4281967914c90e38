//! Settings to and from the query of the address.
//!
//! Only what differs from the default is written, and always the seed. Unknown keys and unreadable values are
//! ignored: a link from another version still opens.

use diffusion::DecodeSettings;
use diffusion::decode::Order;
use diffusion::schedule::Schedule;
use engine::BackendChoice;

use crate::session::models::ShippedModel;

use super::beside::Beside;
use super::decoder::overlaid;
use super::edits::Edits;
use super::percent::{decode, encode};
use super::{ColourBy, Quality, Rule, Settings};

/// Names of the choices: in a query, in menus and in the page's state as JSON.
pub(crate) trait Named: Copy + PartialEq + 'static {
    /// Every value and its name.
    const NAMES: &'static [(Self, &'static str)];

    /// The name.
    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(value, _)| *value == self).map_or("", |(_, name)| name)
    }

    /// The value with this name.
    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
    }
}

impl Named for Schedule {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Linear, "linear"),
        (Self::Cosine, "cosine"),
        (Self::LogLinear, "log_linear"),
        (Self::Geometric, "geometric"),
    ];
}

impl Named for Rule {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::SlotsPerCall, "slots"), (Self::Quota, "quota"), (Self::Ancestral, "ancestral")];
}

impl Named for Order {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Random, "random"),
        (Self::LeftToRight, "left_to_right"),
        (Self::Confidence, "confidence"),
        (Self::Margin, "margin"),
        (Self::Entropy, "entropy"),
        (Self::Halton, "halton"),
        (Self::Dilated, "dilated"),
    ];
}

impl Named for BackendChoice {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Auto, "auto"), (Self::WebGpu, "webgpu"), (Self::Cpu, "cpu"), (Self::Reference, "reference")];
}

impl Named for ColourBy {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::State, "state"),
        (Self::Confidence, "confidence"),
        (Self::Entropy, "entropy"),
        (Self::CommitTime, "time"),
        (Self::Revisions, "revisions"),
    ];
}

impl Named for Quality {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Fitting, "fitting"), (Self::Broken, "broken"), (Self::Surprise, "surprise")];
}

impl Named for ShippedModel {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Mask, "storyworld-mask"),
        (Self::Autoregressive, "storyworld-ar"),
        (Self::MaskUniform, "storyworld-mask-uniform"),
        (Self::Uniform, "storyworld-uniform"),
        (Self::MaskCart, "storyworld-mask-cart"),
        (Self::MaskSalience, "storyworld-mask-salience"),
        (Self::EnglishMask, "english-mask"),
        (Self::EnglishAutoregressive, "english-ar"),
        (Self::EnglishMaskUniform, "english-mask-uniform"),
        (Self::Gaussian, "storyworld-gaussian"),
    ];
}

impl Named for bool {
    const NAMES: &'static [(Self, &'static str)] = &[(true, "1"), (false, "0")];
}

impl Settings {
    /// Key and value of every setting, in the order in which a link shows them.
    fn pairs(&self) -> [(&'static str, String); 31] {
        [
            ("lab", self.lab.name().into()),
            ("model", self.model.name().into()),
            ("prompt", encode(&self.prompt)),
            ("text", encode(&self.text)),
            ("corruption", self.time.to_string()),
            ("schedule", self.schedule.name().into()),
            ("temperature", self.temperature.to_string()),
            ("rule", self.rule.name().into()),
            ("slots", self.slots.to_string()),
            ("steps", self.steps.to_string()),
            ("order", self.order.name().into()),
            ("top_k", self.top_k.to_string()),
            ("top_p", self.top_p.to_string()),
            ("suppress_end", self.suppress_end.name().into()),
            ("decoder", encode(&self.decoder)),
            ("length", self.length.to_string()),
            ("seed", self.seed.to_string()),
            ("edits", self.edits.to_query()),
            ("backend", self.backend.name().into()),
            ("colour", self.colour.name().into()),
            ("beside", self.beside.as_ref().map_or_else(String::new, |beside| encode(&beside.to_query()))),
            ("t", self.level.to_string()),
            ("weight", self.weight.to_string()),
            ("together", self.together.to_string()),
            ("jointly", self.jointly.to_string()),
            ("stories", self.stories.to_string()),
            ("trace", self.traced.name().into()),
            ("quality", self.quality.name().into()),
            ("at", self.looked_at.map_or_else(String::new, |temperature| temperature.to_string())),
            ("lesson", encode(&self.lesson)),
            ("language", encode(&self.language)),
        ]
    }

    /// What a fresh page has under a key of a link.
    pub fn usual(key: &str) -> Option<String> {
        Self::default().pairs().into_iter().find(|(known, _)| *known == key).map(|(_, value)| decode(&value))
    }

    /// The query of a link to these settings, without the question mark.
    pub fn to_query(&self) -> String {
        let default = Self::default().pairs();
        let told = |((key, value), (_, usual)): (&(&str, String), &(&str, String))| {
            (*key == "seed" || value != usual).then(|| format!("{key}={value}"))
        };
        self.pairs().iter().zip(&default).filter_map(told).collect::<Vec<_>>().join("&")
    }

    /// The settings of a link. What it does not say, or does not say clearly, is as by default.
    pub fn from_query(query: &str) -> Self {
        Self::default().with_query(query)
    }

    /// These settings with what a query says put in.
    pub fn with_query(&self, query: &str) -> Self {
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        self.clone().with(pairs.map(|(key, value)| (key, decode(value))))
    }

    /// These settings with some changed, by the keys of a link. Unknown keys and unreadable values change nothing.
    pub fn with<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        pairs.into_iter().for_each(|(key, value)| self.set(key, &value));
        self.clamped()
    }

    fn set(&mut self, key: &str, value: &str) {
        match key {
            "lab" => keep(&mut self.lab, Named::named(value)),
            "model" => {
                keep(&mut self.model, Named::named(value).filter(|model| ShippedModel::ALL.contains(model)));
            }
            "prompt" => value.clone_into(&mut self.prompt),
            "text" => value.clone_into(&mut self.text),
            "corruption" => keep(&mut self.time, value.parse().ok()),
            "schedule" => keep(&mut self.schedule, Named::named(value)),
            "temperature" => keep(&mut self.temperature, value.parse().ok()),
            "rule" => keep(&mut self.rule, Named::named(value)),
            "slots" => keep(&mut self.slots, value.parse().ok()),
            "steps" => keep(&mut self.steps, value.parse().ok()),
            "order" => keep(&mut self.order, Named::named(value)),
            "top_k" => keep(&mut self.top_k, value.parse().ok()),
            "top_p" => keep(&mut self.top_p, value.parse().ok()),
            "suppress_end" => keep(&mut self.suppress_end, Named::named(value)),
            "decoder" if overlaid(DecodeSettings::default(), value).is_ok() => {
                value.trim().clone_into(&mut self.decoder)
            }
            "length" => keep(&mut self.length, value.parse().ok()),
            "seed" => keep(&mut self.seed, value.parse().ok()),
            "edits" => keep(&mut self.edits, Edits::from_query(value)),
            "backend" => keep(&mut self.backend, Named::named(value)),
            "beside" => self.beside = Beside::from_query(value),
            "colour" => keep(&mut self.colour, Named::named(value)),
            "t" => keep(&mut self.level, value.parse().ok()),
            "weight" => keep(&mut self.weight, value.parse().ok()),
            "together" => keep(&mut self.together, value.parse().ok()),
            "jointly" => keep(&mut self.jointly, value.parse().ok()),
            "stories" => keep(&mut self.stories, value.parse().ok()),
            "trace" => keep(&mut self.traced, Named::named(value)),
            "quality" => keep(&mut self.quality, Named::named(value)),
            "at" => self.looked_at = value.parse().ok(),
            "lesson" => value.clone_into(&mut self.lesson),
            "language" => value.clone_into(&mut self.language),
            _ => {}
        }
    }
}

/// Takes the value if there is one.
fn keep<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::Lab;
    use crate::labs::corrupt::shown::Shown;

    fn everything_changed() -> Settings {
        Settings {
            lab: Lab::Trap,
            model: ShippedModel::Uniform,
            prompt: "the cat _ the mat".into(),
            text: "a & b = c, 100 %".into(),
            time: 0.35,
            schedule: Schedule::Cosine,
            temperature: 1.3,
            rule: Rule::Ancestral,
            slots: 5,
            steps: 12,
            order: Order::Entropy,
            top_k: 40,
            top_p: 0.9,
            suppress_end: true,
            decoder: r#"{"block_length": 8}"#.into(),
            length: 32,
            seed: u32::MAX,
            edits: Edits::from_query("12.5.417_14.3.-").unwrap(),
            backend: BackendChoice::Cpu,
            colour: ColourBy::CommitTime,
            beside: Beside::from_query("temperature:0.3"),
            level: 0.25,
            weight: 0.7,
            together: 3,
            jointly: 16,
            stories: 3,
            traced: Shown::Uniform,
            quality: Quality::Surprise,
            looked_at: Some(0.5),
            lesson: "the-marginal-trap".into(),
            language: "de".into(),
        }
    }

    #[test]
    fn a_link_reproduces_every_setting() {
        let settings = everything_changed();
        let default = Settings::default().pairs();
        let unchanged: Vec<_> = settings.pairs().into_iter().filter(|p| default.contains(p)).collect();
        assert!(unchanged.is_empty(), "this test must change every setting, not all but {unchanged:?}");
        assert_eq!(Settings::from_query(&settings.to_query()), settings);
    }

    #[test]
    fn every_choice_has_a_name_of_its_own() {
        fn check<T: Named + std::fmt::Debug>(all: &[T]) {
            for &value in all {
                assert_eq!(T::named(value.name()), Some(value));
            }
        }
        check(&Lab::ALL);
        check(&ShippedModel::ALL);
        check(&Schedule::ALL);
        check(&Rule::ALL);
        check(&Order::ALL);
        check(&ColourBy::ALL);
        check(&[BackendChoice::Auto, BackendChoice::WebGpu, BackendChoice::Cpu, BackendChoice::Reference]);
        check(&[true, false]);
    }

    #[test]
    fn the_default_is_a_short_link_with_its_seed() {
        assert_eq!(Settings::default().to_query(), "seed=9");
        assert_eq!(Settings::from_query(""), Settings::default());
    }

    #[test]
    fn what_cannot_be_read_is_as_by_default() {
        let settings = Settings::from_query(
            "slots=many&seed=-1&decoder=%7B&model=storyworld-gaussian&colour=red&new_thing=3&&top_p=2&corruption=NaN",
        );
        assert_eq!(settings, Settings::default());
    }
}
