//! From the leave-one-out distribution that a network of uniform noise puts out to the posterior that a
//! [`Denoiser`](diffusion::Denoiser) promises, summary by summary.
//!
//! The posterior is the leave-one-out distribution times q(present token | clean token), which is the same for every clean
//! token but the present one itself: p_v ∝ x̂_v e^(b [v = z]), b = ln(1 + kept · V / uniform). One logit moves, so a summary
//! of x̂ that knows the present token's probability is enough for a summary of p, the draw included: the race that drew
//! is run again between its winner and the present token. (Gourevitch et al., arXiv 2605.22765, on why the two must not be
//! confused.)

use diffusion::random::{exponential, word};
use diffusion::{Candidate, Prediction, TokenId};
use model_loader::ModelConfig;
use shaders::records::Row;

use crate::noise::TokenNoise;

/// By how much the logit of the present token rises, in nats.
///
/// `time` is that which the network was told. Nothing rises under other processes, or where the mask is shown.
pub(crate) fn rise(config: &ModelConfig, present: TokenId, time: f64) -> f64 {
    TokenNoise::of(config).map_or(0.0, |noise| noise.rise(present, time))
}

/// The summary of the posterior. `row.target` is the present token, and nothing truncates the draw.
pub(crate) fn with_rise(prediction: &Prediction, row: &Row, length: usize, rise: f64) -> Prediction {
    let present = TokenId(row.target);
    let before = f64::from(prediction.target_log_probability);
    if rise == 0.0 || before == f64::NEG_INFINITY {
        return *prediction;
    }
    // ln of the factor by which the sum of exponentiated logits grows.
    let growth = (before.exp() * rise.exp_m1()).ln_1p();
    let after = before + rise - growth;
    let moved = |candidate: Candidate| Candidate {
        log_probability: if candidate.token == present {
            after as f32
        } else {
            (f64::from(candidate.log_probability) - growth) as f32
        },
        ..candidate
    };
    let present_now = Candidate { token: present, log_probability: after as f32 };
    let wins = prediction.drawn.token == present || overtakes(prediction, row, length, rise);
    Prediction {
        drawn: if wins { present_now } else { moved(prediction.drawn) },
        entropy_nats: entropy(f64::from(prediction.entropy_nats), before, growth, after) as f32,
        log_sum_exp: (f64::from(prediction.log_sum_exp) + growth) as f32,
        target_log_probability: after as f32,
        top: best(prediction.top.map(moved), present_now),
        ..*prediction
    }
}

/// H' from H: all but the present token's terms keep their shape, p' = p / growth.
fn entropy(entropy: f64, before: f64, growth: f64, after: f64) -> f64 {
    let rest = entropy + before.exp() * before;
    let others = (1.0 - before.exp()).max(0.0);
    (rest + growth * others) * (-growth).exp() - after.exp() * after
}

/// Whether the present token's key falls below the winner's.
fn overtakes(prediction: &Prediction, row: &Row, length: usize, rise: f64) -> bool {
    let gain =
        f64::from(prediction.target_log_probability) + rise - f64::from(prediction.drawn.log_probability);
    if row.temperature == 0.0 {
        let ties = gain == 0.0 && row.target < prediction.drawn.token.0;
        return gain > 0.0 || ties;
    }
    let slot = row.position % length as u32;
    let wait = |token: u32| f64::from(exponential(word(row.seed, row.call, slot, token))).ln();
    wait(row.target) - gain / f64::from(row.temperature) < wait(prediction.drawn.token.0)
}

/// The best candidates once the present token has risen among them.
fn best<const N: usize>(mut top: [Candidate; N], present: Candidate) -> [Candidate; N] {
    let listed = top.iter().position(|candidate| candidate.token == present.token);
    let place = listed.unwrap_or(N - 1);
    let ahead = |other: &Candidate| {
        (present.log_probability, std::cmp::Reverse(present.token.0))
            .partial_cmp(&(other.log_probability, std::cmp::Reverse(other.token.0)))
            .is_some_and(std::cmp::Ordering::is_gt)
    };
    if listed.is_none() && !ahead(&top[place]) {
        return top;
    }
    top[place] = present;
    let mut at = place;
    while at > 0 && ahead(&top[at - 1]) {
        top.swap(at, at - 1);
        at -= 1;
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 4;

    /// The summary of a row over these logits, token 2 being the first; all in f64.
    fn summary(logits: &[f64], row: &Row) -> Prediction {
        let largest = logits.iter().copied().fold(f64::MIN, f64::max);
        let log_sum_exp = largest + logits.iter().map(|l| (l - largest).exp()).sum::<f64>().ln();
        let candidate = |index: usize| Candidate {
            token: TokenId(index as u32 + 2),
            log_probability: (logits[index] - log_sum_exp) as f32,
        };
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let slot = row.position % LENGTH as u32;
        let key = |index: usize| {
            let wait = f64::from(exponential(word(row.seed, row.call, slot, index as u32 + 2)));
            match row.temperature {
                0.0 => -logits[index],
                temperature => wait.ln() - logits[index] / f64::from(temperature),
            }
        };
        let drawn = (0..logits.len()).min_by(|&a, &b| key(a).total_cmp(&key(b))).unwrap();
        let p = |index: usize| (logits[index] - log_sum_exp).exp();
        Prediction {
            drawn: candidate(drawn),
            entropy_nats: -(0..logits.len()).map(|i| p(i) * (logits[i] - log_sum_exp)).sum::<f64>() as f32,
            log_sum_exp: log_sum_exp as f32,
            target_log_probability: candidate(row.target as usize - 2).log_probability,
            top: std::array::from_fn(|i| candidate(order[i])),
            drift_nats: None,
            tempered_log_probability: None,
        }
    }

    #[test]
    fn moving_one_logit_of_the_summary_is_moving_it_before_the_softmax() {
        for case in 0..400_u32 {
            let uniform = |index| f64::from(word(9, case, 0, index)) / 4_294_967_296.0;
            let mut logits: Vec<f64> = (0..12).map(|index| 6.0 * uniform(index)).collect();
            let row = Row {
                position: case % 7,
                seed: case,
                call: 3,
                target: 2 + case % 12,
                temperature: [0.0, 0.5, 1.0, 1.7][case as usize % 4],
                top_k: 0,
                top_p: 1.0,
                first_token: 2,
            };
            let rise = [0.0, 0.3, 2.0, 7.0][case as usize / 4 % 4];
            let found = with_rise(&summary(&logits, &row), &row, LENGTH, rise);
            logits[row.target as usize - 2] += rise;
            let expected = summary(&logits, &row);
            assert_eq!(found.drawn.token, expected.drawn.token, "case {case}");
            assert_eq!(found.top.map(|c| c.token), expected.top.map(|c| c.token), "case {case}");
            let pairs = [
                (found.drawn.log_probability, expected.drawn.log_probability),
                (found.entropy_nats, expected.entropy_nats),
                (found.log_sum_exp, expected.log_sum_exp),
                (found.target_log_probability, expected.target_log_probability),
                (found.top[4].log_probability, expected.top[4].log_probability),
            ];
            for (found, expected) in pairs {
                assert!((found - expected).abs() < 2e-5, "case {case}: {found}, expected {expected}");
            }
        }
    }
}
