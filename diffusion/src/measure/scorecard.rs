//! The scorecard: what was measured of each of the five properties, and the paper's mark beside it.
//!
//! The paper (Jin et al., arXiv 2512.22630) marks three families in words; the marks here are taken from summaries of its
//! table and not from the table itself. A [`Reading`] is never a score: it has a unit, and its instrument says what it cannot
//! tell. Those of finished runs ([`Instrument::OF_RUNS`]) cost no further call, and are means over runs with their standard
//! error. What texts and further calls tell is measured where these are at hand, and reported as a [`Reading`] too.

use serde::{Deserialize, Serialize};

use super::dependency::bits_at_stake;
use super::discreteness::{Symbols, symbol_share};
use super::information::{Jumps, open_bits_curve};
use super::refinement::{reading_order_tau, slots_per_call};
use super::revision::revisions;
use super::tractability::on_path_gap;
use super::{Estimate, Moments};
use crate::decode::{Decoder, GaussianStep, Trajectory, TrajectoryError};
use crate::process::Gaussian;
use crate::sequence::{Sequence, TokenId};

/// The properties that an ideal diffusion language model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Property {
    /// Smooth corruption.
    D1,
    /// Tractable intermediate states.
    D2,
    /// Iterative refinement.
    D3,
    /// Discreteness.
    L1,
    /// Structural dependency.
    L2,
}

impl Property {
    /// All five, in the paper's order.
    pub const ALL: [Self; 5] = [Self::D1, Self::D2, Self::D3, Self::L1, Self::L2];
}

/// The families that the paper compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// One token after the other.
    Autoregressive,
    /// Noise on embeddings.
    Continuous,
    /// Masks, random tokens, or both.
    Discrete,
}

/// How a family does on a property, in the paper's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It has the property.
    Has,
    /// In part, approximately or only implicitly.
    Partly,
    /// It has not.
    Lacks,
}

impl Family {
    /// The paper's mark.
    pub fn mark(self, property: Property) -> Mark {
        use Property::{D1, D2, D3, L1, L2};
        match (self, property) {
            (Self::Autoregressive, D1) | (Self::Continuous, L1) => Mark::Lacks,
            (Self::Autoregressive, D2 | D3) | (Self::Discrete, D1) | (_, L2) => Mark::Partly,
            (Self::Autoregressive, L1)
            | (Self::Continuous, D1 | D2 | D3)
            | (Self::Discrete, D2 | D3 | L1) => Mark::Has,
        }
    }
}

/// What an instrument reads off a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instrument {
    /// Largest loss of bits in a sixteenth of time over the mean loss ([`smoothness`](super::smoothness)).
    PeakSpeed,
    /// Largest distance of the bits left from an even loss ([`smoothness`](super::smoothness)).
    Deviation,
    /// How unequal hidden slots are at one time, standard deviation ([`heterogeneity`](super::heterogeneity)).
    Heterogeneity,
    /// Share of that which the distance to the nearest visible slot explains ([`heterogeneity`](super::heterogeneity)).
    ByDistance,
    /// Largest fall of the open bits in one call, over the bits open at the start ([`information`](super::information)).
    LargestJump,
    /// How many equal jumps would be as rough, over the calls ([`information`](super::information)).
    EqualJumps,
    /// Calls of the network that it takes to draw the state that it sees at time t from a clean text: 0 where the process alone
    /// decides, 1 where its own guess is part of the state (soft masks, self-conditioning); none for a model without such states.
    CallsToState,
    /// Share of words that a chain of small steps keeps (for vectors: leaves in the middle third), less the closed form's
    /// ([`agreement`](super::agreement)).
    ChainGap,
    /// On-path gap above its noise floor ([`tractability`](super::tractability)).
    OnPathGap,
    /// The same of vectors: surprise at the run's text on its own states less that on noise drawn on it
    /// ([`path_surprise`](super::path_surprise)).
    PathSurprise,
    /// Written tokens that change, per call and open slot ([`revision`](super::revision)); of vectors, likeliest tokens that change.
    Revised,
    /// Share of slots repaired less that damaged in corrupted texts, by the schedule's correction ([`revision`](super::revision)).
    Repair,
    /// Change of a judge's bits per token per doubling of the calls ([`quality`](super::quality)).
    Quality,
    /// Slots finished per call ([`refinement`](super::refinement)).
    SlotsPerCall,
    /// Kendall's tau between call and position ([`refinement`](super::refinement)).
    ReadingOrder,
    /// Share of the slots that show one token ([`discreteness`](super::discreteness)).
    SymbolShare,
    /// Distance of the last guess to the nearest embedding, over that of an embedding to its neighbour
    /// ([`discreteness`](super::discreteness)).
    RoundingGap,
    /// Bits at stake per call in what was committed together ([`dependency`](super::dependency)).
    AtStake,
    /// What joint commits lost against one after the other ([`correlation`](super::correlation)).
    Damage,
    /// How far the probabilities of what was committed together are apart along two orders ([`correlation`](super::correlation)).
    OrderGap,
    /// Rules of the language that a text breaks, where they are known.
    Violations,
}

impl Instrument {
    /// Those that finished runs tell, by property.
    pub const OF_RUNS: [Self; 9] = [
        Self::LargestJump,
        Self::EqualJumps,
        Self::CallsToState,
        Self::OnPathGap,
        Self::Revised,
        Self::SlotsPerCall,
        Self::ReadingOrder,
        Self::SymbolShare,
        Self::AtStake,
    ];

    /// What it measures.
    pub fn property(self) -> Property {
        match self {
            Self::PeakSpeed
            | Self::Deviation
            | Self::Heterogeneity
            | Self::ByDistance
            | Self::LargestJump
            | Self::EqualJumps => Property::D1,
            Self::CallsToState | Self::ChainGap | Self::OnPathGap | Self::PathSurprise => Property::D2,
            Self::Revised | Self::Repair | Self::Quality | Self::SlotsPerCall | Self::ReadingOrder => {
                Property::D3
            }
            Self::SymbolShare | Self::RoundingGap => Property::L1,
            Self::AtStake | Self::Damage | Self::OrderGap | Self::Violations => Property::L2,
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::PeakSpeed => "times the mean speed",
            Self::Deviation => "share of all bits",
            Self::Heterogeneity => "bits, over hidden slots",
            Self::ByDistance => "share of their variance",
            Self::LargestJump => "share of the open bits",
            Self::EqualJumps => "share of calls",
            Self::CallsToState => "calls",
            Self::ChainGap => "share of words",
            Self::OnPathGap => "total variation above chance",
            Self::PathSurprise => "bits per slot, own states less drawn ones",
            Self::Revised => "changes per call and slot",
            Self::Repair => "share of slots, repaired less damaged",
            Self::Quality => "bits per token under a judge, per doubling of the calls",
            Self::SlotsPerCall => "slots per call",
            Self::ReadingOrder => "Kendall's tau",
            Self::SymbolShare => "share of slots",
            Self::RoundingGap => "distances between neighbours",
            Self::AtStake => "bits per call",
            Self::Damage => "bits per text",
            Self::OrderGap => "bits per text, between two orders",
            Self::Violations => "broken rules per text",
        }
    }

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PeakSpeed => "peak_speed",
            Self::Deviation => "deviation",
            Self::Heterogeneity => "heterogeneity",
            Self::ByDistance => "by_distance",
            Self::LargestJump => "largest_jump",
            Self::EqualJumps => "equal_jumps",
            Self::CallsToState => "calls_to_state",
            Self::ChainGap => "chain_gap",
            Self::OnPathGap => "on_path_gap",
            Self::PathSurprise => "path_surprise",
            Self::Revised => "revised",
            Self::Repair => "repair",
            Self::Quality => "quality",
            Self::SlotsPerCall => "slots_per_call",
            Self::ReadingOrder => "reading_order",
            Self::SymbolShare => "symbol_share",
            Self::RoundingGap => "rounding_gap",
            Self::AtStake => "at_stake",
            Self::Damage => "damage",
            Self::OrderGap => "order_gap",
            Self::Violations => "violations",
        }
    }

    /// Reads it off one run; `None` where it does not apply, such as masked runs of a run without masks, or a run does not
    /// tell.
    fn read(self, run: &Trajectory, family: Family) -> Result<Option<f64>, TrajectoryError> {
        Ok(match self {
            Self::PeakSpeed
            | Self::Deviation
            | Self::Heterogeneity
            | Self::ByDistance
            | Self::ChainGap
            | Self::PathSurprise
            | Self::Repair
            | Self::Quality
            | Self::RoundingGap
            | Self::Damage
            | Self::OrderGap
            | Self::Violations => None,
            Self::CallsToState => (family != Family::Autoregressive)
                .then(|| f64::from(u8::from(run.settings.soft_feedback.is_some()))),
            Self::LargestJump => largest_jump(run)?,
            Self::EqualJumps => equal_jumps(run)?,
            Self::OnPathGap => on_path_gap(run, 0)?.map(|gap| gap.above_chance()),
            Self::Revised => {
                revisions(run)?.map(|revisions| revisions.replaced_share + revisions.remasked_share)
            }
            Self::SlotsPerCall => slots_per_call(&run.steps),
            Self::ReadingOrder => reading_order_tau(&run.steps),
            Self::SymbolShare => mean_symbol_share(run)?,
            Self::AtStake => {
                let calls = run.steps.len() as f64;
                (calls > 0.0).then(|| run.steps.iter().map(bits_at_stake).sum::<f64>() / calls)
            }
        })
    }
}

fn largest_jump(run: &Trajectory) -> Result<Option<f64>, TrajectoryError> {
    let curve = open_bits_curve(run)?;
    Ok(Jumps::of(&curve).zip(curve.first()).map(|(jumps, first)| jumps.largest / first))
}

fn equal_jumps(run: &Trajectory) -> Result<Option<f64>, TrajectoryError> {
    let jumps = Jumps::of(&open_bits_curve(run)?);
    Ok(jumps.map(|jumps| jumps.participation / run.steps.len() as f64))
}

/// Over the states that the calls saw.
fn mean_symbol_share(run: &Trajectory) -> Result<Option<f64>, TrajectoryError> {
    let (mut sum, mut present) = (0.0, run.first_checkpoint()?);
    for step in 0..run.steps.len() {
        let decoder = Decoder::resume(run.settings.clone(), present.clone(), run.special)?;
        sum += symbol_share(&decoder.query()).unwrap_or(1.0);
        run.advance(&mut present, step)?;
    }
    Ok((!run.steps.is_empty()).then(|| sum / run.steps.len() as f64))
}

/// What an instrument read off some runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which instrument.
    pub instrument: Instrument,
    /// Mean over runs; none for fewer than two runs to which it applies.
    pub estimate: Option<Estimate>,
}

/// Reads every instrument of runs off those of one model with one schedule.
///
/// # Errors
/// If a run contradicts itself.
pub fn scorecard(runs: &[Trajectory], family: Family) -> Result<Vec<Reading>, TrajectoryError> {
    let reading = |instrument: Instrument| {
        let mut moments = Moments::default();
        for run in runs {
            instrument.read(run, family)?.into_iter().for_each(|value| moments.push(value));
        }
        Ok(Reading { instrument, estimate: moments.estimate() })
    };
    Instrument::OF_RUNS.into_iter().map(reading).collect()
}

/// Reads what can be read off runs from Gaussian noise, each with the sequence that it began with: the jumps of the open bits, how often the likeliest word
/// of a slot changes, that the network's guess is part of what it sees, and that no slot is a symbol on the way. The last step is the
/// reading of tokens.
pub fn scorecard_of_vectors(runs: &[(Sequence, Vec<GaussianStep>)]) -> Vec<Reading> {
    let curves = runs.iter().map(|(_, run)| run.iter().map(open_bits_of_vectors).collect::<Vec<f64>>());
    let reading = |instrument, of: &dyn Fn(&[f64]) -> Option<f64>| {
        let estimate = curves.clone().filter_map(|curve| of(&curve)).collect::<Moments>().estimate();
        Reading { instrument, estimate }
    };
    vec![
        reading(Instrument::LargestJump, &|curve| Some(Jumps::of(curve)?.largest / curve.first()?)),
        reading(Instrument::EqualJumps, &|curve| {
            Some(Jumps::of(curve)?.participation / (curve.len() - 1) as f64)
        }),
        reading(Instrument::CallsToState, &|_| Some(1.0)),
        Reading {
            instrument: Instrument::Revised,
            estimate: runs
                .iter()
                .filter_map(|(start, run)| likeliest_changed(start, run))
                .collect::<Moments>()
                .estimate(),
        },
        // What the network sees in every call are vectors.
        reading(Instrument::SymbolShare, &|_| Some(0.0)),
    ]
}

/// Changes of the likeliest word from call to call, per call and open slot.
fn likeliest_changed(start: &Sequence, run: &[GaussianStep]) -> Option<f64> {
    let changed = |pair: &[GaussianStep]| {
        start.open_slots().filter(|&slot| pair[0].tokens.get(slot) != pair[1].tokens.get(slot)).count()
    };
    let chances = run.len() * start.open_slots().count();
    (chances > 0).then(|| run.windows(2).map(changed).sum::<usize>() as f64 / chances as f64)
}

/// How far the last guesses of runs from Gaussian noise are from the symbols that are read off, in the mean over the open slots. Costs
/// as many distances as slots times words, and once as many as pairs of words.
pub fn rounding_gap(runs: &[(Sequence, Vec<GaussianStep>)], process: &Gaussian) -> Reading {
    let symbols =
        Symbols::new((0..process.vocabulary()).map(|id| process.embedding(TokenId(id)).to_vec()).collect());
    let gap = |(start, run): &(Sequence, Vec<GaussianStep>)| {
        let guess: Vec<&[f64]> = run.last()?.guess.chunks(process.width()).collect();
        let gaps = start.open_slots().filter_map(|slot| Some(symbols.as_ref()?.round(guess.get(slot)?)?.gap));
        let gaps: Vec<f64> = gaps.collect();
        (!gaps.is_empty()).then(|| gaps.iter().copied().collect::<Moments>().mean())
    };
    let estimate = runs.iter().filter_map(gap).collect::<Moments>().estimate();
    Reading { instrument: Instrument::RoundingGap, estimate }
}

fn open_bits_of_vectors(step: &GaussianStep) -> f64 {
    step.entropy_nats.iter().sum::<f64>() / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Noise, Order, Parallelism, run};
    use crate::exact::{Noisy, two_sentences};
    use crate::process::{Uniform, Words};
    use crate::schedule::Schedule;
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::decode;

    fn runs(settings: &DecodeSettings) -> Vec<Trajectory> {
        let one = |seed| {
            let mut corpus = two_sentences::corpus(0.5).unwrap();
            decode(&mut corpus, DecodeSettings { seed, ..settings.clone() })
        };
        (0..4).map(one).collect()
    }

    fn value(readings: &[Reading], instrument: Instrument) -> Option<f64> {
        let reading = readings.iter().find(|reading| reading.instrument == instrument).unwrap();
        reading.estimate.map(|estimate| estimate.value)
    }

    #[test]
    fn one_word_at_a_time_settles_all_three_bits_with_the_first() {
        let left_to_right = DecodeSettings { order: Order::LeftToRight, ..DecodeSettings::default() };
        let readings = scorecard(&runs(&left_to_right), Family::Autoregressive).unwrap();
        let near = |instrument, expected: f64| {
            let found = value(&readings, instrument).unwrap();
            assert!((found - expected).abs() < 1e-6, "{instrument:?}: {found}");
        };
        near(Instrument::LargestJump, 1.0);
        near(Instrument::EqualJumps, 1.0 / 3.0);
        near(Instrument::Revised, 0.0);
        near(Instrument::SlotsPerCall, 1.0);
        near(Instrument::ReadingOrder, 1.0);
        near(Instrument::SymbolShare, 1.0);
        near(Instrument::AtStake, 0.0);
        assert_eq!(
            value(&readings, Instrument::CallsToState),
            None,
            "it has no states between text and noise"
        );
    }

    #[test]
    fn three_at_once_put_two_bits_at_stake() {
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let readings =
            scorecard(&runs(&DecodeSettings { parallelism, ..DecodeSettings::default() }), Family::Discrete)
                .unwrap();
        assert!((value(&readings, Instrument::AtStake).unwrap() - 2.0).abs() < 1e-6);
        assert_eq!(value(&readings, Instrument::OnPathGap), None, "there is no state between start and end");
    }

    #[test]
    fn random_words_are_revised_and_have_no_runs_of_masks() {
        let words = Words { first: 3, count: 6 };
        let noise = Noise::Uniform { words, greedy_tail: false };
        let parallelism = Parallelism::Ancestral { steps: 8, schedule: Schedule::Linear };
        let settings = DecodeSettings { noise, parallelism, ..DecodeSettings::default() };
        let process = Uniform { schedule: Schedule::Linear, words };
        let one = |seed| {
            let mut denoiser = Noisy::new(two_sentences::corpus(0.5).unwrap(), process);
            let special = SpecialTokens::default();
            let settings = DecodeSettings { seed, ..settings.clone() };
            let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
            pollster::block_on(run(&mut denoiser, decoder)).unwrap()
        };
        let readings = scorecard(&(0..4).map(one).collect::<Vec<_>>(), Family::Discrete).unwrap();
        assert!(value(&readings, Instrument::Revised).unwrap() > 0.0);
        assert_eq!(value(&readings, Instrument::OnPathGap), None);
        assert_eq!(value(&readings, Instrument::ReadingOrder), None, "the last call finishes all");
    }

    #[test]
    fn vectors_are_no_symbols_and_their_jumps_are_those_of_the_entropy() {
        let step = |nats: f64, word| GaussianStep {
            time: 0.5,
            tokens: vec![TokenId(word), TokenId(3)],
            entropy_nats: vec![nats, nats],
            guess: vec![f64::from(word) * 2.0 - 3.25, 3.0],
        };
        let even = vec![step(4.0, 3), step(2.0, 4), step(0.0, 4)];
        let sudden = vec![step(4.0, 3), step(0.0, 3), step(0.0, 3)];
        let runs = [even.clone(), even, sudden.clone(), sudden];
        let mask = SpecialTokens::default().mask;
        let begun = |start: &Sequence| runs.clone().map(|run| (start.clone(), run));
        let readings = scorecard_of_vectors(&begun(&Sequence::masked(2, mask)));
        assert_eq!(value(&readings, Instrument::CallsToState), Some(1.0), "the guess of the call before");
        // One change in three calls of two slots, or none.
        assert_eq!(value(&readings, Instrument::Revised), Some((1.0 / 6.0 + 0.0) / 2.0));
        let given = Sequence::infill(&[None, Some(TokenId(3))], mask);
        let readings_of_one = scorecard_of_vectors(&begun(&given));
        assert_eq!(value(&readings_of_one, Instrument::Revised), Some((1.0 / 3.0 + 0.0) / 2.0));
        // Words at distance 2 from each other; the open slot's guess is off by a quarter.
        let line =
            Gaussian::new(Schedule::Linear, (0..6).map(|word| f64::from(word) * 2.0 - 3.0).collect(), 1);
        let gap = rounding_gap(&begun(&given), &line).estimate.unwrap().value;
        assert!((gap - 0.25 / 2.0).abs() < 1e-12, "{gap}");
        assert_eq!(value(&readings, Instrument::SymbolShare), Some(0.0));
        assert_eq!(value(&readings, Instrument::LargestJump), Some((0.5 + 1.0) / 2.0));
        assert_eq!(value(&readings, Instrument::EqualJumps), Some((1.0 + 0.5) / 2.0));
    }

    #[test]
    fn what_runs_do_not_tell_is_not_read_off_them() {
        let run = &runs(&DecodeSettings::default())[0];
        use Instrument::{
            ByDistance, ChainGap, Damage, Deviation, Heterogeneity, OrderGap, PathSurprise, PeakSpeed,
            Quality, Repair, RoundingGap, Violations,
        };
        let told = [
            PeakSpeed,
            Deviation,
            Heterogeneity,
            ByDistance,
            ChainGap,
            PathSurprise,
            Repair,
            Quality,
            RoundingGap,
            Damage,
            OrderGap,
            Violations,
        ];
        for instrument in told {
            assert!(!Instrument::OF_RUNS.contains(&instrument));
            assert_eq!(instrument.read(run, Family::Discrete), Ok(None), "{instrument:?}");
        }
    }

    #[test]
    fn every_family_lacks_something_and_no_two_are_marked_alike() {
        let marks = |family: Family| Property::ALL.map(|property| family.mark(property));
        let all = [Family::Autoregressive, Family::Continuous, Family::Discrete].map(marks);
        assert!(all.iter().all(|marks| marks.iter().any(|mark| *mark != Mark::Has)));
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }
}
