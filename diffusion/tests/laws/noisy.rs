use diffusion::draw::{DrawError, summarise};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Row, Schedule};

use crate::statistics::normalised;
use crate::systems::{MASK, Table, seen};

/// At a time: the probability that a token is kept, that it is masked, and that it is a random word.
pub type Masses = [f64; 3];

/// Uniform noise (UDLM, arXiv 2412.10193).
pub fn uniform(schedule: Schedule) -> impl Fn(f64) -> Masses + Copy {
    move |t| [schedule.alpha(t), 0.0, 1.0 - schedule.alpha(t)]
}

/// GIDD (arXiv 2503.04482, section 3): alpha = (1 − t) / C, beta pi = (t m + c u) / C, C = 1 + c, c = B sqrt(t (1 − t)),
/// with B such that `share` of all mass is uniform at 1/2.
pub fn gidd(share: f64) -> impl Fn(f64) -> Masses + Copy {
    move |t| {
        let c = 2.0 * share / (1.0 - share) * (t * (1.0 - t)).sqrt();
        [(1.0 - t) / (1.0 + c), t / (1.0 + c), c / (1.0 + c)]
    }
}

/// A table seen through noise: the denoiser that knows the exact posterior at the time that it is told.
#[derive(Clone)]
pub struct Noisy<F> {
    pub table: Table,
    pub masses: F,
    /// The random words are so many, from 3 on.
    pub count: u32,
}

impl<F: Fn(f64) -> Masses> Noisy<F> {
    /// q(x_t = seen | x_0 = clean).
    pub fn likelihood(&self, clean: u32, seen: u32, t: f64) -> f64 {
        let [kept, masked, uniform] = (self.masses)(t);
        if seen == MASK.0 {
            masked
        } else {
            uniform / f64::from(self.count) + if clean == seen { kept } else { 0.0 }
        }
    }

    /// q(x_t = seen | x_0 = clean) of whole texts.
    pub fn likelihood_of_text(&self, clean: &[u32], seen: &[u32], t: f64) -> f64 {
        clean.iter().zip(seen).map(|(clean, seen)| self.likelihood(*clean, *seen, t)).product()
    }

    /// p(x_0 at the slot | all of x_t). `// (vocabulary)`
    pub fn posterior(&self, seen: &[u32], slot: usize, t: f64) -> Vec<f64> {
        let mut p = vec![0.0; self.table.vocabulary];
        for (text, weight) in &self.table.texts {
            p[text[slot] as usize] += weight * self.likelihood_of_text(text, seen, t);
        }
        normalised(p)
    }

    /// q(x_s = to | x_t = seen, x_0 = clean): Bayes' rule with the transition that takes the masses of s to those of t.
    pub fn back(&self, clean: u32, seen: u32, to: u32, s: f64, t: f64) -> f64 {
        let ([kept, masked, uniform], [kept_before, masked_before, uniform_before]) =
            ((self.masses)(t), (self.masses)(s));
        let stays = kept / kept_before;
        let noise = if seen == MASK.0 {
            masked - stays * masked_before
        } else {
            (uniform - stays * uniform_before) / f64::from(self.count)
        };
        let forward = noise + if to == seen { stays } else { 0.0 };
        forward * self.likelihood(clean, to, s) / self.likelihood(clean, seen, t)
    }

    fn logs(&self, query: &Query, row: &Row) -> impl ExactSizeIterator<Item = f64> + Clone + use<F> {
        let p = self.posterior(&seen(query, row), row.slot as usize, query.times[row.sequence as usize]);
        p.into_iter().map(f64::ln)
    }
}

impl<F: Fn(f64) -> Masses> Denoiser for Noisy<F> {
    type Error = DrawError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, DrawError> {
        query.rows.iter().map(|row| summarise(self.logs(query, row), row)).collect()
    }
}

impl<F: Fn(f64) -> Masses> FullDenoiser for Noisy<F> {
    fn vocabulary(&self) -> usize {
        self.table.vocabulary
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, DrawError> {
        Ok(query.rows.iter().flat_map(|row| self.logs(query, row)).map(|log| log as f32).collect())
    }
}
