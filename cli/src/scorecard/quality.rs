//! Quality per call: the schedule at its own number of calls, at half and at a quarter of it, judged by an autoregressive model.

use anyhow::anyhow;
use diffusion::decode::{GaussianSettings, Parallelism};
use diffusion::measure::Estimate;
use diffusion::measure::judge::{Judgement, judge};
use diffusion::measure::quality::PerDoubling;
use diffusion::measure::scorecard::{Instrument, Reading};
use diffusion::{DecodeSettings, Sequence, Slot, SpecialTokens};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;

use crate::arguments::Scorecard;
use crate::diagnose::runs::{Runs, each, each_of_vectors};
use crate::diagnose::schedule::Schedule;
use crate::failure::Failure;
use crate::model::{Identity, Model};

/// Shares of the schedule's calls.
const DIVISORS: [u32; 3] = [1, 2, 4];

/// What a judge says of texts that took more or fewer calls.
#[derive(Serialize)]
pub struct Quality {
    judge: Identity,
    /// Words in the n-grams that are distinct.
    distinct_words: u32,
    /// Most calls first.
    points: Vec<Point>,
    /// Absent where calls do not differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_doubling: Option<PerDoubling>,
}

/// One number of calls. Bits never stand without entropy and distinct n-grams: repetition lowers them without limit.
#[derive(Serialize)]
struct Point {
    /// Calls per text, a mean.
    calls: f64,
    bits_per_token: Estimate,
    perplexity: Estimate,
    entropy_bits: Estimate,
    /// None for fewer than two texts of so many words.
    distinct_share: Option<Estimate>,
}

/// Writes the texts anew at each number of calls, with the same seeds, and has them judged.
///
/// # Errors
/// If the number of calls is not the schedule's to set, or a run fails.
pub async fn of_schedule(
    engine: &mut Engine,
    runs: &Runs<'_>,
    schedule: &Schedule,
    judging: Model,
    arguments: &Scorecard,
) -> Result<Quality, Failure> {
    let (mut judge_engine, _) = judging.open(arguments.model.backend).await?;
    let mut judged = Vec::new();
    for schedule in DIVISORS.into_iter().filter_map(|divisor| with_fewer_calls(schedule, divisor)) {
        let written = write(engine, runs, &schedule).await?;
        let texts: Vec<Sequence> = written.iter().map(|(_, text)| text.clone()).collect();
        let calls = written.iter().map(|(calls, _)| *calls as f64).sum::<f64>() / written.len() as f64;
        let special = SpecialTokens::default();
        let found = judge(&mut judge_engine, &texts, special, arguments.distinct as usize).await;
        judged.extend(found.map_err(Failure::run)?.map(|judgement| (calls, judgement)));
    }
    let point = |(calls, found): &(f64, Judgement)| Point {
        calls: *calls,
        bits_per_token: found.bits_per_token,
        perplexity: found.perplexity(),
        entropy_bits: found.entropy_bits,
        distinct_share: found.distinct_share,
    };
    Ok(Quality {
        judge: judging.identity,
        distinct_words: arguments.distinct,
        points: judged.iter().map(point).collect(),
        per_doubling: PerDoubling::of(&judged),
    })
}

/// Every run's calls and text.
async fn write(
    engine: &mut Engine,
    runs: &Runs<'_>,
    schedule: &Schedule,
) -> Result<Vec<(usize, Sequence)>, Failure> {
    let mut written = Vec::new();
    match schedule {
        Schedule::Tokens(settings) => {
            each(engine, runs, settings, "quality", 0, async |_, run| {
                written.push((run.steps.len(), run.sequence_at(run.steps.len()).map_err(Failure::run)?));
                Ok(())
            })
            .await?;
        }
        Schedule::Vectors(settings) => {
            each_of_vectors(engine, runs, *settings, "quality", 0, async |_, run| {
                let mut text = run.start.clone();
                let tokens = run.steps.last().map(|step| step.tokens.as_slice()).unwrap_or_default();
                for slot in run.start.open_slots() {
                    text.slots[slot] = Slot::committed(tokens[slot]);
                }
                written.push((run.steps.len(), text));
                Ok(())
            })
            .await?;
        }
    }
    Ok(written)
}

/// Whether a schedule says how many calls there are.
pub fn expect_calls(schedule: &Schedule, model: &Model) -> Result<(), Failure> {
    let is_autoregressive = model.checkpoint.config.process == Process::Autoregressive;
    if is_autoregressive || with_fewer_calls(schedule, DIVISORS[DIVISORS.len() - 1]).is_none() {
        let expected = "a schedule with slots per call, or with at least four steps, of a model that is not autoregressive";
        return Err(Failure::Input(anyhow!(
            "--judge: found calls that cannot be halved twice, expected {expected}"
        )));
    }
    Ok(())
}

/// The same schedule with so many times fewer calls; nothing where calls follow from what is predicted, or are too few.
fn with_fewer_calls(schedule: &Schedule, divisor: u32) -> Option<Schedule> {
    let fewer = |steps: u32| (steps >= divisor).then_some(steps / divisor);
    Some(match schedule {
        Schedule::Vectors(settings) => {
            Schedule::Vectors(GaussianSettings { steps: fewer(settings.steps)?, ..*settings })
        }
        Schedule::Tokens(settings) => {
            let parallelism = match settings.parallelism {
                Parallelism::SlotsPerCall { slots } => Parallelism::SlotsPerCall { slots: slots * divisor },
                Parallelism::Quota { steps, schedule } => {
                    Parallelism::Quota { steps: fewer(steps)?, schedule }
                }
                Parallelism::Ancestral { steps, schedule } => {
                    Parallelism::Ancestral { steps: fewer(steps)?, schedule }
                }
                _ => return None,
            };
            Schedule::Tokens(Box::new(DecodeSettings { parallelism, ..(**settings).clone() }))
        }
    })
}

impl Quality {
    /// What stands in the scorecard.
    pub fn reading(&self) -> Reading {
        let estimate = self.per_doubling.map(|found| found.bits_per_token);
        Reading { instrument: Instrument::Quality, estimate }
    }

    /// As a table for people.
    pub fn page(&self) -> String {
        let cell = |e: Estimate| format!("{:.3} ± {:.3}", e.value, e.standard_error);
        let distinct = format!("distinct {}-grams", self.distinct_words);
        let mut page = format!(
            "{:<12} {:>18} {:>18} {:>18} {distinct:>18}\n",
            "calls", "bits per token", "perplexity", "entropy, bits"
        );
        for Point { calls, bits_per_token, perplexity, entropy_bits, distinct_share } in &self.points {
            let cells = [bits_per_token, perplexity, entropy_bits].map(|e| cell(*e));
            let distinct = distinct_share.map_or("-".into(), cell);
            page +=
                &format!("{calls:<12.1} {:>18} {:>18} {:>18} {distinct:>18}\n", cells[0], cells[1], cells[2]);
        }
        if let Some(PerDoubling { bits_per_token, entropy_bits }) = self.per_doubling {
            let [bits, entropy] = [bits_per_token, entropy_bits].map(cell);
            page += &format!("{:<12} {bits:>18} {:>18} {entropy:>18}\n", "per doubling", "");
        }
        page + &format!(
            "judged by {}; bits without entropy and distinct n-grams say little\n",
            self.judge.file
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diffusion::Schedule as Clock;

    fn tokens(parallelism: Parallelism) -> Schedule {
        Schedule::Tokens(Box::new(DecodeSettings { parallelism, ..DecodeSettings::default() }))
    }

    #[test]
    fn half_the_calls_are_half_the_steps_or_twice_the_slots() {
        let slots = |slots| tokens(Parallelism::SlotsPerCall { slots });
        assert_eq!(with_fewer_calls(&slots(3), 4), Some(slots(12)));
        let quota = |steps| tokens(Parallelism::Quota { steps, schedule: Clock::Cosine });
        assert_eq!(with_fewer_calls(&quota(9), 2), Some(quota(4)));
        assert_eq!(with_fewer_calls(&quota(3), 4), None);
        let vectors = |steps| Schedule::Vectors(GaussianSettings { steps, ..GaussianSettings::default() });
        assert_eq!(with_fewer_calls(&vectors(8), 4), Some(vectors(2)));
        assert_eq!(with_fewer_calls(&tokens(Parallelism::Threshold { probability: 0.9 }), 2), None);
    }
}
