//! How likely a noisy state is given the clean token: what puts tokens and vectors on one axis of bits.

use std::f64::consts::TAU;

use super::{Candi, CandiState, ForwardProcess, Gaussian, Normal, TokenProcess};
use crate::sequence::TokenId;

/// A forward process whose q(x_t | x_0) is known.
pub trait Likelihood: ForwardProcess {
    /// ln q(x_t = `state` | x_0 = `clean`) in nats: of a probability for tokens, of a density for vectors, so only differences
    /// between clean tokens mean something. Minus infinity where the state cannot come from the token.
    fn log_likelihood(&self, clean: TokenId, state: &Self::State, t: f64) -> f64;
}

impl<P: TokenProcess + ?Sized> Likelihood for P {
    fn log_likelihood(&self, clean: TokenId, state: &TokenId, t: f64) -> f64 {
        self.marginal(clean, *state, t).ln()
    }
}

impl Likelihood for Gaussian {
    fn log_likelihood(&self, clean: TokenId, state: &Vec<f64>, t: f64) -> f64 {
        log_density(&self.marginal(clean, t), state)
    }
}

impl Likelihood for Candi {
    fn log_likelihood(&self, clean: TokenId, state: &CandiState, t: f64) -> f64 {
        let shown = self.schedule.alpha(t);
        match state {
            CandiState::Shown(token) if *token == clean => shown.ln(),
            CandiState::Shown(_) => f64::NEG_INFINITY,
            CandiState::Noisy(x) => (1.0 - shown).ln() + log_density(&self.noisy_marginal(clean, t), x),
        }
    }
}

/// Logarithm of a normal density; without variance all mass is where the mean is.
fn log_density(normal: &Normal, x: &[f64]) -> f64 {
    let squares: f64 = x.iter().zip(&normal.mean).map(|(x, mean)| (x - mean).powi(2)).sum();
    if normal.variance > 0.0 {
        -0.5 * (squares / normal.variance + x.len() as f64 * (TAU * normal.variance).ln())
    } else if squares == 0.0 {
        0.0
    } else {
        f64::NEG_INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Mask, Uniform, Words};
    use crate::schedule::Schedule;
    use crate::testing::near;

    #[test]
    fn tokens_have_the_logarithm_of_their_marginal() {
        let mask = Mask { schedule: Schedule::Linear, mask: TokenId(0) };
        assert!(near(mask.log_likelihood(TokenId(3), &TokenId(0), 0.25), 0.25_f64.ln(), 1e-15));
        assert_eq!(mask.log_likelihood(TokenId(3), &TokenId(4), 0.25), f64::NEG_INFINITY);
        let uniform = Uniform { schedule: Schedule::Linear, words: Words { first: 3, count: 4 } };
        assert!(near(uniform.log_likelihood(TokenId(3), &TokenId(3), 0.4), 0.7_f64.ln(), 1e-15));
    }

    /// Sums a likelihood over a fine grid of one-dimensional states.
    fn mass(log: impl Fn(f64) -> f64) -> f64 {
        (-20_000..=20_000).map(|k| log(f64::from(k) * 1e-3).exp() * 1e-3).sum()
    }

    #[test]
    fn densities_sum_to_one_and_hold_their_clean_token_at_time_0() {
        let process = Gaussian::new(Schedule::Cosine, vec![1.0, -1.0], 1);
        for t in [0.2, 0.7, 1.0] {
            assert!(near(mass(|x| process.log_likelihood(TokenId(1), &vec![x], t)), 1.0, 1e-9), "t {t}");
        }
        let process = Gaussian::new(Schedule::Linear, vec![1.0, -1.0], 1);
        assert_eq!(process.log_likelihood(TokenId(0), &vec![1.0], 0.0), 0.0);
        assert_eq!(process.log_likelihood(TokenId(1), &vec![1.0], 0.0), f64::NEG_INFINITY);
    }

    #[test]
    fn a_shown_token_tells_all_and_a_noisy_one_what_its_noise_leaves() {
        let schedule = Schedule::Linear;
        let process = Candi { schedule, vocabulary: 3, least_rank_error: 0.05, most_rank_error: 0.25 };
        let shown = CandiState::Shown(TokenId(2));
        assert!(near(process.log_likelihood(TokenId(2), &shown, 0.25), 0.75_f64.ln(), 1e-15));
        assert_eq!(process.log_likelihood(TokenId(1), &shown, 0.25), f64::NEG_INFINITY);
        let noisy = CandiState::Noisy(vec![0.0, 0.0, 1.0]);
        let of = |token| process.log_likelihood(TokenId(token), &noisy, 0.25);
        // The nearer clean token by (|x - e_1|² - |x - e_2|²) / 2 σ² = 1 / σ².
        assert!(near(of(2) - of(1), 1.0 / process.sigma(0.25).powi(2), 1e-12));
    }
}
