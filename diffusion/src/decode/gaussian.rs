//! Ancestral sampling from Gaussian noise on embeddings (Diffusion-LM, arXiv 2205.14217; CDCD, arXiv 2211.15089).
//!
//! Rule: all slots begin as x_1 ~ N(0, 1). In each of `steps` equal steps from t to s the network tells p(x_0 | x_t) of every slot,
//! and x_s is drawn from q(x_s | x_t, x̂_0) with x̂_0 = Σ_v p_v E(v) (score interpolation). The last call, at
//! [`FIRST_TIME`], reads the tokens off: the most probable one of each slot. Every call shows the network its guess of the
//! call before (self-conditioning, arXiv 2208.04202). Given slots hold their clean embedding at every t, as in training, and
//! the query names their tokens.
//!
//! Knobs: `steps`, 1 to [`MAX_STEPS`] (default 64); `seed`. Cost: steps + 1 calls. Known failure: L1 - until the last call no slot is a
//! symbol, and what is read off then is chosen slot by slot, so with few steps words do not agree. Temperature has no clear
//! meaning here: the network's distributions steer means, they are not drawn from.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use super::validation::MAX_STEPS;
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
    /// Steps from noise to text, from 1 to [`MAX_STEPS`]; default 64.
    pub steps: u32,
}

impl Default for GaussianSettings {
    fn default() -> Self {
        Self { seed: 0, steps: 64 }
    }
}

impl GaussianSettings {
    /// Whether every knob is in its range.
    ///
    /// # Errors
    /// If there are no steps, or too many.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let found = self.steps;
        if (1..=MAX_STEPS).contains(&found) { Ok(()) } else { Err(SettingsError::Steps { found }) }
    }
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum GaussianError<E: std::error::Error + 'static> {
    /// The denoiser failed.
    #[error("denoiser")]
    Denoiser(#[source] E),
    /// A setting out of range.
    #[error("settings")]
    Settings(#[from] SettingsError),
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
    pub guess: Vec<f64>,
}

/// Steps back to a text; the tokens of the last step are the text. `special` are the model's tokens that are no words.
///
/// # Errors
/// [`GaussianError`].
pub async fn run_gaussian<D: FullDenoiser>(
    denoiser: &mut D,
    process: &Gaussian,
    start: &Sequence,
    settings: GaussianSettings,
    special: SpecialTokens,
) -> Result<Vec<GaussianStep>, GaussianError<D::Error>> {
    let way = Way { process, start, settings, special };
    let mut told = Vec::new();
    way.walk(denoiser, None, |call, time, logs| {
        let mut step = way.step(logs, time);
        if call == settings.steps {
            step.guess = vec![0.0; start.len() * process.width()];
            let guesses = step.guess.chunks_mut(process.width());
            guesses.zip(way.rows(logs)).for_each(|(guess, logs)| process.add_mean_embedding(logs, guess));
        }
        told.push(step);
    })
    .await?;
    Ok(told)
}

/// What decides a way back from noise, apart from the network.
pub(crate) struct Way<'a> {
    pub process: &'a Gaussian,
    pub start: &'a Sequence,
    pub settings: GaussianSettings,
    pub special: SpecialTokens,
}

impl Way<'_> {
    /// Goes from noise to the last call, and hands on of every call its number, its time and what it says of all slots. Where a
    /// `clean` text is told, its embeddings stand in for x̂_0, so that the vectors are a draw of the forward process from that text.
    /// `// see(call, time, (slots, vocabulary)); clean: (slots)`
    pub async fn walk<D: FullDenoiser>(
        &self,
        denoiser: &mut D,
        clean: Option<&[TokenId]>,
        mut see: impl FnMut(u32, f64, &[f32]),
    ) -> Result<(), GaussianError<D::Error>> {
        self.settings.validate()?;
        let steps = self.settings.steps;
        let time_of =
            |call: u32| FIRST_TIME + (1.0 - FIRST_TIME) * (1.0 - f64::from(call) / f64::from(steps));
        let mut state = State::noise(self, clean);
        for call in 0..=steps {
            let logs = state.asked(denoiser, time_of(call)).await?;
            see(call, time_of(call), &logs);
            if call < steps {
                state.back(&logs, [time_of(call + 1), time_of(call)], call + 1);
            }
        }
        Ok(())
    }

    /// Whether a slot's token is given.
    pub fn is_given(&self, slot: usize) -> bool {
        self.start.slots[slot].state == SlotState::Given
    }

    /// Slot by slot. `// (slots, vocabulary)`
    pub fn rows<'b>(&self, logs: &'b [f32]) -> impl Iterator<Item = &'b [f32]> + use<'b> {
        logs.chunks((logs.len() / self.start.len().max(1)).max(1))
    }

    /// What the network says, slot by slot; given slots keep their token.
    fn step(&self, logs: &[f32], time: f64) -> GaussianStep {
        let token = |(slot, logs): (usize, &[f32])| match self.is_given(slot) {
            true => self.start.slots[slot].token,
            false => most_probable(logs),
        };
        GaussianStep {
            time,
            tokens: self.rows(logs).enumerate().map(token).collect(),
            entropy_nats: self.rows(logs).map(entropy_nats).collect(),
            guess: Vec::new(),
        }
    }
}

/// Vectors on their way from noise to text.
struct State<'a> {
    way: &'a Way<'a>,
    /// The text that the vectors are drawn from, if it is not the network that leads them. `// (slots)`
    clean: Option<&'a [TokenId]>,
    /// `// (slots, width)`
    vectors: Vec<f64>,
    /// x̂_0 of one slot. `// (width)`
    mean: Vec<f64>,
    /// What the network guessed last.
    guess: Vec<Mixture>,
}

impl<'a> State<'a> {
    fn noise(way: &'a Way<'a>, clean: Option<&'a [TokenId]>) -> Self {
        let (slots, width) = (way.start.len(), way.process.width());
        let (vectors, mean) = (Vec::with_capacity(slots * width), vec![0.0; width]);
        let mut state = Self { way, clean, vectors, mean, guess: Vec::with_capacity(slots) };
        // At time 1 nothing of any token is left under the schedules that reach it.
        let noise = way.process.marginal(way.special.mask, 1.0);
        for slot in 0..slots {
            let mut stream = state.stream(0, slot);
            match way.is_given(slot) {
                true => state.vectors.extend(way.process.embedding(way.start.slots[slot].token)),
                false => state.vectors.extend(noise.draws(&mut stream)),
            }
        }
        state
    }

    /// The noise of a slot in a call. Vectors of a text that a run wrote must know nothing of the noise that led to it.
    fn stream(&self, call: u32, slot: usize) -> Stream {
        let purpose = if self.clean.is_some() { Purpose::Sample } else { Purpose::Reverse };
        Stream::new(self.way.settings.seed, call, slot as u32, purpose)
    }

    /// Whole distributions of all slots. `// (slots, vocabulary)`
    async fn asked<D: FullDenoiser>(
        &self,
        denoiser: &mut D,
        time: f64,
    ) -> Result<Vec<f32>, GaussianError<D::Error>> {
        let Way { start, special, .. } = *self.way;
        let row = |slot| Row::measured(0, slot as u32, special.first_token(false), special.mask);
        let query = Query {
            length: start.len(),
            tokens: start.tokens().collect(),
            times: vec![time],
            mixtures: self.guess.clone(),
            vectors: self.vectors.iter().map(|&x| x as f32).collect(),
            rows: (0..start.len()).map(row).collect(),
        };
        let logs = denoiser.distributions(&query).await.map_err(GaussianError::Denoiser)?;
        let (found, expected) = (logs.len(), query.rows.len() * denoiser.vocabulary());
        let is_sound = found == expected && !logs.iter().any(|log| log.is_nan());
        if is_sound { Ok(logs) } else { Err(GaussianError::Answer { found, expected }) }
    }

    /// Draws x_s of every slot from q(x_s | x_t, x̂_0).
    fn back(&mut self, logs: &[f32], times: [f64; 2], call: u32) {
        let process = self.way.process;
        self.guess.clear();
        for (slot, logs) in self.way.rows(logs).enumerate() {
            if !self.way.is_given(slot) {
                let mut stream = self.stream(call, slot);
                let clean = match self.clean {
                    Some(text) => process.embedding(text[slot]),
                    None => {
                        self.mean.fill(0.0);
                        process.add_mean_embedding(logs, &mut self.mean);
                        &self.mean
                    }
                };
                let vector = &mut self.vectors[slot * process.width()..][..process.width()];
                process.draw_back(clean, vector, times, &mut stream);
            }
            self.guess.push(Mixture::of_best(0, slot as u32, logs));
        }
    }
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
    use crate::exact::{Corpus, Embedded, two_sentences};
    use crate::schedule::Schedule;
    use crate::sequence::Slot;

    fn special() -> SpecialTokens {
        SpecialTokens::default()
    }

    /// Two words of a slot lie at distance 2; the others never stand in one slot together.
    fn process() -> Gaussian {
        let embeddings = (0..9).map(|token| if token < 6 { 1.0 } else { -1.0 }).collect();
        Gaussian::new(Schedule::Linear, embeddings, 1)
    }

    fn texts(weight: f64, start: &Sequence, steps: u32, runs: u32) -> Vec<Vec<TokenId>> {
        let process = process();
        let mut denoiser = Embedded::new(two_sentences::corpus(weight).unwrap(), process.clone());
        let one = |seed| {
            let run =
                run_gaussian(&mut denoiser, &process, start, GaussianSettings { seed, steps }, special());
            pollster::block_on(run).unwrap().pop().unwrap().tokens
        };
        (0..runs).map(one).collect()
    }

    fn open() -> Sequence {
        Sequence::masked(3, special().mask)
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
            pollster::block_on(run_gaussian(&mut denoiser, &process, &open(), settings, special())).unwrap()
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
    fn a_model_may_have_other_ids_for_what_is_no_word() {
        let special = SpecialTokens { mask: TokenId(2), unknown: TokenId(0), end_of_text: TokenId(1) };
        let texts = [two_sentences::FIRST, two_sentences::SECOND];
        let corpus = Corpus::new(texts.map(|text| (text.to_vec(), 0.5)).to_vec(), special.mask).unwrap();
        let process = process();
        let mut denoiser = Embedded::new(corpus, process.clone());
        for seed in 0..50 {
            let settings = GaussianSettings { seed, steps: 64 };
            let start = Sequence::masked(3, special.mask);
            let run = run_gaussian(&mut denoiser, &process, &start, settings, special);
            let tokens = pollster::block_on(run).unwrap().pop().unwrap().tokens;
            assert!(texts.iter().any(|text| text.as_slice() == tokens), "{seed}: {tokens:?}");
        }
    }

    #[test]
    fn settings_go_to_json_and_back_and_no_step_or_too_many_are_refused() {
        let settings = GaussianSettings { seed: 7, steps: 9 };
        let json = r#"{"seed":7,"steps":9}"#;
        assert_eq!(serde_json::to_string(&settings).unwrap(), json);
        assert_eq!(serde_json::from_str::<GaussianSettings>(json).unwrap(), settings);
        assert_eq!(serde_json::from_str::<GaussianSettings>("{}").unwrap(), GaussianSettings::default());
        for wrong in [r#"{"sead":7}"#, r#"{"steps":-1}"#, r#"{"steps":2.5}"#, r#"{"seed":4294967296}"#] {
            assert!(serde_json::from_str::<GaussianSettings>(wrong).is_err(), "{wrong}");
        }
        let with = |steps| GaussianSettings { seed: 0, steps }.validate();
        assert!([1, MAX_STEPS].into_iter().all(|steps| with(steps).is_ok()));
        for found in [0, MAX_STEPS + 1] {
            assert_eq!(with(found), Err(SettingsError::Steps { found }));
        }
    }

    #[test]
    fn a_run_without_a_step_is_refused() {
        let process = process();
        let mut denoiser = Embedded::new(two_sentences::corpus(0.5).unwrap(), process.clone());
        let settings = GaussianSettings { seed: 0, steps: 0 };
        let run = pollster::block_on(run_gaussian(&mut denoiser, &process, &open(), settings, special()));
        assert!(matches!(run, Err(GaussianError::Settings(SettingsError::Steps { found: 0 }))));
    }
}
