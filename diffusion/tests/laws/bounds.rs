use diffusion::exact::{Corpus, Embedded, information_drawn_bits, information_left_bits};
use diffusion::measure::bound::{
    BoundSettings, embedding_noise_bound, text_bound, token_noise_bound, token_noise_terms,
};
use diffusion::measure::smoothness::{Curve, PARTS};
use diffusion::process::{Gaussian, Mask, MaskUniform, NoiseRates, TokenProcess, Uniform, Words};
use diffusion::{Schedule, TokenId};
use pollster::block_on;

use crate::noisy::{Masses, Noisy, gidd, uniform};
use crate::statistics::near;
use crate::systems::{MASK, Table, copy, hidden, ids, special, systems};

const WORDS: Words = Words { first: 3, count: 2 };

fn sentences(table: &Table) -> Vec<(Vec<TokenId>, f64)> {
    table.texts.iter().map(|(text, p)| (ids(text), *p)).collect()
}

/// Mean over the language of the bound under token noise, from the exact posterior. Near time 0 noise is rare and weighs
/// much: 50,000 draws spread by 0.012 bits for uniform noise, 100,000 by 0.025 for GIDD.
fn mean_bound<P: NoiseRates, F: Fn(f64) -> Masses>(process: &P, masses: F, draws: u32) -> f64 {
    let mut exact = Noisy { table: copy(), masses, count: 2 };
    let knobs = BoundSettings { seed: 3, draws, batch: 16 };
    let mut bits = |text: &[TokenId]| {
        block_on(token_noise_bound(&mut exact, process, text, 4, 0, special(), knobs)).unwrap().bits.value
    };
    sentences(&copy()).iter().map(|(text, p)| p * bits(text)).sum()
}

/// The mean over the language of an exact denoiser's bound is the entropy, for masks, uniform noise (UDLM, arXiv
/// 2412.10193) and GIDD (arXiv 2503.04482).
#[test]
fn exact_bounds_are_the_entropy() {
    let knobs = BoundSettings { seed: 3, draws: 400, batch: 16 };
    for mut table in systems() {
        let (mut bits, mut variance) = (0.0, 0.0_f64);
        for (text, p) in sentences(&table) {
            let bound = text_bound(&mut table, &text, 4, 0, special(), knobs);
            let bound = block_on(bound).unwrap().bits;
            bits += p * bound.value;
            variance += (p * bound.standard_error).powi(2);
        }
        // One seed hides the same sets of every text, so errors add up rather than average out.
        let close = near(bits, table.entropy_bits(), 0.1 + 4.0 * variance.sqrt());
        assert!(close, "{bits} bits, expected {}", table.entropy_bits());
    }
    let process = Uniform { schedule: Schedule::Linear, words: WORDS };
    let bits = mean_bound(&process, uniform(Schedule::Linear), 50_000);
    assert!(near(bits, copy().entropy_bits(), 0.05), "uniform: {bits}, expected {}", copy().entropy_bits());
    let process = MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.2 };
    let bits = mean_bound(&process, gidd(0.2), 100_000);
    assert!(near(bits, copy().entropy_bits(), 0.1), "gidd: {bits}, expected {}", copy().entropy_bits());
}

/// Under Gaussian noise on embeddings too (Kingma et al., arXiv 2107.00630) the mean over the language of the exact bound is
/// the entropy.
#[test]
fn the_gaussian_bound_of_an_exact_denoiser_is_the_entropy() {
    let sentences = sentences(&copy());
    let corpus = Corpus::new(sentences.clone(), MASK).unwrap();
    let embeddings = [[0.0; 2], [0.0; 2], [0.0; 2], [2.0, 0.0], [0.0, 2.0]].concat();
    let knobs = BoundSettings { seed: 1, draws: 8000, batch: 64 };
    for schedule in [Schedule::Linear, Schedule::Cosine] {
        let process = Gaussian::new(schedule, embeddings.clone(), 2);
        let mut exact = Embedded::new(corpus.clone(), process.clone());
        let mut bits = |text: &[TokenId]| {
            block_on(embedding_noise_bound(&mut exact, &process, text, 4, 0, special(), knobs))
                .unwrap()
                .bits
                .value
        };
        let mean: f64 = sentences.iter().map(|(text, p)| p * bits(text)).sum();
        let expected = copy().entropy_bits();
        assert!(near(mean, expected, 0.05), "{schedule:?}: {mean} bits, expected {expected}");
    }
}

/// I(x_0; x_t) summed over all states of the hidden-state system.
fn information_by_hand(masses: impl Fn(f64) -> Masses, t: f64) -> f64 {
    let noisy = Noisy { table: hidden(), masses, count: 2 };
    let state = |number: u32| [1, 3, 9, 27].map(|place| [MASK.0, 3, 4][(number / place % 3) as usize]);
    let bits = |state: [u32; 4]| {
        let texts = noisy.table.texts.iter();
        let likely: Vec<(f64, f64)> =
            texts.map(|(text, p)| (*p, noisy.likelihood_of_text(text, &state, t))).collect();
        let all: f64 = likely.iter().map(|(p, q)| p * q).sum();
        likely.iter().filter(|(_, q)| *q > 0.0).map(|(p, q)| p * q * (q / all).log2()).sum::<f64>()
    };
    (0..81).map(|number| bits(state(number))).sum()
}

fn check_information<P: TokenProcess + Copy>(process: P, masses: impl Fn(f64) -> Masses + Copy) {
    let corpus = Corpus::new(sentences(&hidden()), MASK).unwrap();
    for t in [0.1, 0.5, 0.9] {
        let expected = information_by_hand(masses, t);
        let summed = information_left_bits(&corpus, &process, t);
        assert!(near(summed, expected, 1e-9), "{t}: {summed}, by hand {expected}");
        let drawn = information_drawn_bits(&corpus, |_| process, t, 20_000, 3).unwrap();
        assert!(
            near(drawn.value, expected, 4.0 * drawn.standard_error),
            "{t}: {drawn:?}, by hand {expected}"
        );
    }
}

/// The exact and the drawn information I(x_0; x_t) of `diffusion::exact` are its definition summed over all states.
#[test]
fn bits_left_by_hand() {
    check_information(Uniform { schedule: Schedule::Cosine, words: WORDS }, uniform(Schedule::Cosine));
    check_information(Mask { schedule: Schedule::Linear, mask: MASK }, |t| [1.0 - t, t, 0.0]);
}

/// The terms of the bound (`smoothness`) integrate to I(x_0; x_t): of a copied word (1 − t^2) of the entropy, for a letter
/// is known unless both of its copies are hidden.
#[test]
fn the_smoothness_curve_is_the_information_left() {
    let mut table = copy();
    let process = Mask { schedule: Schedule::Linear, mask: MASK };
    let knobs = BoundSettings { seed: 9, draws: 20_000, batch: 64 };
    let mut bits = vec![0.0; PARTS + 1];
    for (text, p) in sentences(&table) {
        let terms = block_on(token_noise_terms(&mut table, &process, &text, 0, special(), knobs)).unwrap();
        let curve = Curve::of(&terms).unwrap();
        bits.iter_mut().zip(&curve.bits).for_each(|(sum, bits)| *sum += p * bits);
    }
    for (part, bits) in bits.iter().enumerate() {
        let t = part as f64 / PARTS as f64;
        assert!(near(*bits, (1.0 - t * t) * table.entropy_bits(), 0.06), "{t}: {bits}");
    }
    let curve = Curve { bits };
    assert!(near(curve.deviation(), 0.25, 0.03) && near(curve.peak_speed(), 31.0 / 16.0, 0.15), "{curve:?}");
}
