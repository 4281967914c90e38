use diffusion::process::{Candi, Gaussian, normal};
use diffusion::{Schedule, TokenId};

use crate::statistics::near;
use crate::token_processes::times;

/// Schedules hold alpha + lost = 1, finite weights of the bound and reveal probabilities
/// (alpha_s − alpha_t) / (1 − alpha_t) up to both ends (MDLM, arXiv 2406.07524).
#[test]
fn schedules_keep_their_promises_next_to_the_ends() {
    for schedule in Schedule::ALL {
        for t in [1e-12, 1e-6, 1e-3, 0.25, 0.5, 0.9, 0.999_999, 1.0 - 1e-12, 1.0] {
            assert!(near(schedule.alpha(t) + schedule.lost(t), 1.0, 1e-14), "{schedule:?} {t}");
            assert!(schedule.alpha(t) >= 0.0 && schedule.bound_weight(t).is_finite(), "{schedule:?} {t}");
            for s in [0.0, t / 3.0, t * 0.999] {
                let found = schedule.reveal_probability(s, t);
                assert!((0.0..=1.0).contains(&found), "{schedule:?} {s} {t}: {found}");
                if t > 1e-3 {
                    let by_hand = (schedule.alpha(s) - schedule.alpha(t)) / (1.0 - schedule.alpha(t));
                    assert!(near(found, by_hand, 1e-9), "{schedule:?} {s} {t}: {found}, by hand {by_hand}");
                }
            }
        }
    }
}

/// Gaussian chains have the direct marginals, and their posterior is a joint normal conditioned by hand (Ho et al., arXiv
/// 2006.11239, equation 7).
#[test]
fn gaussian_noise_composes_and_conditions() {
    let clean = TokenId(0);
    for schedule in Schedule::ALL {
        let process = Gaussian::new(schedule, vec![1.5, -2.0], 1);
        for (s, t) in times().into_iter().filter(|(s, t)| *s < 0.999 && t - s > 1e-7) {
            let (before, after) = (process.marginal(clean, s), process.marginal(clean, t));
            let step = process.transition(&before.mean, s, t);
            let scale = process.transition(&[1.0], s, t).mean[0];
            let variance = scale * scale * before.variance + step.variance;
            assert!(near(step.mean[0], after.mean[0], 1e-9), "{schedule:?} {s} {t}");
            assert!(near(variance, after.variance, 1e-9), "{schedule:?} {s} {t}");
            // E[x_s | x_t] = m_s + gain (x_t − m_t), and the covariance is scale var_s.
            let (shown, gain) = (0.3, scale * before.variance / after.variance);
            let posterior = process.posterior(clean, &[shown], s, t);
            let mean = before.mean[0] + gain * (shown - after.mean[0]);
            assert!(near(posterior.mean[0], mean, 1e-7), "{schedule:?} {s} {t}");
            let variance = before.variance - gain * scale * before.variance;
            assert!(near(posterior.variance, variance, 1e-7), "{schedule:?} {s} {t}");
        }
    }
}

/// CANDI's sigma is that of the rank error r, P(one other above the true one) = Phi(−1 / (sqrt 2 sigma)) = r V / (V − 1),
/// and its posterior is that of added noise (arXiv 2510.22510).
#[test]
fn candi_noise_conditions() {
    let process = Candi {
        schedule: Schedule::LogLinear,
        vocabulary: 27,
        least_rank_error: 0.05,
        most_rank_error: 0.25,
    };
    for t in [0.0, 0.3, 1.0] {
        let above = normal::below(-1.0 / (2.0_f64.sqrt() * process.sigma(t)));
        assert!(near(above * 26.0 / 27.0, 0.05 + 0.2 * t, 1e-9), "{t}: {above}");
    }
    let (s, t) = (0.2, 0.8);
    let posterior = process.noisy_posterior(TokenId(1), &[0.4; 27], s, t);
    let variance = process.sigma(s).powi(2);
    let gain = variance / process.sigma(t).powi(2);
    assert!(near(posterior.mean[1], 1.0 + gain * (0.4 - 1.0), 1e-12), "the true one");
    assert!(near(posterior.mean[0], gain * 0.4, 1e-12), "another one");
    assert!(near(posterior.variance, variance * (1.0 - gain), 1e-12), "{}", posterior.variance);
}
