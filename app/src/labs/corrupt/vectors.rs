//! Gaussian noise on the word vectors of the visitor's text. It takes longer than the token processes, so it is drawn in slices.

use diffusion::TokenId;
use diffusion::measure::information::Jumps;
use diffusion::measure::noisy_word::NoisyWord;
use diffusion::random::{Purpose, Stream};
use diffusion::schedule::Schedule;

use super::shown::GRID;
use crate::session::studies::surprisal::Surprisal;

/// Draws of noise for every word; the mean is over all, the trajectory is the first.
pub const DRAWS: u32 = 8;

/// What decides the draws besides the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Power kept over time.
    pub schedule: Schedule,
    /// The visitor's seed.
    pub seed: u32,
}

/// A text under noise on its vectors, at all times.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    noise: Noise,
    /// The first draw of every word; none for words that the model does not know. `// (words)`
    words: Vec<Option<NoisyWord>>,
    /// Bits of the text that are left, in the mean over the draws. `// (GRID + 1)`
    pub carried: Vec<(f64, f64)>,
    /// Bits that the first draw tells. `// (GRID + 1)`
    pub told: Vec<(f64, f64)>,
}

impl Vectors {
    /// Draws word after word; between draws `goes_on` may pause. None if the model has no vectors, or as soon as `goes_on` says no.
    pub async fn draw(
        text: &Surprisal,
        noise: Noise,
        mut goes_on: impl AsyncFnMut() -> bool,
    ) -> Option<Self> {
        let process = text.vectors.as_ref()?;
        let zero = || -> Vec<(f64, f64)> { times().map(|t| (t, 0.0)).collect() };
        let mut drawn = Self { noise, words: Vec::new(), carried: zero(), told: zero() };
        for (slot, (&clean, bits)) in text.tokens.iter().zip(&text.bits).enumerate() {
            let mut first = None;
            for draw in 0..DRAWS {
                if !goes_on().await {
                    return None;
                }
                let stream = &mut Stream::new(noise.seed, draw, slot as u32, Purpose::Sample);
                let Some(bits) = bits else { continue };
                let Some(word) = NoisyWord::draw(process, clean, text.noise, stream) else { continue };
                drawn.add(&word, *bits, draw);
                first = first.or(Some(word));
            }
            drawn.words.push(first);
        }
        Some(drawn)
    }

    fn add(&mut self, word: &NoisyWord, bits: f64, draw: u32) {
        for (place, t) in times().enumerate() {
            let told = word.told_bits(bits, self.noise.schedule.alpha(t));
            self.carried[place].1 += told / f64::from(DRAWS);
            if draw == 0 {
                self.told[place].1 += told;
            }
        }
    }

    /// The word that is nearest to the vector of every slot at `t`; none for words that the model does not know. `// (words)`
    pub fn nearest(&self, t: f64) -> impl Iterator<Item = Option<TokenId>> + '_ {
        let power = self.power_left(t);
        self.words.iter().map(move |word| word.as_ref().map(|word| word.nearest(power)))
    }

    /// Share of the power that is the text's and not the noise's.
    pub fn power_left(&self, t: f64) -> f64 {
        self.noise.schedule.alpha(t)
    }

    /// Bits of the text that are left, at the nearest time of the grid.
    pub fn carried_bits(&self, t: f64) -> f64 {
        let place = (t * f64::from(GRID)).round().clamp(0.0, f64::from(GRID));
        self.carried[place as usize].1
    }

    /// In what portions the first draw loses its bits.
    pub fn jumps(&self) -> Option<Jumps> {
        Jumps::of(&self.told.iter().map(|(_, bits)| *bits).collect::<Vec<_>>())
    }
}

fn times() -> impl Iterator<Item = f64> {
    (0..=GRID).map(|k| f64::from(k) / f64::from(GRID))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::corrupt::shown::tests::text;
    use crate::session::decode::tests::now;

    const NOISE: Noise = Noise { schedule: Schedule::Linear, seed: 3 };

    fn drawn(noise: Noise) -> Vectors {
        now(Vectors::draw(&text(), noise, async || true)).unwrap()
    }

    #[test]
    fn all_bits_are_there_at_first_and_none_in_the_end() {
        let vectors = drawn(NOISE);
        assert!((vectors.carried_bits(0.0) - 12.0).abs() < 1e-9 && vectors.carried_bits(1.0).abs() < 1e-9);
        assert_eq!(vectors.nearest(0.0).collect::<Option<Vec<_>>>(), Some(text().tokens));
        assert!(vectors.carried_bits(0.5) > vectors.carried_bits(0.95));
        assert!((vectors.power_left(0.25) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn what_noise_takes_it_takes_in_small_portions() {
        let jumps = drawn(NOISE).jumps().unwrap();
        assert!(jumps.largest < 3.0 && jumps.participation > 8.0, "{jumps:?}");
    }

    #[test]
    fn another_seed_is_another_draw_and_the_visitor_can_want_something_else() {
        assert_eq!(drawn(NOISE), drawn(NOISE));
        assert_ne!(drawn(NOISE).told, drawn(Noise { seed: 4, ..NOISE }).told);
        assert_eq!(now(Vectors::draw(&text(), NOISE, async || false)), None);
        let without = Surprisal { vectors: None, ..text() };
        assert_eq!(now(Vectors::draw(&without, NOISE, async || true)), None);
    }
}
