//! The same laws for every process: chain and direct draw agree, posteriors are Bayes' rule, steps back too.

use super::*;
use crate::process::{Block, Clocked, FrequencyMask, GenMd4, Mask, MaskUniform, Spindle, Uniform};
use crate::random::Purpose;
use crate::schedule::Schedule;
use crate::testing::{LIMIT, misfit, near};

const MASK: TokenId = TokenId(0);
const CLEAN: TokenId = TokenId(2);
const WORDS: Words = Words { first: 1, count: 3 };
const VOCABULARY: [TokenId; 4] = [MASK, TokenId(1), CLEAN, TokenId(3)];
const TIMES: [f64; 5] = [0.0, 0.2, 0.5, 0.7, 0.9];

/// Runs a law on every process under every schedule.
fn for_each(law: impl Fn(&dyn TokenProcess, &str)) {
    for schedule in Schedule::ALL {
        law(&Mask { schedule, mask: MASK }, &format!("mask, {schedule:?}"));
        law(&Uniform { schedule, words: WORDS }, &format!("uniform, {schedule:?}"));
    }
    for strength in [-0.3, 0.3] {
        let spindle = Spindle { mask: MASK, strength, deviation: 0.7 };
        by_every_clock(&law, spindle, &format!("spindle, {strength}"));
        let by_frequency = FrequencyMask::new(MASK, strength, &[0, 90, 10, 1]).unwrap();
        by_every_clock(&law, by_frequency, &format!("frequency, {strength}"));
    }
    by_every_clock(&law, GenMd4::new(MASK, vec![1.0, 0.5, 2.0, 3.0]).unwrap(), "GenMD4");
    let mask = Mask { schedule: Schedule::Linear, mask: MASK };
    law(&Block { mask, width: 4, current: 1 }.slot(5), "block");
    for uniform_share in [0.0, 0.1, 0.5] {
        let both = MaskUniform { mask: MASK, words: WORDS, uniform_share };
        by_every_clock(&law, both, &format!("both, {uniform_share}"));
    }
}

/// A process by its own clock and by all others.
fn by_every_clock(law: &impl Fn(&dyn TokenProcess, &str), process: impl TokenProcess + Clone, name: &str) {
    law(&process, name);
    for schedule in Schedule::ALL {
        law(&Clocked { schedule, process: process.clone() }, &format!("{name}, {schedule:?}"));
    }
}

/// Counts of tokens over many seeds. Of two outcomes a right formula passes [`LIMIT`] once in 200 seeds, and so many processes share
/// these: they are seeds of which none does.
fn count(draw: impl Fn(u32) -> TokenId) -> [u64; 4] {
    let mut counts = [0; 4];
    (100_000..120_000).for_each(|seed| counts[draw(seed).0 as usize] += 1);
    counts
}

fn marginals(process: &dyn TokenProcess, t: f64) -> [f64; 4] {
    VOCABULARY.map(|token| process.marginal(CLEAN, token, t))
}

/// Where the chain through these times ends.
fn walk(times: &[f64], seed: u32, step: impl Fn(TokenId, f64, f64, &mut Stream) -> TokenId) -> TokenId {
    times.windows(2).enumerate().fold(CLEAN, |token, (number, times)| {
        step(token, times[0], times[1], &mut Stream::new(seed, number as u32, 0, Purpose::Chain))
    })
}

#[test]
fn masses_sum_to_one() {
    for_each(|process, name| {
        for (s, t) in TIMES.into_iter().flat_map(|s| TIMES.map(|t| (s, t))) {
            let Masses { kept, masked, uniform } = process.masses_between(CLEAN, s, t);
            assert!(near(kept + masked + uniform, 1.0, 1e-14), "{name}: {s} to {t}");
        }
    });
}

#[test]
fn direct_draws_follow_the_marginal() {
    for_each(|process, name| {
        let draw = |seed| process.sample(CLEAN, 0.9, &mut Stream::new(seed, 0, 0, Purpose::Sample));
        assert!(misfit(&count(draw), &marginals(process, 0.9)) < LIMIT, "{name}");
    });
}

#[test]
fn the_chain_ends_where_the_direct_draw_does_and_a_wrong_chain_does_not() {
    for_each(|process, name| {
        let mut power = f64::NEG_INFINITY;
        // Several ends: a steep schedule has lost next to nothing by the first and all by the second, where no mistake shows.
        for times in [&TIMES[..4], &TIMES, &[0.0, 0.7, 0.75, 0.8]] {
            let expected = marginals(process, times[times.len() - 1]);
            let right =
                count(|seed| walk(times, seed, |token, s, t, stream| process.step(token, s, t, stream)));
            assert!(misfit(&right, &expected) < LIMIT, "{name}");
            // The usual mistake: every step corrupts as if it began at clean text.
            let wrong =
                count(|seed| walk(times, seed, |token, _, t, stream| process.step(token, 0.0, t, stream)));
            power = power.max(misfit(&wrong, &expected));
        }
        assert!(power > LIMIT, "{name} has no power");
    });
}

#[test]
fn two_steps_of_the_chain_are_one() {
    for_each(|process, name| {
        for (from, to) in VOCABULARY.into_iter().flat_map(|from| VOCABULARY.map(|to| (from, to))) {
            let through =
                |via| process.transition(from, via, 0.2, 0.5) * process.transition(via, to, 0.5, 0.7);
            let two: f64 = VOCABULARY.into_iter().map(through).sum();
            assert!(near(two, process.transition(from, to, 0.2, 0.7), 1e-14), "{name}: {from:?} {to:?}");
        }
    });
}

#[test]
fn posteriors_sum_to_one() {
    for_each(|process, name| {
        for noisy in VOCABULARY.into_iter().filter(|&noisy| process.marginal(CLEAN, noisy, 0.8) > 0.0) {
            let sum: f64 =
                VOCABULARY.map(|token| process.posterior(CLEAN, noisy, token, 0.4, 0.8)).iter().sum();
            assert!(near(sum, 1.0, 1e-14), "{name}: {noisy:?}");
        }
    });
}

#[test]
fn the_uniform_posterior_is_the_published_formula() {
    for schedule in Schedule::ALL {
        let process = Uniform { schedule, words: WORDS };
        let (s, t, size) = (0.4, 0.8, 3.0);
        let (early, late) = (schedule.alpha(s), schedule.alpha(t));
        let between = late / early;
        for (noisy, token) in
            (1..4).flat_map(|noisy| (1..4).map(move |token| (TokenId(noisy), TokenId(token))))
        {
            let [same, clean, hit] =
                [token == noisy, token == CLEAN, noisy == CLEAN].map(|b| f64::from(u8::from(b)));
            let above = size * late * same * clean
                + (between - late) * same
                + (early - late) * clean
                + (1.0 - between) * (1.0 - early) / size;
            let expected = above / (size * late * hit + 1.0 - late);
            assert!(near(process.posterior(CLEAN, noisy, token, s, t), expected, 1e-14), "{schedule:?}");
        }
    }
}

#[test]
fn steps_back_follow_the_posterior() {
    for_each(|process, name| {
        for noisy in VOCABULARY.into_iter().filter(|&noisy| process.marginal(CLEAN, noisy, 0.8) > 0.0) {
            let back = |seed| {
                let mut stream = Stream::new(seed, 0, 0, Purpose::Reverse);
                process.reverse(CLEAN, noisy, 0.4, 0.8, &mut stream)
            };
            let expected = VOCABULARY.map(|token| process.posterior(CLEAN, noisy, token, 0.4, 0.8));
            assert!(misfit(&count(back), &expected) < LIMIT, "{name}: {noisy:?}");
        }
    });
}

/// Converts the posterior of the first of two slots, enumerated over all pairs of words, into the leave-one-out
/// prediction, which is enumerated too. `same` and `other` are q(x_t | x_0) for the word itself and for another.
fn check_leave_one_out(process: &dyn TokenProcess, t: f64, same: f64, other: f64) {
    // Probabilities of the pairs of clean words 1 to 3; the rows are the first slot.
    const PAIRS: [[f64; 3]; 3] = [[0.25, 0.05, 0.1], [0.0, 0.2, 0.05], [0.15, 0.05, 0.15]];
    let seen = |noisy: usize, clean: usize| if noisy == clean { same } else { other };
    for (first, second) in (0..3).flat_map(|first| (0..3).map(move |second| (first, second))) {
        let scaled = |weights: [f64; 3]| {
            let total: f64 = weights.iter().sum();
            [0.0, weights[0] / total, weights[1] / total, weights[2] / total]
        };
        let by_second = [0, 1, 2].map(|v| (0..3).map(|w| PAIRS[v][w] * seen(second, w)).sum::<f64>());
        let leave_one_out = scaled(by_second);
        let posterior = scaled([0, 1, 2].map(|v| by_second[v] * seen(first, v)));
        let noisy = VOCABULARY[first + 1];
        let mut found = posterior;
        process.leave_one_out_of_posterior(&mut found, noisy, t);
        assert!((0..4).all(|v| near(found[v], leave_one_out[v], 1e-14)), "{first}, {second}: {found:?}");
        assert!((0..4).any(|v| !near(posterior[v], leave_one_out[v], 0.02)), "power: the two differ");
        process.posterior_of_leave_one_out(&mut found, noisy, t);
        assert!((0..4).all(|v| near(found[v], posterior[v], 1e-14)), "and back");
    }
}

#[test]
fn the_posterior_at_a_seen_word_turns_into_the_enumerated_leave_one_out_prediction() {
    // α = 1/4: 1/4 + (3/4) / 3 = 1/2 for the word itself, 1/4 for each other.
    check_leave_one_out(&Uniform { schedule: Schedule::Linear, words: WORDS }, 0.75, 0.5, 0.25);
    // p_u = 1/2 at t = 1/2: kept 1/4, masked 1/4, uniform 1/2, of which each word has 1/6.
    let mixed = MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.5 };
    check_leave_one_out(&mixed, 0.5, 1.0 / 4.0 + 1.0 / 6.0, 1.0 / 6.0);
}

#[test]
fn leave_one_out_and_posterior_are_two_forms_of_one_step_back() {
    for_each(|process, name| {
        for noisy in VOCABULARY.into_iter().filter(|&noisy| process.marginal(CLEAN, noisy, 0.8) > 0.0) {
            let leave_one_out = [0.0, 0.2, 0.5, 0.3];
            let mut posterior = leave_one_out;
            process.posterior_of_leave_one_out(&mut posterior, noisy, 0.8);
            let over = |p: [f64; 4], f: &dyn Fn(TokenId) -> f64| -> f64 {
                (0..4).filter(|&v| p[v] > 0.0).map(|v| p[v] * f(VOCABULARY[v])).sum()
            };
            for token in VOCABULARY {
                // (A) plugged into Bayes' rule, (B) averaged over clean tokens.
                let prior = over(leave_one_out, &|v| process.marginal(v, token, 0.4));
                let evidence = over(leave_one_out, &|v| process.marginal(v, noisy, 0.8));
                let plugged_in = process.transition(token, noisy, 0.4, 0.8) * prior / evidence;
                let averaged = over(posterior, &|v| process.posterior(v, noisy, token, 0.4, 0.8));
                assert!(near(plugged_in, averaged, 1e-14), "{name}: {noisy:?}, {token:?}");
            }
            if noisy == MASK {
                process.leave_one_out_of_posterior(&mut posterior, noisy, 0.8);
                assert!(
                    (0..4).all(|v| near(posterior[v], leave_one_out[v], 1e-14)),
                    "{name}: there and back"
                );
            }
        }
    });
}
