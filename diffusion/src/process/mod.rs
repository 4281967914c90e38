//! Forward processes: how clean text turns into noise, one file each.

pub mod mask;

pub use mask::Mask;

use crate::random::Stream;
use crate::sequence::TokenId;

/// A corruption that acts on every slot alone, as a Markov process in t from 0 (clean) to 1 (noise).
pub trait ForwardProcess {
    /// What one slot holds: a token for discrete processes, a vector for Gaussian ones.
    type State;

    /// Draws x_t straight from the clean token: no chain, no network (property D2).
    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> Self::State;

    /// One step of the chain, from x_s to x_t with s ≤ t.
    fn step(&self, present: Self::State, s: f64, t: f64, stream: &mut Stream) -> Self::State;

    /// Share of the signal that is left at `t`, from 1 to 0.
    fn signal_left(&self, t: f64) -> f64;
}

/// A forward process whose states are tokens, with its probabilities in closed form.
pub trait TokenProcess: ForwardProcess<State = TokenId> {
    /// q(x_t = `token` | x_0 = `clean`).
    fn marginal(&self, clean: TokenId, token: TokenId, t: f64) -> f64;

    /// q(x_t = `to` | x_s = `from`), s ≤ t.
    fn transition(&self, from: TokenId, to: TokenId, s: f64, t: f64) -> f64;

    /// q(x_s = `token` | x_t = `noisy`, x_0 = `clean`), s < t. Not a number if `noisy` cannot come from `clean`.
    fn posterior(&self, clean: TokenId, noisy: TokenId, token: TokenId, s: f64, t: f64) -> f64 {
        self.transition(token, noisy, s, t) * self.marginal(clean, token, s) / self.marginal(clean, noisy, t)
    }
}
