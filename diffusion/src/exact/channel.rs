//! D1 on one axis for every process: how many bits about the text are left at time t, drawn instead of summed over all states, so that
//! vectors, processes that differ from slot to slot and hybrids have their place beside tokens.

use super::Corpus;
use crate::measure::{Estimate, Moments};
use crate::process::Likelihood;
use crate::random::{Purpose, Stream, uniform};
use crate::sequence::TokenId;

/// I(x_0; x_t) in bits with its standard error, the mean over `draws` of log2 q(x_t | x_0) / q(x_t): at t = 0 the entropy of the corpus,
/// of pure noise nothing. `process` gives that of each slot (saliences and blocks differ). Cost: draws times sentences. For token
/// processes [`information_left_bits`](super::information_left_bits) is exact. `None` for fewer than two draws.
///
/// A soft mask adds to a mask only what the network makes of the visible rest: what it leaves is what [`Mask`](crate::process::Mask) leaves.
pub fn information_drawn_bits<P: Likelihood>(
    corpus: &Corpus,
    process: impl Fn(usize) -> P,
    t: f64,
    draws: u32,
    seed: u32,
) -> Option<Estimate> {
    let slots: Vec<P> = (0..corpus.length()).map(process).collect();
    let draw = |draw| {
        let clean = sentence(corpus, &mut Stream::new(seed, draw, 0, Purpose::Text));
        let noisy = |(slot, process): (usize, &P)| {
            process.sample(clean[slot], t, &mut Stream::new(seed, draw, slot as u32, Purpose::Sample))
        };
        let state: Vec<P::State> = slots.iter().enumerate().map(noisy).collect();
        told_bits(corpus, &slots, clean, &state, t)
    };
    (0..draws).map(draw).collect::<Moments>().estimate()
}

/// A sentence by its weight.
fn sentence<'a>(corpus: &'a Corpus, stream: &mut Stream) -> &'a [TokenId] {
    let mut left = uniform(stream.word());
    let mut last: &[TokenId] = &[];
    for (sentence, weight) in corpus.sentences() {
        last = sentence;
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last
}

/// log2 q(x_t | x_0) / q(x_t).
fn told_bits<P: Likelihood>(
    corpus: &Corpus,
    slots: &[P],
    clean: &[TokenId],
    state: &[P::State],
    t: f64,
) -> f64 {
    let log = |sentence: &[TokenId]| -> f64 {
        let terms = slots.iter().zip(sentence).zip(state);
        terms.map(|((process, &clean), noisy)| process.log_likelihood(clean, noisy, t)).sum()
    };
    let own = log(clean);
    // Over the likelihood of the clean text itself, so that nothing overflows.
    let others: f64 = corpus.sentences().map(|(other, weight)| weight * (log(other) - own).exp()).sum();
    -others.log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::SoftFeedback;
    use crate::exact::{information_left_bits, two_sentences};
    use crate::process::{
        Block, Candi, FrequencyMask, Gaussian, GenMd4, Mask, SoftMask, Spindle, TokenProcess, Uniform, Words,
    };
    use crate::schedule::Schedule;
    use crate::testing::{near, prediction};

    const MASK: TokenId = TokenId(0);
    const DRAWS: u32 = 20_000;

    fn corpus() -> Corpus {
        two_sentences::corpus(0.5).unwrap()
    }

    fn drawn<P: Likelihood>(process: impl Fn(usize) -> P, t: f64) -> Estimate {
        information_drawn_bits(&corpus(), process, t, DRAWS, 3).unwrap()
    }

    fn check<P: Likelihood>(process: impl Fn(usize) -> P, t: f64, exact: f64) {
        let found = drawn(process, t);
        assert!(found.standard_error < 0.02, "power: {found:?}");
        let tolerance = 4.0 * found.standard_error + 1e-9;
        assert!(near(found.value, exact, tolerance), "t {t}: {found:?}, exact {exact}");
    }

    fn agrees_with_the_sum<P: TokenProcess + Clone>(process: &P) {
        for t in [0.0, 0.3, 0.7, 1.0] {
            check(|_| process.clone(), t, information_left_bits(&corpus(), process, t));
        }
    }

    #[test]
    fn draws_find_what_the_sum_over_all_states_finds() {
        agrees_with_the_sum(&Mask { schedule: Schedule::Cosine, mask: MASK });
        agrees_with_the_sum(&Uniform { schedule: Schedule::Linear, words: Words { first: 3, count: 6 } });
        agrees_with_the_sum(&GenMd4::new(MASK, vec![1.0, 1.0, 1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.7]).unwrap());
        agrees_with_the_sum(&FrequencyMask::new(MASK, 0.3, &[0, 0, 0, 9, 900, 90, 3, 1, 1]).unwrap());
    }

    #[test]
    fn saliences_and_blocks_differ_from_slot_to_slot() {
        // Any visible word tells all: 1 - Π of the slots' masked shares.
        let deviations = [0.4, 0.2, -0.6];
        let spindle = |slot: usize| Spindle { mask: MASK, strength: 0.3, deviation: deviations[slot] };
        let masked = |t: f64| (0..3).map(|slot| spindle(slot).masses(t).masked).product::<f64>();
        check(spindle, 0.5, 1.0 - masked(0.5));
        let block =
            |current| Block { mask: Mask { schedule: Schedule::Linear, mask: MASK }, width: 1, current };
        check(|slot| block(0).slot(slot as u32), 0.4, 0.6);
        check(|slot| block(1).slot(slot as u32), 0.4, 1.0);
    }

    #[test]
    fn soft_masks_leave_what_masks_leave() {
        let mask = Mask { schedule: Schedule::Linear, mask: MASK };
        let soft = SoftMask { mask, feedback: SoftFeedback::default() };
        let guess = prediction(0.0, [0.7_f32.ln(), 0.3_f32.ln()], 0.6);
        [0.3, 0.7].into_iter().for_each(|t| check(|slot| soft.slot(slot as u32, &guess), t, 1.0 - t * t * t));
    }

    #[test]
    fn vectors_and_hybrids_stand_on_the_same_axis() {
        let embeddings = (0..9).map(|token| if token < 6 { 1.0 } else { -1.0 }).collect();
        let gaussian = Gaussian::new(Schedule::Linear, embeddings, 1);
        let left = |t| drawn(|_| gaussian.clone(), t).value;
        assert!(near(left(0.0), 1.0, 1e-12) && near(left(1.0), 0.0, 1e-9));
        assert!(left(0.3) > left(0.6) && left(0.6) > left(0.9));
        let candi = |vocabulary| Candi {
            schedule: Schedule::Linear,
            vocabulary,
            least_rank_error: 0.05,
            most_rank_error: 0.25,
        };
        for t in [0.3, 0.6, 0.9] {
            let masks = 1.0 - t * t * t;
            let hybrid = drawn(|_| candi(9), t);
            assert!(hybrid.value > masks, "noisy slots tell something too: {hybrid:?} over {masks}");
            assert!(hybrid.value <= 1.0 + 1e-9);
        }
    }

    #[test]
    fn another_time_would_be_noticed_and_one_draw_is_no_estimate() {
        let process = Uniform { schedule: Schedule::Linear, words: Words { first: 3, count: 6 } };
        let found = drawn(|_| process, 0.5);
        let other = information_left_bits(&corpus(), &process, 0.55);
        assert!((found.value - other).abs() > 4.0 * found.standard_error, "{found:?}, at .55 {other}");
        assert_eq!(information_drawn_bits(&corpus(), |_| process, 0.5, 1, 3), None);
    }
}
