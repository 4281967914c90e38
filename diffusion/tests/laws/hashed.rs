use std::collections::BTreeMap;

use diffusion::decode::DecodeSettings;
use diffusion::draw::{DrawError, summarise};
use diffusion::random::word;
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Sequence};

use crate::runs::{GREEDY, whole_run};
use crate::statistics::{normalised, unit};
use crate::systems::{MASK, seen};

/// A network made of hashes.
#[derive(Clone, Debug)]
pub struct Hashed {
    pub seed: u32,
    /// How many words it has, from id 3 on.
    pub words: u32,
    /// How far logits are apart.
    pub sharp: f64,
    /// How much a prediction depends on what is visible.
    pub wobble: f64,
    /// How much sharper it gets until all is visible.
    pub sharpens: f64,
}

impl Hashed {
    /// Its distribution at a slot. `// (3 + words)`
    pub fn p(&self, tokens: &[u32], slot: usize) -> Vec<f64> {
        let state = tokens.iter().fold(17, |hash, token| word(hash, *token, 3, self.seed));
        let own = |v: u32| unit(self.seed + 31 * slot as u32, v);
        let moved = |v: u32| unit(state.wrapping_add(slot as u32), 5000 + v);
        let shown = tokens.iter().filter(|token| **token != MASK.0).count() as f64 / tokens.len() as f64;
        let sharp = self.sharp * (1.0 + self.sharpens * shown);
        let logit = |v: u32| sharp * (own(v) + self.wobble * moved(v));
        normalised((0..3 + self.words).map(|v| if v < 3 { 0.0 } else { logit(v).exp() }))
    }
}

impl Denoiser for Hashed {
    type Error = DrawError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, DrawError> {
        let p = |row| self.p(&seen(query, row), row.slot as usize);
        query.rows.iter().map(|row| summarise(p(row).into_iter().map(f64::ln), row)).collect()
    }
}

impl FullDenoiser for Hashed {
    fn vocabulary(&self) -> usize {
        3 + self.words as usize
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, DrawError> {
        let p = |row| self.p(&seen(query, row), row.slot as usize);
        Ok(query.rows.iter().flat_map(p).map(|p| p.ln() as f32).collect())
    }
}

/// Twenty networks of five words, from unsure to sure and from steady to changing.
pub fn networks() -> impl Iterator<Item = Hashed> {
    let sharp = |seed: u32| [2.0, 6.0, 12.0][seed as usize % 3];
    let wobble = |seed: u32| [0.05, 0.5][seed as usize % 2];
    let network =
        move |seed| Hashed { seed, words: 5, sharp: sharp(seed), wobble: wobble(seed), sharpens: 0.0 };
    (0..20).map(network)
}

/// A slot and its distribution.
pub type Seen = (usize, Vec<f64>);

/// The slots to write: `rule(step, masked slots, what all earlier calls said)`.
pub type Rule<'a> = &'a dyn Fn(usize, &[Seen], &[BTreeMap<usize, Vec<f64>>]) -> Vec<usize>;

/// Greedy decoding by the rule alone: what every step writes.
fn decoded(network: &Hashed, length: usize, rule: Rule<'_>) -> Vec<BTreeMap<usize, u32>> {
    let (mut state, mut steps, mut past) = (vec![MASK.0; length], Vec::new(), Vec::new());
    while state.contains(&MASK.0) {
        let hidden = (0..length).filter(|slot| state[*slot] == MASK.0);
        let masked: Vec<Seen> = hidden.map(|slot| (slot, network.p(&state, slot))).collect();
        let chosen = rule(steps.len(), &masked, &past);
        let written = masked.iter().filter(|(slot, _)| chosen.contains(slot));
        let commits: BTreeMap<usize, u32> = written.map(|(slot, p)| (*slot, best(p).0)).collect();
        commits.iter().for_each(|(slot, token)| state[*slot] = *token);
        past.push(masked.into_iter().collect());
        steps.push(commits);
    }
    steps
}

/// Holds a greedy run with these settings against the rule, step by step; gives the number of calls.
pub fn same_as_rule(network: &Hashed, length: usize, base: DecodeSettings, rule: Rule<'_>) -> usize {
    let base = DecodeSettings { sampling: GREEDY, ..base };
    let run = whole_run(&mut network.clone(), &base, &Sequence::masked(length, MASK));
    let commits = |step: &diffusion::Step| {
        step.commits.iter().map(|commit| (commit.slot as usize, commit.token.0)).collect()
    };
    let found: Vec<BTreeMap<usize, u32>> = run.steps.iter().map(commits).collect();
    assert_eq!(found, decoded(network, length, rule), "{network:?}, {base:?}");
    found.len()
}

/// The likeliest word and its probability.
pub fn best(p: &[f64]) -> (u32, f64) {
    let top = (0..p.len()).fold(0, |best, v| if p[v] > p[best] { v } else { best });
    (top as u32, p[top])
}

/// In nats.
pub fn entropy(p: &[f64]) -> f64 {
    p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

/// Between the two best probabilities.
pub fn margin(p: &[f64]) -> f64 {
    let mut sorted = p.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted[0] - sorted[1]
}

/// KL(p ‖ q) in nats.
pub fn divergence(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

/// Highest score first.
pub fn ranked(masked: &[Seen], score: impl Fn(&[f64]) -> f64) -> Vec<Seen> {
    let mut sorted = masked.to_vec();
    sorted.sort_by(|(_, a), (_, b)| score(b).total_cmp(&score(a)));
    sorted
}

pub fn slots(of: &[Seen]) -> Vec<usize> {
    of.iter().map(|(slot, _)| *slot).collect()
}
