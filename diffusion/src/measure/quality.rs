//! D3, over schedules: how much better texts become per doubling of the calls.
//!
//! y are a judge's bits per token ([`judge`](super::judge)) of the texts of schedules with different numbers of calls. The
//! slope of y against x = log2 calls by least squares is b = Σ (x − x̄) y / Σ (x − x̄)², in bits per doubling; below 0
//! calls pay. Its error √(Σ (x − x̄)² s²) / Σ (x − x̄)² comes from the standard errors s of the points, which must be
//! independent. Beside it stands the same slope of the texts' own entropy, because repetition lowers the judge's bits:
//! if both fall, the texts became poorer, not better. Cost: no call beyond the judge's. Blind spots: a line hides where
//! the gain levels off, and its error says nothing of how far the points are from it; with the same seeds at all
//! schedules points are not independent, and the error is mostly too large.

use serde::{Deserialize, Serialize};

use super::{Estimate, judge::Judgement};

/// What a doubling of the calls changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerDoubling {
    /// Of the judge's bits per token.
    pub bits_per_token: Estimate,
    /// Of the entropy of each text's own words, in bits.
    pub entropy_bits: Estimate,
}

impl PerDoubling {
    /// Of judged texts by calls per text; `None` as [`slope`].
    pub fn of(schedules: &[(f64, Judgement)]) -> Option<Self> {
        let points = |of: fn(&Judgement) -> Estimate| -> Vec<(f64, Estimate)> {
            schedules.iter().map(|(calls, judgement)| (*calls, of(judgement))).collect()
        };
        Some(Self {
            bits_per_token: slope(&points(|judgement| judgement.bits_per_token))?,
            entropy_bits: slope(&points(|judgement| judgement.entropy_bits))?,
        })
    }
}

/// Change of an estimate per doubling of the calls, from (calls, estimate); samples are all that were drawn. `None` unless
/// calls are positive and differ.
pub fn slope(points: &[(f64, Estimate)]) -> Option<Estimate> {
    let n = points.len() as f64;
    let mean = points.iter().map(|(calls, _)| calls.log2()).sum::<f64>() / n;
    let spread: f64 = points.iter().map(|(calls, _)| (calls.log2() - mean).powi(2)).sum();
    let weighted = |(calls, of): &(f64, Estimate)| (calls.log2() - mean) / spread * of.value;
    let variance =
        |(calls, of): &(f64, Estimate)| ((calls.log2() - mean) / spread * of.standard_error).powi(2);
    (spread > 0.0).then(|| Estimate {
        value: points.iter().map(weighted).sum(),
        standard_error: points.iter().map(variance).sum::<f64>().sqrt(),
        samples: points.iter().map(|(_, of)| of.samples).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::exact::two_sentences;
    use crate::measure::Moments;
    use crate::schedule::Schedule;
    use crate::testing::{decode, near};

    fn at(value: f64, standard_error: f64) -> Estimate {
        Estimate { value, standard_error, samples: 2 }
    }

    #[test]
    fn slope_and_error_of_three_points_by_hand() {
        // x = 1, 2, 4 with mean 7/3: −4/3, −1/3, 5/3, squares 42/9; y = 3, 0, 0.
        let found = slope(&[(2.0, at(3.0, 0.5)), (4.0, at(0.0, 0.0)), (16.0, at(0.0, 1.0))]).unwrap();
        assert!(near(found.value, -4.0 / (42.0 / 9.0), 1e-12), "{found:?}");
        let variance = (4.0_f64 / 3.0 * 0.5).powi(2) + (5.0_f64 / 3.0).powi(2);
        assert!(near(found.standard_error, variance.sqrt() / (42.0 / 9.0), 1e-12), "{found:?}");
        assert_eq!(found.samples, 6);
        assert_eq!(slope(&[(2.0, at(3.0, 0.5)), (2.0, at(1.0, 0.5))]), None);
        assert_eq!(slope(&[(0.0, at(3.0, 0.5)), (2.0, at(1.0, 0.5))]), None);
        assert!(slope(&[(1.0, at(f64::NAN, 0.5)), (2.0, at(1.0, 0.5))]).unwrap().value.is_nan());
    }

    #[test]
    fn bits_and_entropy_have_slopes_of_their_own() {
        let judged = |bits, entropy| Judgement {
            bits_per_token: at(bits, 0.1),
            entropy_bits: at(entropy, 0.2),
            distinct_share: Some(at(1.0, 0.0)),
        };
        let found = PerDoubling::of(&[(4.0, judged(5.0, 3.0)), (16.0, judged(4.0, 3.5))]).unwrap();
        assert!(near(found.bits_per_token.value, -0.5, 1e-12) && near(found.entropy_bits.value, 0.25, 1e-12));
        // Half of √2 errors, over two doublings.
        assert!(near(found.bits_per_token.standard_error, 0.1 / 2.0_f64.sqrt(), 1e-12));
    }

    /// log2 of the share of sentences nobody wrote among runs of so many ancestral steps.
    fn log_unseen(steps: u32) -> Estimate {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let parallelism = Parallelism::Ancestral { steps, schedule: Schedule::Linear };
        let unseen = |seed| {
            let run = decode(&mut corpus, DecodeSettings { seed, parallelism, ..DecodeSettings::default() });
            let text: Vec<_> = run.sequence_at(run.steps.len()).unwrap().tokens().collect();
            f64::from(u8::from(corpus.probability(&text) == 0.0))
        };
        let share = (0..8000).map(unseen).collect::<Moments>().estimate().unwrap();
        let standard_error = share.standard_error / share.value / std::f64::consts::LN_2;
        Estimate { value: share.value.log2(), standard_error, samples: share.samples }
    }

    /// P(unseen) = 3 / (4 T), so its logarithm falls by one bit per doubling of the steps T.
    #[test]
    fn mixed_sentences_halve_with_every_doubling_of_the_steps() {
        let points = [1, 2, 4, 8].map(|steps| (f64::from(steps), log_unseen(steps)));
        let found = slope(&points).unwrap();
        assert!(near(found.value, -1.0, 4.0 * found.standard_error), "{found:?}");
        assert!(found.standard_error < 0.02, "power: {found:?}");
        let exact = [1, 2, 4, 8]
            .map(|steps| (f64::from(steps), at(two_sentences::unseen_ancestral(steps).log2(), 0.0)));
        assert!(near(slope(&exact).unwrap().value, -1.0, 1e-12));
    }
}
