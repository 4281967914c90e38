//! D2, on demand: whether x_t drawn straight from the clean text is what the chain of small steps arrives at.
//!
//! Both are drawn many times for every word; what becomes of a word (kept, masked, another word) is counted and
//! held against the closed form. The test: z = (count − expected) / standard deviation of every count, and they agree
//! if no |z| passes [`LIMIT`]; by chance one of six does in at most 1 of 2,600 comparisons (normal tails, added up).
//! The chain gap, (words that chains kept − Σ p) / words, is a difference of shares, −1 to 1, where p is the closed
//! form's probability that a word is kept; its standard error √(Σ p (1 − p)) / words is that of right chains (for
//! vectors: those in the middle third, p = 1/3). Cost: no call. Blind spots: which other word comes is not compared,
//! nor words with each other; the gap does not see masks and other words exchanged, which the test does.

use super::Estimate;
use crate::process::normal::below;
use crate::process::{ForwardProcess, Gaussian, Normal, TokenProcess};
use crate::random::{Purpose, Stream};
use crate::schedule::Schedule;
use crate::sequence::TokenId;

/// Largest |z| that still counts as agreement.
pub const LIMIT: f64 = 4.0;

/// Counts of what became of words: kept, masked, another word; of vectors ([`Agreement::push_along`]) the lower, middle and upper third.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Words that chains were run on.
    pub words: u64,
    /// At the end of the chains.
    pub chain: [u64; 3],
    /// Drawn straight.
    pub direct: [u64; 3],
    /// Expected by the closed form.
    pub expected: [f64; 3],
    /// Sums of the variances of the counts.
    variance: [f64; 3],
    is_of_vectors: bool,
}

impl Agreement {
    /// Runs one chain of `steps` equal steps to time `t` on a word, and draws once straight.
    pub fn push<P: TokenProcess + ?Sized>(
        &mut self,
        process: &P,
        clean: TokenId,
        t: f64,
        steps: u32,
        seed: u32,
        slot: u32,
    ) {
        let chain = chain(process, clean, t, steps, seed, slot);
        let direct = process.sample(clean, t, &mut Stream::new(seed, 0, slot, Purpose::Sample));
        let (kept, masked) = (process.marginal(clean, clean, t), process.marginal(clean, process.mask(), t));
        let shares = [kept, masked, (1.0 - kept - masked).clamp(0.0, 1.0)];
        self.count(kind(process, clean, chain), kind(process, clean, direct), shares);
    }

    /// The same for Gaussian noise on an embedding of length `norm`. Counted is the part of x_t along that embedding: in the lower,
    /// the middle or the upper third of its exact normal distribution. All other directions are alike.
    pub fn push_along(&mut self, schedule: Schedule, norm: f64, t: f64, steps: u32, seed: u32, slot: u32) {
        let process = Gaussian::new(schedule, vec![norm], 1);
        let chain = chain(&process, process.embedding(TokenId(0)).to_vec(), t, steps, seed, slot);
        let direct = process.sample(TokenId(0), t, &mut Stream::new(seed, 0, slot, Purpose::Sample));
        let exact = process.marginal(TokenId(0), t);
        self.is_of_vectors = true;
        // Without noise everything is where the embedding is.
        let shares = if exact.variance > 0.0 { [1.0 / 3.0; 3] } else { [0.0, 1.0, 0.0] };
        self.count(third(&exact, chain[0]), third(&exact, direct[0]), shares);
    }

    /// One word more, which the chain and the draw left in one of three states of these probabilities each.
    fn count(&mut self, chain: usize, direct: usize, shares: [f64; 3]) {
        self.words += 1;
        self.chain[chain] += 1;
        self.direct[direct] += 1;
        for (index, p) in shares.into_iter().enumerate() {
            self.expected[index] += p;
            self.variance[index] += p * (1.0 - p);
        }
    }

    /// Share of the words that chains kept, less the closed form's (for vectors: in the middle third), with the standard error that
    /// the closed form gives it. `None` without words.
    pub fn chain_gap(&self) -> Option<Estimate> {
        let index = if self.is_of_vectors { 1 } else { 0 };
        let words = self.words as f64;
        (self.words > 0).then(|| Estimate {
            value: (self.chain[index] as f64 - self.expected[index]) / words,
            standard_error: self.variance[index].sqrt() / words,
            samples: self.words,
        })
    }

    /// Largest |z| over chain and direct counts; infinite where something came that cannot, no number if one is none.
    pub fn largest_z(&self) -> f64 {
        let z = |count: u64, index: usize| {
            let off = (count as f64 - self.expected[index]).abs();
            if off < 1e-6 { 0.0 } else { off / self.variance[index].sqrt() }
        };
        (0..3)
            .flat_map(|i| [z(self.chain[i], i), z(self.direct[i], i)])
            .fold(0.0, |largest: f64, z| if largest.is_nan() || z <= largest { largest } else { z })
    }

    /// Whether every count is as the closed form says.
    pub fn agrees(&self) -> bool {
        self.largest_z() <= LIMIT
    }
}

/// Where a chain of `steps` equal steps to time `t` arrives.
fn chain<P: ForwardProcess + ?Sized>(
    process: &P,
    clean: P::State,
    t: f64,
    steps: u32,
    seed: u32,
    slot: u32,
) -> P::State {
    let time = |step: u32| f64::from(step) / f64::from(steps) * t;
    (0..steps).fold(clean, |present, step| {
        let mut stream = Stream::new(seed, step, slot, Purpose::Chain);
        process.step(present, time(step), time(step + 1), &mut stream)
    })
}

fn kind<P: TokenProcess + ?Sized>(process: &P, clean: TokenId, token: TokenId) -> usize {
    match token {
        same if same == clean => 0,
        mask if mask == process.mask() => 1,
        _ => 2,
    }
}

fn third(exact: &Normal, x: f64) -> usize {
    let deviation = x - exact.mean[0];
    if deviation == 0.0 {
        return 1;
    }
    let share = below(deviation / exact.variance.sqrt());
    [1.0 / 3.0, 2.0 / 3.0].iter().filter(|edge| share > **edge).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{MaskUniform, Spindle, Uniform, Words};

    const WORDS: Words = Words { first: 3, count: 20 };

    fn counted<P: TokenProcess>(process: &P, t: f64) -> Agreement {
        let mut agreement = Agreement::default();
        for seed in 0..2000 {
            agreement.push(process, TokenId(5), t, 16, seed, 0);
        }
        agreement
    }

    #[test]
    fn chains_arrive_where_draws_go() {
        for t in [0.0, 0.3, 0.8, 1.0] {
            let uniform = counted(&Uniform { schedule: Schedule::Cosine, words: WORDS }, t);
            let mixed = counted(&MaskUniform { mask: TokenId(0), words: WORDS, uniform_share: 0.2 }, t);
            let spindle = counted(&Spindle { mask: TokenId(0), strength: 0.3, deviation: 0.7 }, t);
            for agreement in [uniform, mixed, spindle] {
                assert!(agreement.agrees(), "t {t}: {agreement:?}");
                assert_eq!(agreement.chain.iter().sum::<u64>(), 2000);
                let gap = agreement.chain_gap().unwrap();
                assert!(gap.value.abs() <= LIMIT * gap.standard_error + 1e-12, "{gap:?}");
            }
        }
    }

    #[test]
    fn chains_of_vectors_arrive_where_draws_go_and_a_wrong_one_does_not() {
        for (schedule, t) in [(Schedule::Linear, 0.0), (Schedule::Linear, 0.4), (Schedule::Cosine, 0.9)] {
            let mut agreement = Agreement::default();
            (0..2000).for_each(|seed| agreement.push_along(schedule, 3.7, t, 16, seed, 0));
            let gap = agreement.chain_gap().unwrap();
            assert!(gap.value.abs() <= LIMIT * gap.standard_error + 1e-12, "{gap:?}");
            assert!(agreement.agrees(), "t {t}: {agreement:?}");
        }
        // As if the chain had stopped too early.
        let process = Gaussian::new(Schedule::Linear, vec![3.7], 1);
        let exact = process.marginal(TokenId(0), 0.4);
        let mut wrong = Agreement::default();
        (0..2000).for_each(|seed| wrong.push_along(Schedule::Linear, 3.7, 0.4, 16, seed, 0));
        wrong.chain = [0; 3];
        for seed in 0..2000 {
            let x = process.sample(TokenId(0), 0.35, &mut Stream::new(seed, 0, 0, Purpose::Chain));
            wrong.chain[third(&exact, x[0])] += 1;
        }
        assert!(!wrong.agrees(), "{wrong:?}");
    }

    #[test]
    fn another_time_would_be_noticed() {
        let process = Uniform { schedule: Schedule::Linear, words: WORDS };
        let mut agreement = counted(&process, 0.3);
        agreement.chain = counted(&process, 0.4).chain;
        assert!(!agreement.agrees(), "{agreement:?}");
        let gap = agreement.chain_gap().unwrap();
        assert!(gap.value < -LIMIT * gap.standard_error, "fewer are kept: {gap:?}");
        assert_eq!(Agreement::default().chain_gap(), None);
    }

    #[test]
    fn the_gap_of_four_words_by_hand() {
        let mut agreement = Agreement::default();
        for chain in [0, 0, 0, 2] {
            agreement.count(chain, 0, [0.5, 0.25, 0.25]);
        }
        // Three of four kept where two are expected; variance 4 · 1/4.
        let expected = Estimate { value: 0.25, standard_error: 0.25, samples: 4 };
        assert_eq!(agreement.chain_gap(), Some(expected));
        // All four draws kept: 2 above 2, in standard deviations of 1.
        assert_eq!((agreement.largest_z(), agreement.agrees()), (2.0, true));
        agreement.expected[1] = f64::NAN;
        assert!(agreement.largest_z().is_nan() && !agreement.agrees(), "what is no number does not agree");
    }
}
