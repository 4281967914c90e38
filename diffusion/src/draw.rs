//! From logits to a [`Prediction`]: log-sum-exp, entropy, best candidates and an exact draw, in f64.
//!
//! The GPU does the same in one kernel. The draw is an exponential race: with E_v from Exponential(1), the
//! token that minimises E_v / p_v is distributed as p. In logarithms, ln E_v − logit_v / temperature.

use crate::denoiser::{Candidate, Prediction, Query, Row, TOP_CANDIDATES};
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
    summarise_with(&mut Vec::new(), logits, row)
}

/// The same, with room for what `top_k` and `top_p` sort: kept from row to row, it allocates once.
pub fn summarise_with<I>(sorted: &mut Vec<f64>, logits: I, row: &Row) -> Result<Prediction, DrawError>
where
    I: Iterator<Item = f64> + Clone,
{
    let allowed = (0u32..).zip(logits).skip(row.first_token as usize);
    let best = best_tokens(allowed.clone())?;
    let maximum = best[0].1;
    if maximum == f64::NEG_INFINITY {
        return Err(DrawError::NoToken { first_token: row.first_token });
    }
    // Both sums in one pass: of e^d and of d e^d, d = logit - maximum; H = ln sum - weighted / sum.
    let (mut sum, mut weighted) = (0.0, 0.0);
    for distance in allowed.clone().map(|(_, logit)| logit - maximum).filter(|d| *d > f64::NEG_INFINITY) {
        let weight = distance.exp();
        (sum, weighted) = (sum + weight, weighted + weight * distance);
    }
    let log_sum_exp = maximum + sum.ln();
    let candidate = |(token, logit): (u32, f64)| Candidate {
        token: TokenId(token),
        log_probability: (logit - log_sum_exp) as f32,
    };
    let target = allowed.clone().find(|&(token, _)| token == row.target.0);
    Ok(Prediction {
        drawn: candidate(race(sorted, allowed, row, best[0])),
        entropy_nats: (sum.ln() - weighted / sum).max(0.0) as f32,
        log_sum_exp: log_sum_exp as f32,
        target_log_probability: target.map_or(f32::NEG_INFINITY, |found| candidate(found).log_probability),
        top: best.map(candidate),
        drift_nats: None,
        tempered_log_probability: None,
    })
}

/// Summarises the distributions of all rows of a query; `wrong` makes an error of a row without a draw.
/// `// logs: (rows, vocabulary)`
pub(crate) fn summaries<E>(
    query: &Query,
    logs: &[f32],
    vocabulary: usize,
    wrong: impl Fn(&Row, DrawError) -> E,
) -> Result<Vec<Prediction>, E> {
    let rows = query.rows.iter().zip(logs.chunks(vocabulary.max(1)));
    let mut sorted = Vec::new();
    let summary = |(row, logs): (&Row, &[f32])| {
        let logs = logs.iter().map(|&log| f64::from(log));
        summarise_with(&mut sorted, logs, row).map_err(|error| wrong(row, error))
    };
    rows.map(summary).collect()
}

/// The most probable tokens, best first, ties by smaller id; missing ones are token 0 with probability zero.
fn best_tokens(logits: impl Iterator<Item = (u32, f64)>) -> Result<[(u32, f64); TOP_CANDIDATES], DrawError> {
    let mut best = [(0, f64::NEG_INFINITY); TOP_CANDIDATES];
    for (token, logit) in logits {
        if logit.is_nan() || logit == f64::INFINITY {
            return Err(DrawError::Logit { token, found: logit });
        }
        if logit <= best[TOP_CANDIDATES - 1].1 {
            continue;
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
fn race(
    sorted: &mut Vec<f64>,
    logits: impl Iterator<Item = (u32, f64)> + Clone,
    row: &Row,
    best: (u32, f64),
) -> (u32, f64) {
    if row.temperature == 0.0 {
        return best;
    }
    let temperature = f64::from(row.temperature);
    let threshold = threshold(sorted, logits.clone(), row, temperature);
    let mut winner = (best, f64::INFINITY);
    for (token, logit) in logits.filter(|&(_, logit)| logit >= threshold && logit > f64::NEG_INFINITY) {
        let handicap = logit / temperature;
        // Nearly all lose so clearly that it takes no logarithm, or not even a draw, to see it.
        if earliest(0) - handicap >= winner.1 {
            continue;
        }
        let word = word(row.seed, row.call, row.slot, token);
        if earliest(word) - handicap >= winner.1 {
            continue;
        }
        let time = f64::from(exponential(word)).ln() - handicap;
        if time < winner.1 {
            winner = ((token, logit), time);
        }
    }
    winner.0
}

/// No later than the logarithm of the exponential draw out of this word: with w its uniform number, -ln(1 - w) >= w, which is no less
/// than the power of two that begins it. The earliest of all is that of the word 0.
fn earliest(word: u32) -> f64 {
    const ROUNDING: f64 = 1e-6;
    -f64::from(word.leading_zeros() + 1) * std::f64::consts::LN_2 - ROUNDING
}

/// The smallest logit that stays in the draw. A token stays if fewer than `top_k` tokens are strictly more
/// probable and if those have a tempered mass below `top_p`.
fn threshold(
    sorted: &mut Vec<f64>,
    logits: impl Iterator<Item = (u32, f64)>,
    row: &Row,
    temperature: f64,
) -> f64 {
    if row.top_k == 0 && row.top_p >= 1.0 {
        return f64::NEG_INFINITY;
    }
    sorted.clear();
    sorted.extend(logits.map(|(_, logit)| logit));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LIMIT, misfit, near};

    #[test]
    fn no_draw_is_earlier_than_its_word_allows() {
        let ends = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX];
        let powers = (0..32).flat_map(|bit| [1_u32 << bit, (1_u32 << bit).wrapping_sub(1)]);
        let random = (0..100_000).map(|item| word(7, 1, 2, item));
        for word in ends.into_iter().chain(powers).chain(random) {
            let time = f64::from(exponential(word)).ln();
            assert!(earliest(word) <= time, "{word}: {} above {time}", earliest(word));
            assert!(earliest(0) <= earliest(word));
        }
    }

    const LOGITS: [f64; 7] = [9.0, 9.0, 1.0, 0.5, -0.25, 1.0, f64::NEG_INFINITY];

    fn row() -> Row {
        Row {
            sequence: 0,
            slot: 3,
            seed: 1,
            call: 2,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
            target: TokenId(4),
        }
    }

    fn predict(row: &Row) -> Prediction {
        summarise(LOGITS.into_iter(), row).unwrap()
    }

    /// Softmax of the allowed logits, straight from the definition.
    fn softmax(temperature: f64) -> [f64; 7] {
        let weights = std::array::from_fn(|v| if v < 2 { 0.0 } else { (LOGITS[v] / temperature).exp() });
        let total: f64 = weights.iter().sum();
        weights.map(|weight: f64| weight / total)
    }

    /// How often each token is drawn.
    fn counts(row: Row, draws: u32) -> [u64; 7] {
        let mut counts = [0; 7];
        for seed in 0..draws {
            counts[predict(&Row { seed, ..row }).drawn.token.0 as usize] += 1;
        }
        counts
    }

    #[test]
    fn the_summary_is_that_of_the_softmax() {
        let (prediction, p) = (predict(&row()), softmax(1.0));
        let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        assert!(near(prediction.entropy_nats.into(), entropy, 1e-6));
        assert!(near(prediction.log_sum_exp.into(), 1.0 - p[2].ln(), 1e-6));
        assert!(near(prediction.target_log_probability.into(), p[4].ln(), 1e-6));
        assert_eq!(prediction.top.map(|c| c.token.0)[..4], [2, 5, 3, 4], "best first, ties by smaller id");
        for candidate in &prediction.top[..4] {
            assert!(near(candidate.log_probability.into(), p[candidate.token.0 as usize].ln(), 1e-6));
        }
        assert_eq!(prediction.top[4].log_probability, f32::NEG_INFINITY, "only four tokens are possible");
    }

    #[test]
    fn a_forbidden_target_is_impossible() {
        let forbidden = predict(&Row { target: TokenId(0), ..row() });
        assert_eq!(forbidden.target_log_probability, f32::NEG_INFINITY);
    }

    #[test]
    fn draws_follow_the_tempered_softmax() {
        for temperature in [0.5, 1.0, 2.0] {
            let row = Row { temperature: temperature as f32, ..row() };
            let counts = counts(row, 20_000);
            assert!(misfit(&counts, &softmax(temperature)) < LIMIT, "temperature {temperature}");
            assert!(misfit(&counts, &softmax(temperature * 1.3)) > LIMIT, "no power at {temperature}");
        }
    }

    #[test]
    fn only_the_draw_is_tempered() {
        let cold = Prediction { drawn: predict(&row()).drawn, ..predict(&Row { temperature: 0.1, ..row() }) };
        assert_eq!(cold, predict(&row()));
    }

    #[test]
    fn temperature_zero_takes_the_smallest_of_the_most_probable() {
        assert_eq!(counts(Row { temperature: 0.0, ..row() }, 50)[2], 50);
    }

    /// Which tokens are ever drawn.
    fn check_support(row: Row, expected: &[usize]) {
        let counts = counts(row, 2000);
        let support: Vec<usize> = (0..7).filter(|&v| counts[v] > 0).collect();
        assert_eq!(support, expected, "{row:?}");
    }

    #[test]
    fn thresholds_leave_the_tokens_they_should() {
        // Probabilities of 2, 5, 3, 4: .346, .346, .210, .099 (temperature 1; the two best are equal).
        check_support(row(), &[2, 3, 4, 5]);
        check_support(Row { top_k: 1, ..row() }, &[2, 5]);
        check_support(Row { top_k: 3, ..row() }, &[2, 3, 5]);
        check_support(Row { top_k: 99, ..row() }, &[2, 3, 4, 5]);
        check_support(Row { top_p: 0.3, ..row() }, &[2, 5]);
        check_support(Row { top_p: 0.69, ..row() }, &[2, 5]);
        check_support(Row { top_p: 0.7, ..row() }, &[2, 3, 5]);
        check_support(Row { top_p: 0.93, ..row() }, &[2, 3, 4, 5]);
        check_support(Row { top_k: 3, top_p: 0.3, ..row() }, &[2, 5]);
        // At temperature 1/2 the two best hold .82: the mass of top_p is tempered.
        check_support(Row { top_p: 0.7, temperature: 0.5, ..row() }, &[2, 5]);
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let summarise = |logits: &[f64]| summarise(logits.iter().copied(), &row()).map(|p| p.drawn.token);
        assert_eq!(summarise(&[0.0, 0.0]), Err(DrawError::NoToken { first_token: 2 }));
        assert_eq!(summarise(&[0.0, 0.0, f64::NEG_INFINITY]), Err(DrawError::NoToken { first_token: 2 }));
        assert!(matches!(summarise(&[0.0, 0.0, 1.0, f64::NAN]), Err(DrawError::Logit { token: 3, .. })));
        assert!(matches!(summarise(&[0.0, 0.0, f64::INFINITY]), Err(DrawError::Logit { token: 2, .. })));
        assert_eq!(summarise(&[f64::NAN, 0.0, 1.0]), Ok(TokenId(2)), "forbidden tokens are not even read");
    }
}
