//! What all discrete processes here share: a token is kept, or lost to the mask symbol, or to a random word.
//!
//! At time t the clean token is kept with mass α(t), and noise puts mass on the mask symbol and evenly on all
//! words. Such a process is Markov: between s and t a token is kept with mass α(t) / α(s), and noise adds what
//! is missing. Everything else - chain, marginals, posterior, step back - follows from these masses.

use serde::{Deserialize, Serialize};

use super::ForwardProcess;
use crate::random::{Stream, below, bernoulli};
use crate::sequence::TokenId;

/// The ordinary words: `count` ids from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The first word's id.
    pub first: u32,
    /// Number of words.
    pub count: u32,
}

impl Words {
    /// Whether the token is one of them.
    pub fn contains(self, token: TokenId) -> bool {
        token.0.checked_sub(self.first).is_some_and(|index| index < self.count)
    }
}

/// What a token becomes, as probabilities that sum to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masses {
    /// Kept as it is.
    pub kept: f64,
    /// Replaced by the mask symbol.
    pub masked: f64,
    /// Replaced by a word drawn evenly from all (perhaps itself).
    pub uniform: f64,
}

/// A forward process whose states are tokens.
pub trait TokenProcess {
    /// What a clean token becomes by time `t`; all kept at 0, nothing at 1.
    fn masses(&self, t: f64) -> Masses;

    /// The mask symbol.
    fn mask(&self) -> TokenId;

    /// The words that noise draws from.
    fn words(&self) -> Words;

    /// What this clean token becomes by time `t`, where some are lost sooner than others; [`masses`](Self::masses)
    /// is then what a token becomes of which nothing is known. Only noise that masks may differ by token.
    fn masses_of(&self, _clean: TokenId, t: f64) -> Masses {
        self.masses(t)
    }

    /// What `token`, seen at time `s`, becomes by time `t`.
    fn masses_between(&self, token: TokenId, s: f64, t: f64) -> Masses {
        if s >= t {
            return Masses { kept: 1.0, masked: 0.0, uniform: 0.0 };
        }
        let (early, late) = (self.masses_of(token, s), self.masses_of(token, t));
        // Where nothing is left, all that is seen is noise, drawn anew.
        let kept = if early.kept > 0.0 { late.kept / early.kept } else { 0.0 };
        Masses {
            kept,
            masked: (late.masked - kept * early.masked).max(0.0),
            uniform: (late.uniform - kept * early.uniform).max(0.0),
        }
    }

    /// Probability that noise of these masses is `token`, the loss included.
    fn noise(&self, masses: Masses, token: TokenId) -> f64 {
        if token == self.mask() {
            masses.masked
        } else if self.words().contains(token) {
            masses.uniform / f64::from(self.words().count)
        } else {
            0.0
        }
    }

    /// Probability of `token` in pure noise, where the way back begins: what is lost at t = 1, without what a
    /// schedule that does not reach 0 still keeps there.
    fn prior(&self, token: TokenId) -> f64 {
        let end = self.masses(1.0);
        self.noise(end, token) / (1.0 - end.kept)
    }

    /// q(x_t = `token` | x_0 = `clean`).
    fn marginal(&self, clean: TokenId, token: TokenId, t: f64) -> f64 {
        let masses = self.masses_of(clean, t);
        self.noise(masses, token) + if clean == token { masses.kept } else { 0.0 }
    }

    /// q(x_t = `to` | x_s = `from`), s ≤ t.
    fn transition(&self, from: TokenId, to: TokenId, s: f64, t: f64) -> f64 {
        let masses = self.masses_between(from, s, t);
        self.noise(masses, to) + if from == to { masses.kept } else { 0.0 }
    }

    /// q(x_s = `token` | x_t = `noisy`, x_0 = `clean`), s < t, by Bayes' rule. Not a number if `noisy` cannot
    /// come from `clean`.
    fn posterior(&self, clean: TokenId, noisy: TokenId, token: TokenId, s: f64, t: f64) -> f64 {
        self.transition(token, noisy, s, t) * self.marginal(clean, token, s) / self.marginal(clean, noisy, t)
    }

    /// Turns a leave-one-out prediction, p(x_i | x_t without slot i), into the posterior p(x_i | all of x_t):
    /// times q(x_t = `noisy` | x_0 = v). Formulas that plug a prediction into Bayes' rule want the former;
    /// beliefs, confidence and draws the latter (Gourevitch et al., arXiv 2605.22765). For masks that fall on all tokens alike
    /// they are equal.
    /// `// (vocabulary)`
    fn posterior_of_leave_one_out(&self, prediction: &mut [f64], noisy: TokenId, t: f64) {
        for (token, p) in (0..).zip(prediction.iter_mut()) {
            *p *= self.marginal(TokenId(token), noisy, t);
        }
        normalise(prediction);
    }

    /// The inverse of [`posterior_of_leave_one_out`](Self::posterior_of_leave_one_out). `// (vocabulary)`
    fn leave_one_out_of_posterior(&self, prediction: &mut [f64], noisy: TokenId, t: f64) {
        for (token, p) in (0..).zip(prediction.iter_mut()).filter(|(_, p)| **p > 0.0) {
            *p /= self.marginal(TokenId(token), noisy, t);
        }
        normalise(prediction);
    }

    /// A token after masses have acted on it.
    fn draw(&self, present: TokenId, masses: Masses, stream: &mut Stream) -> TokenId {
        if bernoulli(stream.word(), masses.kept) { present } else { self.draw_noise(masses, stream) }
    }

    /// The mask symbol or a word, by their masses.
    fn draw_noise(&self, masses: Masses, stream: &mut Stream) -> TokenId {
        if bernoulli(stream.word(), masses.uniform / (masses.uniform + masses.masked)) {
            TokenId(self.words().first + below(stream.word(), self.words().count))
        } else {
            self.mask()
        }
    }
}

impl<P: TokenProcess + ?Sized> ForwardProcess for P {
    type State = TokenId;

    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> TokenId {
        self.draw(clean, self.masses_of(clean, t), stream)
    }

    fn step(&self, present: TokenId, s: f64, t: f64, stream: &mut Stream) -> TokenId {
        self.draw(present, self.masses_between(present, s, t), stream)
    }

    /// The posterior is a mixture of three: the noisy token was there already, the clean token was still there,
    /// or noise was there already. A `noisy` token that cannot come from `clean` stays.
    fn reverse(&self, clean: TokenId, noisy: TokenId, s: f64, t: f64, stream: &mut Stream) -> TokenId {
        let (early, between) = (self.masses_of(clean, s), self.masses_between(clean, s, t));
        let arrives = self.noise(between, noisy); // by noise, from anything
        let same = if clean == noisy { early.kept } else { 0.0 };
        let stays = between.kept * (same + self.noise(early, noisy));
        let was_clean = early.kept * arrives;
        let was_noise = (1.0 - early.kept) * arrives;
        let total = stays + was_clean + was_noise;
        if total == 0.0 || bernoulli(stream.word(), stays / total) {
            noisy
        } else if bernoulli(stream.word(), was_clean / (was_clean + was_noise)) {
            clean
        } else {
            self.draw_noise(early, stream)
        }
    }

    fn signal_left(&self, t: f64) -> f64 {
        self.masses(t).kept
    }
}

/// Scales to sum one.
fn normalise(probabilities: &mut [f64]) {
    let total: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
}

#[cfg(test)]
mod tests;
