//! Another clock for a process that has its own: at time t stands what the process has at t′ = 1 − α(t).
//!
//! For processes whose masses are written in a linear time: [`MaskUniform`](super::MaskUniform), [`Spindle`](super::Spindle),
//! [`FrequencyMask`](super::FrequencyMask), [`GenMd4`](super::GenMd4). Knob: any [`Schedule`]; the linear one changes nothing. A change of time
//! leaves a Markov process one, so chain, marginals and posterior follow, rates are multiplied by dt′/dt = −α′(t), and a bound over
//! all times is the same number (the `vdm` argument, Kingma et al., arXiv 2107.00630, section 5.1). Known failure: precision near pure
//! noise, where t′ rounds to 1: kept masses below 10⁻¹⁶ are 0.

use super::{Masses, NoiseRates, Rates, RevealRates, TokenProcess, Words};
use crate::schedule::Schedule;
use crate::sequence::TokenId;

/// A process by another clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clocked<P> {
    /// The clock.
    pub schedule: Schedule,
    /// What goes by it.
    pub process: P,
}

impl<P: TokenProcess> TokenProcess for Clocked<P> {
    fn masses(&self, t: f64) -> Masses {
        self.process.masses(self.schedule.lost(t))
    }

    fn mask(&self) -> TokenId {
        self.process.mask()
    }

    fn words(&self) -> Words {
        self.process.words()
    }

    fn masses_of(&self, clean: TokenId, t: f64) -> Masses {
        self.process.masses_of(clean, self.schedule.lost(t))
    }

    fn masses_between(&self, token: TokenId, s: f64, t: f64) -> Masses {
        self.process.masses_between(token, self.schedule.lost(s), self.schedule.lost(t))
    }
}

impl<P: NoiseRates> NoiseRates for Clocked<P> {
    fn rates(&self, t: f64) -> Rates {
        let (Rates { to_mask, to_words }, speed) =
            (self.process.rates(self.schedule.lost(t)), -self.schedule.alpha_derivative(t));
        Rates { to_mask: to_mask * speed, to_words: to_words * speed }
    }
}

impl<P: RevealRates> RevealRates for Clocked<P> {
    fn reveal_rate(&self, token: TokenId, t: f64) -> f64 {
        -self.schedule.alpha_derivative(t) * self.process.reveal_rate(token, self.schedule.lost(t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{FrequencyMask, GenMd4, Mask, MaskUniform, Spindle};
    use crate::testing::near;

    #[test]
    fn the_linear_clock_changes_nothing_and_others_are_those_of_masks() {
        let mask = TokenId(0);
        let linear = Mask { schedule: Schedule::Linear, mask };
        let mixed = MaskUniform { mask, words: Words { first: 1, count: 3 }, uniform_share: 0.2 };
        for t in [0.0, 0.1, 0.5, 0.9, 1.0] {
            assert_eq!(Clocked { schedule: Schedule::Linear, process: mixed }.masses(t), mixed.masses(t));
            for schedule in Schedule::ALL {
                let (clocked, own) =
                    (Clocked { schedule, process: linear }.masses(t), Mask { schedule, mask }.masses(t));
                assert!(near(clocked.kept, own.kept, 1e-15) && near(clocked.masked, own.masked, 1e-15));
            }
        }
    }

    #[test]
    fn masses_are_those_of_the_other_time_by_hand() {
        // The cosine clock shows 1/2 at a third: sin(π / 6).
        let process =
            MaskUniform { mask: TokenId(0), words: Words { first: 1, count: 3 }, uniform_share: 0.2 };
        let masses = Clocked { schedule: Schedule::Cosine, process }.masses(1.0 / 3.0);
        assert!(near(masses.uniform, 0.2, 1e-15) && near(masses.kept, 0.4, 1e-15), "{masses:?}");
        let process = GenMd4::new(TokenId(0), vec![1.0, 2.0]).unwrap();
        let masked = Clocked { schedule: Schedule::Cosine, process }.masses_of(TokenId(1), 1.0 / 3.0).masked;
        assert!(near(masked, 0.25, 1e-15), "{masked}");
    }

    #[test]
    fn hidden_tokens_are_revealed_at_the_rate_of_a_short_step() {
        let mask = TokenId(0);
        for schedule in Schedule::ALL {
            let process = GenMd4::new(mask, vec![1.0, 2.0, 0.5]).unwrap();
            check_reveal_rates(&Clocked { schedule, process });
            let process = FrequencyMask::new(mask, 0.3, &[0, 90, 2]).unwrap();
            check_reveal_rates(&Clocked { schedule, process });
            check_reveal_rates(&Clocked {
                schedule,
                process: Spindle { mask, strength: -0.3, deviation: 0.7 },
            });
        }
    }

    fn check_reveal_rates<P: RevealRates>(process: &P) {
        for (token, t) in [(1, 0.3), (1, 0.7), (2, 0.3), (2, 0.7)] {
            let (token, h) = (TokenId(token), 1e-6);
            let revealed = process.posterior(token, TokenId(0), token, t - h / 2.0, t + h / 2.0);
            let rate = process.reveal_rate(token, t);
            assert!(near(rate, revealed / h, 1e-3 * (1.0 + rate)), "at {t}: {rate}");
        }
    }
}
