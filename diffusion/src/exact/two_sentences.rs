//! The two-sentence corpus: "He likes apple" with weight w, "I play tennis" with 1 − w.
//!
//! The smallest system with the marginal trap: tokens drawn independently from perfectly right marginals
//! make sentences that nobody wrote, such as "I likes tennis" (Jin et al., arXiv 2512.22630).

use super::Corpus;
use crate::exact::CorpusError;
use crate::measure::prospect::entropy_bits;
use crate::sequence::{SpecialTokens, TokenId};

/// Token ids of "He likes apple", words 3 to 5.
pub const FIRST: [TokenId; 3] = [TokenId(3), TokenId(4), TokenId(5)];
/// Token ids of "I play tennis", words 6 to 8.
pub const SECOND: [TokenId; 3] = [TokenId(6), TokenId(7), TokenId(8)];
/// The words, by token id; the first three are special.
pub const WORDS: [&str; 9] = ["[MASK]", "[UNK]", "[EOS]", "He", "likes", "apple", "I", "play", "tennis"];

/// The corpus with weight `weight`, strictly between 0 and 1, on the first sentence.
pub fn corpus(weight: f64) -> Result<Corpus, CorpusError> {
    let sentences = vec![(FIRST.to_vec(), weight), (SECOND.to_vec(), 1.0 - weight)];
    Corpus::new(sentences, SpecialTokens::default().mask)
}

/// Probability that a draw takes the first sentence's word when both are open: w^(1/τ), normalised.
pub fn tempered_weight(weight: f64, temperature: f64) -> f64 {
    let (first, second) = (weight.powf(temperature.recip()), (1.0 - weight).powf(temperature.recip()));
    first / (first + second)
}

/// P(unseen) when `slots` are drawn in the first call and the rest afterwards: 1 − p^k − (1 − p)^k.
pub fn unseen_at_once(weight: f64, temperature: f64, slots: u32) -> f64 {
    let p = tempered_weight(weight, temperature);
    1.0 - p.powi(slots as i32) - (1.0 - p).powi(slots as i32)
}

/// Total correlation in bits of `slots` words (at least 1) that are drawn in the first call: (k − 1) H(w).
pub fn total_correlation_bits(weight: f64, slots: u32) -> f64 {
    (f64::from(slots) - 1.0) * entropy_bits([weight, 1.0 - weight])
}

/// P(unseen) of ancestral sampling in `steps` equal steps of the linear schedule at w = 1/2: 3 / (4T).
pub fn unseen_ancestral(steps: u32) -> f64 {
    3.0 / (4.0 * f64::from(steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder, Order, Parallelism, Sampling, run_batch};
    use crate::schedule::Schedule;
    use crate::sequence::Sequence;
    use crate::testing::{near, share_fits};

    const RUNS: u32 = 20_000;

    /// Number of runs, with seeds from 0 on, that end in a sentence of neither kind, and in the first.
    fn endings(weight: f64, settings: DecodeSettings) -> (u64, u64) {
        let special = SpecialTokens::default();
        let start = Sequence::masked(3, special.mask);
        let decoder =
            |seed| Decoder::new(DecodeSettings { seed, ..settings.clone() }, start.clone(), special).unwrap();
        let mut corpus = corpus(weight).unwrap();
        let runs = pollster::block_on(run_batch(&mut corpus, (0..RUNS).map(decoder).collect())).unwrap();
        let texts = runs.iter().map(|run| run.sequence_at(run.steps.len()).unwrap().tokens().collect());
        texts.fold((0, 0), |(unseen, first), text: Vec<TokenId>| {
            (unseen + u64::from(corpus.probability(&text) == 0.0), first + u64::from(text == FIRST))
        })
    }

    fn at_once(slots: u32, order: Order, temperature: f32) -> DecodeSettings {
        DecodeSettings {
            order,
            parallelism: Parallelism::SlotsPerCall { slots },
            sampling: Sampling { temperature, ..Sampling::default() },
            ..DecodeSettings::default()
        }
    }

    fn check_unseen(weight: f64, settings: DecodeSettings, expected: f64) {
        let (unseen, _) = endings(weight, settings);
        assert!(
            share_fits(unseen, u64::from(RUNS), expected),
            "found {unseen} of {RUNS}, expected {expected}"
        );
    }

    #[test]
    fn one_slot_at_a_time_never_mixes() {
        for order in Order::ALL {
            let (unseen, first) = endings(0.7, at_once(1, order, 1.0));
            // Confidence sees three draws and commits a likelier one if there is any: a mode fades even so.
            let expected = if order == Order::Confidence { 1.0 - 0.3_f64.powi(3) } else { 0.7 };
            assert_eq!(unseen, 0, "{order:?}");
            assert!(share_fits(first, RUNS.into(), expected), "{order:?}: {first} of {RUNS}");
        }
    }

    #[test]
    fn the_closed_form_gives_the_golden_table() {
        // (w, temperature, P(unseen) at k = 2, at k = 3), worked out by hand to three digits.
        for (weight, temperature, two, three) in [
            (0.5, 1.0, 0.500, 0.750),
            (0.5, 0.2, 0.500, 0.750),
            (0.7, 1.0, 0.420, 0.630),
            (0.7, 0.5, 0.262, 0.393),
            (0.7, 0.2, 0.028, 0.042),
            (0.9, 1.0, 0.180, 0.270),
            (0.9, 0.5, 0.024, 0.036),
        ] {
            assert!(near(unseen_at_once(weight, temperature, 2), two, 6e-4), "w {weight}, {temperature}");
            assert!(near(unseen_at_once(weight, temperature, 3), three, 6e-4), "w {weight}, {temperature}");
            assert!(near(unseen_at_once(weight, temperature, 1), 0.0, 1e-15));
        }
    }

    #[test]
    fn several_slots_at_once_mix_as_often_as_the_closed_form_says() {
        for (weight, temperature) in [(0.5, 1.0), (0.5, 0.2), (0.7, 1.0), (0.7, 0.5), (0.7, 0.2), (0.9, 0.5)]
        {
            for slots in [2, 3] {
                let settings = at_once(slots, Order::Random, temperature);
                check_unseen(weight, settings, unseen_at_once(weight, temperature.into(), slots));
            }
        }
    }

    /// Mean number of calls of the runs with seeds from 0 on, and how many of them end in a sentence of neither kind.
    fn adaptive(order: Order, parallelism: Parallelism) -> (f64, u64) {
        let settings = DecodeSettings { order, parallelism, ..DecodeSettings::default() };
        let calls = |seed| {
            let settings = DecodeSettings { seed, ..settings.clone() };
            crate::testing::decode(&mut corpus(0.5).unwrap(), settings).steps.len() as f64
        };
        ((0..200).map(calls).sum::<f64>() / 200.0, endings(0.5, settings).0)
    }

    #[test]
    fn a_threshold_above_one_half_never_mixes_and_needs_two_calls() {
        for order in [Order::Confidence, Order::Random] {
            assert_eq!(adaptive(order, Parallelism::Threshold { probability: 0.9 }), (2.0, 0));
            assert_eq!(adaptive(order, Parallelism::Factor { factor: 0.9 }), (2.0, 0));
        }
        // At one half nothing is undecided enough: all goes at once.
        let (calls, unseen) = adaptive(Order::Confidence, Parallelism::Threshold { probability: 0.4999 });
        assert!(calls == 1.0 && share_fits(unseen, RUNS.into(), 0.75));
    }

    #[test]
    fn an_entropy_bound_of_a_coin_flip_mixes_half_the_time() {
        let (calls, unseen) = adaptive(Order::Entropy, Parallelism::EntropyBounded { nats: 0.6 });
        assert_eq!((calls, unseen), (2.0, 0));
        let (calls, unseen) = adaptive(Order::Entropy, Parallelism::EntropyBounded { nats: 0.7 });
        assert!(calls == 2.0 && share_fits(unseen, RUNS.into(), 0.5), "{calls} calls, {unseen} of {RUNS}");
    }

    #[test]
    fn first_hitting_is_exact() {
        let (calls, unseen) =
            adaptive(Order::Random, Parallelism::FirstHitting { schedule: Schedule::Cosine });
        assert_eq!((calls, unseen), (3.0, 0));
    }

    #[test]
    fn gibbs_correction_of_one_slot_leaves_the_truth_as_it_is() {
        let correction = Some(crate::decode::Correction::Gibbs { slots: 1, calls: 4 });
        let (unseen, first) = endings(0.7, DecodeSettings { correction, ..DecodeSettings::default() });
        assert!(unseen == 0 && share_fits(first, RUNS.into(), 0.7), "{unseen}, {first} of {RUNS}");
    }

    #[test]
    fn ancestral_sampling_mixes_three_quarters_over_t() {
        for steps in [1, 2, 4, 8, 16, 32] {
            let parallelism = Parallelism::Ancestral { steps, schedule: Schedule::Linear };
            let settings = DecodeSettings { parallelism, ..DecodeSettings::default() };
            check_unseen(0.5, settings, unseen_ancestral(steps));
        }
    }

    #[test]
    fn one_given_word_anywhere_decides_the_rest() {
        let special = SpecialTokens::default();
        for (order, slot) in Order::ALL.into_iter().flat_map(|order| [0, 1, 2].map(|slot| (order, slot))) {
            let mut template = [None; 3];
            template[slot] = Some(SECOND[slot]);
            let start = Sequence::infill(&template, special.mask);
            let decoder = Decoder::new(at_once(2, order, 1.0), start, special).unwrap();
            let runs = pollster::block_on(run_batch(&mut corpus(0.9).unwrap(), vec![decoder])).unwrap();
            let text: Vec<TokenId> = runs[0].sequence_at(1).unwrap().tokens().collect();
            assert_eq!(text, SECOND, "{order:?}, slot {slot}");
        }
    }

    #[test]
    fn the_test_would_notice_a_wrong_sampler() {
        // A fixed quota over 2 steps commits 1 or 2 slots at once, which is not ancestral sampling.
        let parallelism = Parallelism::Quota { steps: 2, schedule: Schedule::Linear };
        let (unseen, _) = endings(0.5, DecodeSettings { parallelism, ..DecodeSettings::default() });
        assert!(!share_fits(unseen, RUNS.into(), unseen_ancestral(2)), "{unseen}");
    }
}
