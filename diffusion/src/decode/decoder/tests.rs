use super::*;
use crate::decode::{Believed, Order, Parallelism, Remasking, Sampling, SoftFeedback};
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
        Prediction { drift_nats: Some(f32::INFINITY), ..good },
        Prediction { tempered_log_probability: Some(f32::NAN), ..good },
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

/// Slots committed at each call of a run over `start`, every answer as sure as `confidence(slot)`.
fn calls(settings: DecodeSettings, start: Sequence, confidence: impl Fn(u32) -> f32) -> Vec<Vec<u32>> {
    let mut decoder = Decoder::new(settings, start, SpecialTokens::default()).unwrap();
    let mut all = Vec::new();
    while !decoder.is_finished() {
        let answer = |row: Row| {
            let p = confidence(row.slot);
            prediction(p.ln(), [p.ln(), -9.0], 1.0 - p)
        };
        let answers: Vec<Prediction> = decoder.rows(0).map(answer).collect();
        all.push(decoder.apply(&answers).unwrap().commits.iter().map(|c| c.slot).collect());
    }
    all
}

fn masked(length: usize) -> Sequence {
    Sequence::masked(length, SpecialTokens::default().mask)
}

#[test]
fn blocks_are_written_one_after_the_other_each_with_its_own_steps() {
    let parallelism = Parallelism::Quota { steps: 2, schedule: Schedule::Linear };
    let settings = DecodeSettings {
        order: Order::Confidence,
        parallelism,
        block_length: 4,
        ..DecodeSettings::default()
    };
    let prompt = Sequence::prompted(&[TokenId(7); 2], 10, TokenId(0)).unwrap();
    let rising = |slot| 0.1 + slot as f32 / 20.0;
    assert_eq!(calls(settings, prompt, rising), [[5, 4], [3, 2], [9, 8], [7, 6]]);
}

#[test]
fn a_blocks_quota_shares_out_what_is_masked_when_it_begins() {
    // A word that was written before the run and one that is given stand in the second block of four: of its two masks both steps
    // take one. Were all that is not given counted, the first would take both.
    let parallelism = Parallelism::Quota { steps: 2, schedule: Schedule::Linear };
    let settings = DecodeSettings { parallelism, block_length: 4, ..DecodeSettings::default() };
    let mut start = masked(8);
    start.slots[4] = Slot::committed(TokenId(7));
    start.slots[6] = Slot::given(TokenId(7));
    let per_call = calls(settings, start, |_| 0.5);
    assert_eq!(per_call.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1, 1]);
}

#[test]
fn a_sequential_span_is_written_from_left_to_right_beside_the_rest() {
    let settings = DecodeSettings {
        order: Order::Confidence,
        parallelism: Parallelism::SlotsPerCall { slots: 3 },
        sequential: vec![Span { start: 1, end: 4 }],
        ..DecodeSettings::default()
    };
    // Slots 0, 4, 5 are free; of 1, 2, 3 only the first that is left may go.
    let found = calls(settings, masked(6), |slot| [0.9, 0.5, 0.8, 0.8, 0.3, 0.2][slot as usize]);
    assert_eq!(found, [vec![0, 1, 4], vec![2, 5], vec![3]]);
}

/// Commits and remasks of calls that draw with these probabilities; each call asks of the masked slots, in reading order.
fn running_confidence(believed: Believed, calls: &[&[f32]]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let parallelism = Parallelism::Quota { steps: 4, schedule: Schedule::Linear };
    let remasking = Remasking::RunningConfidence { believed };
    let mut decoder = decoder(DecodeSettings { parallelism, remasking, ..DecodeSettings::default() }, 4);
    let mut call = |confidences: &&[f32]| {
        let answer = |p: &f32| prediction(p.ln(), [p.ln(), -9.0], 0.5);
        let step = decoder.apply(&confidences.iter().map(answer).collect::<Vec<_>>()).unwrap();
        (step.commits.iter().map(|c| c.slot).collect(), step.remasks)
    };
    calls.iter().map(&mut call).collect()
}

#[test]
fn running_confidence_takes_back_what_was_less_sure() {
    // The second call asks of slots 1, 2, 3; two may be written, and two are now surer than slot 0 was. The third asks of slots
    // 0 and 1: three may be written.
    let calls: [&[f32]; 4] = [&[0.5, 0.4, 0.3, 0.2], &[0.4, 0.8, 0.9], &[0.3, 0.45], &[0.3]];
    let both =
        |third, fourth| vec![(vec![0], vec![]), (vec![3, 2], vec![0]), (third, vec![]), (fourth, vec![])];
    let largest = running_confidence(Believed::Largest, &calls);
    assert_eq!(largest, both(vec![0], vec![1]), "0.5 is believed for ever");
    let latest = running_confidence(Believed::Latest, &calls);
    assert_eq!(latest, both(vec![1], vec![0]), "of slot 0 only 0.3 is left");
}

#[test]
fn after_the_first_end_all_is_end() {
    let settings =
        DecodeSettings { order: Order::LeftToRight, fill_after_end: true, ..DecodeSettings::default() };
    let mut decoder = decoder(settings, 6);
    let word = prediction(-1.0, [-1.0, -2.0], 0.5);
    let mut end = word;
    end.drawn.token = SpecialTokens::default().end_of_text;
    decoder.apply(&[word; 6]).unwrap();
    let step = decoder.apply(&[end; 5]).unwrap();
    assert_eq!(step.commits.len(), 5, "slots 1 to 5");
    assert!(decoder.is_finished() && decoder.sequence().text_length(end.drawn.token) == 1);
}

#[test]
fn one_by_one_changes_the_surest_slot_until_nothing_changes() {
    let correction = Correction::OneByOne { temperature: 0.1, time: 0.05, patience: 9, calls: 9 };
    let settings = DecodeSettings { correction: Some(correction), ..DecodeSettings::default() };
    let text = |ids: [u32; 3]| Sequence { slots: ids.map(|id| Slot::committed(TokenId(id))).to_vec() };
    let mut decoder = Decoder::new(settings, text([3, 4, 5]), SpecialTokens::default()).unwrap();
    assert_eq!((decoder.time(), decoder.rows(0).next().unwrap().temperature), (0.05, 0.1));
    // Every answer draws 5; slot 1 is surer of it than slot 0.
    let answer = |p: f32| {
        let rest = (1.0 - p) / 2.0;
        let tempered_log_probability = Some(p.ln() / 10.0);
        Prediction { tempered_log_probability, ..prediction(p.ln(), [rest.ln(), -9.0], 0.5) }
    };
    let mut commits = Vec::new();
    while !decoder.is_finished() {
        let step = decoder.apply(&[0.4, 0.6, 0.9].map(answer)).unwrap();
        commits.push(step.commits.iter().map(|c| c.slot).collect::<Vec<_>>());
    }
    assert_eq!(commits, [vec![1], vec![0], vec![]]);
    assert_eq!(*decoder.sequence(), text([5, 5, 5]));
}

#[test]
fn the_least_sure_slots_are_written_again() {
    let correction = Some(Correction::LeastSure { slots: 2, calls: 1 });
    let parallelism = Parallelism::SlotsPerCall { slots: 4 };
    let settings = DecodeSettings { correction, parallelism, ..DecodeSettings::default() };
    let confidence = |slot| [0.9, 0.2, 0.8, 0.3][slot as usize];
    assert_eq!(calls(settings.clone(), masked(4), confidence)[1], [1, 3]);
    let mut decoder = decoder(settings, 4);
    let predictions = [0.9_f32, 0.2, 0.8, 0.3].map(|p| prediction(p.ln(), [p.ln(), -9.0], 0.5));
    decoder.apply(&predictions).unwrap();
    let shown: Vec<u32> = decoder.query().tokens.iter().map(|token| token.0).collect();
    assert_eq!(shown, [5, 0, 5, 0], "the denoiser sees masks where the text is written again");
}

#[test]
fn masked_slots_show_what_the_last_call_thought() {
    let soft_feedback = Some(SoftFeedback::default());
    let mut decoder = decoder(DecodeSettings { soft_feedback, ..DecodeSettings::default() }, 3);
    assert!(decoder.query().mixtures.is_empty());
    let predictions = rising(&decoder);
    let written = decoder.apply(&predictions).unwrap().commits[0].slot;
    let slots: Vec<u32> = decoder.query().mixtures.iter().map(|m| m.slot).collect();
    assert_eq!(slots, (0..3).filter(|&slot| slot != written).collect::<Vec<_>>());
}

#[test]
fn rules_that_do_not_go_together_are_refused() {
    let ancestral = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
    let words = crate::process::Words { first: 3, count: 6 };
    let noise = Noise::Uniform { words, greedy_tail: false };
    for settings in [
        DecodeSettings { remasking: Remasking::Cap { eta: 0.1 }, ..DecodeSettings::default() },
        DecodeSettings {
            remasking: Remasking::Cap { eta: 0.1 },
            parallelism: ancestral,
            block_length: 4,
            ..DecodeSettings::default()
        },
        DecodeSettings {
            remasking: Remasking::RunningConfidence { believed: Believed::Largest },
            ..DecodeSettings::default()
        },
        DecodeSettings { noise, ..DecodeSettings::default() },
        DecodeSettings { parallelism: Parallelism::Rounds, ..DecodeSettings::default() },
        DecodeSettings { sequential: vec![Span { start: 3, end: 3 }], ..DecodeSettings::default() },
    ] {
        let found = Decoder::new(settings.clone(), masked(3), SpecialTokens::default());
        assert!(matches!(found, Err(SettingsError::Together { .. })), "{settings:?}");
    }
}
