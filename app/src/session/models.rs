//! The models that come with the page, and what each asks of a run.

use diffusion::decode::{DecodeSettings, Noise, Order, Parallelism};
use diffusion::measure::scorecard::Family;
use diffusion::schedule::Schedule;
use model_loader::{ModelConfig, Process};

use crate::settings::query::Named;

/// A shipped model: a language and a way of training. Those of one language share a backbone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShippedModel {
    /// Masked diffusion.
    #[default]
    Mask,
    /// One word after the other.
    Autoregressive,
    /// Masks and random words.
    MaskUniform,
    /// Random words.
    Uniform,
    /// Masked, trained with context-adaptive weights.
    MaskCart,
    /// Masked, trained to lose rare words first.
    MaskSalience,
    /// Masked, on natural English.
    EnglishMask,
    /// One byte pair after the other, on natural English.
    EnglishAutoregressive,
    /// Masks and random byte pairs, on natural English.
    EnglishMaskUniform,
    /// Noise on word vectors. Until the last call it has no tokens that a stage could show, so it is met beside the other families
    /// alone.
    Gaussian,
}

impl ShippedModel {
    /// Every model of the stage, in the order of the menu.
    pub const ALL: [Self; 9] = [
        Self::Mask,
        Self::Autoregressive,
        Self::MaskUniform,
        Self::Uniform,
        Self::MaskCart,
        Self::MaskSalience,
        Self::EnglishMask,
        Self::EnglishAutoregressive,
        Self::EnglishMaskUniform,
    ];

    /// The files of all models, that of the continuous family too.
    pub fn files() -> impl Iterator<Item = String> {
        Self::ALL.into_iter().chain([Self::Gaussian]).map(Self::path)
    }

    /// Its file, relative to the page, so that it works in any folder; a link names it as its folder is named.
    pub fn path(self) -> String {
        format!("models/{}/model.gguf", self.name())
    }
}

impl ShippedModel {
    /// Whether it writes natural English, and not storyworld.
    pub fn is_english(self) -> bool {
        matches!(self, Self::EnglishMask | Self::EnglishAutoregressive | Self::EnglishMaskUniform)
    }

    /// The models of its language that were trained on the same data at the same size, one of each family.
    pub fn families(self) -> &'static [Self] {
        if self.is_english() {
            &[Self::EnglishAutoregressive, Self::EnglishMask, Self::EnglishMaskUniform]
        } else {
            &[Self::Autoregressive, Self::Mask, Self::MaskUniform, Self::Uniform, Self::Gaussian]
        }
    }

    /// The paper's name for its kind.
    pub fn family(self) -> Family {
        match self {
            Self::Autoregressive | Self::EnglishAutoregressive => Family::Autoregressive,
            Self::Gaussian => Family::Continuous,
            _ => Family::Discrete,
        }
    }

    /// The autoregressive model of its language: the judge of texts.
    pub fn judge(self) -> Self {
        if self.is_english() { Self::EnglishAutoregressive } else { Self::Autoregressive }
    }

    /// Whether the order of decoding has a say in what it writes.
    pub fn hears_order(self) -> bool {
        !self.is_autoregressive() && !self.is_noisy()
    }

    /// Whether it takes words for noise, and steps back along its own process.
    pub fn is_noisy(self) -> bool {
        matches!(self, Self::MaskUniform | Self::Uniform | Self::EnglishMaskUniform)
    }

    /// Whether it writes one token after the other.
    pub fn is_autoregressive(self) -> bool {
        self == self.judge()
    }
}

/// The visitor's settings as this model can follow them: an autoregressive model knows one order only; a model of noisy
/// words steps back along its own process, in as many steps as the knob makes calls, and draws from whole distributions.
pub fn fitted(settings: DecodeSettings, config: &ModelConfig, length: usize) -> DecodeSettings {
    let words = engine::noise_words(config);
    let noise = match config.process {
        Process::Autoregressive => return DecodeSettings { order: Order::LeftToRight, ..settings },
        Process::Uniform => Noise::Uniform { words, greedy_tail: false },
        Process::MaskUniform { uniform_share } => {
            let uniform_share = f64::from(uniform_share);
            Noise::MaskUniform { words, uniform_share, greedy_tail: false }
        }
        Process::Mask | Process::Gaussian { .. } => return settings,
    };
    let steps = match settings.parallelism {
        Parallelism::Quota { steps, .. } | Parallelism::Ancestral { steps, .. } => steps,
        Parallelism::SlotsPerCall { slots } => (length as u32).div_ceil(slots.max(1)),
        _ => length as u32,
    };
    let parallelism = Parallelism::Ancestral { steps: steps.max(1), schedule: Schedule::Linear };
    let mut sampling = settings.sampling;
    (sampling.top_k, sampling.top_p) = (0, 1.0);
    DecodeSettings { noise, parallelism, sampling, order: Order::default(), ..settings }
}

#[cfg(test)]
pub(crate) mod tests {
    use model_loader::Checkpoint;

    use super::*;
    use crate::settings::{Rule, Settings};

    /// A shipped file.
    pub(crate) fn checkpoint(model: ShippedModel) -> Checkpoint {
        let path = format!("{}/../static/{}", env!("CARGO_MANIFEST_DIR"), model.path());
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Checkpoint::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn every_model_is_there_and_whatever_a_visitor_sets_fits_it() {
        for model in ShippedModel::ALL {
            let config = checkpoint(model).config;
            for rule in Rule::ALL {
                let settings = Settings { rule, top_k: 5, order: Order::Confidence, ..Settings::default() };
                let fitted = fitted(settings.decode(), &config, 64);
                fitted.validate().unwrap_or_else(|error| panic!("{model:?}, {rule:?}: {error}"));
            }
        }
    }

    #[test]
    fn the_families_of_a_language_share_its_words_and_have_one_judge() {
        for model in ShippedModel::ALL {
            let words = checkpoint(model).config.vocab_size;
            assert_eq!(model.family(), engine::family(&checkpoint(model).config), "{model:?}");
            assert!(model.families().contains(&model.judge()) && model.judge().is_autoregressive());
            assert_eq!(model.families().iter().filter(|family| family.is_autoregressive()).count(), 1);
            for family in model.families() {
                assert_eq!(checkpoint(*family).config.vocab_size, words, "{model:?} and {family:?}");
            }
        }
    }

    #[test]
    fn the_knob_counts_calls_for_noisy_words_too() {
        let config = checkpoint(ShippedModel::Uniform).config;
        let settings = Settings { slots: 6, ..Settings::default() }.decode();
        let Parallelism::Ancestral { steps, .. } = fitted(settings, &config, 64).parallelism else {
            panic!("noisy words are stepped back");
        };
        assert_eq!(steps, 11);
    }
}
