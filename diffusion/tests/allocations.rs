//! What a decoder allocates between two calls does not grow with the number of slots, but for lists that double.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use allocation_counter::measure;
use diffusion::decode::{DecodeSettings, Decoder, Order, Parallelism};
use diffusion::schedule::Schedule;
use diffusion::{Candidate, Prediction, Row, Sequence, SpecialTokens, TOP_CANDIDATES, TokenId};

/// Every kind of rule: by schedule, by what is predicted, and with a memory.
fn rules() -> [Parallelism; 6] {
    [
        Parallelism::SlotsPerCall { slots: 4 },
        Parallelism::Quota { steps: 8, schedule: Schedule::Cosine },
        Parallelism::Ancestral { steps: 8, schedule: Schedule::Linear },
        Parallelism::Factor { factor: 1.5 },
        Parallelism::EntropyBounded { nats: 0.7 },
        Parallelism::Stable { probability: 0.9, drift_nats: 0.01, calls: 2, slots: 1 },
    ]
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

#[test]
fn no_rule_allocates_for_each_slot() {
    for parallelism in rules() {
        let orders = match parallelism {
            Parallelism::Factor { .. } => vec![Order::Confidence], // no other has a say beside it
            _ => vec![Order::Random, Order::Confidence, Order::Halton],
        };
        for order in orders {
            let settings = DecodeSettings { parallelism, order, ..DecodeSettings::default() };
            let (few, many) = (allocations(&settings, 32), allocations(&settings, 512));
            // A list that doubles as it grows does so four times more often; there is a handful of such lists.
            assert!(many <= few + 40, "{parallelism:?}, {order:?}: {few} for 32 slots, {many} for 512");
            assert!(few > 0, "nothing was counted");
        }
    }
}
