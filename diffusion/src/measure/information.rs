//! D1, live: how many bits are still open along a run, and in what jumps they are settled.
//!
//! Open bits = Σ over slots that are not written yet (masked, or words that may be noise) of H(p_i) / ln 2. By
//! subadditivity they are at least the joint entropy of all such slots given the visible ones, which is what is really
//! left to decide; the two are equal when the slots
//! are independent. Cost: no call. Blind spots: the entropies are the network's own, and dependence between
//! masked slots makes the sum too large.

use std::f64::consts::LN_2;

use crate::decode::{SlotPrediction, Step, Trajectory, TrajectoryError};
use crate::sequence::{Sequence, Slot, SlotState};

/// Open bits as the call of this step saw them in the sequence `before` it.
pub fn open_bits(step: &Step, before: &Sequence) -> f64 {
    let is_open = |p: &&SlotPrediction| before.slots.get(p.slot as usize).is_some_and(is_unwritten);
    step.predictions.iter().filter(is_open).map(|p| f64::from(p.prediction.entropy_nats)).sum::<f64>() / LN_2
}

fn is_unwritten(slot: &Slot) -> bool {
    matches!(slot.state, SlotState::Masked | SlotState::Noisy)
}

/// Open bits at every call of a run, and after the last; zero there if all is written.
///
/// # Errors
/// If the trajectory contradicts itself.
pub fn open_bits_curve(trajectory: &Trajectory) -> Result<Vec<f64>, TrajectoryError> {
    let (mut curve, mut present) = (Vec::new(), trajectory.first_checkpoint()?);
    for (index, step) in trajectory.steps.iter().enumerate() {
        curve.push(open_bits(step, &present.sequence));
        trajectory.advance(&mut present, index)?;
    }
    let finished = !curve.is_empty() && !present.sequence.slots.iter().any(is_unwritten);
    curve.extend(finished.then_some(0.0));
    Ok(curve)
}

/// In what portions a falling curve falls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jumps {
    /// Largest fall between two neighbours, in the curve's unit.
    pub largest: f64,
    /// (Σ Δ)² / Σ Δ²: the number of equal jumps that would be as rough; as many as there are if all are equal.
    pub participation: f64,
}

impl Jumps {
    /// The jumps of a curve, rises not counted; `None` if it never falls.
    pub fn of(curve: &[f64]) -> Option<Self> {
        let falls: Vec<f64> = curve.windows(2).map(|pair| (pair[0] - pair[1]).max(0.0)).collect();
        let total: f64 = falls.iter().sum();
        let squares: f64 = falls.iter().map(|fall| fall * fall).sum();
        let largest = falls.iter().copied().fold(0.0, f64::max);
        (total > 0.0).then(|| Self { largest, participation: total * total / squares })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::exact::two_sentences;
    use crate::testing::{decode, near};

    #[test]
    fn the_two_sentences_open_three_bits_that_one_word_settles() {
        // Three slots of one bit each, though the truth is one bit: the sum is only a bound.
        let run = decode(&mut two_sentences::corpus(0.5).unwrap(), DecodeSettings::default());
        let curve = open_bits_curve(&run).unwrap();
        assert!(curve.len() == 4 && curve.iter().zip([3.0, 0.0, 0.0, 0.0]).all(|(a, b)| near(*a, b, 1e-6)));
        let jumps = Jumps::of(&curve).unwrap();
        assert!(near(jumps.largest, 3.0, 1e-6) && near(jumps.participation, 1.0, 1e-6));
    }

    #[test]
    fn an_unfinished_run_has_no_end() {
        let mut run = decode(&mut two_sentences::corpus(0.5).unwrap(), DecodeSettings::default());
        run.steps.pop();
        assert_eq!(open_bits_curve(&run).unwrap().len(), 2);
        run.steps.clear();
        assert!(open_bits_curve(&run).unwrap().is_empty());
    }

    #[test]
    fn all_at_once_is_one_jump() {
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let settings = DecodeSettings { parallelism, ..DecodeSettings::default() };
        let run = decode(&mut two_sentences::corpus(0.5).unwrap(), settings);
        let curve = open_bits_curve(&run).unwrap();
        assert!(curve.len() == 2 && near(curve[0], 3.0, 1e-6) && curve[1] == 0.0);
    }

    #[test]
    fn equal_jumps_all_take_part() {
        let jumps = Jumps::of(&[4.0, 3.0, 2.0, 1.0, 0.0]).unwrap();
        assert!(near(jumps.participation, 4.0, 1e-12) && near(jumps.largest, 1.0, 1e-12));
        let uneven = Jumps::of(&[4.0, 1.0, 2.0, 1.0]).unwrap();
        assert!(near(uneven.participation, 16.0 / 10.0, 1e-12), "the rise does not count");
        assert_eq!(Jumps::of(&[1.0, 1.0]), None);
        assert_eq!(Jumps::of(&[1.0, f64::NAN]), None);
    }
}
