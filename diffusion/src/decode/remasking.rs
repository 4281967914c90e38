//! Remasking: which committed slots are opened again, so that a masked model can take back what it wrote.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use super::settings::is_default;
use super::validation::within;
use crate::schedule::Schedule;

/// Whether and how committed slots are opened again. A knob has no default and must be given: how much helps
/// depends on the number of steps. Recommended to begin with: [`Cap`](Self::Cap) with η = .02, at least as many steps as slots,
/// and top_p = .9.
///
/// The ReMDM kinds ([`Cap`](Self::Cap), [`Rescale`](Self::Rescale), [`Confidence`](Self::Confidence) and
/// [`Loop`](Self::Loop); Wang et al., arXiv 2503.00307) and [`ForwardBackward`](Self::ForwardBackward) go with
/// [`Parallelism::Ancestral`](super::Parallelism::Ancestral) without blocks or spans. From t to s a committed slot is
/// opened with probability σ, at most σ_max = min(1, (1 − α(s)) / α(t)), and a masked one revealed with
/// probability (α(s) − (1 − σ) α(t)) / (1 − α(t)). So at every time the expected number of masked slots is the
/// schedule's; under [`Confidence`](Self::Confidence) it is larger. Cost: one call per step, all open slots asked.
/// Known failures: repetition; and much remasking late in a run hurts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Remasking {
    /// What is committed stays. The default.
    #[default]
    Never,
    /// σ = min(η, σ_max).
    Cap {
        /// η in [0, 1]; the paper's are .008 to .04.
        eta: f64,
    },
    /// σ = η σ_max.
    Rescale {
        /// η in [0, 1]; the paper's is .015.
        eta: f64,
    },
    /// σ_i = σ_max softmax(−c)_i over the committed slots, c the probability with which each was committed; a
    /// masked slot is revealed as without remasking. No knobs. A step opens σ_max slots on average, however many are
    /// committed, and nothing makes up for them. Known failure: with as many steps as slots or more, much is still
    /// masked late and then written together (linear schedule, 64 slots in 64 steps, all equally sure, simulated: at
    /// t = 1/2 18 % are written, at t = 1/4 49 %).
    Confidence,
    /// σ = min(η, σ_max) while t is between `off` and `on`, where the clock of the schedule stands still at
    /// α = `alpha`; before and after it runs at the speed that makes up for that, without remasking.
    Loop {
        /// η in [0, 1]; the paper's is .02.
        eta: f64,
        /// Time at which the loop begins, in (0, 1); the paper's is .55.
        on: f64,
        /// Time at which it ends, above 0 and below `on`; the paper's is .05.
        off: f64,
        /// Signal kept during the loop, in (0, 1); the paper's is .9.
        alpha: f64,
    },
    /// σ = scale (α(s) − α(t)) / α(t), at most σ_max: forward-backward corrector (Campbell et al., arXiv
    /// 2205.14987) with scale 1; other scales give the correctors of discrete flow matching (arXiv 2407.15595). Known
    /// failures: weaker than the ReMDM kinds; and where α is small it takes all back, with the linear schedule and
    /// scale 1 in step 2 all that step 1 has written, in step j before the last a committed slot with
    /// probability 1 / (j − 1).
    ForwardBackward {
        /// Scale, from 0 to 10⁹; 1, recommended, is the corrector of the first source.
        scale: f64,
    },
    /// Running confidence remasking (RCR of MDPO, arXiv 2508.13148), with
    /// [`Parallelism::Quota`](super::Parallelism::Quota): after each call as many slots are written as the quota
    /// says, namely those with the largest confidence (no order but confidence goes with it); all others are masked (again). Cost: the
    /// quota's, at most min(N, masked) calls per block, masked slots asked. In blocks only slots of the present one are opened; the
    /// released code opens those of earlier ones too.
    RunningConfidence {
        /// What counts as a slot's confidence; the paper's [`Believed::Largest`] by default.
        #[serde(default, skip_serializing_if = "is_default")]
        believed: Believed,
    },
}

/// What running confidence remasking takes for the confidence of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Believed {
    /// The largest probability that a drawn token ever had there: the paper's running maximum, max over the calls so far. Known
    /// failure: a once large probability is believed for ever, also of another token than the one that is written for it.
    #[default]
    Largest,
    /// The probability that the token had when it was drawn, of a masked slot in this call: the paper's released code
    /// (`src/mdlm_generation_utils.py`). Known failure: a slot that was masked again has to be sure anew.
    Latest,
}

/// What happens between two times of a remasking ancestral sampler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Probability that a committed slot is opened; to be multiplied by the slot's share under
    /// [`Remasking::Confidence`].
    pub remask: f64,
    /// Probability that a masked slot is revealed.
    pub reveal: f64,
}

impl Remasking {
    /// Whether it steps by [`rates`](Self::rates) along ancestral sampling: the ReMDM kinds and the forward-backward
    /// corrector.
    pub fn is_ancestral(self) -> bool {
        !matches!(self, Self::Never | Self::RunningConfidence { .. })
    }

    /// Rates from time t to time s < t under the signal `alpha(time)` of the schedule.
    pub fn rates(self, alpha: impl Fn(f64) -> f64, s: f64, t: f64) -> Rates {
        let (early, late) = (self.signal(&alpha, s), self.signal(&alpha, t));
        let largest = if late > 0.0 { ((1.0 - early) / late).min(1.0) } else { 1.0 };
        let sigma = match self {
            Self::Never | Self::RunningConfidence { .. } => 0.0,
            Self::Cap { eta } => eta.min(largest),
            Self::Rescale { eta } => eta * largest,
            Self::Confidence => largest,
            Self::Loop { eta, on, off, .. } => {
                if t <= on && s >= off {
                    eta.min(largest)
                } else {
                    0.0
                }
            }
            Self::ForwardBackward { scale } if late > 0.0 => (scale * (early - late) / late).min(largest),
            Self::ForwardBackward { .. } => 0.0,
        };
        let kept = if matches!(self, Self::Confidence) { 0.0 } else { sigma };
        Rates { remask: sigma, reveal: ((early - (1.0 - kept) * late) / (1.0 - late)).clamp(0.0, 1.0) }
    }

    /// The time that a network is told at a time of the run: that at which its training hides as much.
    pub(super) fn told(self, schedule: Schedule, time: f64) -> f64 {
        match self {
            Self::Loop { .. } => schedule.time_of_lost(1.0 - self.signal(&|time| schedule.alpha(time), time)),
            _ => time,
        }
    }

    /// Signal kept at a time, with the loop's standstill.
    fn signal(self, alpha: &impl Fn(f64) -> f64, time: f64) -> f64 {
        let Self::Loop { on, off, alpha: held, .. } = self else { return alpha(time) };
        if time > on {
            held * alpha((time - on) / (1.0 - on))
        } else if time >= off {
            held
        } else {
            1.0 - (1.0 - held) * time / off
        }
    }

    pub(super) fn validate(self) -> Result<(), SettingsError> {
        match self {
            Self::Cap { eta } | Self::Rescale { eta } => within("eta", eta, 0.0, 1.0),
            Self::Loop { eta, on, off, alpha } => {
                within("eta", eta, 0.0, 1.0)?;
                within("on", on, 2e-9, 1.0 - 1e-9)?;
                within("off", off, 1e-9, on - 1e-9)?;
                within("alpha", alpha, 1e-9, 1.0 - 1e-9)
            }
            Self::ForwardBackward { scale } => within("scale", scale, 0.0, 1e9),
            _ => Ok(()),
        }
    }
}

/// softmax(−c) over committed slots: how the remasking of [`Remasking::Confidence`] is shared out.
pub(super) fn shares(confidences: &[f32]) -> Vec<f64> {
    let weight = |c: &f32| (-f64::from(*c)).exp();
    let total: f64 = confidences.iter().map(weight).sum();
    confidences.iter().map(|c| weight(c) / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Checkpoint, DecodeSettings, Decoder, Parallelism, SlotMemory};
    use crate::sequence::{Sequence, Slot, SpecialTokens, TokenId};
    use crate::testing::{near, prediction, share_fits};

    /// Those that keep the expected number of masked slots at the schedule's: all but confidence.
    const KINDS: [Remasking; 5] = [
        Remasking::Never,
        Remasking::Cap { eta: 0.3 },
        Remasking::Rescale { eta: 0.5 },
        Remasking::ForwardBackward { scale: 1.0 },
        Remasking::Loop { eta: 0.02, on: 0.55, off: 0.05, alpha: 0.9 },
    ];

    #[test]
    fn the_expected_number_of_masked_slots_stays_the_schedules() {
        for kind in KINDS {
            for steps in [1, 4, 32] {
                let mut masked = 1.0;
                for step in (0..steps).rev() {
                    let (s, t) = (f64::from(step) / f64::from(steps), f64::from(step + 1) / f64::from(steps));
                    let Rates { remask, reveal } = kind.rates(|t| Schedule::Linear.alpha(t), s, t);
                    masked = masked * (1.0 - reveal) + (1.0 - masked) * remask;
                    let alpha = kind.signal(&|t| Schedule::Linear.alpha(t), s);
                    assert!(near(masked, 1.0 - alpha, 1e-12), "{kind:?} at {s}: {masked}");
                }
                assert!(near(masked, 0.0, 1e-12), "{kind:?}: all is written at the end");
            }
        }
    }

    #[test]
    fn without_remasking_the_rate_is_the_mask_process() {
        for schedule in Schedule::ALL {
            for kind in [Remasking::Never, Remasking::Cap { eta: 0.0 }, Remasking::Confidence] {
                let rates = kind.rates(|t| schedule.alpha(t), 0.4, 0.8);
                assert!(near(rates.reveal, schedule.reveal_probability(0.4, 0.8), 1e-12), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_worked_example() {
        let linear = |t: f64| 1.0 - t;
        // t = 1/2, s = 1/4: largest (1/4) / (1/2) = 1/2; cap .3: reveal (.75 − .7 · .5) / .5 = .8.
        let rates = Remasking::Cap { eta: 0.3 }.rates(linear, 0.25, 0.5);
        assert!(near(rates.remask, 0.3, 1e-15) && near(rates.reveal, 0.8, 1e-15));
        // Rescale .5: σ = .25, reveal (.75 − .75 · .5) / .5 = .75. Forward-backward: σ = .25 / .5 = .5.
        let rates = Remasking::Rescale { eta: 0.5 }.rates(linear, 0.25, 0.5);
        assert!(near(rates.remask, 0.25, 1e-15) && near(rates.reveal, 0.75, 1e-15));
        let rates = Remasking::ForwardBackward { scale: 1.0 }.rates(linear, 0.25, 0.5);
        assert!(near(rates.remask, 0.5, 1e-15) && near(rates.reveal, 1.0, 1e-15));
        // In the loop nothing but exchange: (.9 − .98 · .9) / .1 = .18.
        let kind = Remasking::Loop { eta: 0.02, on: 0.55, off: 0.05, alpha: 0.9 };
        let rates = kind.rates(linear, 0.25, 0.5);
        assert!(near(rates.remask, 0.02, 1e-15) && near(rates.reveal, 0.18, 1e-12));
    }

    #[test]
    fn forward_backward_takes_back_all_that_the_first_step_has_written() {
        let steps = 8;
        for step in 2..steps {
            let [s, t] = [step, step - 1].map(|gone| 1.0 - f64::from(gone) / f64::from(steps));
            let rates = Remasking::ForwardBackward { scale: 1.0 }.rates(|t| 1.0 - t, s, t);
            assert!(near(rates.remask, 1.0 / f64::from(step - 1), 1e-12), "step {step}");
        }
    }

    #[test]
    fn confidence_opens_as_its_shares_say_and_reveals_as_if_it_did_not() {
        // Step 3 of 4, t = 1/2, s = 1/4: σ_max = (1/4) / (1/2) = 1/2, reveal (.75 − .5) / .5 = .5.
        let rates = Remasking::Confidence.rates(|t| 1.0 - t, 0.25, 0.5);
        assert!(near(rates.remask, 0.5, 1e-15) && near(rates.reveal, 0.5, 1e-15));
        // Committed with probability 0 and 1: shares 1 / (1 + 1/e) = .731 and .269, so σ = .3655 and .1345.
        let special = SpecialTokens::default();
        let slots = [Slot::committed(TokenId(3)), Slot::committed(TokenId(4))];
        let state = Checkpoint {
            step: 2,
            opened: 4,
            memory: [0.0, 1.0, 0.0, 0.0]
                .map(|committed| SlotMemory { committed, ..SlotMemory::default() })
                .to_vec(),
            ..Checkpoint::start(Sequence { slots: [slots, [Slot::masked(special.mask); 2]].concat() })
        };
        let parallelism = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
        let runs = 20_000;
        let mut changed = [0; 4];
        for seed in 0..runs {
            let remasking = Remasking::Confidence;
            let settings = DecodeSettings { seed, parallelism, remasking, ..DecodeSettings::default() };
            let mut decoder = Decoder::resume(settings, state.clone(), special).unwrap();
            let step = decoder.apply(&[prediction(-1.0, [-1.0, -2.0], 0.5); 4]).unwrap();
            step.remasks.iter().for_each(|&slot| changed[slot as usize] += 1);
            step.commits.iter().for_each(|c| changed[c.slot as usize] += 1);
        }
        for (slot, expected) in [0.3655, 0.1345, 0.5, 0.5].into_iter().enumerate() {
            let found = changed[slot];
            assert!(share_fits(found, runs.into(), expected), "slot {slot}: {found} of {runs}");
        }
    }

    #[test]
    fn running_confidence_is_the_papers_unless_json_says_otherwise() {
        for (json, believed) in [
            (r#"{"rule":"running_confidence"}"#, Believed::Largest),
            (r#"{"rule":"running_confidence","believed":"latest"}"#, Believed::Latest),
        ] {
            let rule = Remasking::RunningConfidence { believed };
            assert_eq!(serde_json::from_str::<Remasking>(json).unwrap(), rule);
            assert_eq!(serde_json::to_string(&rule).unwrap(), json);
        }
    }

    #[test]
    fn the_unsure_are_opened_more_often() {
        let shares = shares(&[0.0, 1.0]);
        assert!(near(shares[0], 1.0 / (1.0 + (-1.0_f64).exp()), 1e-12));
        assert!(near(shares.iter().sum(), 1.0, 1e-15));
    }
}
