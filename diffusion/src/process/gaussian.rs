//! Gaussian noise on embeddings, variance preserving: x_t = √ᾱ(t) E(x_0) + √(1 − ᾱ(t)) ε.
//!
//! Diffusion-LM (Li et al., arXiv 2205.14217), CDCD (Dieleman et al., arXiv 2211.15089). Knob: the schedule, which
//! here is ᾱ, the share of the power and not of tokens (any; linear by default). D2 holds: one draw, no call.
//! Known failure: L1 - the end of the way back is a vector and must be rounded to a token. With a schedule that
//! does not reach 0, x_1 still holds a trace of the text.

use super::ForwardProcess;
use super::normal::normal;
use crate::random::Stream;
use crate::schedule::Schedule;
use crate::sequence::TokenId;

/// The Gaussian process.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    schedule: Schedule,
    width: usize,
    /// `// (vocabulary, width)`
    embeddings: Vec<f64>,
}

/// Mean and variance of a normal vector with equal, independent parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    /// `// (width)`
    pub mean: Vec<f64>,
    /// Variance of every part.
    pub variance: f64,
}

impl Normal {
    /// One draw. `// (width)`
    pub fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        self.draws(stream).collect()
    }

    /// The same, number by number. `// (width)`
    pub fn draws(&self, stream: &mut Stream) -> impl Iterator<Item = f64> {
        self.mean.iter().map(|mean| mean + self.variance.sqrt() * normal(stream))
    }
}

impl Gaussian {
    /// A process over these embeddings, token after token. `// (vocabulary, width)`
    pub fn new(schedule: Schedule, embeddings: Vec<f64>, width: usize) -> Self {
        assert!(
            width > 0 && embeddings.len().is_multiple_of(width),
            "embeddings must be whole rows: found {} numbers of width {width}",
            embeddings.len()
        );
        Self { schedule, width, embeddings }
    }

    /// A token's embedding. `// (width)`
    pub fn embedding(&self, token: TokenId) -> &[f64] {
        let begin = token.0 as usize * self.width;
        &self.embeddings[begin..begin + self.width]
    }

    /// q(x_t | x_0).
    pub fn marginal(&self, clean: TokenId, t: f64) -> Normal {
        let scale = self.schedule.alpha(t).sqrt();
        let mean = self.embedding(clean).iter().map(|x| scale * x).collect();
        Normal { mean, variance: self.schedule.lost(t) }
    }

    /// q(x_t | x_s), s ≤ t: scaled by √(ᾱ_t / ᾱ_s), with what that takes away as noise.
    pub fn transition(&self, present: &[f64], s: f64, t: f64) -> Normal {
        let (scale, variance) = self.between(s, t);
        Normal { mean: present.iter().map(|x| scale * x).collect(), variance }
    }

    /// q(x_s | x_t, x_0), s < t: with a = ᾱ_t / ᾱ_s, variance (1 − a)(1 − ᾱ_s) / (1 − ᾱ_t), mean
    /// (√ᾱ_s (1 − a) E(x_0) + √a (1 − ᾱ_s) x_t) / (1 − ᾱ_t) (Ho et al., arXiv 2006.11239, equation 7).
    pub fn posterior(&self, clean: TokenId, noisy: &[f64], s: f64, t: f64) -> Normal {
        self.posterior_of(self.embedding(clean), noisy, s, t)
    }

    /// The same for any clean vector, such as the mean embedding of a prediction.
    pub fn posterior_of(&self, clean: &[f64], noisy: &[f64], s: f64, t: f64) -> Normal {
        let ([of_clean, of_noisy], variance) = self.weights_back(s, t);
        let parts = clean.iter().zip(noisy);
        let mean = parts.map(|(clean, noisy)| of_clean * clean + of_noisy * noisy).collect();
        Normal { mean, variance }
    }

    /// Puts a draw from q(x_s | x_t, clean) in the place of x_t. `// (width), (width)`
    pub fn draw_back(&self, clean: &[f64], vector: &mut [f64], [s, t]: [f64; 2], stream: &mut Stream) {
        let ([of_clean, of_noisy], variance) = self.weights_back(s, t);
        for (x, clean) in vector.iter_mut().zip(clean) {
            *x = of_clean * clean + of_noisy * *x + variance.sqrt() * normal(stream);
        }
    }

    /// Signal-to-noise ratio ᾱ / (1 − ᾱ); infinite at 0.
    pub fn signal_to_noise(&self, t: f64) -> f64 {
        self.schedule.alpha(t) / self.schedule.lost(t)
    }

    /// −d(signal-to-noise ratio)/dt = −ᾱ′ / (1 − ᾱ)²: half of it weighs the squared error in the bound.
    pub fn signal_to_noise_loss(&self, t: f64) -> f64 {
        -self.schedule.alpha_derivative(t) / self.schedule.lost(t).powi(2)
    }

    /// Σ_v p_v E(v), from log-probabilities. `// (vocabulary) -> (width)`
    pub fn mean_embedding(&self, logs: &[f32]) -> Vec<f64> {
        let mut mean = vec![0.0; self.width];
        self.add_mean_embedding(logs, &mut mean);
        mean
    }

    /// Adds it to what is there. `// (vocabulary), (width)`
    pub fn add_mean_embedding(&self, logs: &[f32], sum: &mut [f64]) {
        for (token, &log) in (0..).zip(logs).filter(|(_, log)| **log != f32::NEG_INFINITY) {
            let p = f64::from(log).exp();
            sum.iter_mut().zip(self.embedding(TokenId(token))).for_each(|(sum, x)| *sum += p * x);
        }
    }

    /// Power kept over time.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// Number of tokens.
    pub fn vocabulary(&self) -> u32 {
        (self.embeddings.len() / self.width) as u32
    }

    /// Numbers in an embedding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// What the clean and the noisy vector weigh in the mean of a step back, and its variance.
    fn weights_back(&self, s: f64, t: f64) -> ([f64; 2], f64) {
        let (scale, noise) = self.between(s, t);
        let (early, late) = (self.schedule.lost(s), self.schedule.lost(t));
        let weights = [self.schedule.alpha(s).sqrt() * noise / late, scale * early / late];
        (weights, noise * early / late)
    }

    /// Scale and variance of a step.
    fn between(&self, s: f64, t: f64) -> (f64, f64) {
        let early = self.schedule.alpha(s);
        let noise = ((self.schedule.lost(t) - self.schedule.lost(s)) / early).max(0.0);
        ((self.schedule.alpha(t) / early).sqrt(), noise)
    }
}

impl ForwardProcess for Gaussian {
    type State = Vec<f64>;

    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> Vec<f64> {
        self.marginal(clean, t).draw(stream)
    }

    fn step(&self, present: Vec<f64>, s: f64, t: f64, stream: &mut Stream) -> Vec<f64> {
        self.transition(&present, s, t).draw(stream)
    }

    fn reverse(&self, clean: TokenId, noisy: Vec<f64>, s: f64, t: f64, stream: &mut Stream) -> Vec<f64> {
        self.posterior(clean, &noisy, s, t).draw(stream)
    }

    /// Share of the power, ᾱ.
    fn signal_left(&self, t: f64) -> f64 {
        self.schedule.alpha(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::normal::below;
    use crate::random::Purpose;
    use crate::testing::{GAP_LIMIT, gap, near};

    const TIMES: [f64; 4] = [0.0, 0.3, 0.5, 0.7];
    const CLEAN: TokenId = TokenId(1);

    fn processes() -> impl Iterator<Item = Gaussian> {
        Schedule::ALL.into_iter().map(|schedule| Gaussian::new(schedule, vec![-1.0, 2.0, 1.5, -0.5], 2))
    }

    fn density(normal: &Normal, x: f64) -> f64 {
        (-(x - normal.mean[0]).powi(2) / (2.0 * normal.variance)).exp() / normal.variance.sqrt()
    }

    #[test]
    fn chain_and_direct_draw_agree_and_a_wrong_chain_does_not() {
        for process in processes() {
            let expected = process.marginal(CLEAN, 0.7);
            let share = |x: f64| below((x - expected.mean[0]) / expected.variance.sqrt());
            let walk = |seed, from: &dyn Fn(f64) -> f64| {
                TIMES.windows(2).zip(0..).fold(process.embedding(CLEAN).to_vec(), |x, (times, call)| {
                    let mut stream = Stream::new(seed, call, 0, Purpose::Chain);
                    process.step(x, from(times[0]), times[1], &mut stream)
                })[0]
            };
            let direct = |seed| process.sample(CLEAN, 0.7, &mut Stream::new(seed, 0, 0, Purpose::Sample))[0];
            assert!(gap((0..10_000).map(direct).collect(), share) < GAP_LIMIT, "{process:?}");
            let chain = (0..10_000).map(|seed| walk(seed, &|s| s)).collect();
            assert!(gap(chain, share) < GAP_LIMIT, "{process:?}");
            let wrong = (0..10_000).map(|seed| walk(seed, &|_| 0.0)).collect();
            assert!(gap(wrong, share) > GAP_LIMIT, "{process:?} has no power");
        }
    }

    #[test]
    fn the_posterior_is_the_product_of_densities() {
        for process in processes() {
            let (s, t, noisy) = (0.4, 0.8, [0.7, 0.1]);
            let posterior = process.posterior(CLEAN, &noisy, s, t);
            let ratio = |x: f64| {
                let prior = density(&process.marginal(CLEAN, s), x);
                prior * density(&process.transition(&[x], s, t), noisy[0]) / density(&posterior, x)
            };
            for i in -10..=10 {
                let x = posterior.mean[0] + f64::from(i) * posterior.variance.sqrt() / 4.0;
                assert!(near(ratio(x) / ratio(posterior.mean[0]), 1.0, 1e-9), "{process:?} at {x}");
            }
        }
    }

    #[test]
    fn a_wrong_posterior_would_show() {
        let process = processes().next().unwrap();
        let right = process.posterior(CLEAN, &[0.7, 0.1], 0.4, 0.8);
        let wrong = Normal { variance: right.variance * 1.01, ..right.clone() };
        let apart = |x: f64| density(&right, x) / density(&wrong, x);
        let mean = right.mean[0];
        assert!(!near(apart(mean + 2.0 * right.variance.sqrt()) / apart(mean), 1.0, 1e-3));
    }

    #[test]
    fn steps_back_follow_the_posterior_and_end_at_the_embedding() {
        for process in processes() {
            let posterior = process.posterior(CLEAN, &[0.7, 0.1], 0.4, 0.8);
            let back = |seed| {
                let mut stream = Stream::new(seed, 0, 0, Purpose::Reverse);
                process.reverse(CLEAN, vec![0.7, 0.1], 0.4, 0.8, &mut stream)[1]
            };
            let share = |x: f64| below((x - posterior.mean[1]) / posterior.variance.sqrt());
            assert!(gap((0..10_000).map(back).collect(), share) < GAP_LIMIT, "{process:?}");
            let end = process.posterior(CLEAN, &[0.7, 0.1], 0.0, 0.8);
            assert!(end.variance == 0.0 && near(end.mean[0], 1.5, 1e-12), "{process:?}");
        }
    }

    #[test]
    fn signal_and_noise_are_shares_of_the_power() {
        let process = processes().next().unwrap();
        assert_eq!(process.signal_left(0.25), 0.75);
        assert!(near(process.signal_to_noise(0.25), 3.0, 1e-15));
    }
}
