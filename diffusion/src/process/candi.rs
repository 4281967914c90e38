//! CANDI's hybrid: some slots show their token, the others its one-hot vector with Gaussian noise (arXiv 2510.22510).
//!
//! Shown with probability α(t); else onehot(x_0) + σ(t) ε. σ follows a rank error r(t) = r_min + (r_max − r_min) t, the
//! expected share of the vocabulary that noise ranks above the true token: σ = −1 / (√2 Φ⁻¹(r V / (V − 1))).
//! Knobs: the schedule (the source's is log-linear), r_min (.01 to .05, default .05) and r_max (.25 to .45, default
//! .25). D2 holds. Known failure: the two kinds of signal part only for large vocabularies; for small ones noise
//! hides identity and neighbourhood together. As long as σ(0) > 0, noisy slots become clean by being shown only.

use std::f64::consts::SQRT_2;

use super::ForwardProcess;
use super::gaussian::Normal;
use super::normal::quantile;
use crate::random::{Stream, bernoulli};
use crate::schedule::Schedule;
use crate::sequence::TokenId;

/// Rank errors near time 0 and at time 1, the defaults.
pub const DEFAULT_RANK_ERRORS: [f64; 2] = [0.05, 0.25];

/// The hybrid process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candi {
    /// Share of slots that show their token.
    pub schedule: Schedule,
    /// Number of tokens V, ids from 0; at least 2.
    pub vocabulary: u32,
    /// Rank error of noisy slots near time 0, above 0.
    pub least_rank_error: f64,
    /// Rank error at time 1, below (V − 1) / (2 V).
    pub most_rank_error: f64,
}

/// What one slot holds.
#[derive(Clone, Debug, PartialEq)]
pub enum CandiState {
    /// Its token, in sight.
    Shown(TokenId),
    /// Its one-hot vector under noise. `// (vocabulary)`
    Noisy(Vec<f64>),
}

impl Candi {
    /// Rank error of noisy slots.
    pub fn rank_error(&self, t: f64) -> f64 {
        self.least_rank_error + (self.most_rank_error - self.least_rank_error) * t
    }

    /// Standard deviation of the noise on noisy slots.
    ///
    /// # Panics
    /// If a rank error is out of range for the vocabulary, see the fields.
    pub fn sigma(&self, t: f64) -> f64 {
        let size = f64::from(self.vocabulary);
        let above = self.rank_error(t) * size / (size - 1.0);
        assert!(
            above > 0.0 && above < 0.5,
            "a rank error must lie between 0 and (V - 1) / (2 V): found {} of {size} tokens",
            self.rank_error(t)
        );
        -1.0 / (SQRT_2 * quantile(above))
    }

    /// q(x_t | x_0, noisy). `// (vocabulary)`
    pub fn noisy_marginal(&self, clean: TokenId, t: f64) -> Normal {
        Normal { mean: self.one_hot(clean), variance: self.sigma(t).powi(2) }
    }

    /// q(x_s | x_t, x_0, noisy at both): with ρ = σ_s² / σ_t², mean onehot(x_0) + ρ (x_t − onehot(x_0)), variance
    /// σ_s² (1 − ρ). `// (vocabulary)`
    pub fn noisy_posterior(&self, clean: TokenId, noisy: &[f64], s: f64, t: f64) -> Normal {
        let (early, late) = (self.sigma(s).powi(2), self.sigma(t).powi(2));
        let share = early / late;
        let pull = |(clean, noisy): (f64, &f64)| clean + share * (noisy - clean);
        let mean = self.one_hot(clean).into_iter().zip(noisy).map(pull).collect();
        Normal { mean, variance: early * (1.0 - share) }
    }

    fn one_hot(&self, token: TokenId) -> Vec<f64> {
        (0..self.vocabulary).map(|id| f64::from(u8::from(id == token.0))).collect()
    }
}

impl ForwardProcess for Candi {
    type State = CandiState;

    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> CandiState {
        if bernoulli(stream.word(), self.schedule.alpha(t)) {
            CandiState::Shown(clean)
        } else {
            CandiState::Noisy(self.noisy_marginal(clean, t).draw(stream))
        }
    }

    /// A shown token stays in sight with probability α(t) / α(s); noise grows by what its variance lacks.
    fn step(&self, present: CandiState, s: f64, t: f64, stream: &mut Stream) -> CandiState {
        match present {
            CandiState::Shown(token)
                if bernoulli(stream.word(), self.schedule.alpha(t) / self.schedule.alpha(s)) =>
            {
                CandiState::Shown(token)
            }
            CandiState::Shown(token) => CandiState::Noisy(self.noisy_marginal(token, t).draw(stream)),
            CandiState::Noisy(mean) => {
                let variance = (self.sigma(t).powi(2) - self.sigma(s).powi(2)).max(0.0);
                CandiState::Noisy(Normal { mean, variance }.draw(stream))
            }
        }
    }

    /// A shown token stays. A noisy slot is shown as for masks, whatever its noise: that depends on the time alone.
    fn reverse(&self, clean: TokenId, noisy: CandiState, s: f64, t: f64, stream: &mut Stream) -> CandiState {
        match noisy {
            CandiState::Noisy(_) if bernoulli(stream.word(), self.schedule.reveal_probability(s, t)) => {
                CandiState::Shown(clean)
            }
            CandiState::Noisy(x) => CandiState::Noisy(self.noisy_posterior(clean, &x, s, t).draw(stream)),
            shown @ CandiState::Shown(_) => shown,
        }
    }

    /// Share of slots in sight; noisy slots hold signal too, see [`rank_error`](Self::rank_error).
    fn signal_left(&self, t: f64) -> f64 {
        self.schedule.alpha(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::normal::below;
    use crate::random::Purpose;
    use crate::testing::{GAP_LIMIT, gap, near, share_fits};

    const CLEAN: TokenId = TokenId(1);
    const TIMES: [f64; 4] = [0.0, 0.2, 0.5, 0.8];

    fn process(vocabulary: u32) -> Candi {
        let schedule = Schedule::LogLinear;
        Candi { schedule, vocabulary, least_rank_error: 0.05, most_rank_error: 0.25 }
    }

    /// Number of shown slots, and the noise of the others on their clean token.
    fn split(draw: impl Fn(u32) -> CandiState) -> (u64, Vec<f64>) {
        let mut shown = 0;
        let mut noise = Vec::new();
        for seed in 0..20_000 {
            match draw(seed) {
                CandiState::Shown(token) => shown += u64::from(token == CLEAN),
                CandiState::Noisy(x) => noise.push(x[1] - 1.0),
            }
        }
        (shown, noise)
    }

    #[test]
    fn chain_and_direct_draw_agree_and_a_wrong_chain_does_not() {
        let process = process(4);
        let walk = |seed, from: &dyn Fn(f64) -> f64| {
            TIMES.windows(2).zip(0..).fold(CandiState::Shown(CLEAN), |state, (times, call)| {
                let mut stream = Stream::new(seed, call, 0, Purpose::Chain);
                process.step(state, from(times[0]), times[1], &mut stream)
            })
        };
        let direct = |seed| process.sample(CLEAN, 0.8, &mut Stream::new(seed, 0, 0, Purpose::Sample));
        let share = |x: f64| below(x / process.sigma(0.8));
        for (shown, noise) in [split(direct), split(|seed| walk(seed, &|s| s))] {
            assert!(share_fits(shown, 20_000, process.signal_left(0.8)), "{shown}");
            assert!(gap(noise, share) < GAP_LIMIT);
        }
        let (shown, noise) = split(|seed| walk(seed, &|_| 0.0));
        assert!(!share_fits(shown, 20_000, process.signal_left(0.8)), "no power: {shown}");
        assert!(gap(noise, share) > GAP_LIMIT, "no power");
    }

    #[test]
    fn noise_ranks_the_stated_share_above_the_token() {
        for size in [4, 27] {
            let (process, t) = (process(size), 0.5);
            let mut above = 0;
            for seed in 0..20_000 {
                let mut stream = Stream::new(seed, 0, 0, Purpose::Sample);
                let x = process.noisy_marginal(CLEAN, t).draw(&mut stream);
                // One of the others per draw, so that draws are independent.
                above += u64::from(x[2] > x[1]);
            }
            let size = f64::from(size);
            assert!(
                share_fits(above, 20_000, process.rank_error(t) * size / (size - 1.0)),
                "{size}: {above}"
            );
            assert!(!share_fits(above, 20_000, process.rank_error(t) * 0.9), "no power");
        }
        // -1 / (√2 Φ⁻¹(.05 · 27 / 26)).
        assert!(near(process(27).sigma(0.0), 0.4346, 2e-4), "{}", process(27).sigma(0.0));
    }

    #[test]
    #[should_panic(expected = "a rank error must lie between")]
    fn a_rank_error_beyond_pure_noise_is_a_bug() {
        Candi { most_rank_error: 0.45, ..process(4) }.sigma(1.0);
    }

    #[test]
    fn the_posterior_is_the_product_of_densities() {
        let (process, s, t, noisy) = (process(3), 0.3, 0.7, [0.4, 0.2, -0.5]);
        let density = |x: f64, mean: f64, variance: f64| (-(x - mean).powi(2) / (2.0 * variance)).exp();
        let (early, late) = (process.sigma(s).powi(2), process.sigma(t).powi(2));
        let posterior = process.noisy_posterior(CLEAN, &noisy, s, t);
        for (part, (&clean, &noisy)) in [0.0, 1.0, 0.0].iter().zip(&noisy).enumerate() {
            let mean = posterior.mean[part];
            let ratio = |x, variance| {
                density(x, clean, early) * density(noisy, x, late - early) / density(x, mean, variance)
            };
            let x = mean + posterior.variance.sqrt();
            let even = |variance| ratio(x, variance) / ratio(mean, variance);
            assert!(near(even(posterior.variance), 1.0, 1e-12), "part {part}");
            assert!(!near(even(posterior.variance * 1.05), 1.0, 1e-3), "no power");
        }
    }

    #[test]
    fn steps_back_follow_the_posterior() {
        let (process, noisy) = (process(3), vec![0.4, 0.2, -0.5]);
        let back = |s| {
            let (process, noisy) = (&process, &noisy);
            move |seed| {
                let mut stream = Stream::new(seed, 0, 0, Purpose::Reverse);
                process.reverse(CLEAN, CandiState::Noisy(noisy.clone()), s, 0.8, &mut stream)
            }
        };
        let (shown, noise) = split(back(0.4));
        assert!(share_fits(shown, 20_000, 0.5), "1 - s / t: {shown}");
        let posterior = process.noisy_posterior(CLEAN, &noisy, 0.4, 0.8);
        let share = |x: f64| below((x + 1.0 - posterior.mean[1]) / posterior.variance.sqrt());
        assert!(gap(noise, share) < GAP_LIMIT);
        assert_eq!(split(back(0.0)).0, 20_000, "at time 0 all is in sight");
    }
}
