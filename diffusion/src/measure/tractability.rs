//! D2, live: how far a decoder's states are from those the network was trained on.
//!
//! In training, which slots are masked is pure chance. A decoder's states are not such draws: left to right, say,
//! all masks form one run. The on-path gap compares the lengths of runs of masked slots, pooled over the states of
//! a run of the decoder, with what chance gives at the same numbers of masks: ½ Σ_l |f_l − e_l|, where f_l and e_l
//! are the shares of runs of length l that there were and that chance gives (total variation, 0 to 1). Cost: no call.
//! Gap and noise floor of one run are single values, no estimates: its states hang together, and do not tell an
//! error. Errors come over runs. Blind spots: one run is a small sample, hence the noise floor beside it; which words
//! are visible is not compared, only where. Slots of the prompt are left out, as if not there.

use crate::decode::{Trajectory, TrajectoryError};
use crate::random::{Purpose, Stream};
use crate::sequence::{Sequence, SlotState};

/// On-path gap of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnPathGap {
    /// Total variation between the run lengths of the decoder's states and of chance.
    pub total_variation: f64,
    /// The same for runs in random order, averaged over [`FLOOR_DRAWS`] of them: what no gap looks like.
    pub noise_floor: f64,
}

impl OnPathGap {
    /// The gap less its noise floor, at least 0; a gap that is no number stays none.
    pub fn above_chance(&self) -> f64 {
        (self.total_variation - self.noise_floor).clamp(0.0, f64::INFINITY)
    }
}

/// Number of random orders behind a noise floor.
pub const FLOOR_DRAWS: u32 = 16;

/// Measures the states between start and end of a run; `None` if there is none, or nothing was masked.
/// `seed` keys the noise floor.
pub fn on_path_gap(trajectory: &Trajectory, seed: u32) -> Result<Option<OnPathGap>, TrajectoryError> {
    let mut checkpoint = trajectory.first_checkpoint()?;
    let mut path = Path::from_start(&checkpoint.sequence, seed);
    for step in 1..trajectory.steps.len() {
        trajectory.advance(&mut checkpoint, step - 1)?;
        path.push(&checkpoint.sequence);
    }
    Ok(path.gap())
}

/// The states of a run, taken in one by one, so that a run that grows is measured at the cost of its new states.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The slots that were masked at the start.
    open: Vec<usize>,
    /// Runs of masks of each length that chance would give. `// (open + 1)`
    expected: Vec<f64>,
    /// Those that there were. `// (open + 1)`
    found: Vec<f64>,
    /// Random orders, each with the runs that it gave. Like a decoder's, each state is part of the one before it.
    orders: Vec<(Vec<usize>, Vec<f64>)>,
    /// How many states there were.
    states: usize,
}

impl Path {
    /// A path without states yet; `seed` keys the noise floor.
    pub fn from_start(start: &Sequence, seed: u32) -> Self {
        let open: Vec<usize> = start.masked_slots().collect();
        let none = vec![0.0; open.len() + 1];
        let order = |draw| {
            let mut slots: Vec<usize> = (0..open.len()).collect();
            Stream::new(seed, draw, 0, Purpose::NoiseFloor).choose(&mut slots, open.len());
            (slots, none.clone())
        };
        let orders = (0..FLOOR_DRAWS).map(order).collect();
        Self { expected: none.clone(), found: none.clone(), orders, open, states: 0 }
    }

    /// Takes in the next state.
    pub fn push(&mut self, state: &Sequence) {
        let open = self.open.len();
        let is_masked = |&slot: &usize| state.slots.get(slot).is_some_and(|s| s.state == SlotState::Masked);
        let now: Vec<bool> = self.open.iter().map(is_masked).collect();
        let masked = now.iter().filter(|masked| **masked).count();
        add_runs(&mut self.found, &now);
        (1..=open).for_each(|length| self.expected[length] += expected_runs(open, masked, length));
        for (order, found) in &mut self.orders {
            let mut by_chance = vec![false; open];
            order[..masked].iter().for_each(|&slot| by_chance[slot] = true);
            add_runs(found, &by_chance);
        }
        self.states += 1;
    }

    /// The gap of the states so far; `None` without any, or where nothing was masked in any of them, as with random words or in a
    /// correction.
    pub fn gap(&self) -> Option<OnPathGap> {
        let gap = |found: &[f64]| total_variation(found, &self.expected);
        let floor = self.orders.iter().map(|(_, found)| gap(found)).sum::<f64>() / f64::from(FLOOR_DRAWS);
        let is_there = self.expected.iter().any(|runs| *runs > 0.0);
        is_there.then(|| OnPathGap { total_variation: gap(&self.found), noise_floor: floor })
    }
}

/// Counts the runs of masks of a state by their lengths. `// (open + 1)`
fn add_runs(counts: &mut [f64], state: &[bool]) {
    for run in state.split(|masked| !masked).filter(|run| !run.is_empty()) {
        counts[run.len()] += 1.0;
    }
}

/// Expected number of runs of exactly `length` when `masked` of `open` slots are masked by chance: every place of
/// the run times the probability that it is masked and its neighbours are not.
fn expected_runs(open: usize, masked: usize, length: usize) -> f64 {
    if length > masked {
        return 0.0;
    }
    let places = |neighbours: usize| match neighbours {
        0 => usize::from(length == open),
        1 => 2 * usize::from(length < open),
        _ => (open - length).saturating_sub(1),
    };
    (0..=2)
        .filter(|&neighbours| places(neighbours) > 0 && open - masked >= neighbours)
        .map(|neighbours| places(neighbours) as f64 * all_masked(open, masked, length, neighbours))
        .sum()
}

/// Probability that `length` given slots are masked and `visible` given others are not.
fn all_masked(open: usize, masked: usize, length: usize, visible: usize) -> f64 {
    let hidden = (0..length).map(|i| (masked - i) as f64 / (open - i) as f64);
    let seen = (0..visible).map(|i| (open - masked - i) as f64 / (open - length - i) as f64);
    hidden.chain(seen).product()
}

/// Half the sum of absolute differences of two histograms, each scaled to sum one.
fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    let (sum_a, sum_b): (f64, f64) = (a.iter().sum(), b.iter().sum());
    a.iter().zip(b).map(|(a, b)| (a / sum_a - b / sum_b).abs()).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Order};
    use crate::exact::Corpus;
    use crate::measure::Moments;
    use crate::sequence::TokenId;
    use crate::testing::{decode, near};

    fn gap(order: Order, seed: u32, length: u32) -> Option<OnPathGap> {
        let mut corpus =
            Corpus::new(vec![((3..3 + length).map(TokenId).collect(), 1.0)], TokenId(0)).unwrap();
        let run = decode(&mut corpus, DecodeSettings { seed, order, ..DecodeSettings::default() });
        on_path_gap(&run, seed).unwrap()
    }

    #[test]
    fn expected_runs_are_those_of_all_placements() {
        let open = 6;
        for masked in 1..open {
            let states: Vec<Vec<bool>> = (0_u32..1 << open)
                .filter(|bits| bits.count_ones() as usize == masked)
                .map(|bits| (0..open).map(|slot| bits >> slot & 1 == 1).collect())
                .collect();
            let mut counts = vec![0.0; open + 1];
            states.iter().for_each(|state| add_runs(&mut counts, state));
            for (length, &count) in counts.iter().enumerate().skip(1) {
                let expected = expected_runs(open, masked, length) * states.len() as f64;
                assert!(near(count, expected, 1e-9), "{masked} masked, length {length}");
            }
        }
    }

    #[test]
    fn a_random_order_stays_on_the_path() {
        let gaps: Vec<OnPathGap> = (0..100).filter_map(|seed| gap(Order::Random, seed, 24)).collect();
        let mean = |of: fn(&OnPathGap) -> f64| gaps.iter().map(of).collect::<Moments>().estimate().unwrap();
        let (found, floor) = (mean(|gap| gap.total_variation), mean(|gap| gap.noise_floor));
        let error = found.standard_error.hypot(floor.standard_error);
        assert!(near(found.value, floor.value, 4.0 * error) && error < 0.01, "{found:?}, floor {floor:?}");
    }

    #[test]
    fn three_slots_left_to_right_are_three_fourteenths_off() {
        // Runs of two and of one. Chance: two masks of three give 2/3 runs of two and 2/3 of one, one mask gives one
        // of one, so shares of 5/7 and 2/7 against a half each.
        let found = gap(Order::LeftToRight, 0, 3).unwrap();
        assert!(near(found.total_variation, 3.0 / 14.0, 1e-12), "{found:?}");
        // A random order is as far off, or by 2/7 where it begins in the middle: runs of one only.
        assert!((3.0 / 14.0..=2.0 / 7.0).contains(&found.noise_floor), "{found:?}");
        assert_eq!(found.above_chance(), 0.0);
    }

    #[test]
    fn reading_order_leaves_it() {
        let gap = gap(Order::LeftToRight, 0, 24).unwrap();
        assert!(gap.total_variation > 2.0 * gap.noise_floor, "{gap:?}");
    }

    #[test]
    fn a_run_that_grows_is_measured_as_its_beginning_is() {
        let mut corpus = Corpus::new(vec![((3..15).map(TokenId).collect(), 1.0)], TokenId(0)).unwrap();
        let run = decode(&mut corpus, DecodeSettings { seed: 3, ..DecodeSettings::default() });
        let mut path = Path::from_start(&run.start.sequence, 3);
        for steps in 2..=run.steps.len() {
            path.push(&run.sequence_at(steps - 1).unwrap());
            assert_eq!(path.gap(), on_path_gap(&run.truncated(steps), 3).unwrap(), "{steps} steps");
        }
    }

    #[test]
    fn without_a_state_in_between_there_is_no_gap() {
        assert_eq!(gap(Order::Random, 0, 1), None);
    }
}
