//! The two-sentence corpus, decoded by the page's own decoder on the exact denoiser.

use std::collections::BTreeMap;

use diffusion::decode::{DecodeSettings, Decoder, Parallelism, Sampling, run};
use diffusion::exact::two_sentences::{FIRST, SECOND, WORDS, corpus, total_correlation_bits, unseen_at_once};
use diffusion::measure::{Estimate, Moments};
use diffusion::{Sequence, SpecialTokens, TokenId};

use crate::settings::{Settings, TOY_WORDS};

/// Sentences that are drawn.
pub const RUNS: u32 = 2000;
/// Below this temperature the weaker sentence has no probability that a number could hold.
pub const LOWEST_TEMPERATURE: f32 = 0.1;

/// What decides the draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Toy {
    /// Weight of the first sentence.
    pub weight: f64,
    /// Softmax temperature.
    pub temperature: f32,
    /// Words in the first call.
    pub together: u32,
    /// Seed of the first draw.
    pub seed: u32,
}

impl Toy {
    /// The visitor's.
    pub fn of(settings: &Settings) -> Self {
        let temperature = settings.temperature.max(LOWEST_TEMPERATURE);
        Self { weight: settings.weight, temperature, together: settings.together, seed: settings.seed }
    }

    /// P(a sentence that nobody wrote), exactly.
    pub fn predicted(self) -> f64 {
        unseen_at_once(self.weight, f64::from(self.temperature), self.together)
    }

    /// Total correlation in bits of the words in the first call: (k − 1) H(w).
    pub fn stake_bits(self) -> f64 {
        total_correlation_bits(self.weight, self.together)
    }

    /// Draws one sentence; nothing if the settings make no sense, which the controls rule out.
    pub async fn draw(self, number: u32) -> Option<Vec<TokenId>> {
        let special = SpecialTokens::default();
        let settings = DecodeSettings {
            seed: self.seed.wrapping_add(number),
            parallelism: Parallelism::SlotsPerCall { slots: self.together },
            sampling: Sampling { temperature: self.temperature, ..Sampling::default() },
            ..DecodeSettings::default()
        };
        let start = Sequence::masked(TOY_WORDS as usize, special.mask);
        let decoder = Decoder::new(settings, start, special).ok()?;
        let trajectory = run(&mut corpus(self.weight).ok()?, decoder).await.ok()?;
        Some(trajectory.sequence_at(trajectory.steps.len()).ok()?.tokens().collect())
    }
}

/// How often each sentence was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// By sentence.
    pub counts: BTreeMap<Vec<TokenId>, u32>,
    /// All draws.
    pub runs: u32,
}

impl Tally {
    /// Counts one.
    pub fn push(&mut self, sentence: Vec<TokenId>) {
        *self.counts.entry(sentence).or_default() += 1;
        self.runs += 1;
    }

    /// Share of sentences that nobody wrote, with its standard error; `None` before the second draw.
    pub fn unseen(&self) -> Option<Estimate> {
        let unseen: u32 =
            self.counts.iter().filter(|(sentence, _)| !is_written(sentence)).map(|(_, count)| count).sum();
        (0..self.runs).map(|run| f64::from(u8::from(run < unseen))).collect::<Moments>().estimate()
    }
}

/// Whether the corpus has the sentence.
pub fn is_written(sentence: &[TokenId]) -> bool {
    sentence == FIRST || sentence == SECOND
}

/// All sentences that word-by-word draws can make, those of the corpus first.
pub fn sentences() -> Vec<Vec<TokenId>> {
    let mixed = (0..8).map(|bits: u32| {
        (0..3).map(|slot| if bits >> slot & 1 == 0 { FIRST[slot] } else { SECOND[slot] }).collect::<Vec<_>>()
    });
    let mut all: Vec<Vec<TokenId>> = mixed.collect();
    all.sort_by_key(|sentence| !is_written(sentence));
    all
}

/// A sentence as it is read.
pub fn text(sentence: &[TokenId]) -> String {
    let words = sentence.iter().filter_map(|token| WORDS.get(token.0 as usize).copied());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::decode::tests::now;

    #[test]
    fn what_is_drawn_agrees_with_what_is_predicted() {
        for (weight, temperature, together) in [(0.5, 0.8, 2), (0.7, 0.5, 3), (0.9, 1.0, 2), (0.5, 0.1, 3)] {
            let toy = Toy { weight, temperature, together, seed: 9 };
            let mut tally = Tally::default();
            (0..RUNS).for_each(|number| tally.push(now(toy.draw(number)).unwrap()));
            let unseen = tally.unseen().unwrap();
            let z = (unseen.value - toy.predicted()) / unseen.standard_error;
            assert!(z.abs() < 3.5, "{toy:?}: {unseen:?} against {}", toy.predicted());
        }
    }

    #[test]
    fn one_word_at_a_time_writes_only_what_somebody_wrote() {
        let toy = Toy { weight: 0.5, temperature: 1.0, together: 1, seed: 1 };
        let mut tally = Tally::default();
        (0..200).for_each(|number| tally.push(now(toy.draw(number)).unwrap()));
        assert_eq!((tally.unseen().unwrap().value, toy.predicted(), toy.stake_bits()), (0.0, 0.0, 0.0));
        assert_eq!(tally.counts.len(), 2);
    }

    #[test]
    fn there_are_eight_sentences_and_two_of_them_are_right() {
        let all = sentences();
        assert_eq!((all.len(), all.iter().filter(|s| is_written(s)).count()), (8, 2));
        assert_eq!(text(&all[0]), "He likes apple");
        assert!(all[2..].iter().any(|sentence| text(sentence) == "I likes tennis"));
    }
}
