//! The forward processes that the lab compares, and what each makes of the visitor's text.

use diffusion::measure::information::Jumps;
use diffusion::measure::surprisal::{carried_bits, told_bits};
use diffusion::process::{ForwardProcess, ProcessDescription, Setting, SlotProcess, TextProcess};
use diffusion::random::{Purpose, Stream};
use diffusion::schedule::Schedule;
use diffusion::{SpecialTokens, TokenId};

use crate::session::studies::surprisal::Surprisal;
use crate::settings::query::Named;

/// Points of a curve over time.
pub const GRID: u32 = 100;

/// A process that the lab shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Words are hidden, all alike.
    #[default]
    Mask,
    /// Words that tell much are hidden first.
    Informed,
    /// Words are hidden, or replaced by others.
    MaskUniform,
    /// Words are replaced by others.
    Uniform,
    /// Words are vectors, and noise is added to them.
    Gaussian,
}

impl Named for Shown {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Mask, "mask"),
        (Self::Informed, "informed"),
        (Self::MaskUniform, "mask-uniform"),
        (Self::Uniform, "uniform"),
        (Self::Gaussian, "gaussian"),
    ];
}

impl Shown {
    /// Every process, in the order of the page.
    pub const ALL: [Self; 5] = [Self::Mask, Self::Informed, Self::MaskUniform, Self::Uniform, Self::Gaussian];

    /// With its knobs as the models of the page were trained.
    pub fn description(self, schedule: Schedule) -> ProcessDescription {
        match self {
            Self::Mask => ProcessDescription::Mask { schedule },
            // By their own clocks: the lab's schedule is that of the others.
            Self::Informed => ProcessDescription::SurprisalMask {
                strength: diffusion::process::salience::DEFAULT_STRENGTH,
                schedule: Schedule::Linear,
            },
            Self::MaskUniform => {
                ProcessDescription::MaskUniform { uniform_share: 0.1, schedule: Schedule::Linear }
            }
            Self::Uniform => ProcessDescription::Uniform { schedule },
            Self::Gaussian => ProcessDescription::Gaussian { schedule },
        }
    }
}

/// A process at every slot of a text.
pub struct Corruption<'a> {
    text: &'a Surprisal,
    process: TextProcess,
    seed: u32,
}

impl<'a> Corruption<'a> {
    /// `None` for a text of which no word tells anything, and for noise whose states are not tokens.
    pub fn new(shown: Shown, text: &'a Surprisal, schedule: Schedule, seed: u32) -> Option<Self> {
        let nats: Vec<f64> =
            text.bits.iter().map(|bits| bits.unwrap_or(0.0) * std::f64::consts::LN_2).collect();
        let setting = Setting {
            mask: SpecialTokens::default().mask,
            words: text.noise,
            counts: &[],
            exponents: &[],
            surprisals_nats: &nats,
        };
        let description = shown.description(schedule);
        Some(Self { text, process: description.of_text(text.tokens.len(), &setting).ok()??, seed })
    }

    /// x_t, drawn straight from the text. The same seed keeps what is lost lost as time goes on. `// (words)`
    pub fn at(&self, t: f64) -> Vec<TokenId> {
        let draw = |slot: usize| {
            let stream = &mut Stream::new(self.seed, 0, slot as u32, Purpose::Sample);
            self.process(slot).sample(self.text.tokens[slot], t, stream)
        };
        (0..self.text.tokens.len()).map(draw).collect()
    }

    /// Bits of the text that are left at `t` in the mean over the noise: the sum over its known words.
    pub fn carried_bits(&self, t: f64) -> f64 {
        self.known()
            .map(|(slot, bits)| carried_bits(&*self.process(slot), self.text.tokens[slot], bits, t))
            .sum()
    }

    /// Bits that this very x_t tells; a misleading word counts below 0.
    pub fn told_bits(&self, t: f64) -> f64 {
        let seen = self.at(t);
        let told = |(slot, bits): (usize, f64)| {
            told_bits(&*self.process(slot), self.text.tokens[slot], seen[slot], bits, t)
        };
        self.known().map(told).sum()
    }

    /// Probability that the word of a slot is still there at `t`.
    pub fn kept(&self, slot: usize, t: f64) -> f64 {
        self.process(slot).masses_of(self.text.tokens[slot], t).kept
    }

    /// The process at a slot.
    pub fn process(&self, slot: usize) -> SlotProcess<'_> {
        self.process.at(slot as u32)
    }

    /// A curve over time. `// (101)`
    pub fn curve(&self, of: impl Fn(&Self, f64) -> f64) -> Vec<(f64, f64)> {
        (0..=GRID).map(|k| f64::from(k) / f64::from(GRID)).map(|t| (t, of(self, t))).collect()
    }

    /// In what portions this trajectory loses its bits.
    pub fn jumps(&self) -> Option<Jumps> {
        Jumps::of(&self.curve(Self::told_bits).into_iter().map(|(_, bits)| bits).collect::<Vec<_>>())
    }

    fn known(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.text.bits.iter().enumerate().filter_map(|(slot, bits)| bits.map(|bits| (slot, bits)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use diffusion::process::{Gaussian, Words};

    use super::*;
    use crate::session::start::tests::tokenizer;

    /// Nine tokens on the axes of a space of nine dimensions.
    fn vectors() -> Gaussian {
        let unit = |token: usize| (0..9).map(move |axis| if axis == token { 14.0_f64.sqrt() } else { 0.0 });
        Gaussian::new(Schedule::Linear, (0..9).flat_map(unit).collect(), 9)
    }

    /// "the cat sat" with one, four and seven bits.
    pub(crate) fn text() -> Surprisal {
        Surprisal {
            tokens: vec![TokenId(3), TokenId(4), TokenId(5)],
            bits: vec![Some(1.0), Some(4.0), Some(7.0)],
            noise: Words { first: 3, count: 6 },
            vectors: Some(Arc::new(vectors())),
            words: Arc::new(tokenizer()),
            unknown: vec![],
            cut: 0,
        }
    }

    #[test]
    fn all_processes_begin_with_all_bits_and_end_with_none() {
        let text = text();
        for shown in Shown::ALL.into_iter().filter(|shown| *shown != Shown::Gaussian) {
            let corruption = Corruption::new(shown, &text, Schedule::Linear, 1).unwrap();
            let [begin, end] = [0.0, 1.0].map(|t| corruption.carried_bits(t));
            assert!((begin - 12.0).abs() < 1e-9 && end.abs() < 1e-9, "{shown:?}: {begin}, {end}");
            assert_eq!(corruption.at(0.0), text.tokens);
            assert!(
                corruption
                    .curve(Corruption::carried_bits)
                    .windows(2)
                    .all(|pair| pair[0].1 >= pair[1].1 - 1e-9)
            );
        }
    }

    #[test]
    fn informed_masks_take_what_tells_much_first_and_all_that_is_lost_stays_lost() {
        let text = text();
        let informed = Corruption::new(Shown::Informed, &text, Schedule::Linear, 1).unwrap();
        assert!(informed.kept(0, 0.5) > 0.5 && informed.kept(2, 0.5) < 0.5);
        let mask = Corruption::new(Shown::Mask, &text, Schedule::Linear, 1).unwrap();
        assert!(informed.carried_bits(0.5) < mask.carried_bits(0.5));
        let hidden = |t: f64| mask.at(t).iter().filter(|token| token.0 == 0).count();
        assert!((0..10).all(|k| hidden(f64::from(k) / 10.0) <= hidden(f64::from(k + 1) / 10.0)));
    }

    #[test]
    fn a_trajectory_of_masks_falls_by_whole_words() {
        let text = text();
        let mask = Corruption::new(Shown::Mask, &text, Schedule::Linear, 1).unwrap();
        let jumps = mask.jumps().unwrap();
        assert!(jumps.largest >= 7.0 - 1e-9 && jumps.participation <= 3.0, "{jumps:?}");
    }

    #[test]
    fn a_text_without_known_words_has_no_informed_mask() {
        let empty = Surprisal { bits: vec![None; 3], ..text() };
        assert!(Corruption::new(Shown::Mask, &empty, Schedule::Linear, 1).is_some());
        assert!(Corruption::new(Shown::Gaussian, &text(), Schedule::Linear, 1).is_none());
        let none = Surprisal { tokens: vec![], bits: vec![], ..text() };
        assert_eq!(Corruption::new(Shown::Mask, &none, Schedule::Linear, 1).unwrap().jumps(), None);
    }
}
