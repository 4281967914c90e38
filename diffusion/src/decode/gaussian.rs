//! Ancestral sampling from Gaussian noise on embeddings (Diffusion-LM, arXiv 2205.14217; CDCD, arXiv 2211.15089).
//!
//! Rule: all slots begin as x_1 ~ N(0, 1). In each of `steps` equal steps from t to s the network tells p(x_0 | x_t) of every slot,
//! and x_s is drawn from q(x_s | x_t, x̂_0) with x̂_0 = Σ_v p_v E(v) (score interpolation). The last call, at
//! [`FIRST_TIME`], reads the tokens off: the most probable one of each slot. Every call shows the network its guess of the
//! call before (self-conditioning, arXiv 2208.04202). Given slots hold their clean embedding at every t, as in training, and
//! the query names their tokens.
//!
//! Knobs: `steps`, 1 or more (default 64); `seed`. Cost: steps + 1 calls. Known failure: L1 - until the last call no slot is a
//! symbol, and what is read off then is chosen slot by slot, so with few steps words do not agree. Temperature has no clear
//! meaning here: the network's distributions steer means, they are not drawn from.

use serde::{Deserialize, Serialize};

use crate::denoiser::{FullDenoiser, Mixture, Query, Row};
use crate::measure::bound::FIRST_TIME;
use crate::process::Gaussian;
use crate::random::{Purpose, Stream};
use crate::sequence::{Sequence, SlotState, SpecialTokens, TokenId};

/// How to step back from Gaussian noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianSettings {
    /// Keys every draw.
    pub seed: u32,
    /// Steps from noise to text, at least 1.
    pub steps: u32,
}

impl Default for GaussianSettings {
    fn default() -> Self {
        Self { seed: 0, steps: 64 }
    }
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum GaussianError<E: std::error::Error + 'static> {
    /// The denoiser failed.
    #[error("denoiser")]
    Denoiser(#[source] E),
    /// No step.
    #[error("steps: found 0, expected at least 1")]
    Steps,
    /// The answer does not fit the question, or holds a value that is not a number.
    #[error("distributions: found {found} numbers, expected {expected} of which none is NaN")]
    Answer {
        /// Numbers received.
        found: usize,
        /// Rows times vocabulary.
        expected: usize,
    },
}

/// What one call made of the noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaussianStep {
    /// Time of the vectors that the network saw.
    pub time: f64,
    /// The most probable token of every slot. `// (slots)`
    pub tokens: Vec<TokenId>,
    /// Entropy of every slot's distribution in nats. `// (slots)`
    pub entropy_nats: Vec<f64>,
    /// x̂_0, the mean embedding of every slot; of the last call alone, and in no file. `// (slots, width)`
    #[serde(skip)]
    pub guess: Vec<Vec<f64>>,
}

/// Steps back to a text; the tokens of the last step are the text.
///
/// # Errors
/// [`GaussianError`].
pub async fn run_gaussian<D: FullDenoiser>(
    denoiser: &mut D,
    process: &Gaussian,
    start: &Sequence,
    settings: GaussianSettings,
) -> Result<Vec<GaussianStep>, GaussianError<D::Error>> {
    if settings.steps == 0 {
        return Err(GaussianError::Steps);
    }
    let mut state = State::noise(process, start, settings);
    let mut told = Vec::new();
    let share_left = |call: u32| 1.0 - f64::from(call) / f64::from(settings.steps);
    let time_of = |call: u32| FIRST_TIME + (1.0 - FIRST_TIME) * share_left(call);
    for call in 0..=settings.steps {
        let time = time_of(call);
        let logs = state.asked(denoiser, time).await?;
        let mut step = state.step(&logs, time);
        if call < settings.steps {
            state.back(&logs, time, time_of(call + 1), call + 1);
        } else {
            step.guess = state.guesses(&logs);
        }
        told.push(step);
    }
    Ok(told)
}

/// Vectors on their way from noise to text.
struct State<'a> {
    process: &'a Gaussian,
    start: &'a Sequence,
    seed: u32,
    /// `// (slots, width)`
    vectors: Vec<Vec<f64>>,
    /// What the network guessed last.
    guess: Vec<Mixture>,
}

impl<'a> State<'a> {
    fn noise(process: &'a Gaussian, start: &'a Sequence, settings: GaussianSettings) -> Self {
        let seed = settings.seed;
        let mask = SpecialTokens::default().mask;
        let draw = |slot| match is_given(start, slot) {
            true => process.embedding(start.slots[slot].token).to_vec(),
            // At time 1 nothing of any token is left under the schedules that reach it.
            false => process.marginal(mask, 1.0).draw(&mut stream(seed, 0, slot)),
        };
        Self { process, start, seed, vectors: (0..start.len()).map(draw).collect(), guess: Vec::new() }
    }

    /// Whole distributions of all slots. `// (slots, vocabulary)`
    async fn asked<D: FullDenoiser>(
        &self,
        denoiser: &mut D,
        time: f64,
    ) -> Result<Vec<f32>, GaussianError<D::Error>> {
        let special = SpecialTokens::default();
        let row = |slot| Row::measured(0, slot as u32, special.first_token(false), special.mask);
        let query = Query {
            length: self.start.len(),
            tokens: self.start.tokens().collect(),
            times: vec![time],
            mixtures: self.guess.clone(),
            vectors: self.vectors.iter().flatten().map(|&x| x as f32).collect(),
            rows: (0..self.start.len()).map(row).collect(),
        };
        let logs = denoiser.distributions(&query).await.map_err(GaussianError::Denoiser)?;
        let (found, expected) = (logs.len(), query.rows.len() * denoiser.vocabulary());
        let is_sound = found == expected && !logs.iter().any(|log| log.is_nan());
        if is_sound { Ok(logs) } else { Err(GaussianError::Answer { found, expected }) }
    }

    /// What the network says, slot by slot; given slots keep their token.
    fn step(&self, logs: &[f32], time: f64) -> GaussianStep {
        let rows = logs.chunks((logs.len() / self.start.len().max(1)).max(1));
        let token = |(slot, logs): (usize, &[f32])| match is_given(self.start, slot) {
            true => self.start.slots[slot].token,
            false => most_probable(logs),
        };
        GaussianStep {
            time,
            tokens: rows.clone().enumerate().map(token).collect(),
            entropy_nats: rows.map(entropy_nats).collect(),
            guess: Vec::new(),
        }
    }

    /// x̂_0 of every slot. `// (slots, width)`
    fn guesses(&self, logs: &[f32]) -> Vec<Vec<f64>> {
        let vocabulary = (logs.len() / self.start.len().max(1)).max(1);
        logs.chunks(vocabulary).map(|logs| self.process.mean_embedding(logs)).collect()
    }

    /// Draws x_s of every slot from q(x_s | x_t, x̂_0).
    fn back(&mut self, logs: &[f32], t: f64, s: f64, call: u32) {
        let vocabulary = (logs.len() / self.start.len().max(1)).max(1);
        self.guess.clear();
        for (slot, logs) in logs.chunks(vocabulary).enumerate() {
            if !is_given(self.start, slot) {
                let clean = self.process.mean_embedding(logs);
                let back = self.process.posterior_of(&clean, &self.vectors[slot], s, t);
                self.vectors[slot] = back.draw(&mut stream(self.seed, call, slot));
            }
            self.guess.push(Mixture::of_best(0, slot as u32, logs));
        }
    }
}

fn is_given(start: &Sequence, slot: usize) -> bool {
    start.slots[slot].state == SlotState::Given
}

/// The noise of a slot in a call.
fn stream(seed: u32, call: u32, slot: usize) -> Stream {
    Stream::new(seed, call, slot as u32, Purpose::Reverse)
}

/// The first of the most probable tokens.
fn most_probable(logs: &[f32]) -> TokenId {
    let best = (0..).zip(logs).fold(
        (0, f32::NEG_INFINITY),
        |best, (token, &log)| {
            if log > best.1 { (token, log) } else { best }
        },
    );
    TokenId(best.0)
}

fn entropy_nats(logs: &[f32]) -> f64 {
    let term =
        |log: &f32| if *log == f32::NEG_INFINITY { 0.0 } else { -f64::from(log.exp()) * f64::from(*log) };
    logs.iter().map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Embedded, two_sentences};
    use crate::schedule::Schedule;
    use crate::sequence::Slot;

    /// Two words of a slot lie at distance 2; the others never stand in one slot together.
    fn process() -> Gaussian {
        let embeddings = (0..9).map(|token| if token < 6 { 1.0 } else { -1.0 }).collect();
        Gaussian::new(Schedule::Linear, embeddings, 1)
    }

    fn texts(weight: f64, start: &Sequence, steps: u32, runs: u32) -> Vec<Vec<TokenId>> {
        let process = process();
        let mut denoiser = Embedded::new(two_sentences::corpus(weight).unwrap(), process.clone());
        let one = |seed| {
            let run = run_gaussian(&mut denoiser, &process, start, GaussianSettings { seed, steps });
            pollster::block_on(run).unwrap().pop().unwrap().tokens
        };
        (0..runs).map(one).collect()
    }

    fn open() -> Sequence {
        Sequence::masked(3, SpecialTokens::default().mask)
    }

    #[test]
    fn many_small_steps_write_both_sentences_as_often_as_they_are_worth() {
        for weight in [0.5, 0.8] {
            let texts = texts(weight, &open(), 64, 1500);
            let share = |sentence: &[TokenId]| {
                texts.iter().filter(|text| text.as_slice() == sentence).count() as f64 / texts.len() as f64
            };
            let (first, second) = (share(&two_sentences::FIRST), share(&two_sentences::SECOND));
            assert!(first + second > 0.995, "mixtures: {}", 1.0 - first - second);
            // Steps of finite size are a little too sure of themselves, hence a margin beside chance.
            assert!(
                (first - weight).abs() < 4.0 * (weight * (1.0 - weight) / 1500.0).sqrt() + 0.02,
                "{weight}: {first}"
            );
        }
    }

    #[test]
    fn the_same_seed_is_the_same_text_and_every_call_is_told() {
        let process = process();
        let run = |seed| {
            let mut denoiser = Embedded::new(two_sentences::corpus(0.5).unwrap(), process.clone());
            let settings = GaussianSettings { seed, steps: 8 };
            pollster::block_on(run_gaussian(&mut denoiser, &process, &open(), settings)).unwrap()
        };
        let told = run(3);
        assert_eq!((told.len(), told[0].time, told[8].time), (9, 1.0, FIRST_TIME));
        assert_eq!(told, run(3));
        assert!((0..20).any(|seed| run(seed) != told));
        let open = told[0].entropy_nats[0];
        assert!((open - std::f64::consts::LN_2).abs() < 1e-6, "pure noise tells nothing: {open}");
        assert!(told[8].entropy_nats.iter().all(|nats| *nats < 0.05), "{:?}", told[8].entropy_nats);
    }

    #[test]
    fn a_given_word_stays_and_the_others_follow_it() {
        let second = two_sentences::SECOND;
        let mut start = open();
        start.slots[1] = Slot::given(second[1]);
        let texts = texts(0.5, &start, 64, 300);
        assert!(texts.iter().all(|text| text.as_slice() == second), "the denoiser knows what is given");
    }

    #[test]
    fn no_step_is_refused() {
        let process = process();
        let mut denoiser = Embedded::new(two_sentences::corpus(0.5).unwrap(), process.clone());
        let settings = GaussianSettings { seed: 0, steps: 0 };
        let run = pollster::block_on(run_gaussian(&mut denoiser, &process, &open(), settings));
        assert!(matches!(run, Err(GaussianError::Steps)));
    }
}
