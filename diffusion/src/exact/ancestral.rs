//! What ancestral sampling writes, computed and not sampled: the distribution over all states of a small corpus
//! is carried from noise to text, step by step. No sampling error is left, only the sampler's own.

use super::Corpus;
use super::states::{States, product};
use crate::decode::Remasking;
use crate::process::TokenProcess;
use crate::sequence::TokenId;

/// Share of a probability by which another counts as equal: what rounding parts.
const TIE: f64 = 1e-9;

/// Which prediction drives the steps back, and how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepBack {
    /// p(x_i | all of x_t), averaged: Σ_v p(v) q(x_s | x_t, v). Right.
    PosteriorAveraged,
    /// p(x_i | x_t without slot i), plugged into Bayes' rule as if it were the prior. Right, and the same.
    LeaveOneOutPluggedIn,
    /// The posterior plugged into Bayes' rule: counts the present token twice. Wrong, and seen in the wild.
    PosteriorPluggedIn,
}

/// Ancestral sampling from a corpus under a process, in equal steps from t = 1 to 0.
///
/// States are all sequences over the corpus's words and the mask: (words + 1)^length of them, so both must be
/// small.
pub struct Ancestral<'a, P> {
    corpus: &'a Corpus,
    process: &'a P,
    states: States,
}

impl<'a, P: TokenProcess> Ancestral<'a, P> {
    /// A sampler over the words of the process and its mask.
    pub fn new(corpus: &'a Corpus, process: &'a P) -> Self {
        Self { corpus, process, states: States::new(corpus, process) }
    }

    /// Probability that `steps` equal steps end in a sequence that the corpus does not hold.
    pub fn unseen(&self, steps: u32, step_back: StepBack) -> f64 {
        self.unseen_of(self.run(steps, |state, slot, s, t| self.back(state, slot, s, t, step_back)))
    }

    /// The same with a greedy tail: the last step takes the likeliest word of every slot, of equals any with the same chance.
    pub fn unseen_greedy(&self, steps: u32) -> f64 {
        self.unseen_of(self.run(steps, |state, slot, s, t| {
            if s > 0.0 {
                return self.back(state, slot, s, t, StepBack::PosteriorAveraged);
            }
            let words = self.corpus.posterior_under(self.process, state, slot, t, None);
            let of = |token| words.iter().filter(|(word, _)| *word == token).map(|(_, p)| p).sum::<f64>();
            let p = self.states.distribution(of);
            let largest = p.iter().copied().fold(0.0, f64::max);
            let is_likeliest = |p: &f64| *p > largest * (1.0 - TIE);
            let equals = p.iter().filter(|p| is_likeliest(p)).count() as f64;
            p.iter().map(|p| if is_likeliest(p) { 1.0 / equals } else { 0.0 }).collect()
        }))
    }

    /// The same of a sampler of masks that opens what it wrote again, by its rates along the process's own schedule. Not for
    /// [`Remasking::Confidence`], whose shares depend on how each slot was written.
    pub fn unseen_remasking(&self, steps: u32, remasking: Remasking) -> f64 {
        let alpha = |time| self.process.masses(time).kept;
        self.unseen_of(self.run(steps, |state, slot, s, t| {
            let (mask, present) = (self.process.mask(), state[slot]);
            let rates = remasking.rates(alpha, s, t);
            if present != mask {
                let stays = |token| {
                    if token == mask {
                        rates.remask
                    } else {
                        f64::from(u8::from(token == present)) * (1.0 - rates.remask)
                    }
                };
                return self.states.distribution(stays);
            }
            let words = self.corpus.posterior(state, slot);
            let of = |token: TokenId| words.get(token.0 as usize).copied().unwrap_or(0.0);
            self.states.distribution(|token| {
                if token == mask { 1.0 - rates.reveal } else { rates.reveal * of(token) }
            })
        }))
    }

    fn unseen_of(&self, states: Vec<f64>) -> f64 {
        let unseen = |(index, _): &(usize, f64)| self.corpus.probability(&self.states.state(*index)) == 0.0;
        states.into_iter().enumerate().filter(unseen).map(|(_, p)| p).sum()
    }

    /// Probability of every state at the end, where `back` tells where a slot of a state goes from t to s: (state, slot, s, t) to
    /// probabilities. `// (states)`
    fn run(&self, steps: u32, back: impl Fn(&[TokenId], usize, f64, f64) -> Vec<f64>) -> Vec<f64> {
        let slot = self.states.distribution(|token| self.process.prior(token));
        let mut now = product(&vec![slot; self.corpus.length()]);
        for step in (0..steps).rev() {
            let (s, t) = (f64::from(step) / f64::from(steps), f64::from(step + 1) / f64::from(steps));
            let mut next = vec![0.0; now.len()];
            for (index, &p) in now.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                let state = self.states.state(index);
                let slots: Vec<Vec<f64>> = (0..state.len()).map(|slot| back(&state, slot, s, t)).collect();
                for (next, factor) in next.iter_mut().zip(product(&slots)) {
                    *next += p * factor;
                }
            }
            now = next;
        }
        now
    }

    /// Where one slot of `state` goes from t to s. `// (alphabet)`
    fn back(&self, state: &[TokenId], slot: usize, s: f64, t: f64, step_back: StepBack) -> Vec<f64> {
        let (process, noisy) = (self.process, state[slot]);
        let except = match step_back {
            StepBack::PosteriorAveraged | StepBack::PosteriorPluggedIn => None,
            StepBack::LeaveOneOutPluggedIn => Some(slot),
        };
        let words = self.corpus.posterior_under(process, state, slot, t, except);
        let sum = |f: &dyn Fn(TokenId) -> f64| -> f64 {
            words.iter().filter(|(_, p)| *p > 0.0).map(|&(word, p)| p * f(word)).sum()
        };
        let evidence = sum(&|word| process.marginal(word, noisy, t));
        let to = |token: TokenId| match step_back {
            // As in `ForwardProcess::reverse`: what no predicted word explains stays.
            _ if evidence == 0.0 => f64::from(u8::from(token == noisy)),
            StepBack::PosteriorAveraged => sum(&|word| process.posterior(word, noisy, token, s, t)),
            StepBack::LeaveOneOutPluggedIn | StepBack::PosteriorPluggedIn => {
                let prior = sum(&|word| process.marginal(word, token, s));
                process.transition(token, noisy, s, t) * prior / evidence
            }
        };
        self.states.distribution(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::two_sentences;
    use crate::process::{Mask, MaskUniform, Uniform, Words};
    use crate::schedule::Schedule;
    use crate::sequence::SpecialTokens;
    use crate::testing::near;

    const WORDS: Words = Words { first: 3, count: 6 };
    const STEPS: [u32; 6] = [1, 2, 4, 8, 16, 32];

    /// P(unseen) of the two sentences for 1 to 32 steps; golden numbers to four digits.
    fn check<P: TokenProcess>(process: &P, step_back: StepBack, golden: [f64; 6]) {
        let corpus = two_sentences::corpus(0.5).unwrap();
        let ancestral = Ancestral::new(&corpus, process);
        for (steps, golden) in STEPS.into_iter().zip(golden) {
            let found = ancestral.unseen(steps, step_back);
            assert!(
                near(found, golden, 6e-5),
                "{step_back:?}, {steps} steps: found {found}, expected {golden}"
            );
        }
    }

    #[test]
    fn mask() {
        // Log-linear keeps a little at t = 1, of which a sampler from pure noise knows nothing: its steps are linear's.
        for schedule in [Schedule::Linear, Schedule::LogLinear] {
            let process = Mask { schedule, mask: SpecialTokens::default().mask };
            for step_back in
                [StepBack::PosteriorAveraged, StepBack::LeaveOneOutPluggedIn, StepBack::PosteriorPluggedIn]
            {
                check(&process, step_back, STEPS.map(two_sentences::unseen_ancestral));
            }
        }
    }

    #[test]
    fn uniform() {
        let process = Uniform { schedule: Schedule::Linear, words: WORDS };
        for step_back in [StepBack::PosteriorAveraged, StepBack::LeaveOneOutPluggedIn] {
            check(&process, step_back, [0.75, 0.3540, 0.1069, 0.0251, 0.0056, 0.0012]);
        }
        let wrong = [0.75, 0.4024, 0.2211, 0.1337, 0.0867, 0.0585];
        check(&process, StepBack::PosteriorPluggedIn, wrong);
    }

    #[test]
    fn a_greedy_tail() {
        let (corpus, process) =
            (two_sentences::corpus(0.5).unwrap(), Uniform { schedule: Schedule::Linear, words: WORDS });
        let ancestral = Ancestral::new(&corpus, &process);
        // Published to three digits, the last to four.
        let golden =
            [(2, 0.194, 6e-4), (4, 0.068, 6e-4), (8, 0.017, 6e-4), (16, 0.004, 6e-4), (32, 0.0009, 6e-5)];
        for (steps, golden, tolerance) in golden {
            let found = ancestral.unseen_greedy(steps);
            assert!(near(found, golden, tolerance), "{steps} steps: found {found}, expected {golden}");
            assert!(found < ancestral.unseen(steps, StepBack::PosteriorAveraged), "power, {steps} steps");
        }
        // After one step all are ties: pure noise tells nothing.
        assert!(near(ancestral.unseen_greedy(1), 0.75, 1e-12));
    }

    #[test]
    fn mask_and_uniform() {
        for (uniform_share, golden) in [
            (0.05, [0.75, 0.2604, 0.0678, 0.0169, 0.0045, 0.0013]),
            (0.1, [0.75, 0.2870, 0.0879, 0.0266, 0.0086, 0.0030]),
            (0.2, [0.75, 0.3419, 0.1357, 0.0535, 0.0219, 0.0094]),
        ] {
            let process = MaskUniform { mask: SpecialTokens::default().mask, words: WORDS, uniform_share };
            check(&process, StepBack::PosteriorAveraged, golden);
            check(&process, StepBack::LeaveOneOutPluggedIn, golden);
        }
    }

    #[test]
    fn masks_that_are_opened_again() {
        let corpus = two_sentences::corpus(0.5).unwrap();
        let process = Mask { schedule: Schedule::Linear, mask: SpecialTokens::default().mask };
        let ancestral = Ancestral::new(&corpus, &process);
        for (eta, golden) in [
            (0.0, STEPS.map(two_sentences::unseen_ancestral)),
            (0.02, [0.75, 0.375, 0.1857, 0.0908, 0.0436, 0.0206]),
            (0.3, [0.75, 0.375, 0.1758, 0.0876, 0.0486, 0.0279]),
        ] {
            for (steps, golden) in STEPS.into_iter().zip(golden) {
                let found = ancestral.unseen_remasking(steps, Remasking::Cap { eta });
                assert!(
                    near(found, golden, 6e-5),
                    "eta {eta}, {steps} steps: found {found}, expected {golden}"
                );
            }
        }
    }

    #[test]
    fn probabilities_stay_a_distribution() {
        let corpus = two_sentences::corpus(0.7).unwrap();
        let process = MaskUniform { mask: SpecialTokens::default().mask, words: WORDS, uniform_share: 0.1 };
        let ancestral = Ancestral::new(&corpus, &process);
        let back =
            |state: &[TokenId], slot, s, t| ancestral.back(state, slot, s, t, StepBack::PosteriorAveraged);
        assert!(near(ancestral.run(5, back).iter().sum(), 1.0, 1e-12));
    }
}
