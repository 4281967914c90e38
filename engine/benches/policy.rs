//! What decoding rules cost beside the network: `cargo bench -p engine --bench policy -- "$PWD/MODEL"`. Batch 16; the length is that of
//! the model's window (128 for `english-mask`). Policy is all that happens between two calls: the next query of the whole
//! batch, and every decoder's step. Medians over calls of one run of each rule, on the answers of the real model; each run is
//! cut off after [`CALLS`] calls, when most slots are still open and there is most to do.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::BTreeMap;
use std::time::Instant;

use diffusion::decode::{DecodeSettings, Decoder, run_batch};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Sequence, SpecialTokens};
use engine::{BackendChoice, Engine};
use model_loader::Checkpoint;

const BATCH: u32 = 16;
const CALLS: usize = 5;

/// The engine, with a clock: how long each call took, and how long it was since the one before.
struct Timed {
    engine: Engine,
    calls: Vec<f64>,
    policy: Vec<f64>,
    returned: Option<Instant>,
}

/// The run has been long enough.
#[derive(Debug, thiserror::Error)]
#[error("calls: found {CALLS}, expected no more")]
struct Enough;

impl Timed {
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
        self.timed(async |engine| engine.distributions(query).await).await
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).ok_or("which MODEL?")?;
    let checkpoint = Checkpoint::from_bytes(&std::fs::read(path)?)?;
    let (engine, _) = pollster::block_on(Engine::open(&checkpoint, BackendChoice::Cpu, &mut |_| {}))?;
    let mut timed = Timed { engine, calls: Vec::new(), policy: Vec::new(), returned: None };
    for (name, settings) in rules()? {
        (timed.calls, timed.policy, timed.returned) = (Vec::new(), Vec::new(), None);
        let special = SpecialTokens::default();
        let start = Sequence::masked(checkpoint.config.context_length, special.mask);
        let decoder =
            |seed| Decoder::new(DecodeSettings { seed, ..settings.clone() }, start.clone(), special);
        let decoders = (0..BATCH).map(decoder).collect::<Result<_, _>>()?;
        // Every run here ends by being cut off or by being complete.
        drop(pollster::block_on(run_batch(&mut timed, decoders)));
        let (call, policy) = (median(&mut timed.calls), median(&mut timed.policy));
        let share = policy / call * 100.0;
        println!("{name:<22} call {:.0} ms, policy {:.2} ms: {share:.2} %", call * 1e3, policy * 1e3);
        if share.is_nan() || share >= 5.0 {
            return Err(
                format!("policy of {name}: found {share:.2} % of a call, expected less than 5").into()
            );
        }
    }
    Ok(())
}

/// One schedule of every kind, the same whose allocations `diffusion`'s tests count.
fn rules() -> serde_json::Result<BTreeMap<String, DecodeSettings>> {
    serde_json::from_str(include_str!("../../diffusion/tests/rules.json"))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
