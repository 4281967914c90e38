//! What noise on a word's embedding leaves of the word, in bits: log2 q(x_t | clean) / Σ_v p(v) q(x_t | v), the formula of
//! [`told_bits`](super::surprisal::told_bits) for vectors. Of p only the clean word's surprisal is known; the rest is spread
//! evenly over the other words.
//!
//! x_t = √ᾱ E(clean) + √(1 − ᾱ) ε enters through its inner products with the embeddings alone, and those of E(clean) and of ε do not
//! depend on time: one draw of ε tells a whole trajectory. The mean over draws estimates the bits that are carried. Cost: no
//! call; 2 · words · width operations for a draw, `words` exponentials for a time. Blind spots: those of
//! [`surprisal`](super::surprisal), and that words of near embeddings are as unlikely as far ones.

use crate::process::normal::normal;
use crate::process::{Gaussian, Words};
use crate::random::Stream;
use crate::sequence::TokenId;

/// Exponents below this do not move a sum that holds 2⁻⁴⁰ or more.
const NEGLIGIBLE_NATS: f64 = -40.0;

/// A word and one draw of noise, as all words of a vocabulary see them.
#[derive(Clone, Debug, PartialEq)]
pub struct NoisyWord {
    words: Words,
    /// Place of the clean word in `words`.
    clean: usize,
    /// E(clean) · E(v) − |E(v)|² / 2. `// (words)`
    of_clean: Vec<f32>,
    /// ε · E(v). `// (words)`
    of_noise: Vec<f32>,
}

impl NoisyWord {
    /// Draws ε. None for a token that is not one of `words`.
    pub fn draw(process: &Gaussian, clean: TokenId, words: Words, stream: &mut Stream) -> Option<Self> {
        let place = clean.0.checked_sub(words.first).filter(|place| *place < words.count)?;
        let noise: Vec<f64> = (0..process.width()).map(|_| normal(stream)).collect();
        let own = process.embedding(clean);
        let products = |token: u32| {
            let parts = process.embedding(TokenId(token)).iter().zip(own).zip(&noise);
            parts.fold([0.0_f64; 2], |[same, other], ((x, own), noise)| {
                [same + x * (own - x / 2.0), other + x * noise]
            })
        };
        let both = (words.first..words.first + words.count).map(products);
        let (of_clean, of_noise) = both.map(|[same, other]| (same as f32, other as f32)).unzip();
        Some(Self { words, clean: place as usize, of_clean, of_noise })
    }

    /// Bits that x_t tells about the clean word where a share `power` of the power is left, ᾱ(t) from 0 to 1; below 0 where the
    /// noise misleads.
    pub fn told_bits(&self, surprisal_bits: f64, power: f64) -> f64 {
        if power >= 1.0 || self.words.count < 2 {
            return surprisal_bits;
        }
        let clean = (-surprisal_bits).exp2();
        let (signal, noise) = (power / (1.0 - power), (power / (1.0 - power)).sqrt());
        let own = (self.of_clean[self.clean], self.of_noise[self.clean]);
        let ratio = |(same, other): (&f32, &f32)| {
            let nats = signal * f64::from(same - own.0) + noise * f64::from(other - own.1);
            if nats < NEGLIGIBLE_NATS { 0.0 } else { nats.exp() }
        };
        // The clean word's own ratio is 1.
        let others = self.of_clean.iter().zip(&self.of_noise).map(ratio).sum::<f64>() - 1.0;
        let each = (1.0 - clean) / f64::from(self.words.count - 1);
        // Rounding may leave a little below 0; what is no number stays none.
        let others = if others < 0.0 { 0.0 } else { others };
        -(clean + each * others).log2()
    }

    /// The word whose embedding is the likeliest source of x_t.
    pub fn nearest(&self, power: f64) -> TokenId {
        let (signal, noise) = (power.sqrt() as f32, (1.0 - power).sqrt() as f32);
        let scores =
            self.of_clean.iter().zip(&self.of_noise).map(|(same, other)| signal * same + noise * other);
        let best = (self.words.first..).zip(scores).fold(None::<(u32, f32)>, |best, (token, score)| {
            if best.is_none_or(|(_, most)| score > most) { Some((token, score)) } else { best }
        });
        TokenId(best.map_or(self.words.first, |(token, _)| token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Moments;
    use crate::random::Purpose;
    use crate::schedule::Schedule;
    use crate::testing::near;

    const TWO: Words = Words { first: 3, count: 2 };

    /// Two words at −1 and +1 on a line.
    fn line() -> Gaussian {
        Gaussian::new(Schedule::Linear, vec![0.0, 0.0, 0.0, -1.0, 1.0], 1)
    }

    fn drawn(process: &Gaussian, clean: u32, words: Words, seed: u32) -> NoisyWord {
        NoisyWord::draw(process, TokenId(clean), words, &mut Stream::new(seed, 0, 0, Purpose::Sample))
            .unwrap()
    }

    /// Of the word at +1 with prior `p`, by quadrature over x.
    fn carried_by_quadrature(p: f64, power: f64) -> f64 {
        let (scale, variance) = (power.sqrt(), 1.0 - power);
        let density = |x: f64, mean: f64| (-(x - mean).powi(2) / (2.0 * variance)).exp();
        let step = 1e-3;
        let (mut sum, mut mass) = (0.0, 0.0);
        for k in -12_000..12_000 {
            let x = f64::from(k) * step;
            let (own, other) = (density(x, scale), density(x, -scale));
            mass += own;
            if own > 0.0 {
                sum += own * (own / (p * own + (1.0 - p) * other)).log2();
            }
        }
        sum / mass
    }

    #[test]
    fn the_mean_is_the_divergence_by_quadrature() {
        for (bits, power) in [(1.0, 0.5), (1.0, 0.1), (3.0, 0.4)] {
            let told = |seed| drawn(&line(), 4, TWO, seed).told_bits(bits, power);
            let mean = (0..20_000).map(told).collect::<Moments>().estimate().unwrap();
            let expected = carried_by_quadrature(2.0_f64.powf(-bits), power);
            assert!(
                (mean.value - expected).abs() < 4.0 * mean.standard_error,
                "{bits} bits at {power}: {mean:?}, exactly {expected}"
            );
            assert!((mean.value - 0.8 * expected).abs() > 4.0 * mean.standard_error, "no power");
        }
    }

    #[test]
    fn clean_words_tell_all_and_noise_nothing() {
        let word = drawn(&line(), 4, TWO, 1);
        assert!(near(word.told_bits(5.0, 1.0), 5.0, 1e-12));
        assert!(near(word.told_bits(5.0, 1.0 - 1e-6), 5.0, 1e-6));
        assert!(near(word.told_bits(5.0, 0.0), 0.0, 1e-12));
        assert!(word.told_bits(f64::NAN, 0.5).is_nan());
        let broken = Gaussian::new(Schedule::Linear, vec![0.0, 0.0, 0.0, f64::NAN, 1.0], 1);
        assert!(drawn(&broken, 4, TWO, 1).told_bits(5.0, 0.5).is_nan());
    }

    #[test]
    fn the_nearest_word_is_the_clean_one_while_little_is_lost_and_any_in_the_end() {
        let process = Gaussian::new(Schedule::Linear, vec![0.0, 0.0, 3.0, 0.0, 0.0, 3.0, -3.0, 0.0], 2);
        let words = Words { first: 1, count: 3 };
        let share = |power: f64| {
            let hits = (0..3000).filter(|seed| drawn(&process, 2, words, *seed).nearest(power) == TokenId(2));
            hits.count() as f64 / 3000.0
        };
        assert_eq!(share(0.99), 1.0);
        // At the end only the direction of the noise counts, and a quarter of all are nearest to the word between the others.
        assert!((share(0.0) - 0.25).abs() < 0.04, "{}", share(0.0));
    }

    #[test]
    fn other_tokens_are_no_words() {
        let mut stream = Stream::new(1, 0, 0, Purpose::Sample);
        assert_eq!(NoisyWord::draw(&line(), TokenId(2), TWO, &mut stream), None);
        assert_eq!(NoisyWord::draw(&line(), TokenId(5), TWO, &mut stream), None);
    }
}
