use std::collections::BTreeMap;

use diffusion::process::{
    Block, Clocked, ForwardProcess, FrequencyMask, GenMd4, Mask, MaskUniform, Spindle, TokenProcess, Uniform,
    Words,
};
use diffusion::random::{Purpose, Stream};
use diffusion::{Schedule, TokenId};

use crate::noisy::gidd;
use crate::statistics::{LIMIT, misfit, near, unit};
use crate::systems::MASK;

const WORDS: Words = Words { first: 3, count: 4 };

/// The mask, and the four words that all processes here know.
const STATES: [TokenId; 5] = [TokenId(0), TokenId(3), TokenId(4), TokenId(5), TokenId(6)];

fn processes() -> Vec<(String, Box<dyn TokenProcess>)> {
    let mut all: Vec<(String, Box<dyn TokenProcess>)> = Vec::new();
    for schedule in Schedule::ALL {
        let mask = Mask { schedule, mask: MASK };
        all.push((format!("mask {schedule:?}"), Box::new(mask)));
        all.push((format!("uniform {schedule:?}"), Box::new(Uniform { schedule, words: WORDS })));
        let block = Block { mask, width: 2, current: 1 };
        all.push((format!("block {schedule:?}"), Box::new(block.slot(3))));
    }
    for uniform_share in [0.0, 0.1, 0.2, 0.7, 0.99] {
        let gidd = MaskUniform { mask: MASK, words: WORDS, uniform_share };
        all.push((format!("gidd {uniform_share}"), Box::new(gidd)));
    }
    for deviation in [-1.0, -0.3, 0.0, 1.0] {
        let spindle = Spindle { mask: MASK, strength: 0.3, deviation };
        all.push((format!("spindle {deviation}"), Box::new(spindle)));
    }
    let frequency = FrequencyMask::new(MASK, 0.3, &[0, 0, 0, 1000, 100, 10, 1]).unwrap();
    let gen_md4 = GenMd4::new(MASK, vec![1.0, 1.0, 1.0, 0.3, 1.0, 2.0, 5.0]).unwrap();
    // By the geometric clock what is left near the end is too rare for the counts below.
    for schedule in [Schedule::Cosine, Schedule::LogLinear] {
        let (frequency, gen_md4) = (frequency.clone(), gen_md4.clone());
        let gidd = MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.2 };
        let spindle = Spindle { mask: MASK, strength: 0.3, deviation: 0.7 };
        all.push((format!("gidd {schedule:?}"), Box::new(Clocked { schedule, process: gidd })));
        all.push((format!("spindle {schedule:?}"), Box::new(Clocked { schedule, process: spindle })));
        all.push((format!("frequency {schedule:?}"), Box::new(Clocked { schedule, process: frequency })));
        all.push((format!("genmd4 {schedule:?}"), Box::new(Clocked { schedule, process: gen_md4 })));
    }
    all.push(("frequency".into(), Box::new(frequency)));
    all.push(("genmd4".into(), Box::new(gen_md4)));
    all
}

/// s < t anywhere in [0, 1], the ends and their neighbourhoods included.
pub fn times() -> Vec<(f64, f64)> {
    let chosen = [
        (0.0, 1e-12),
        (0.0, 1e-6),
        (1e-9, 1e-6),
        (0.0, 0.5),
        (0.0, 1.0),
        (0.5, 1.0),
        (0.5, 1.0 - 1e-12),
        (1.0 - 1e-6, 1.0 - 1e-9),
        (1.0 - 1e-9, 1.0),
        (0.499_999_9, 0.5),
    ];
    let drawn = (0..30).map(|pair| (unit(1, 2 * pair), unit(1, 2 * pair + 1)));
    chosen.into_iter().chain(drawn.map(|(a, b)| (a.min(b), a.max(b)))).collect()
}

/// q(x_t | x_0) and q(x_t | x_s) are distributions, the chain has the direct marginals (Chapman and Kolmogorov), and the
/// posterior is one (D3PM, arXiv 2107.03006), at random times and next to both ends.
#[test]
fn token_chains_compose_and_posteriors_are_bayes() {
    for (name, process) in processes() {
        for (s, t) in times() {
            for clean in STATES.into_iter().filter(|clean| *clean != MASK) {
                let total: f64 = STATES.iter().map(|shown| process.marginal(clean, *shown, t)).sum();
                assert!(near(total, 1.0, 1e-12), "{name}: q(x_{t} | x_0) sums to {total}");
                for shown in STATES {
                    composes(&name, &*process, (clean, shown), (s, t));
                }
            }
            for before in STATES {
                let total: f64 = STATES.iter().map(|shown| process.transition(before, *shown, s, t)).sum();
                assert!(near(total, 1.0, 1e-12), "{name}: q(x_{t} | x_{s} = {before:?}) sums to {total}");
            }
        }
    }
}

fn composes(name: &str, process: &dyn TokenProcess, (clean, shown): (TokenId, TokenId), (s, t): (f64, f64)) {
    let direct = process.marginal(clean, shown, t);
    assert!((-1e-15..=1.0 + 1e-12).contains(&direct), "{name} {s} {t}: {direct}");
    let through =
        |between: &TokenId| process.marginal(clean, *between, s) * process.transition(*between, shown, s, t);
    let chained: f64 = STATES.iter().map(through).sum();
    assert!(near(chained, direct, 1e-9), "{name} {s} to {t}: {chained} by the chain, {direct} directly");
    if direct <= 1e-300 {
        return;
    }
    let posterior = STATES.map(|between| process.posterior(clean, shown, between, s, t));
    let total: f64 = posterior.iter().sum();
    // What is nearly impossible is divided by nearly nothing.
    let tolerance = (1e-9 + 1e-15 / direct).min(1e-3);
    assert!(near(total, 1.0, tolerance), "{name} {t} to {s} from {shown:?}: the posterior sums to {total}");
    for (between, found) in STATES.iter().zip(posterior) {
        assert!(found >= 0.0, "{name} {t} to {s}: {found}");
        let bayes = through(between) / direct;
        let close = near(found, bayes, (1e-7 + 1e-15 / direct).min(1e-3));
        assert!(close || direct < 1e-9, "{name} {t} to {s} from {shown:?}: {found}, by Bayes {bayes}");
    }
}

/// What `sample`, `step` and `reverse` of every process draw has the closed forms `marginal`, `transition` and
/// `posterior` (D3PM, arXiv 2107.03006).
#[test]
fn token_draws_follow_the_closed_forms() {
    for (index, (name, process)) in (0_u32..).zip(processes()) {
        for (round, (s, t)) in (0_u32..).zip([(0.2, 0.7), (0.0, 0.3), (0.6, 1.0), (0.9, 0.95)]) {
            let clean = TokenId(3 + (index + round) % 4);
            let check = |what: &str, draw: &dyn Fn(u32) -> TokenId, law: &dyn Fn(TokenId) -> f64| {
                let mut found = BTreeMap::new();
                (0..4000).for_each(|seed| *found.entry(draw(seed).0).or_default() += 1);
                let expected = STATES.iter().map(|state| (state.0, law(*state))).collect();
                assert!(misfit(&found, &expected) < LIMIT, "{name}: {what} at {s} and {t}");
            };
            let sample =
                |seed| process.sample(clean, t, &mut Stream::new(seed, round, index, Purpose::Sample));
            check("sample", &sample, &|shown| process.marginal(clean, shown, t));
            let step = |seed| process.step(clean, s, t, &mut Stream::new(seed, round, index, Purpose::Chain));
            check("step", &step, &|shown| process.transition(clean, shown, s, t));
            for shown in STATES.into_iter().filter(|shown| process.marginal(clean, *shown, t) > 1e-9) {
                let reverse = |seed| {
                    let mut stream = Stream::new(seed, round, index * 8 + shown.0, Purpose::Reverse);
                    process.reverse(clean, shown, s, t, &mut stream)
                };
                let posterior = |before| process.posterior(clean, shown, before, s, t).max(0.0);
                check("reverse", &reverse, &posterior);
            }
        }
    }
}

/// GIDD has the masses of its paper (arXiv 2503.04482, section 3) and the transition
/// beta_(t|s) pi_(t|s) = beta_t pi_t − alpha_t / alpha_s beta_s pi_s.
#[test]
fn gidd_has_the_masses_of_its_paper() {
    let (clean, other) = (TokenId(4), TokenId(5));
    for share in [0.1, 0.2, 0.5] {
        let process = MaskUniform { mask: MASK, words: WORDS, uniform_share: share };
        let masses = gidd(share);
        assert!(near(masses(0.5)[2], share, 1e-12), "the share is that of all mass at 1/2");
        for (s, t) in times() {
            let ([kept, masked, uniform], [kept_before, masked_before, uniform_before]) =
                (masses(t), masses(s));
            assert!(near(process.marginal(clean, clean, t), kept + uniform / 4.0, 1e-12), "{share} {t}");
            assert!(near(process.marginal(clean, other, t), uniform / 4.0, 1e-12), "{share} {t}");
            assert!(near(process.marginal(clean, MASK, t), masked, 1e-12), "{share} {t}");
            if kept_before > 1e-6 {
                let stays = kept / kept_before;
                let to_mask = process.transition(clean, MASK, s, t);
                assert!(near(to_mask, masked - stays * masked_before, 1e-9), "{share} {s} {t}");
                let to_word = process.transition(MASK, clean, s, t);
                assert!(near(to_word, (uniform - stays * uniform_before) / 4.0, 1e-9), "{share} {s} {t}");
            }
        }
    }
}

/// The uniform posterior mixed over the prediction is that of UDLM (arXiv 2412.10193, equation 16), whose prediction is
/// the leave-one-out one.
#[test]
fn the_uniform_posterior_is_that_of_udlm() {
    let (size, prediction, shown) = (4.0, [0.5, 0.3, 0.2, 0.0], 1);
    let word = |index: usize| TokenId(3 + index as u32);
    for schedule in Schedule::ALL {
        let process = Uniform { schedule, words: WORDS };
        for (s, t) in times().into_iter().filter(|(s, t)| *t < 0.999 && s + 1e-3 < *t && *s > 0.0) {
            let (alpha_s, alpha_t) = (schedule.alpha(s), schedule.alpha(t));
            let between = alpha_t / alpha_s;
            let mut posterior = [0.0, 0.0, 0.0, 0.5, 0.3, 0.2, 0.0];
            process.posterior_of_leave_one_out(&mut posterior, word(shown), t);
            for before in 0..4 {
                let same = if before == shown { 1.0 } else { 0.0 };
                let above = size * alpha_t * same * prediction[before]
                    + (between - alpha_t) * same
                    + (alpha_s - alpha_t) * prediction[before]
                    + (1.0 - between) * (1.0 - alpha_s) / size;
                let udlm = above / (size * alpha_t * prediction[shown] + 1.0 - alpha_t);
                let back = |clean: usize| process.posterior(word(clean), word(shown), word(before), s, t);
                let possible = (0..4).filter(|clean| posterior[3 + clean] > 0.0);
                let mixed: f64 = possible.map(|clean| posterior[3 + clean] * back(clean)).sum();
                assert!(near(mixed, udlm, 1e-9), "{schedule:?} {s} {t}: {mixed}, in the paper {udlm}");
            }
            process.leave_one_out_of_posterior(&mut posterior, word(shown), t);
            let is_back = (0..4).all(|index| near(posterior[3 + index], prediction[index], 1e-9));
            assert!(is_back, "{schedule:?} {t}: there and back");
        }
    }
}
