//! From logits to a [`Prediction`]: log-sum-exp, entropy, best candidates and an exact draw, in f64.
//!
//! The GPU does the same in one kernel. The draw is an exponential race: with E_v from Exponential(1), the
//! token that minimises E_v / p_v is distributed as p. In logarithms, ln E_v − logit_v / temperature.

use crate::denoiser::{Candidate, Prediction, Row, TOP_CANDIDATES};
use crate::random::{exponential, word};
use crate::sequence::TokenId;

/// Why no token can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DrawError {
    /// A logit is NaN or plus infinity.
    #[error("logit of token {token}: found {found}, expected a number or minus infinity")]
    Logit {
        /// The token.
        token: u32,
        /// Its logit.
        found: f64,
    },
    /// All allowed tokens have probability zero.
    #[error("logits: found no possible token, expected one with id {first_token} or above")]
    NoToken {
        /// The smallest allowed id.
        first_token: u32,
    },
}

/// Summarises the logits of one row, given in order of token id from 0 on. `// (vocabulary)`
pub fn summarise<I>(logits: I, row: &Row) -> Result<Prediction, DrawError>
where
    I: Iterator<Item = f64> + Clone,
{
    let allowed = (0u32..).zip(logits).skip(row.first_token as usize);
    let best = best_tokens(allowed.clone())?;
    let maximum = best[0].1;
    if maximum == f64::NEG_INFINITY {
        return Err(DrawError::NoToken { first_token: row.first_token });
    }
    let log_sum_exp = maximum + allowed.clone().map(|(_, logit)| (logit - maximum).exp()).sum::<f64>().ln();
    let candidate = |(token, logit): (u32, f64)| Candidate {
        token: TokenId(token),
        log_probability: (logit - log_sum_exp) as f32,
    };
    let target = allowed.clone().find(|&(token, _)| token == row.target.0);
    let surprise = |(_, logit): (u32, f64)| match logit - log_sum_exp {
        f64::NEG_INFINITY => 0.0,
        log_probability => -log_probability.exp() * log_probability,
    };
    Ok(Prediction {
        drawn: candidate(race(allowed.clone(), row, best[0])),
        entropy_nats: allowed.map(surprise).sum::<f64>().max(0.0) as f32,
        log_sum_exp: log_sum_exp as f32,
        target_log_probability: target.map_or(f32::NEG_INFINITY, |found| candidate(found).log_probability),
        top: best.map(candidate),
    })
}

/// The most probable tokens, best first, ties by smaller id; missing ones are token 0 with probability zero.
fn best_tokens(logits: impl Iterator<Item = (u32, f64)>) -> Result<[(u32, f64); TOP_CANDIDATES], DrawError> {
    let mut best = [(0, f64::NEG_INFINITY); TOP_CANDIDATES];
    for (token, logit) in logits {
        if logit.is_nan() || logit == f64::INFINITY {
            return Err(DrawError::Logit { token, found: logit });
        }
        let place = best.iter().take_while(|(_, better)| *better >= logit).count();
        if place < TOP_CANDIDATES {
            best[place..].rotate_right(1);
            best[place] = (token, logit);
        }
    }
    Ok(best)
}

/// The winner of the race among the tokens that `top_k` and `top_p` leave.
fn race(logits: impl Iterator<Item = (u32, f64)> + Clone, row: &Row, best: (u32, f64)) -> (u32, f64) {
    if row.temperature == 0.0 {
        return best;
    }
    let temperature = f64::from(row.temperature);
    let threshold = threshold(logits.clone(), row, temperature);
    let finish = |token, logit: f64| {
        f64::from(exponential(word(row.seed, row.call, row.slot, token))).ln() - logit / temperature
    };
    let mut winner = (best, f64::INFINITY);
    for (token, logit) in logits.filter(|&(_, logit)| logit >= threshold && logit > f64::NEG_INFINITY) {
        let time = finish(token, logit);
        if time < winner.1 {
            winner = ((token, logit), time);
        }
    }
    winner.0
}

/// The smallest logit that stays in the draw. A token stays if fewer than `top_k` tokens are strictly more
/// probable and if those have a tempered mass below `top_p`.
fn threshold(logits: impl Iterator<Item = (u32, f64)>, row: &Row, temperature: f64) -> f64 {
    if row.top_k == 0 && row.top_p >= 1.0 {
        return f64::NEG_INFINITY;
    }
    let mut sorted: Vec<f64> = logits.map(|(_, logit)| logit).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let weight = |logit: f64| ((logit - sorted[0]) / temperature).exp();
    let total: f64 = sorted.iter().map(|&logit| weight(logit)).sum();
    let (mut above, mut mass_above, mut lowest) = (0, 0.0, sorted[0]);
    for equals in sorted.chunk_by(|a, b| a == b) {
        let in_k = row.top_k == 0 || above < row.top_k as usize;
        let in_p = row.top_p >= 1.0 || mass_above < f64::from(row.top_p) * total;
        if !(in_k && in_p) {
            break;
        }
        lowest = equals[0];
        above += equals.len();
        mass_above += weight(equals[0]) * equals.len() as f64;
    }
    lowest
}
