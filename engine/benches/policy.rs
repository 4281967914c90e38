//! What decoding rules and guides cost beside the network: `cargo bench -p engine --bench policy -- "$PWD/MODEL"`. Batch 16; the length is that of
//! the model's window (128 for `english-mask`). Policy is all that happens between two calls: the next query of the whole
//! batch, and every decoder's step. Medians over calls of one run of each rule, on the answers of the real model; each run is
//! cut off after [`CALLS`] calls, when most slots are still open and there is most to do. Guides work on whole distributions, and
//! their calls read those: what they do to them is policy too, a rule of their span alone. A checker's own time is not counted, as
//! the one here only looks for repeated words. Rules above 5 % of a call fail the benchmark; those that read whole distributions (KLASS,
//! GIDD's correction) and guides are told where they are above it.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::BTreeMap;
use std::time::Instant;

use diffusion::decode::{DecodeSettings, Decoder, run_batch};
use diffusion::guide::{Constrained, Guided, Guides, Spelling};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Sequence, SpecialTokens, TokenId};
use engine::{BackendChoice, Engine};
use model_loader::Checkpoint;

const BATCH: u32 = 16;
const CALLS: usize = 5;
/// Share of a call in per cent that policy should stay below.
const MARK: f64 = 5.0;

/// The engine, with a clock: how long each call took, and how long it was since the one before.
struct Timed {
    engine: Engine,
    calls: Vec<f64>,
    policy: Vec<f64>,
    returned: Option<Instant>,
    /// Whether whole distributions were asked for.
    reads_whole: bool,
}

/// The run has been long enough.
#[derive(Debug, thiserror::Error)]
#[error("calls: found {CALLS}, expected no more")]
struct Enough;

impl Timed {
    fn new(engine: Engine) -> Self {
        Self { engine, calls: Vec::new(), policy: Vec::new(), returned: None, reads_whole: false }
    }

    /// Forgets what was measured.
    fn reset(&mut self) {
        (self.calls, self.policy, self.returned, self.reads_whole) = (Vec::new(), Vec::new(), None, false);
    }

    /// A call, timed.
    async fn timed<T>(
        &mut self,
        call: impl AsyncFnOnce(&mut Engine) -> Result<T, engine::Error>,
    ) -> Result<T, Enough> {
        let called = Instant::now();
        self.policy.extend(self.returned.map(|returned| (called - returned).as_secs_f64()));
        if self.calls.len() == CALLS {
            return Err(Enough);
        }
        let answer = call(&mut self.engine).await.map_err(|_| Enough);
        self.calls.push(called.elapsed().as_secs_f64());
        self.returned = Some(Instant::now());
        answer
    }

    /// Prints what policy costs in per cent of a call, and gives it back.
    fn tell(&mut self, name: &str) -> f64 {
        let (call, policy) = (median(&mut self.calls), median(&mut self.policy));
        let share = policy / call * 100.0;
        let above = if share < MARK { "" } else { ", above the mark" };
        println!("{name:<22} call {:.0} ms, policy {:.2} ms: {share:.2} %{above}", call * 1e3, policy * 1e3);
        share
    }
}

impl Denoiser for Timed {
    type Error = Enough;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Enough> {
        self.timed(async |engine| engine.predict(query).await).await
    }
}

impl FullDenoiser for Timed {
    fn vocabulary(&self) -> usize {
        self.engine.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Enough> {
        self.reads_whole = true;
        self.timed(async |engine| engine.distributions(query).await).await
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).ok_or("which MODEL?")?;
    let checkpoint = Checkpoint::from_bytes(&std::fs::read(path)?)?;
    let (engine, _) = pollster::block_on(Engine::open(&checkpoint, BackendChoice::Cpu, &mut |_| {}))?;
    let mut timed = Timed::new(engine);
    let special = SpecialTokens::default();
    let start = Sequence::masked(checkpoint.config.context_length, special.mask);
    let decoders = |settings: &DecodeSettings| {
        let decoder =
            |seed| Decoder::new(DecodeSettings { seed, ..settings.clone() }, start.clone(), special);
        (0..BATCH).map(decoder).collect::<Result<Vec<_>, _>>()
    };
    let rules = rules()?;
    for (name, settings) in &rules {
        timed.reset();
        // Every run here ends by being cut off or by being complete.
        drop(pollster::block_on(run_batch(&mut timed, decoders(settings)?)));
        let share = timed.tell(name);
        if share.is_nan() || (share >= MARK && !timed.reads_whole) {
            return Err(
                format!("policy of {name}: found {share:.2} % of a call, expected less than {MARK}").into()
            );
        }
    }
    let texts = texts(&checkpoint);
    let between = if texts.iter().any(|text| text.starts_with(' ')) { "" } else { " " };
    let spelling = Spelling { texts: &texts, between, mask: special.mask, first_word: 3 };
    for (name, guides) in guides()? {
        timed.reset();
        let rules_of = guides.constraints(start.len(), spelling, Some(without_repetition))?;
        let guided = Guided::new(&mut timed, guides.scale, &start, special.mask)?;
        let settings = &rules["slots per call"];
        drop(pollster::block_on(run_batch(&mut Constrained::new(guided, rules_of), decoders(settings)?)));
        if timed.tell(&name).is_nan() {
            return Err(
                format!("guides {name}: found no call after another, expected {CALLS} of them").into()
            );
        }
    }
    Ok(())
}

/// Text of every token.
fn texts(checkpoint: &Checkpoint) -> Vec<String> {
    let tokenizer = &checkpoint.tokenizer;
    let text = |token| tokenizer.word(token).unwrap_or_default().to_owned();
    (0..tokenizer.vocab_size() as u32).map(text).collect()
}

/// A checker that costs next to nothing.
fn without_repetition(text: &[TokenId]) -> bool {
    text.windows(2).all(|pair| pair[0] != pair[1] || pair[0] == SpecialTokens::default().mask)
}

/// Guides of every kind, whose allocations `diffusion`'s tests count too.
fn guides() -> serde_json::Result<BTreeMap<String, Guides>> {
    serde_json::from_str(include_str!("../../diffusion/tests/guides.json"))
}

/// One schedule of every kind, the same whose allocations `diffusion`'s tests count.
fn rules() -> serde_json::Result<BTreeMap<String, DecodeSettings>> {
    serde_json::from_str(include_str!("../../diffusion/tests/rules.json"))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
