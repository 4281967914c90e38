use diffusion::decode::{DecodeSettings, Parallelism, Trajectory, run, run_batch};
use diffusion::{Sequence, SlotState};
use pollster::block_on;

use crate::drawn_settings::{any_settings, calls_allowed};
use crate::runs::{by_hand, decoder, end, given, settings};
use crate::statistics::unit;
use crate::systems::{Table, chain, copy, ending, parity};

/// Whatever the settings, a run ends within the calls that its documentation states, keeps what is given, writes words
/// only, is the same for the same seed, alone or in a batch, goes through JSON, verifies, and can be taken up anywhere.
#[test]
fn any_settings_end_and_keep_their_promises() {
    let tables = [chain(), parity(), copy(), ending()];
    let starts =
        [[0, 0, 0, 0], [0, 4, 0, 0], [3, 0, 0, 0], [0, 0, 0, 2], [3, 4, 3, 4]].map(|text| given(&text));
    let (drawn, mut valid) = (2000, 0);
    for number in 0..drawn {
        let settings = any_settings(number);
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<DecodeSettings>(&json).unwrap(), settings, "{json}");
        if settings.validate().is_ok() {
            valid += 1;
            let table = &tables[number as usize % 4];
            keeps_its_promises(table, &starts[number as usize / 4 % 5], &settings, &json);
        }
    }
    assert!(valid > drawn * 9 / 10, "only {valid} of {drawn} settings were valid");
}

fn keeps_its_promises(table: &Table, start: &Sequence, settings: &DecodeSettings, json: &str) {
    let mut table = table.clone();
    let decoder = decoder(settings, start);
    let (finished, calls) = by_hand(&mut table, decoder.clone(), 200);
    let (least, most) = calls_allowed(settings, start);
    assert!(
        (least..=most).contains(&calls),
        "{calls} calls, documented {least} to {most}: {json}, {start:?}"
    );

    let alone = block_on(run(&mut table, decoder.clone())).unwrap();
    let batch = block_on(run_batch(&mut table, vec![decoder.clone(), decoder])).unwrap();
    assert!(batch[0] == batch[1], "the same seed gave two runs: {json}");
    if start.masked_count() > 0 {
        assert!(batch[0] == alone, "another run in a batch: {json}");
        assert_eq!(alone.steps.len(), calls, "{json}");
        assert_eq!(&end(&alone), finished.sequence(), "{json}");
    }
    for (before, after) in start.slots.iter().zip(&end(&alone).slots) {
        if before.state == SlotState::Given {
            assert_eq!(before, after, "{json}");
        } else {
            assert!(after.token.0 >= 2 && after.state == SlotState::Committed, "{json}: {after:?}");
        }
    }
    assert_eq!(alone.verify(), Ok(()), "{json}");
    let file = serde_json::to_string(&alone).unwrap();
    assert!(serde_json::from_str::<Trajectory>(&file).unwrap() == alone, "through JSON: {json}");
    for step in 0..=alone.steps.len() {
        let rest = block_on(run(&mut table, alone.fork(step).unwrap())).unwrap();
        assert!(rest.steps == alone.steps[step..], "taken up after {step} steps: {json}");
    }
}

/// Numbers of settings come back from JSON to the last bit, or else a stored run would not repeat itself.
#[test]
fn numbers_come_back_from_json_to_the_last_bit() {
    for number in 0..20_000 {
        let threshold = Parallelism::Threshold { probability: unit(number, 3) };
        let start_time = unit(number, 1) * unit(number, 2);
        let settings = DecodeSettings { start_time, ..settings(threshold) };
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<DecodeSettings>(&json).unwrap(), settings, "{json}");
    }
}
