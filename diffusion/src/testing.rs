//! Statistics and sample values for tests: deterministic, because every test fixes its seeds.

use crate::decode::{DecodeSettings, Decoder, Trajectory, run};
use crate::denoiser::{Candidate, Prediction};
use crate::exact::Corpus;
use crate::measure::Moments;
use crate::sequence::{Sequence, SpecialTokens, TokenId};

/// Holds a bound of the first of two texts that are equally likely, one bit, to the special tokens of its caller, whose end of text the
/// default could not predict. `bits` are those of the text with a number of the file; none if there is no bound.
pub fn one_bit_by_the_callers_tokens(
    special: SpecialTokens,
    mut bits: impl FnMut(u32, SpecialTokens) -> Option<f64>,
) {
    let mut mean =
        |special| (0..100).filter_map(|index| bits(index, special)).collect::<Moments>().estimate();
    let found = mean(special).unwrap();
    assert!(near(found.value, 1.0, 4.0 * found.standard_error + 0.02), "{found:?}");
    let power = "power: an end of text that cannot be predicted is no bound";
    assert_eq!(mean(SpecialTokens::default()), None, "{power}");
}

/// Pearson's statistic of counts against probabilities, in standard deviations above its mean. A right formula
/// gives about 0 and stays below [`LIMIT`] but for one seed in two hundred with two outcomes, in many thousands with many; NaN fails
/// every comparison.
pub fn misfit(counts: &[u64], probabilities: &[f64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let mut statistic = 0.0;
    let mut freedom = -1.0;
    for (&count, &p) in counts.iter().zip(probabilities) {
        let expected = total as f64 * p;
        if expected == 0.0 {
            assert_eq!(count, 0, "an impossible outcome was drawn");
            continue;
        }
        statistic += (count as f64 - expected).powi(2) / expected;
        freedom += 1.0;
    }
    // A single possible outcome leaves nothing to chance: the statistic itself is then 0 or wrong.
    if freedom == 0.0 { statistic } else { (statistic - freedom) / (2.0_f64 * freedom).sqrt() }
}

/// Largest [`misfit`] of a right formula.
pub const LIMIT: f64 = 5.0;

/// Whether a share out of `draws` is within four standard errors of `expected`.
pub fn share_fits(hits: u64, draws: u64, expected: f64) -> bool {
    let error = (expected * (1.0 - expected) / draws as f64).sqrt();
    (hits as f64 / draws as f64 - expected).abs() <= 4.0 * error
}

/// Kolmogorov and Smirnov's statistic of draws from a continuous distribution: √n times the largest gap between
/// their share below x and `below(x)`. A right formula stays under [`GAP_LIMIT`].
pub fn gap(mut draws: Vec<f64>, below: impl Fn(f64) -> f64) -> f64 {
    draws.sort_unstable_by(f64::total_cmp);
    let n = draws.len() as f64;
    let gaps = draws.iter().enumerate().map(|(i, &x)| {
        let p = below(x);
        assert!(p.is_finite(), "a share below a draw is no number");
        (p - i as f64 / n).abs().max(((i + 1) as f64 / n - p).abs())
    });
    n.sqrt() * gaps.fold(0.0, f64::max)
}

/// Largest [`gap`] of a right formula: passed by chance once in 8000 seeds.
pub const GAP_LIMIT: f64 = 2.2;

/// Whether two numbers differ by at most `tolerance`; never if one is NaN.
pub fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

#[test]
fn the_statistics_notice_a_wrong_formula() {
    assert!(misfit(&[500, 300, 200], &[0.5, 0.3, 0.2]) < LIMIT);
    assert!(misfit(&[500, 300, 200], &[0.4, 0.35, 0.25]) > LIMIT);
    assert!(share_fits(510, 1000, 0.5) && !share_fits(570, 1000, 0.5));
    assert!(!near(f64::NAN, 0.0, 1.0) && !share_fits(0, 0, 0.5));
}

/// A prediction with these log-probabilities for the drawn and the two best tokens, and this entropy.
pub fn prediction(drawn: f32, top: [f32; 2], entropy_nats: f32) -> Prediction {
    let candidate = |token, log_probability| Candidate { token: TokenId(token), log_probability };
    let none = candidate(0, f32::NEG_INFINITY);
    Prediction {
        drawn: candidate(5, drawn),
        entropy_nats,
        log_sum_exp: 0.0,
        target_log_probability: f32::NEG_INFINITY,
        top: [candidate(3, top[0]), candidate(4, top[1]), none, none, none],
        drift_nats: None,
        tempered_log_probability: None,
    }
}

/// A finished run over a corpus from pure noise.
pub fn decode(corpus: &mut Corpus, settings: DecodeSettings) -> Trajectory {
    let special = SpecialTokens::default();
    let start = Sequence::masked(corpus.length(), special.mask);
    let decoder = Decoder::new(settings, start, special).unwrap();
    pollster::block_on(run(corpus, decoder)).unwrap()
}
