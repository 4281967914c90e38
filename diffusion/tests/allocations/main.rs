//! What is allocated between two calls does not grow with the number of slots, but for lists that double.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// Denoisers wrapped in denoisers.
mod guides;
/// Forward processes by description.
mod processes;
/// Runs of vectors, and of two models.
mod runs;
/// A network that costs nothing.
mod table;

use std::collections::BTreeMap;
use std::slice::from_ref;

use allocation_counter::measure;
use diffusion::decode::{Asker, DecodeSettings, Decoder};
use diffusion::draw::{DrawError, summarise};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Row, Sequence, SpecialTokens};
use pollster::block_on;

/// One schedule of every kind, by name; the benchmark of policy (`engine/benches/policy.rs`) times the same.
fn rules() -> BTreeMap<String, DecodeSettings> {
    serde_json::from_str(include_str!("../rules.json")).unwrap()
}

/// Words of [`Flat`], special tokens included.
const VOCABULARY: usize = 10;

/// Answers every row alike, whatever is visible, surer in some slots than in others.
struct Flat;

fn log(row: &Row, token: u32) -> f32 {
    let share = 0.2 + 0.6 * (row.slot * 37 % 101) as f32 / 101.0;
    if token < row.first_token { f32::NEG_INFINITY } else { (share / (token + 1) as f32).ln() }
}

impl Denoiser for Flat {
    type Error = DrawError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, DrawError> {
        let logs = |row| (0..VOCABULARY as u32).map(move |token| f64::from(log(row, token)));
        query.rows.iter().map(|row| summarise(logs(row), row)).collect()
    }
}

impl FullDenoiser for Flat {
    fn vocabulary(&self) -> usize {
        VOCABULARY
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, DrawError> {
        let logs = |row| (0..VOCABULARY as u32).map(move |token| log(row, token));
        Ok(query.rows.iter().flat_map(logs).collect())
    }
}

/// Allocations of the third call over so many slots.
fn allocations(settings: &DecodeSettings, slots: usize) -> u64 {
    let special = SpecialTokens::default();
    let start = Sequence::masked(slots, special.mask);
    let mut decoder = Decoder::new(settings.clone(), start, special).unwrap();
    let mut asker = Asker::default();
    let mut call = || {
        let answers = block_on(asker.ask(&mut Flat, from_ref(&decoder))).unwrap();
        decoder.apply(&answers).unwrap();
    };
    call();
    call();
    measure(call).count_total
}

/// Fails if there are more allocations for many slots than for few.
fn check(name: &str, allocations: impl Fn(usize) -> u64) {
    let (few, many) = (allocations(32), allocations(512));
    // A list that doubles as it grows does so four times more often; there is a handful of such lists.
    assert!(many <= few + 40, "{name}: {few} for 32 slots, {many} for 512");
    assert!(few > 0, "{name}: nothing was counted");
}

#[test]
fn no_rule_allocates_for_each_slot() {
    for (name, settings) in rules() {
        check(&name, |slots| allocations(&settings, slots));
    }
}
