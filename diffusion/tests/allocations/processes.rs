use allocation_counter::measure;
use diffusion::TokenId;
use diffusion::process::{ForwardProcess, ProcessDescription, Setting, Words};
use diffusion::random::{Purpose, Stream};

use crate::check;

const DESCRIPTIONS: [&str; 7] = [
    r#"{"process":"mask"}"#,
    r#"{"process":"uniform"}"#,
    r#"{"process":"mask_uniform"}"#,
    r#"{"process":"frequency_mask"}"#,
    r#"{"process":"surprisal_mask"}"#,
    r#"{"process":"gen_md4"}"#,
    r#"{"process":"block","width":4}"#,
];

/// Corrupts a text twice, the process made once.
fn allocations(json: &str, slots: usize) -> u64 {
    let description: ProcessDescription = serde_json::from_str(json).unwrap();
    let surprisals: Vec<f64> = (0..slots).map(|slot| 0.5 + (slot % 7) as f64).collect();
    let setting = Setting {
        mask: TokenId(0),
        words: Words { first: 1, count: 3 },
        counts: &[0, 90, 9, 1],
        exponents: &[1.0, 2.0, 0.5, 1.0],
        surprisals_nats: &surprisals,
    };
    let counted = measure(|| {
        let process = description.of_text(slots, &setting).unwrap().expect("states are tokens");
        let mut changed = Vec::with_capacity(slots);
        for (slot, t) in (0..slots as u32).flat_map(|slot| [(slot, 0.3), (slot, 0.9)]) {
            let stream = &mut Stream::new(1, 0, slot, Purpose::Sample);
            changed.push(process.at(slot).sample(TokenId(1 + slot % 3), t, stream));
        }
        assert!(
            changed.len() == 2 * slots
                && changed.iter().any(|token| token.0 == 0 || json.contains("uniform"))
        );
    });
    counted.count_total
}

#[test]
fn no_described_process_allocates_for_each_slot() {
    for json in DESCRIPTIONS {
        check(json, |slots| allocations(json, slots));
    }
}
