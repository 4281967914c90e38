use super::*;
use crate::decode::{Order, Parallelism, Sampling};
use crate::random::{Purpose, word};
use crate::schedule::Schedule;
use crate::sequence::{Slot, SlotState, TokenId};
use crate::testing::prediction;

fn decoder(settings: DecodeSettings, length: usize) -> Decoder {
    let special = SpecialTokens::default();
    Decoder::new(settings, Sequence::masked(length, special.mask), special).unwrap()
}

/// Predictions whose confidence falls from right to left.
fn rising(decoder: &Decoder) -> Vec<Prediction> {
    decoder.rows(0).map(|row| prediction(-9.0 + row.slot as f32, [-0.1, -3.0], 0.5)).collect()
}

#[test]
fn all_masked_slots_are_asked_and_only_those() {
    let special = SpecialTokens::default();
    let start = Sequence::infill(&[None, Some(TokenId(9)), None], special.mask);
    let sampling = Sampling { temperature: 0.5, top_k: 4, top_p: 0.9, suppress_end_of_text: true };
    let settings = DecodeSettings { seed: 8, sampling, ..DecodeSettings::default() };
    let query = Decoder::new(settings, start, special).unwrap().query();
    assert_eq!((query.length, query.tokens), (3, vec![special.mask, TokenId(9), special.mask]));
    let row = Row {
        sequence: 0,
        slot: 0,
        seed: 8,
        call: 0,
        temperature: 0.5,
        top_k: 4,
        top_p: 0.9,
        first_token: 3,
        target: special.mask,
    };
    assert_eq!(query.rows, [row, Row { slot: 2, ..row }]);
}

#[test]
fn the_order_says_which_and_the_parallelism_how_many() {
    let parallelism = Parallelism::SlotsPerCall { slots: 2 };
    let settings = DecodeSettings { order: Order::Confidence, parallelism, ..DecodeSettings::default() };
    let mut decoder = decoder(settings, 4);
    let predictions = rising(&decoder);
    let step = decoder.apply(&predictions).unwrap();
    assert_eq!(step.commits.iter().map(|commit| commit.slot).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(step.predictions.len(), 4);
    assert_eq!(decoder.sequence().masked_slots().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(decoder.sequence().slots[3], Slot::committed(TokenId(5)));
    assert_eq!(decoder.rows(0).map(|row| row.call).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn equals_go_from_left_to_right() {
    for order in [Order::Confidence, Order::Margin, Order::Entropy, Order::LeftToRight] {
        let mut decoder = decoder(DecodeSettings { order, ..DecodeSettings::default() }, 3);
        let equal = [prediction(-1.0, [-1.0, -2.0], 0.7); 3];
        assert_eq!(decoder.apply(&equal).unwrap().commits[0].slot, 0, "{order:?}");
    }
}

#[test]
fn given_slots_are_never_touched() {
    let special = SpecialTokens::default();
    let start = Sequence::infill(&[Some(TokenId(9)), None, Some(TokenId(8)), None], special.mask);
    let mut decoder = Decoder::new(DecodeSettings::default(), start.clone(), special).unwrap();
    while !decoder.is_finished() {
        let predictions = rising(&decoder);
        decoder.apply(&predictions).unwrap();
    }
    for (before, after) in start.slots.iter().zip(&decoder.sequence().slots) {
        assert!(before == after || before.state == SlotState::Masked);
    }
}

#[test]
fn ancestral_commits_exactly_the_slots_whose_own_draw_says_so() {
    let parallelism = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
    for seed in 0..200 {
        let mut decoder = decoder(DecodeSettings { seed, parallelism, ..DecodeSettings::default() }, 8);
        let predictions = rising(&decoder);
        let step = decoder.apply(&predictions).unwrap();
        let p = 1.0 / f64::from(4 - step.step);
        let word = |slot| word(seed, step.step, slot, Purpose::Reveal as u32);
        let expected: Vec<u32> = (0..8).filter(|&slot| crate::random::bernoulli(word(slot), p)).collect();
        let mut found: Vec<u32> = step.commits.iter().map(|commit| commit.slot).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn steps_without_commits_cost_no_call() {
    for parallelism in [
        Parallelism::Ancestral { steps: 1000, schedule: Schedule::Linear },
        Parallelism::Quota { steps: 1000, schedule: Schedule::Cosine },
    ] {
        let mut decoder = decoder(DecodeSettings { parallelism, ..DecodeSettings::default() }, 6);
        let (mut calls, mut last) = (0, None);
        while !decoder.is_finished() {
            let predictions = rising(&decoder);
            let step = decoder.apply(&predictions).unwrap();
            assert_eq!(step.call, calls);
            assert!(!step.commits.is_empty() && last < Some(step.step));
            (calls, last) = (calls + 1, Some(step.step));
        }
        assert!(calls <= 6 && last > Some(500), "{calls} calls, last at step {last:?}");
    }
}

#[test]
fn a_start_without_masks_is_finished() {
    assert!(decoder(DecodeSettings::default(), 0).is_finished());
    let start = Sequence { slots: vec![Slot::given(TokenId(4))] };
    let decoder = Decoder::new(DecodeSettings::default(), start, SpecialTokens::default()).unwrap();
    assert!(decoder.is_finished() && decoder.query().rows.is_empty());
}

#[test]
fn wrong_answers_change_nothing() {
    let mut decoder = decoder(DecodeSettings::default(), 2);
    let before = decoder.clone();
    let good = prediction(-1.0, [-1.0, -2.0], 0.7);
    let mut forbidden = good;
    forbidden.drawn.token = TokenId(1);
    let mut check = |predictions: &[Prediction], expected: DecodeError| {
        assert_eq!(decoder.apply(predictions), Err(expected));
        assert_eq!(decoder, before);
    };
    check(&[good], DecodeError::Count { found: 1, expected: 2 });
    check(&[good, forbidden], DecodeError::Token { slot: 1, found: 1, first_token: 2 });
    for broken in [
        prediction(f32::NAN, [-1.0, -2.0], 0.7),
        prediction(f32::NEG_INFINITY, [-1.0, -2.0], 0.7),
        prediction(-1.0, [-1.0, f32::NAN], 0.7),
        prediction(-1.0, [-1.0, -2.0], f32::NAN),
        Prediction { log_sum_exp: f32::INFINITY, ..good },
        Prediction { target_log_probability: f32::NAN, ..good },
    ] {
        check(&[good, broken], DecodeError::NotFinite { slot: 1 });
    }
}

#[test]
fn new_settings_take_over_where_the_run_stands() {
    let with = |parallelism| DecodeSettings { parallelism, ..DecodeSettings::default() };
    let mut decoder = decoder(with(Parallelism::SlotsPerCall { slots: 4 }), 16);
    for _ in 0..2 {
        let predictions = rising(&decoder);
        decoder.apply(&predictions).unwrap();
    }
    // Half is done: of 8 steps, 4 are left, and they take 2 slots each.
    let rule = Parallelism::Quota { steps: 8, schedule: Schedule::Linear };
    let mut decoder = decoder.with_settings(with(rule)).unwrap();
    let predictions = rising(&decoder);
    let step = decoder.apply(&predictions).unwrap();
    assert_eq!((step.call, step.step, step.commits.len()), (2, 4, 2));
}
