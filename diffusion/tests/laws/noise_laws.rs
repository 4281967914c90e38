use diffusion::decode::{DecodeSettings, Noise, Parallelism};
use diffusion::process::Words;
use diffusion::{Schedule, Sequence, Slot, TokenId};

use crate::computed_laws::law_of_slots;
use crate::noisy::{Masses, Noisy, gidd, uniform};
use crate::runs::{RUNS, counts, settings};
use crate::statistics::{LIMIT, Law, misfit};
use crate::systems::{MASK, copy, hidden, parity, words};

const WORDS: Words = Words { first: 3, count: 2 };

/// Holds ancestral sampling with the exact posterior against the law computed from its masses.
fn check<F: Fn(f64) -> Masses>(mut exact: Noisy<F>, start: &Sequence, law: Law, base: &DecodeSettings) {
    let (steps, _) = base.parallelism.clock().unwrap();
    let time = |step: usize| base.start_time * (1.0 - step as f64 / f64::from(steps));
    let back = |state: &[u32], slot: usize, step: usize| {
        let (t, s) = (time(step), time(step + 1));
        let p = exact.posterior(state, slot, t);
        let to = |shown: u32| -> f64 {
            let possible = (3..5).filter(|clean| p[*clean as usize] > 0.0);
            possible.map(|clean| p[clean as usize] * exact.back(clean, state[slot], shown, s, t)).sum()
        };
        [MASK.0, 3, 4].map(|shown| (shown, to(shown))).to_vec()
    };
    let expected = law_of_slots(law, steps as usize, &back);
    let found = counts(&mut exact, start, base, RUNS);
    let off = misfit(&found, &expected);
    assert!(off < LIMIT, "{off} deviations with {base:?}\nfound {found:?}\nexpected {expected:?}");
}

/// Ancestral sampling of uniform noise (UDLM, arXiv 2412.10193) and of GIDD (arXiv 2503.04482), told the time at every
/// call, has the law of the posteriors multiplied out.
#[test]
fn uniform_and_gidd_sampling_have_their_computed_laws() {
    let start = Sequence::masked(4, MASK);
    for table in [parity(), copy(), hidden()] {
        for schedule in [Schedule::Linear, Schedule::Cosine] {
            let exact = Noisy { table: table.clone(), masses: uniform(schedule), count: 2 };
            let law = words(2, 4).into_iter().map(|text| (text, 1.0 / 16.0)).collect();
            let noise = Noise::Uniform { words: WORDS, greedy_tail: false };
            let base = settings(Parallelism::Ancestral { steps: 4, schedule });
            check(exact, &start, law, &DecodeSettings { noise, ..base });
        }
        for share in [0.1, 0.4] {
            let exact = Noisy { table: table.clone(), masses: gidd(share), count: 2 };
            let law = Law::from([(vec![MASK.0; 4], 1.0)]);
            let noise = Noise::MaskUniform { words: WORDS, uniform_share: share, greedy_tail: false };
            let base = settings(Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear });
            check(exact, &start, law, &DecodeSettings { noise, ..base });
        }
    }
}

/// The same holds from a state of our own at a time below 1.
#[test]
fn sampling_from_the_middle_has_its_computed_law() {
    let slot = |id: u32| if id == MASK.0 { Slot::masked(MASK) } else { Slot::noisy(TokenId(id)) };
    let from =
        |state: [u32; 4]| (Sequence { slots: state.map(slot).to_vec() }, Law::from([(state.to_vec(), 1.0)]));
    let base = settings(Parallelism::Ancestral { steps: 3, schedule: Schedule::Linear });
    let base = |noise| DecodeSettings { noise, start_time: 0.6, ..base.clone() };

    let (start, law) = from([3, 4, 4, 3]);
    let exact = Noisy { table: copy(), masses: uniform(Schedule::Linear), count: 2 };
    check(exact, &start, law, &base(Noise::Uniform { words: WORDS, greedy_tail: false }));

    let (start, law) = from([3, 0, 4, 0]);
    let exact = Noisy { table: copy(), masses: gidd(0.3), count: 2 };
    let noise = Noise::MaskUniform { words: WORDS, uniform_share: 0.3, greedy_tail: false };
    check(exact, &start, law, &base(noise));
}
