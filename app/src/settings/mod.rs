//! What the visitor wants, as one plain value. A link carries all of it, so a link reproduces the page.

pub mod beside;
pub mod decoder;
pub mod edits;
pub mod percent;
pub mod query;
pub mod rests;

use diffusion::decode::{DecodeSettings, Order, Parallelism, Sampling};
use diffusion::schedule::Schedule;
use engine::BackendChoice;

use self::beside::Beside;
use self::edits::Edits;
use crate::labs::Lab;
use crate::labs::corrupt::shown::Shown;
use crate::session::models::ShippedModel;

/// Fewest and most slots of a run; the shipped model was trained on windows of 64.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;
/// Highest temperature of the knob.
pub const HIGHEST_TEMPERATURE: f32 = 2.0;
/// A run begins at a time above zero: at zero there would be nothing to undo.
pub const EARLIEST_TIME: f64 = 0.01;

/// Weights that the Trap lab's corpus can give its first sentence; both must stay possible.
pub const WEIGHTS: std::ops::RangeInclusive<f64> = 0.05..=0.95;
/// Texts per setting of the Frontier lab; an error bar takes two.
pub const STORIES: std::ops::RangeInclusive<u32> = 2..=64;
/// Words of a sentence of that corpus.
pub const TOY_WORDS: u32 = 3;

/// The text that the corruption knob works on until the visitor writes their own: a held-out story of the language
/// that the model was trained on.
pub const OWN_TEXT: &str = "One day, Ivy broke her silver lamp. Crack! It was very loud. She told her grandpa the \
truth. \"We can mend it,\" said Mia. Ivy danced with joy.";

/// What the colour of a slot says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourBy {
    /// Given, masked, just committed or committed.
    #[default]
    State,
    /// Probability of the token shown, or of the best candidate while masked.
    Confidence,
    /// Entropy of the slot's distribution.
    Entropy,
    /// The call in which the slot was committed.
    CommitTime,
    /// How often the slot's word was taken back.
    Revisions,
}

impl ColourBy {
    /// Every choice, in the order of the menu.
    pub const ALL: [Self; 5] =
        [Self::State, Self::Confidence, Self::Entropy, Self::CommitTime, Self::Revisions];
}

/// What Frontier's first chart shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Broken rules where they are known, else surprise.
    #[default]
    Fitting,
    /// Broken rules per text.
    Broken,
    /// Bits per token under the autoregressive model.
    Surprise,
}

/// How many slots one call commits: the rule behind the knob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// The knob counts slots per call.
    #[default]
    SlotsPerCall,
    /// The knob counts calls, with a quota of slots for each along the schedule.
    Quota,
    /// The knob counts steps of ancestral sampling.
    Ancestral,
}

impl Rule {
    /// Every rule, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::SlotsPerCall, Self::Quota, Self::Ancestral];
}

/// Everything that a visitor can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which tab is open.
    pub lab: Lab,
    /// Which model writes.
    pub model: ShippedModel,
    /// Words that stay as they are; `_` stands for one hidden slot.
    pub prompt: String,
    /// The visitor's text, which follows the prompt and is corrupted.
    pub text: String,
    /// Time at which the starting state is drawn: 0 clean, 1 pure noise.
    pub time: f64,
    /// How fast the corruption proceeds in time.
    pub schedule: Schedule,
    /// Softmax temperature of the draws; 0 takes the most probable token.
    pub temperature: f32,
    /// What the parallelism knob counts.
    pub rule: Rule,
    /// Slots per call under [`Rule::SlotsPerCall`].
    pub slots: u32,
    /// Steps under the other rules.
    pub steps: u32,
    /// Which slots go first.
    pub order: Order,
    /// Draw among so many best tokens; 0 is off.
    pub top_k: u32,
    /// Draw from the smallest set of best tokens with this mass; 1 is off.
    pub top_p: f32,
    /// Never predict the end of the text.
    pub suppress_end: bool,
    /// What takes the place of the knobs, as JSON ([`decoder`]); empty for none.
    pub decoder: String,
    /// Slots of the window.
    pub length: usize,
    /// Seed of every random decision.
    pub seed: u32,
    /// What the visitor changed by hand in the run.
    pub edits: Edits,
    /// Which executor is wanted.
    pub backend: BackendChoice,
    /// What colour says.
    pub colour: ColourBy,
    /// What another run beside this one has otherwise.
    pub beside: Option<Beside>,
    /// Time at which the Corrupt lab shows the text: 0 clean, 1 pure noise.
    pub level: f64,
    /// Weight of "He likes apple" in the Trap lab's corpus.
    pub weight: f64,
    /// Words that the Trap lab's corpus draws in its first call.
    pub together: u32,
    /// Slots per call that the Trap lab compares with one.
    pub jointly: u32,
    /// Texts per setting of the Frontier lab.
    pub stories: u32,
    /// The process whose trajectory Corrupt follows.
    pub traced: Shown,
    /// What Frontier's first chart shows.
    pub quality: Quality,
    /// The temperature at which Frontier is looked at; none for the knob's.
    pub looked_at: Option<f32>,
    /// The lesson that is open, by the name of its file; empty for none.
    pub lesson: String,
    /// The translation of the page's texts, by the name of its file; empty for English.
    pub language: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lab: Lab::default(),
            model: ShippedModel::default(),
            prompt: String::new(),
            text: OWN_TEXT.to_owned(),
            time: 1.0,
            schedule: Schedule::Linear,
            temperature: 0.8,
            rule: Rule::SlotsPerCall,
            slots: 1,
            steps: 16,
            order: Order::Random,
            top_k: 0,
            top_p: 1.0,
            suppress_end: false,
            decoder: String::new(),
            length: *LENGTHS.end(),
            seed: 9,
            edits: Edits::default(),
            backend: BackendChoice::Auto,
            colour: ColourBy::State,
            beside: None,
            level: 0.5,
            weight: 0.5,
            together: 2,
            jointly: 8,
            stories: 6,
            traced: Shown::default(),
            quality: Quality::default(),
            looked_at: None,
            lesson: String::new(),
            language: String::new(),
        }
    }
}

impl Settings {
    /// The decoder that the visitor asks for: what their JSON says, and the knobs for the rest. What does not go together is found when a
    /// run begins, and told. Models that know one order only go by their own rules, whatever the JSON says.
    pub fn decode(&self) -> DecodeSettings {
        if !self.model.hears_order() {
            return self.knobs();
        }
        decoder::overlaid(self.knobs(), &self.decoder).unwrap_or_else(|_| self.knobs())
    }

    /// Whether the visitor's JSON decides a field, whatever the knobs say; parts of a field behind a point.
    fn decoder_names(&self, field: &str) -> bool {
        self.model.hears_order() && decoder::names(&self.decoder, field)
    }

    /// What the knobs alone say; always valid.
    pub fn knobs(&self) -> DecodeSettings {
        let parallelism = match self.rule {
            Rule::SlotsPerCall => Parallelism::SlotsPerCall { slots: self.slots },
            Rule::Quota => Parallelism::Quota { steps: self.steps, schedule: self.schedule },
            Rule::Ancestral => Parallelism::Ancestral { steps: self.steps, schedule: self.schedule },
        };
        DecodeSettings {
            seed: self.seed,
            order: self.order,
            parallelism,
            sampling: Sampling {
                temperature: self.temperature,
                top_k: self.top_k,
                top_p: self.top_p,
                suppress_end_of_text: self.suppress_end,
            },
            start_time: self.time.max(EARLIEST_TIME),
            ..DecodeSettings::default()
        }
    }

    /// The same settings with every number in its range, as the controls would have it.
    pub fn clamped(mut self) -> Self {
        let number = |value: f64, low: f64, high: f64, default: f64| {
            if value.is_finite() { value.clamp(low, high) } else { default }
        };
        let default = Self::default();
        let highest = f64::from(HIGHEST_TEMPERATURE);
        self.time = number(self.time, 0.0, 1.0, default.time);
        self.temperature =
            number(f64::from(self.temperature), 0.0, highest, f64::from(default.temperature)) as f32;
        self.top_p = number(f64::from(self.top_p), 0.01, 1.0, 1.0) as f32;
        self.length = self.length.clamp(*LENGTHS.start(), *LENGTHS.end());
        let most = *LENGTHS.end() as u32;
        self.slots = self.slots.clamp(1, most);
        self.steps = self.steps.clamp(1, most);
        self.level = number(self.level, 0.0, 1.0, default.level);
        self.weight = number(self.weight, *WEIGHTS.start(), *WEIGHTS.end(), default.weight);
        self.together = self.together.clamp(1, TOY_WORDS);
        self.jointly = self.jointly.clamp(2, most);
        self.looked_at = self.looked_at.filter(|t| (0.0..=HIGHEST_TEMPERATURE).contains(t));
        self.stories = self.stories.clamp(*STORIES.start(), *STORIES.end());
        self
    }

    /// Whether a change from `self` to `other` asks for a new run; colours do not, nor what only a lab reads.
    pub fn same_run(&self, other: &Self) -> bool {
        self.of_run() == other.of_run()
    }

    /// Only what decides a run; the rest as by default.
    pub fn of_run(&self) -> Self {
        let none = Self::default();
        Self {
            lab: none.lab,
            colour: none.colour,
            beside: none.beside,
            level: none.level,
            weight: none.weight,
            together: none.together,
            jointly: none.jointly,
            stories: none.stories,
            traced: none.traced,
            quality: none.quality,
            looked_at: none.looked_at,
            lesson: none.lesson,
            language: none.language,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_visitor_can_set_is_valid_for_the_decoder() {
        for rule in Rule::ALL {
            for time in [0.0, 0.5, 1.0] {
                let settings = Settings { rule, time, ..Settings::default() };
                settings.decode().validate().unwrap();
            }
        }
    }

    #[test]
    fn clamping_brings_any_number_into_range() {
        let wild = Settings {
            time: f64::NAN,
            temperature: f32::INFINITY,
            top_p: -1.0,
            slots: 0,
            steps: 9999,
            length: 1,
            ..Settings::default()
        };
        let tame = wild.clamped();
        tame.decode().validate().unwrap();
        assert_eq!((tame.time, tame.temperature, tame.length), (1.0, Settings::default().temperature, 8));
        assert_eq!((tame.slots, tame.steps), (1, 64));
    }

    #[test]
    fn colour_is_no_reason_for_a_new_run_and_a_seed_is() {
        let settings = Settings::default();
        assert!(settings.same_run(&Settings { colour: ColourBy::Entropy, ..settings.clone() }));
        assert!(!settings.same_run(&Settings { seed: 2, ..settings.clone() }));
    }
}
