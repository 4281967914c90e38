use std::collections::BTreeMap;

use diffusion::Schedule;
use diffusion::decode::{DecodeSettings, Parallelism, Remasking};

use crate::computed_laws::{law_of_slots, products};
use crate::runs::{check_law, settings};
use crate::statistics::Law;
use crate::systems::{MASK, Table, chain, copy, parity, words};

/// When the loop of ReMDM begins and ends, and the share of slots that it keeps written.
const ON: f64 = 0.7;
const OFF: f64 = 0.3;
const HELD: f64 = 0.6;

/// alpha(t) of the loop: up to what is held, held, and on to 1.
fn looped(t: f64) -> f64 {
    if t > ON {
        HELD * (1.0 - t) / (1.0 - ON)
    } else if t >= OFF {
        HELD
    } else {
        1.0 - (1.0 - HELD) * t / OFF
    }
}

/// The most that a written slot may be hidden with.
fn sigma_most(alpha_t: f64, alpha_s: f64) -> f64 {
    if alpha_t > 0.0 { f64::min(1.0, (1.0 - alpha_s) / alpha_t) } else { 1.0 }
}

/// Probabilities of a step from t back to s that a written slot is hidden, and that a hidden one is written.
fn rates(remasking: Remasking, t: f64, s: f64) -> (f64, f64) {
    let (alpha_t, alpha_s) = match remasking {
        Remasking::Loop { .. } => (looped(t), looped(s)),
        _ => (1.0 - t, 1.0 - s),
    };
    let most = sigma_most(alpha_t, alpha_s);
    let sigma = match remasking {
        Remasking::Cap { eta } => eta.min(most),
        Remasking::Rescale { eta } => eta * most,
        Remasking::ForwardBackward { scale } if alpha_t > 0.0 => {
            (scale * (alpha_s - alpha_t) / alpha_t).min(most)
        }
        Remasking::Loop { eta, .. } if t <= ON && s >= OFF => eta.min(most),
        _ => 0.0,
    };
    (sigma, ((alpha_s - (1.0 - sigma) * alpha_t) / (1.0 - alpha_t)).clamp(0.0, 1.0))
}

/// ReMDM (Wang et al., arXiv 2503.00307) by cap, rescale, loop and forward-backward steps back with the posterior of its
/// equation 7, sigma at most min(1, (1 − alpha_s) / alpha_t).
#[test]
fn remdm_has_its_computed_law() {
    let steps = 6;
    for remasking in [
        Remasking::Cap { eta: 0.2 },
        Remasking::Rescale { eta: 0.4 },
        Remasking::ForwardBackward { scale: 1.0 },
        Remasking::ForwardBackward { scale: 0.3 },
        Remasking::Loop { eta: 0.25, on: ON, off: OFF, alpha: HELD },
    ] {
        for table in [parity(), copy(), chain()] {
            let back = |state: &[u32], slot: usize, step: usize| {
                let time = |step: usize| 1.0 - step as f64 / f64::from(steps);
                let (sigma, reveals) = rates(remasking, time(step), time(step + 1));
                if state[slot] != MASK.0 {
                    return vec![(state[slot], 1.0 - sigma), (MASK.0, sigma)];
                }
                let words = (0..).zip(table.conditional(state, slot)).map(|(word, p)| (word, p * reveals));
                words.chain([(MASK.0, 1.0 - reveals)]).collect()
            };
            let start = Law::from([(vec![MASK.0; 4], 1.0)]);
            let expected = law_of_slots(start, steps as usize, &back);
            let base = settings(Parallelism::Ancestral { steps, schedule: Schedule::Linear });
            check_law(&table, &DecodeSettings { remasking, ..base }, &expected);
        }
    }
}

/// A slot of ReMDM by confidence: its word, and the bits of the probability with which it was written.
type Kept = (u32, u64);

const HIDDEN: Kept = (MASK.0, 0);

/// What may become of a slot in a step from t back to s.
fn moves_by_confidence(table: &Table, state: &[Kept], slot: usize, t: f64, s: f64) -> Vec<(Kept, f64)> {
    let (alpha_t, alpha_s) = (1.0 - t, 1.0 - s);
    let here = state[slot];
    if here == HIDDEN {
        let reveals = (alpha_s - alpha_t) / (1.0 - alpha_t);
        let seen: Vec<u32> = state.iter().map(|kept| kept.0).collect();
        let p = table.conditional(&seen, slot);
        // Predictions hold logarithms in f32, and so does the confidence.
        let confidence = |p: f64| f64::from(p.ln() as f32).exp().to_bits();
        let words = (3..5).map(|word| ((word as u32, confidence(p[word])), reveals * p[word]));
        return words.chain([(HIDDEN, 1.0 - reveals)]).collect();
    }
    let weight = |kept: &Kept| if *kept == HIDDEN { 0.0 } else { (-f64::from_bits(kept.1)).exp() };
    let sigma = sigma_most(alpha_t, alpha_s) * weight(&here) / state.iter().map(weight).sum::<f64>();
    vec![(here, 1.0 - sigma), (HIDDEN, sigma)]
}

/// ReMDM by confidence (arXiv 2503.00307) hides a written slot with sigma_max softmax(−c), c the probability with which
/// it was written, and reveals as without remasking.
#[test]
fn remdm_conf_has_its_computed_law() {
    let weight = |text: &[u32]| {
        let (twice, three) = (text[0] == text[1], text[2] == 3);
        f64::from(1 + 2 * u8::from(twice)) * f64::from(1 + u8::from(three))
    };
    let table = Table::new(words(2, 3).into_iter().map(|text| (text.clone(), weight(&text))).collect());
    let steps = 4;
    let mut now = BTreeMap::from([(vec![HIDDEN; 3], 1.0)]);
    for step in 0..steps {
        let time = |step: u32| 1.0 - f64::from(step) / f64::from(steps);
        let mut next = BTreeMap::new();
        for (state, p) in now {
            let moves = |slot: usize| moves_by_confidence(&table, &state, slot, time(step), time(step + 1));
            for (state, p) in products(3, p, moves) {
                *next.entry(state).or_insert(0.0) += p;
            }
        }
        now = next;
    }
    let mut expected = Law::new();
    for (state, p) in now {
        *expected.entry(state.iter().map(|kept| kept.0).collect()).or_default() += p;
    }
    let base = settings(Parallelism::Ancestral { steps, schedule: Schedule::Linear });
    check_law(&table, &DecodeSettings { remasking: Remasking::Confidence, ..base }, &expected);
}
