//! Parallelism: how many masked slots are committed per call.
//!
//! With blocks every cost below is that of one block. Known failure of all rules that commit several slots in a call:
//! their tokens are drawn independently, which makes sentences that nobody wrote even from perfectly right marginals
//! (the marginal trap, Jin et al., arXiv 2512.22630), and none takes back what it wrote; that is for
//! [`Remasking`](super::Remasking) and [`Correction`](super::Correction). A knob without a default here has none in
//! JSON either and must be given.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use super::validation::{MAX_STEPS, within};
use crate::random::{Purpose, bernoulli, uniform, word};
use crate::schedule::Schedule;

/// How many masked slots one call commits. Which ones, the [`Order`](super::Order) says. The default is one slot per
/// call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Parallelism {
    /// The same number at every call (plain). Cost: ceil(masked / slots) calls. Known failure: with more than one slot
    /// the marginal trap, however unsure the slots are.
    SlotsPerCall {
        /// Slots committed per call, at least 1; no default.
        slots: u32,
    },
    /// A quota along the schedule, of the M slots that were masked at the start (with blocks: in the block when it began). Along
    /// the linear ones every one of N steps takes M div N, the first M mod N steps one more (LLaDA, arXiv 2502.09992); along the others
    /// floor(M · lost(t_j) / lost(t_0)) are still masked after step j (MaskGIT, arXiv 2202.04200), t_j evenly spaced from the start
    /// time to 0.
    /// Cost: at most min(N, masked) calls, because steps that commit nothing need none. Known failure: with fewer steps
    /// than masked slots the marginal trap, because the number is fixed before anything is predicted.
    Quota {
        /// Number of steps N, from 1 to [`MAX_STEPS`]; no default.
        steps: u32,
        /// Signal kept over time; [`Schedule::Linear`] by default.
        #[serde(default)]
        schedule: Schedule,
    },
    /// Ancestral sampling (MDLM, arXiv 2406.07524): from t_j to t_{j+1} every masked slot is revealed with probability
    /// (α(t_{j+1}) − α(t_j)) / (1 − α(t_j)), decided before and apart from the token (two stages, exact in
    /// f32). The number of commits is therefore binomial; with [`Order::Random`](super::Order::Random) the
    /// committed slots are exactly those revealed, otherwise the order picks as many others.
    /// Cost: at most min(N, masked) calls; N where written slots may change again (ReMDM, uniform noise). Known
    /// failure: joint commits, and by itself it revises nothing: an exact denoiser of two disjoint sentences of three
    /// words, equally likely, ends in neither with probability 3 / (4N).
    Ancestral {
        /// Number of steps N, from 1 to [`MAX_STEPS`]; no default.
        steps: u32,
        /// Signal kept over time; [`Schedule::Linear`] by default.
        #[serde(default)]
        schedule: Schedule,
    },
    /// First-hitting sampling (Zheng et al., arXiv 2409.02908): with k slots masked, the time at which the next
    /// one is revealed has lost(t') = lost(t) u^(1/k), u uniform; one slot goes. In random order this is the
    /// exact reverse process, without steps. Cost: one call per slot. Known failure: never cheaper than that; and the
    /// times serve only networks that must be told them, and are right in random order alone.
    FirstHitting {
        /// Signal kept over time; [`Schedule::Linear`] by default.
        #[serde(default)]
        schedule: Schedule,
    },
    /// All slots whose drawn token has at least this probability at temperature 1, or else the first of the order
    /// (Fast-dLLM, arXiv 2505.22618, with [`Order::Confidence`](super::Order::Confidence)). Cost: adaptive.
    /// Known failure: .9 keeps greedy joint decoding safe for nine tokens at once, not for more; and on evenly
    /// split choices it is sequential.
    Threshold {
        /// Smallest probability, from 10⁻⁹ to 1; the paper's is .9, the default.
        #[serde(default = "defaults::probability")]
        probability: f64,
    },
    /// The k surest slots (no order but confidence goes with it), with the largest k such that (k + 1)(1 − c) < factor, c the
    /// probability of the k-th; at least one (Fast-dLLM, arXiv 2505.22618). Cost: adaptive. With factor 1 the greedy
    /// product is the greedy joint; known failure: that says nothing at a temperature above 0.
    Factor {
        /// Bound, from 10⁻⁹ to 10⁹; the paper's are .7 to 1.9, the default is 1.
        #[serde(default = "defaults::factor")]
        factor: f64,
    },
    /// The largest group, first slots of the order first, with Σ H − max H ≤ `nats`; at least one (EB-sampler,
    /// Ben-Hamu et al., arXiv 2505.24857; with [`Order::Entropy`](super::Order::Entropy), confidence or margin).
    /// Cost: adaptive. Known failure: bounds the joint error only as far as the network's entropies are right.
    EntropyBounded {
        /// Bound in nats, from 0 to 10⁹; the paper's are .01 to 1, the default is .1.
        #[serde(default = "defaults::nats")]
        nats: f64,
    },
    /// All slots whose drawn token is surer than `probability` and whose distribution has moved by less than
    /// `drift_nats` of KL in each of the last calls; if none, the first slots of the order (KLASS, arXiv 2511.05664). The
    /// KL(now ‖ before) is that of the whole distributions at temperature 1, whatever the vocabulary, with probabilities before
    /// counted as 10⁻¹² at least (the released code's epsilon); a slot that was not masked at the call before has moved. Cost:
    /// adaptive, and every call reads back whole distributions, masked slots × vocabulary numbers, which are kept until the next
    /// one ([`Asker`](super::Asker)); a run that is taken up asks once more for those of the call before. No slot is stable before
    /// call number `calls` + 1, nor in a later block before its call number `calls` (as in the code); until then `slots` go at every
    /// call. Known failures: what goes because none is stable is checked by nothing; and a prediction that is sure, steady and wrong
    /// passes.
    Stable {
        /// Probability to exceed, from 0 to 1; the paper's is .9, the default.
        #[serde(default = "defaults::probability")]
        probability: f64,
        /// Drift to stay below in nats, from 10⁻¹² to 10⁹; the paper's is .01 (.001 for code), the default .01.
        #[serde(default = "defaults::drift_nats")]
        drift_nats: f64,
        /// Number of calls in a row, from 1 to 10⁶; the paper's is 2, the default.
        #[serde(default = "defaults::calls")]
        calls: u32,
        /// How many slots go when none is stable, at least 1, the default.
        #[serde(default = "defaults::slots")]
        slots: u32,
    },
    /// One round of [`Order::Dilated`](super::Order::Dilated), the only order it goes with, per call (DUS, arXiv
    /// 2506.19037). No knobs. Cost per block of B slots: ⌊log2 B⌋ calls, and one call where B = 1. Known failure:
    /// blind to content; the last round commits about half of the block or more at once, so large blocks suffer
    /// (LLaDA on GSM8K, from a summary: 73.2, 70.7, 65.7, 57.1 for B = 8, 16, 32, 64, against 80.3 one by one).
    Rounds,
}

/// What the papers use; for [`Parallelism::Factor`] and [`Parallelism::EntropyBounded`] a value within their ranges.
mod defaults {
    pub(super) fn probability() -> f64 {
        0.9
    }
    pub(super) fn factor() -> f64 {
        1.0
    }
    pub(super) fn nats() -> f64 {
        0.1
    }
    pub(super) fn drift_nats() -> f64 {
        0.01
    }
    pub(super) fn calls() -> u32 {
        2
    }
    pub(super) fn slots() -> u32 {
        1
    }
}

impl Default for Parallelism {
    fn default() -> Self {
        Self::SlotsPerCall { slots: 1 }
    }
}

/// Where a run stands when its next number of commits is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Index of the step.
    pub step: u32,
    /// Slots masked now.
    pub masked: usize,
    /// Slots masked at the start of the run or block.
    pub opened: usize,
    /// Time at the start of the run.
    pub start_time: f64,
}

impl Standing {
    fn is_done(self) -> bool {
        self.masked == 0
    }
}

impl Parallelism {
    /// Number of slots to commit at this step, at most `masked`; the words are those of the masked slots. For rules
    /// that decide after the call, at least one.
    pub(super) fn commits(self, standing: Standing, reveal_words: impl Iterator<Item = u32>) -> usize {
        let Standing { step, masked, opened, start_time } = standing;
        match self {
            Self::SlotsPerCall { slots } => masked.min(slots as usize),
            Self::Quota { steps, schedule } => {
                masked.saturating_sub(quota_left(step, steps, schedule, opened, start_time))
            }
            Self::Ancestral { steps, schedule } => {
                let (t, s) = interval(step, steps, start_time);
                let p = schedule.reveal_probability(s, t);
                reveal_words.filter(|&word| bernoulli(word, p)).count()
            }
            _ => usize::from(!standing.is_done()),
        }
    }

    /// The step of this rule nearest to where a run stands that has `masked` of `opened` slots left.
    pub(super) fn step_at(self, masked: usize, opened: usize, start_time: f64) -> u32 {
        let Some((steps, schedule)) = self.clock() else { return 0 };
        let lost = schedule.lost(start_time) * masked as f64 / opened.max(1) as f64;
        let done = 1.0 - schedule.time_of_lost(lost.min(1.0)) / start_time;
        ((done * f64::from(steps)).round() as u32).min(steps - 1)
    }

    /// Whether a call's distributions are compared with those of the call before.
    pub(super) fn compares_calls(self) -> bool {
        matches!(self, Self::Stable { .. })
    }

    /// Number of steps and schedule, for rules that have both.
    pub fn clock(self) -> Option<(u32, Schedule)> {
        match self {
            Self::Quota { steps, schedule } | Self::Ancestral { steps, schedule } => Some((steps, schedule)),
            _ => None,
        }
    }

    /// Time that the network is told at a step, if this rule has one: that at the beginning of the step; for first hitting the time at
    /// which the next slot is revealed, which depends on its random words alone (BD3-LM's sampler, arXiv 2503.09573, draws it before it
    /// asks).
    pub fn time(self, step: u32, opened: u32, seed: u32, start_time: f64) -> Option<f64> {
        match self {
            Self::Quota { steps, .. } | Self::Ancestral { steps, .. } => {
                Some(interval(step, steps, start_time).0)
            }
            Self::FirstHitting { schedule } => {
                let shrink = |(masked, step): (u32, u32)| {
                    uniform(word(seed, step, 0, Purpose::Hit as u32)).powf(1.0 / f64::from(masked))
                };
                let gone = (1..=opened).rev().zip(0..=step).map(shrink).product::<f64>();
                Some(schedule.time_of_lost(schedule.lost(start_time) * gone))
            }
            _ => None,
        }
    }

    /// Whether every knob is in its range.
    pub(super) fn validate(self) -> Result<(), SettingsError> {
        match self {
            Self::SlotsPerCall { slots: 0 } | Self::Stable { slots: 0, .. } => Err(SettingsError::Slots),
            Self::Quota { steps: found, .. } | Self::Ancestral { steps: found, .. }
                if !(1..=MAX_STEPS).contains(&found) =>
            {
                Err(SettingsError::Steps { found })
            }
            Self::Threshold { probability } => within("probability", probability, 1e-9, 1.0),
            Self::Factor { factor } => within("factor", factor, 1e-9, 1e9),
            Self::EntropyBounded { nats } => within("nats", nats, 0.0, 1e9),
            Self::Stable { probability, drift_nats, calls, .. } => {
                within("probability", probability, 0.0, 1.0)?;
                within("drift_nats", drift_nats, 1e-12, 1e9)?;
                within("calls", calls.into(), 1.0, 1e6)
            }
            _ => Ok(()),
        }
    }
}

/// How many of `opened` slots a quota leaves masked after a step.
fn quota_left(step: u32, steps: u32, schedule: Schedule, opened: usize, start_time: f64) -> usize {
    let (done, all) = (step.saturating_add(1).min(steps) as usize, steps as usize);
    if matches!(schedule, Schedule::Linear | Schedule::LogLinear) {
        return opened - (opened / all * done + done.min(opened % all));
    }
    let (_, s) = interval(step, steps, start_time);
    // What rounding takes from a whole number must not cost a slot.
    (opened as f64 * schedule.lost(s) / schedule.lost(start_time) + 1e-9).floor() as usize
}

/// Step `step` of `steps` goes from the first time down to the second. Beyond the last step it stays there.
pub(super) fn interval(step: u32, steps: u32, start_time: f64) -> (f64, f64) {
    let left = steps - step.min(steps - 1);
    let time = |left: u32| start_time * f64::from(left) / f64::from(steps);
    (time(left), time(left - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, word};
    use crate::testing::share_fits;

    /// Commits at every step of a run over `opened` slots.
    fn commits(rule: Parallelism, opened: usize, seed: u32) -> Vec<usize> {
        let mut all = Vec::new();
        let mut masked = opened;
        while masked > 0 {
            let step = all.len() as u32;
            let words = (0..masked as u32).map(|slot| word(seed, step, slot, Purpose::Reveal as u32));
            let now = rule.commits(Standing { step, masked, opened, start_time: 1.0 }, words);
            masked -= now;
            all.push(now);
        }
        all
    }

    #[test]
    fn slots_per_call_ends_with_the_rest() {
        assert_eq!(commits(Parallelism::SlotsPerCall { slots: 3 }, 8, 0), [3, 3, 2]);
        assert_eq!(commits(Parallelism::SlotsPerCall { slots: 99 }, 8, 0), [8]);
    }

    #[test]
    fn a_quota_is_spread_evenly_by_the_linear_schedule() {
        let quota = |steps| Parallelism::Quota { steps, schedule: Schedule::Linear };
        assert_eq!(commits(quota(4), 8, 0), [2, 2, 2, 2]);
        assert_eq!(commits(quota(4), 10, 0), [3, 3, 2, 2]);
        assert_eq!(commits(quota(3), 7, 0), [3, 2, 2]);
        assert_eq!(commits(quota(5), 8, 0), [2, 2, 2, 1, 1]);
        assert_eq!(commits(quota(8), 4, 0), [1, 1, 1, 1], "more steps than slots");
        assert_eq!(commits(quota(1), 8, 0), [8]);
    }

    #[test]
    fn the_cosine_schedule_begins_slowly() {
        let rule = Parallelism::Quota { steps: 4, schedule: Schedule::Cosine };
        // Masked after each step: 100 sin(pi/2 * (3/4, 1/2, 1/4, 0)) = 92.4, 70.7, 38.3, 0.
        assert_eq!(commits(rule, 100, 0), [8, 22, 32, 38]);
    }

    #[test]
    fn ancestral_commits_are_binomial_and_end_in_time() {
        let rule = Parallelism::Ancestral { steps: 10, schedule: Schedule::Linear };
        let mut first = 0;
        for seed in 0..1000 {
            let all = commits(rule, 64, seed);
            assert!(all.len() <= 10, "the last step reveals everything");
            first += all[0] as u64;
        }
        assert!(share_fits(first, 64_000, 0.1), "each slot is revealed with probability 1/10: {first}");
    }

    #[test]
    fn a_schedule_is_entered_at_the_share_still_masked() {
        // Not geometric: its first steps commit nothing, and so stand where they began.
        for schedule in [Schedule::Linear, Schedule::Cosine, Schedule::LogLinear] {
            let rule = Parallelism::Quota { steps: 20, schedule };
            let mut masked = 640;
            for step in 0..20 {
                assert_eq!(rule.step_at(masked, 640, 1.0), step, "{schedule:?}");
                let standing = Standing { step, masked, opened: 640, start_time: 1.0 };
                masked -= rule.commits(standing, std::iter::empty());
            }
        }
    }

    #[test]
    fn time_runs_from_the_start_time_down() {
        let rule = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
        let times = [0, 1, 3, 9].map(|step| rule.time(step, 4, 0, 0.5));
        assert_eq!(times, [0.5, 0.375, 0.125, 0.125].map(Some));
        assert_eq!(Parallelism::default().time(0, 4, 0, 1.0), None);
    }

    #[test]
    fn knobs_that_json_leaves_out_are_the_documented_ones() {
        let stable = Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 2, slots: 1 };
        for (rule, expected) in [
            (r#""quota","steps":4"#, Parallelism::Quota { steps: 4, schedule: Schedule::Linear }),
            (r#""ancestral","steps":4"#, Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear }),
            (r#""first_hitting""#, Parallelism::FirstHitting { schedule: Schedule::Linear }),
            (r#""threshold""#, Parallelism::Threshold { probability: 0.9 }),
            (r#""factor""#, Parallelism::Factor { factor: 1.0 }),
            (r#""entropy_bounded""#, Parallelism::EntropyBounded { nats: 0.1 }),
            (r#""stable""#, stable),
            (r#""rounds""#, Parallelism::Rounds),
        ] {
            let json = format!(r#"{{"rule":{rule}}}"#);
            assert_eq!(serde_json::from_str::<Parallelism>(&json).unwrap(), expected);
        }
        for rule in ["slots_per_call", "quota", "ancestral"] {
            let json = format!(r#"{{"rule":"{rule}"}}"#);
            assert!(serde_json::from_str::<Parallelism>(&json).is_err(), "{rule} has a knob without default");
        }
    }

    #[test]
    fn first_hitting_times_are_those_of_independent_slots() {
        // Of n slots, each revealed at a uniform time, the first going back goes at the largest: mean n / (n + 1).
        let rule = Parallelism::FirstHitting { schedule: Schedule::Linear };
        let mean = |step, draws: u32| {
            let times = (0..draws).map(|seed| rule.time(step, 8, seed, 1.0).unwrap());
            times.sum::<f64>() / f64::from(draws)
        };
        for (step, expected) in [(0, 8.0 / 9.0), (1, 7.0 / 9.0), (7, 1.0 / 9.0)] {
            assert!(crate::testing::near(mean(step, 20_000), expected, 0.004), "step {step}");
        }
        let early = Parallelism::FirstHitting { schedule: Schedule::Cosine }.time(0, u32::MAX, 1, 0.5);
        assert!(
            crate::testing::near(early.unwrap(), 0.5, 1e-6),
            "from the start time, of ever so many slots the first"
        );
    }
}
