//! Parallelism: how many masked slots are committed per call.

use serde::{Deserialize, Serialize};

use crate::random::bernoulli;
use crate::schedule::Schedule;

/// How many masked slots one call commits. Which ones, the [`Order`](super::Order) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Parallelism {
    /// The same number at every call. Cost: ceil(masked / slots) calls.
    SlotsPerCall {
        /// Slots committed per call, at least 1.
        slots: u32,
    },
    /// A quota along the schedule (LLaDA): after step j of N, round(M · lost(t_j) / lost(t_0)) of the M slots
    /// that were masked at the start are still masked, t_j evenly spaced from the start time to 0.
    /// Cost: at most min(N, masked) calls, because steps that commit nothing need none.
    Quota {
        /// Number of steps N, from 1 to [`MAX_STEPS`](super::settings::MAX_STEPS).
        steps: u32,
        /// Signal kept over time.
        #[serde(default)]
        schedule: Schedule,
    },
    /// Ancestral sampling (MDLM): from t_j to t_{j+1} every masked slot is revealed with probability
    /// (α(t_{j+1}) − α(t_j)) / (1 − α(t_j)), decided before and apart from the token (two stages, exact in
    /// f32). The number of commits is therefore binomial; with [`Order::Random`](super::Order::Random) the
    /// committed slots are exactly those revealed, otherwise the order picks as many others.
    /// Cost: at most min(N, masked) calls.
    Ancestral {
        /// Number of steps N, from 1 to [`MAX_STEPS`](super::settings::MAX_STEPS).
        steps: u32,
        /// Signal kept over time.
        #[serde(default)]
        schedule: Schedule,
    },
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
    /// Slots masked at the start of the run.
    pub opened: usize,
    /// Time at the start of the run.
    pub start_time: f64,
}

impl Parallelism {
    /// Number of slots to commit at this step, at most `masked`; the words are those of the masked slots.
    pub(super) fn commits(self, standing: Standing, reveal_words: impl Iterator<Item = u32>) -> usize {
        let Standing { step, masked, opened, start_time } = standing;
        match self {
            Self::SlotsPerCall { slots } => masked.min(slots as usize),
            Self::Quota { steps, schedule } => {
                let (_, s) = interval(step, steps, start_time);
                let share = schedule.lost(s) / schedule.lost(start_time);
                masked.saturating_sub((opened as f64 * share).round() as usize)
            }
            Self::Ancestral { steps, schedule } => {
                let (t, s) = interval(step, steps, start_time);
                let p = schedule.reveal_probability(s, t);
                reveal_words.filter(|&word| bernoulli(word, p)).count()
            }
        }
    }

    /// The step of this rule nearest to where a run stands that has `masked` of `opened` slots left.
    pub(super) fn step_at(self, masked: usize, opened: usize, start_time: f64) -> u32 {
        let (Self::Quota { steps, schedule } | Self::Ancestral { steps, schedule }) = self else {
            return 0;
        };
        let lost = schedule.lost(start_time) * masked as f64 / opened.max(1) as f64;
        let done = 1.0 - schedule.time_of_lost(lost.min(1.0)) / start_time;
        ((done * f64::from(steps)).round() as u32).min(steps - 1)
    }

    /// Time at the beginning of a step, if this rule has one.
    pub fn time(self, step: u32, start_time: f64) -> Option<f64> {
        match self {
            Self::SlotsPerCall { .. } => None,
            Self::Quota { steps, .. } | Self::Ancestral { steps, .. } => {
                Some(interval(step, steps, start_time).0)
            }
        }
    }
}

/// Step `step` of `steps` goes from the first time down to the second. Beyond the last step it stays there.
fn interval(step: u32, steps: u32, start_time: f64) -> (f64, f64) {
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
        assert_eq!(commits(quota(4), 10, 0), [2, 3, 2, 3]);
        assert_eq!(commits(quota(8), 4, 0), [0, 1, 0, 1, 0, 1, 0, 1], "more steps than slots");
        assert_eq!(commits(quota(1), 8, 0), [8]);
    }

    #[test]
    fn the_cosine_schedule_begins_slowly() {
        let rule = Parallelism::Quota { steps: 4, schedule: Schedule::Cosine };
        // Masked after each step: 100 sin(pi/2 * (3/4, 1/2, 1/4, 0)) = 92.4, 70.7, 38.3, 0.
        assert_eq!(commits(rule, 100, 0), [8, 21, 33, 38]);
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
        for schedule in Schedule::ALL {
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
        assert_eq!([0, 1, 3, 9].map(|step| rule.time(step, 0.5)), [0.5, 0.375, 0.125, 0.125].map(Some));
        assert_eq!(Parallelism::default().time(0, 1.0), None);
    }
}
