//! D1: how evenly a forward process takes a text away, in bits, on one axis for token processes and Gaussian noise.
//!
//! I(x_0; x_t) = ∫ from t to 1 of the integrand of the bound: what each step of the chain adds telescopes. So the terms of a
//! bound ([`BoundTerm`]), drawn anyway, tell what is left at every t: the mean over draws of bits · [time > t]. Unit: bits of a
//! whole window. From it, with U(t) = I(t) / I(0):
//!
//! - [`Curve::peak_speed`]: the largest loss in one of [`PARTS`] equal parts of time over the mean loss; 1 is perfectly even.
//! - [`Curve::deviation`]: the largest |U(t) − (1 − t)|; 0 is perfectly even. Both are roughness of the *schedule*: another clock
//!   removes it. Jumps of single runs are [`Jumps`](super::information::Jumps).
//!
//! Errors are by the jackknife over texts. Cost: that of the bound. Blind spots: the curve is the network's, not the truth's, so it
//! is an upper bound for a good one and anything for a bad one; peak speed depends on the number of parts.

use super::bound::BoundTerm;
use super::{Estimate, Moments};

/// Parts of time.
pub const PARTS: usize = 16;

/// Bits left at k / [`PARTS`], from clean text to noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// `// (PARTS + 1)`
    pub bits: Vec<f64>,
}

impl Curve {
    /// From the terms of one text's bound; `None` without any.
    pub fn of(terms: &[BoundTerm]) -> Option<Self> {
        let left = |part: usize| {
            let time = part as f64 / PARTS as f64;
            let later = terms.iter().filter(|term| term.time > time);
            later.map(|term| term.bits).sum::<f64>() / terms.len() as f64
        };
        (!terms.is_empty()).then(|| Self { bits: (0..=PARTS).map(left).collect() })
    }

    /// The mean of some curves; `None` of none.
    fn mean<'a>(curves: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let (mut sums, mut count) = (vec![0.0; PARTS + 1], 0_u32);
        for curve in curves {
            sums.iter_mut().zip(&curve.bits).for_each(|(sum, bits)| *sum += bits);
            count += 1;
        }
        (count > 0).then(|| Self { bits: sums.into_iter().map(|sum| sum / f64::from(count)).collect() })
    }

    /// Bits of the clean text: the bound.
    pub fn whole(&self) -> f64 {
        self.bits.first().copied().unwrap_or(f64::NAN)
    }

    /// The largest loss in a part of time over the mean loss.
    pub fn peak_speed(&self) -> f64 {
        let falls = self.bits.windows(2).map(|pair| pair[0] - pair[1]);
        largest(falls) * PARTS as f64 / self.whole()
    }

    /// The largest distance from an even loss, as a share of the whole.
    pub fn deviation(&self) -> f64 {
        let even = |part: usize| 1.0 - part as f64 / PARTS as f64;
        largest(self.bits.iter().enumerate().map(|(part, bits)| (bits / self.whole() - even(part)).abs()))
    }
}

/// The largest value; no number if any is none.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, |most, value| if value.is_nan() || value > most { value } else { most })
}

/// What a reading of the mean curve of several texts is, with the standard error of the jackknife; `None` for fewer than two.
pub fn estimate(curves: &[Curve], read: impl Fn(&Curve) -> f64) -> Option<Estimate> {
    let count = curves.len();
    let others =
        |left_out: usize| curves.iter().enumerate().filter(move |(at, _)| *at != left_out).map(|(_, c)| c);
    let values = (0..count).filter_map(|left_out| Curve::mean(others(left_out))).map(|mean| read(&mean));
    // Each value lacks one text only, so they scatter (count − 1) times less than independent ones.
    let scatter = values.collect::<Moments>().estimate()?;
    let value = read(&Curve::mean(curves.iter())?);
    Some(Estimate {
        value,
        standard_error: scatter.standard_error * (count - 1) as f64,
        samples: count as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::information::information_left_bits;
    use crate::exact::{Embedded, Noisy, two_sentences};
    use crate::measure::BoundSettings;
    use crate::measure::bound::{embedding_noise_terms, token_noise_terms};
    use crate::process::{Gaussian, Mask, MaskUniform, NoiseRates, Uniform, Words};
    use crate::schedule::Schedule;
    use crate::sequence::{SpecialTokens, TokenId};
    use crate::testing::near;

    const WORDS: Words = Words { first: 3, count: 6 };
    const MASK: TokenId = TokenId(0);

    fn curves<P: NoiseRates + Clone>(process: &P) -> Vec<Curve> {
        let mut denoiser = Noisy::new(two_sentences::corpus(0.5).unwrap(), process.clone());
        let settings = BoundSettings { seed: 7, draws: 512, batch: 64 };
        let one = |index| {
            let text = if index % 2 == 0 { two_sentences::FIRST } else { two_sentences::SECOND };
            let terms =
                token_noise_terms(&mut denoiser, process, &text, index, SpecialTokens::default(), settings);
            Curve::of(&pollster::block_on(terms).unwrap()).unwrap()
        };
        (0..120).map(one).collect()
    }

    fn agrees_with_the_exact<P: NoiseRates + Clone>(process: &P) {
        let curves = curves(process);
        for part in [0, 4, 8, 12] {
            let exact = information_left_bits(
                &two_sentences::corpus(0.5).unwrap(),
                process,
                part as f64 / PARTS as f64,
            );
            let found = estimate(&curves, |curve| curve.bits[part]).unwrap();
            assert!(found.standard_error < 0.02, "power: {found:?}");
            assert!(
                near(found.value, exact, 4.0 * found.standard_error + 0.005),
                "part {part}: {found:?}, exact {exact}"
            );
        }
    }

    #[test]
    fn what_is_left_under_an_exact_denoiser_is_what_is_known_exactly() {
        agrees_with_the_exact(&Mask { schedule: Schedule::Linear, mask: MASK });
        agrees_with_the_exact(&Mask { schedule: Schedule::Cosine, mask: MASK });
        agrees_with_the_exact(&Uniform { schedule: Schedule::Linear, words: WORDS });
        agrees_with_the_exact(&MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.2 });
    }

    /// Three slots of ±1 in Gaussian noise that are always equal: one bit over a channel with three times the signal-to-noise
    /// ratio γ. I = 1 − E log2 (1 + exp(−2 γ − 2 √γ z)) over normal z, by the trapezoidal rule.
    fn bits_through_gaussian_noise(t: f64) -> f64 {
        let gamma = 3.0 * (1.0 - t) / t;
        let (step, reach) = (1e-3, 10_000_i32);
        let lost = (-reach..=reach).map(|k| {
            let z = f64::from(k) * step;
            let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            density * (1.0 + (-2.0 * gamma - 2.0 * gamma.sqrt() * z).exp()).log2()
        });
        1.0 - lost.sum::<f64>() * step
    }

    #[test]
    fn what_gaussian_noise_leaves_is_the_capacity_of_its_channel() {
        let embeddings = (0..9).map(|token| if token < 6 { 1.0 } else { -1.0 }).collect();
        let process = Gaussian::new(Schedule::Linear, embeddings, 1);
        let mut denoiser = Embedded::new(two_sentences::corpus(0.5).unwrap(), process.clone());
        let settings = BoundSettings { seed: 3, draws: 512, batch: 64 };
        let one = |index| {
            let terms = embedding_noise_terms(
                &mut denoiser,
                &process,
                &two_sentences::FIRST,
                index,
                SpecialTokens::default(),
                settings,
            );
            Curve::of(&pollster::block_on(terms).unwrap()).unwrap()
        };
        let curves: Vec<Curve> = (0..120).map(one).collect();
        for part in [0, 4, 8, 12] {
            let t = part as f64 / PARTS as f64;
            let exact = if part == 0 { 1.0 } else { bits_through_gaussian_noise(t) };
            let found = estimate(&curves, |curve| curve.bits[part]).unwrap();
            assert!(found.standard_error < 0.02, "power: {found:?}");
            let tolerance = 4.0 * found.standard_error + 0.002;
            assert!(near(found.value, exact, tolerance), "part {part}: {found:?}, exact {exact}");
        }
    }

    #[test]
    fn an_even_loss_is_even_and_all_at_once_is_not() {
        let even = Curve { bits: (0..=PARTS).rev().map(|k| k as f64).collect() };
        assert!(near(even.peak_speed(), 1.0, 1e-12) && near(even.deviation(), 0.0, 1e-12));
        let mut bits = vec![0.0; PARTS + 1];
        bits[0] = 5.0;
        let sudden = Curve { bits };
        assert!(near(sudden.peak_speed(), 16.0, 1e-12) && near(sudden.deviation(), 15.0 / 16.0, 1e-12));
        assert!(Curve { bits: vec![f64::NAN; PARTS + 1] }.peak_speed().is_nan());
    }

    #[test]
    fn three_words_that_tell_the_same_are_lost_late_under_masks() {
        // I(t) = 1 − t³: the last of sixteen parts loses 1 − (15/16)³ of the whole.
        let curves = curves(&Mask { schedule: Schedule::Linear, mask: MASK });
        let peak = estimate(&curves, Curve::peak_speed).unwrap();
        let exact = 16.0 * (1.0 - (15.0_f64 / 16.0).powi(3));
        assert!(near(peak.value, exact, 4.0 * peak.standard_error + 0.03), "{peak:?}, exact {exact}");
        let deviation = estimate(&curves, Curve::deviation).unwrap();
        // |t − t³| is largest at the part next to 1/√3.
        let exact = 9.0 / 16.0 - (9.0_f64 / 16.0).powi(3);
        assert!(
            near(deviation.value, exact, 4.0 * deviation.standard_error + 0.01),
            "{deviation:?}, exact {exact}"
        );
    }
}
