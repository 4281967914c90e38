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

use allocation_counter::measure;
use diffusion::decode::{DecodeSettings, Decoder};
use diffusion::{Candidate, Prediction, Row, Sequence, SpecialTokens, TOP_CANDIDATES, TokenId};

/// One schedule of every kind, by name; the benchmark of policy (`engine/benches/policy.rs`) times the same.
fn rules() -> BTreeMap<String, DecodeSettings> {
    serde_json::from_str(include_str!("../rules.json")).unwrap()
}

fn prediction(row: &Row) -> Prediction {
    let share = 0.2 + 0.6 * (row.slot * 37 % 101) as f32 / 101.0;
    let candidate = |id: u32| Candidate { token: TokenId(id), log_probability: (share / id as f32).ln() };
    let top = std::array::from_fn::<_, TOP_CANDIDATES, _>(|rank| candidate(3 + rank as u32));
    Prediction {
        drawn: top[0],
        entropy_nats: 2.0 - share,
        log_sum_exp: 0.0,
        target_log_probability: -1.0,
        top,
    }
}

/// Allocations of the second call over so many slots.
fn allocations(settings: &DecodeSettings, slots: usize) -> u64 {
    let special = SpecialTokens::default();
    let start = Sequence::masked(slots, special.mask);
    let mut decoder = Decoder::new(settings.clone(), start, special).unwrap();
    let answers: Vec<Prediction> = decoder.rows(0).map(|row| prediction(&row)).collect();
    decoder.apply(&answers).unwrap();
    let answers: Vec<Prediction> = decoder.rows(0).map(|row| prediction(&row)).collect();
    let counted = measure(|| {
        let query = decoder.query();
        assert_eq!(query.rows.len(), answers.len());
        decoder.apply(&answers).unwrap();
    });
    counted.count_total
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
