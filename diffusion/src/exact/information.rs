//! D1, exactly: how many bits about the text are left at time t, for a small corpus under any token process.

use super::Corpus;
use super::states::States;
use crate::process::TokenProcess;
use crate::sequence::TokenId;

/// I(x_0; x_t) in bits: at t = 0 the entropy of the corpus, at t = 1 nothing. Sums over all states, (words + 1) to
/// the power of the length. All processes share this axis, whatever their clocks.
pub fn information_left_bits<P: TokenProcess>(corpus: &Corpus, process: &P, t: f64) -> f64 {
    let states = States::new(corpus, process);
    (0..states.count()).map(|number| contribution(corpus, process, &states.state(number), t)).sum()
}

/// Σ over sentences of p(x_0, x_t) log2 (q(x_t | x_0) / q(x_t)) for one state x_t.
fn contribution<P: TokenProcess>(corpus: &Corpus, process: &P, state: &[TokenId], t: f64) -> f64 {
    let conditional = |sentence: &[TokenId]| -> f64 {
        sentence.iter().zip(state).map(|(&clean, &noisy)| process.marginal(clean, noisy, t)).product()
    };
    let pairs: Vec<(f64, f64)> = corpus.sentences().map(|(s, weight)| (weight, conditional(s))).collect();
    let marginal: f64 = pairs.iter().map(|(weight, q)| weight * q).sum();
    let terms = pairs.iter().filter(|(_, q)| *q > 0.0);
    terms.map(|(weight, q)| weight * q * (q / marginal).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::two_sentences;
    use crate::process::{Mask, MaskUniform, Uniform, Words};
    use crate::schedule::Schedule;
    use crate::testing::near;

    const WORDS: Words = Words { first: 3, count: 6 };

    fn check<P: TokenProcess>(process: &P, t: f64, expected: f64, tolerance: f64) {
        let found = information_left_bits(&two_sentences::corpus(0.5).unwrap(), process, t);
        assert!(near(found, expected, tolerance), "t {t}: found {found}, expected {expected}");
    }

    #[test]
    fn under_masks_one_visible_word_tells_all() {
        for schedule in Schedule::ALL {
            let process = Mask { schedule, mask: TokenId(0) };
            for t in [0.0, 0.1, 0.5, 0.9, 1.0] {
                check(&process, t, 1.0 - schedule.lost(t).powi(3), 1e-12);
            }
        }
    }

    #[test]
    fn uniform_noise_loses_it_more_evenly() {
        let process = Uniform { schedule: Schedule::Linear, words: WORDS };
        let golden = [0.986, 0.942, 0.869, 0.766, 0.637, 0.489, 0.330, 0.176, 0.053];
        for (i, golden) in (1..).zip(golden) {
            check(&process, f64::from(i) / 10.0, golden, 6e-4);
        }
    }

    #[test]
    fn uniform_noise_deviates_less_from_a_straight_line() {
        let corpus = two_sentences::corpus(0.5).unwrap();
        let deviation = |left: &dyn Fn(f64) -> f64| {
            let grid = (0..=200).map(|i| f64::from(i) / 200.0);
            grid.map(|t| (left(t) - (1.0 - t)).abs()).fold(0.0, f64::max)
        };
        let mask = Mask { schedule: Schedule::Linear, mask: TokenId(0) };
        let found = deviation(&|t| information_left_bits(&corpus, &mask, t));
        assert!(near(found, 2.0 / 27.0_f64.sqrt(), 1e-4), "at t = 1/√3: .385, found {found}");
        let uniform = Uniform { schedule: Schedule::Linear, words: WORDS };
        let found = deviation(&|t| information_left_bits(&corpus, &uniform, t));
        assert!(near(found, 0.17, 0.005), "{found}");
    }

    #[test]
    fn mask_and_uniform_begins_at_the_entropy_and_ends_at_nothing() {
        let process = MaskUniform { mask: TokenId(0), words: WORDS, uniform_share: 0.2 };
        check(&process, 0.0, 1.0, 1e-12);
        check(&process, 1.0, 0.0, 1e-12);
        let at = |t| information_left_bits(&two_sentences::corpus(0.5).unwrap(), &process, t);
        assert!((1..=10).all(|i| at(f64::from(i) / 10.0) < at(f64::from(i - 1) / 10.0)), "falls all the way");
    }
}
