use crate::statistics::{Law, near};
use crate::systems::{MASK, Table};

/// Which sets of the masked slots are written in a step, with their probabilities: `policy(step, masked)`.
pub type Policy<'a> = &'a dyn Fn(usize, &[usize]) -> Vec<(Vec<usize>, f64)>;

/// The law of a sampler that writes sets of slots, each slot drawn from its conditional independently of the others.
pub fn law_of_sets(table: &Table, policy: Policy<'_>) -> Law {
    let mut now = Law::from([(vec![MASK.0; table.length()], 1.0)]);
    for step in 0..1000 {
        if now.keys().all(|state| !state.contains(&MASK.0)) {
            return checked(now);
        }
        let mut next = Law::new();
        for (state, p) in now {
            let masked: Vec<usize> = (0..state.len()).filter(|slot| state[*slot] == MASK.0).collect();
            if masked.is_empty() {
                *next.entry(state).or_default() += p;
                continue;
            }
            for (set, share) in policy(step, &masked) {
                add(&mut next, drawn(table, &state, &set, p * share));
            }
        }
        now = next;
    }
    panic!("the law does not end");
}

/// All texts that the set may be drawn as, with their probabilities.
fn drawn(table: &Table, state: &[u32], set: &[usize], share: f64) -> Vec<(Vec<u32>, f64)> {
    set.iter().fold(vec![(state.to_vec(), share)], |partial, &slot| {
        let conditional = table.conditional(state, slot);
        let with = |(text, p): &(Vec<u32>, f64)| {
            let possible = (0..).zip(&conditional).filter(|(_, q)| **q > 0.0);
            let put = |(word, q): (u32, &f64)| {
                let mut text = text.clone();
                text[slot] = word;
                (text, p * q)
            };
            possible.map(put).collect::<Vec<_>>()
        };
        partial.iter().flat_map(with).collect()
    })
}

/// What a slot may become in a step, with its probabilities: `back(state, slot, step)`.
pub type Back<'a> = &'a dyn Fn(&[u32], usize, usize) -> Vec<(u32, f64)>;

/// The law of a sampler whose every slot moves on its own given the state.
pub fn law_of_slots(start: Law, steps: usize, back: Back<'_>) -> Law {
    (0..steps).fold(start, |now, step| {
        let mut next = Law::new();
        for (state, p) in now {
            add(&mut next, products(state.len(), p, |slot| back(&state, slot, step)));
        }
        checked(next)
    })
}

/// All combinations of what the slots may become, with their probabilities times `share`.
pub fn products<S: Clone>(
    slots: usize,
    share: f64,
    moves: impl Fn(usize) -> Vec<(S, f64)>,
) -> Vec<(Vec<S>, f64)> {
    (0..slots).fold(vec![(Vec::new(), share)], |partial, slot| {
        let moves = moves(slot);
        let with = |(text, p): &(Vec<S>, f64)| {
            let possible = moves.iter().filter(|(_, q)| *q > 0.0);
            possible
                .map(|(to, q)| ([&text[..], std::slice::from_ref(to)].concat(), p * q))
                .collect::<Vec<_>>()
        };
        partial.iter().flat_map(with).collect()
    })
}

fn add(law: &mut Law, texts: Vec<(Vec<u32>, f64)>) {
    texts.into_iter().for_each(|(text, p)| *law.entry(text).or_default() += p);
}

fn checked(law: Law) -> Law {
    let total: f64 = law.values().sum();
    assert!(near(total, 1.0, 1e-9), "a law sums to {total}");
    law
}

/// Every set of the slots.
pub fn subsets(masked: &[usize]) -> Vec<Vec<usize>> {
    let set = |bits: u32| masked.iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1);
    (0..1 << masked.len()).map(|bits| set(bits).map(|(_, slot)| *slot).collect()).collect()
}

/// So many of the slots, or all, every choice alike.
pub fn random_of(count: usize, masked: &[usize]) -> Vec<(Vec<usize>, f64)> {
    let count = count.min(masked.len());
    let sets: Vec<_> = subsets(masked).into_iter().filter(|set| set.len() == count).collect();
    let share = 1.0 / sets.len() as f64;
    sets.into_iter().map(|set| (set, share)).collect()
}

/// The first so many of the slots, or all.
pub fn first_of(count: usize, masked: &[usize]) -> Vec<(Vec<usize>, f64)> {
    vec![(masked.iter().copied().take(count).collect(), 1.0)]
}
