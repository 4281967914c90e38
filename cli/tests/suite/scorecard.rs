use serde_json::Value;

use crate::run::{TINY, TemporaryFile, json, refuse, succeed};

fn scorecard<'a>(schedule: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base =
        ["scorecard", "--model", TINY, "--schedule", schedule, "--seeds", "3", "--backend", "reference"];
    [&base, more].concat()
}

fn example(name: &str) -> String {
    format!("{}/examples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// A reading by its property and instrument.
fn reading(report: &Value, property: usize, instrument: &str) -> Value {
    let readings = report["properties"][property]["readings"].as_array().unwrap();
    readings.iter().find(|reading| reading["instrument"] == instrument).unwrap().clone()
}

#[test]
fn every_property_has_the_papers_mark_and_readings_with_units() {
    let report = json(&scorecard(&example("four-per-call"), &[]));
    let properties = report["properties"].as_array().unwrap();
    let marks: Vec<&str> = properties.iter().map(|row| row["mark"].as_str().unwrap()).collect();
    assert_eq!(marks, ["partly", "has", "has", "has", "partly"], "a discrete model");
    assert_eq!((&report["family"], &report["runs"]), (&"discrete".into(), &3.into()));
    let slots = reading(&report, 2, "slots_per_call");
    assert_eq!((&slots["estimate"]["value"], &slots["unit"]), (&4.0.into(), &"slots per call".into()));
    // Twelve of sixteen slots at stake in four calls, 5.6 bits each at most.
    let stake = reading(&report, 4, "at_stake")["estimate"]["value"].as_f64().unwrap();
    assert!(stake > 5.0 && stake < 3.0 * 49_f64.log2(), "{stake}");
    assert!(reading(&report, 4, "damage")["estimate"]["standard_error"].as_f64().is_some());
    // What was never learned does not agree between orders.
    assert!(reading(&report, 4, "order_gap")["estimate"]["value"].as_f64().unwrap() > 0.1);
    // Its words are storyworld's, so its rules are known; random weights break many.
    assert!(reading(&report, 4, "violations")["estimate"]["value"].as_f64().unwrap() > 1.0);
}

#[test]
fn held_out_texts_tell_how_evenly_they_are_lost() {
    let schedule = example("sequential");
    let without = json(&scorecard(&schedule, &[]));
    assert!(reading(&without, 0, "peak_speed")["estimate"].is_null());
    let text = TemporaryFile::new("held-out", b"the red fox runs .\nThe dog sleeps.\n");
    let report = json(&scorecard(&schedule, &["--text", text.path(), "--samples", "32"]));
    let value = |instrument| reading(&report, 0, instrument)["estimate"]["value"].as_f64().unwrap();
    assert!((1.0..16.0).contains(&value("peak_speed")), "{}", value("peak_speed"));
    assert!((0.0..1.0).contains(&value("deviation")), "{}", value("deviation"));
    // The file does not say how often its tokens occur.
    assert!(reading(&report, 0, "heterogeneity")["estimate"].is_null());
    let gap = reading(&report, 1, "chain_gap")["estimate"].clone();
    let (off, error) = (gap["value"].as_f64().unwrap(), gap["standard_error"].as_f64().unwrap());
    assert!(error > 0.0 && off.abs() < 4.0 * error, "{gap}");
    assert_eq!(reading(&report, 1, "calls_to_state")["estimate"]["value"], 0.0);
    assert_eq!(reading(&report, 2, "repair")["estimate"]["value"], 0.0, "nothing is corrected");
    let correcting =
        TemporaryFile::new("correcting", br#"{"correction": {"rule": "gibbs", "slots": 4, "calls": 8}}"#);
    let report = json(&scorecard(correcting.path(), &["--text", text.path(), "--samples", "2"]));
    let net = reading(&report, 2, "repair")["estimate"]["value"].as_f64().unwrap();
    assert!(net < 0.0, "random weights break more than they mend: {net}");
    let table = succeed(&scorecard(&schedule, &["--text", text.path()]));
    assert!(table.lines().any(|line| line.starts_with("D1   partly   peak_speed")), "{table}");
}

#[test]
fn what_does_not_fit_is_one_sentence() {
    let text = TemporaryFile::new("one-passage", b"the red fox runs .\n");
    let sentence = refuse(&scorecard(&example("sequential"), &["--text", text.path()]));
    assert!(sentence.contains("at least two"), "{sentence}");
    let noise = br#"{"noise": {"kind": "uniform", "words": {"first": 2, "count": 9}},
        "parallelism": {"rule": "ancestral", "steps": 4, "schedule": "linear"}}"#;
    let schedule = TemporaryFile::new("noise", noise);
    assert!(refuse(&scorecard(schedule.path(), &[])).contains("noise `mask`"));
}

#[test]
fn a_model_of_gaussian_noise_has_a_card_of_its_own() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny-gaussian.gguf");
    let schedule = TemporaryFile::new("gaussian-schedule", br#"{"steps": 4}"#);
    let text = TemporaryFile::new("gaussian-text", b"the red fox runs .\nThe dog sleeps.\n");
    let report = json(&[
        "scorecard",
        "--model",
        model,
        "--schedule",
        schedule.path(),
        "--text",
        text.path(),
        "--seeds",
        "2",
        "--samples",
        "8",
        "--backend",
        "cpu",
    ]);
    assert_eq!((&report["family"], &report["schedule"]["steps"]), (&"continuous".into(), &4.into()));
    let value = |property, instrument| reading(&report, property, instrument)["estimate"]["value"].as_f64();
    assert_eq!(value(3, "symbol_share"), Some(0.0));
    assert!(value(0, "peak_speed").is_some_and(f64::is_finite) && value(0, "largest_jump").is_some());
    assert_eq!(value(1, "calls_to_state"), Some(1.0));
    assert!(value(1, "chain_gap").is_some() && value(2, "revised").is_some_and(|share| share >= 0.0));
    assert!(value(3, "rounding_gap").is_some_and(|gap| gap > 0.0));
    let error = reading(&report, 1, "path_surprise")["estimate"]["standard_error"].as_f64();
    assert!(value(1, "path_surprise").is_some_and(f64::is_finite) && error.is_some_and(|error| error > 0.0));
    let masks = example("four-per-call");
    let sentence = refuse(&["scorecard", "--model", model, "--schedule", &masks]);
    assert!(sentence.contains("no schedule of Gaussian noise"), "{sentence}");
}

#[test]
fn hidden_words_of_storyworld_are_unequal_and_distance_explains_some_of_it() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-mask/model.gguf");
    let schedule =
        TemporaryFile::new("many-per-call", br#"{"parallelism": {"rule": "slots_per_call", "slots": 32}}"#);
    let stories =
        b"One day, Ivy saw a dog. The dog ran to the pond.\nOne day, Ben saw a cat. The cat slept.\n";
    let text = TemporaryFile::new("stories", stories);
    let base = ["scorecard", "--model", model, "--schedule", schedule.path(), "--text", text.path()];
    let report = json(&[&base[..], &["--seeds", "2", "--samples", "2", "--backend", "cpu"]].concat());
    let value = |instrument| reading(&report, 0, instrument)["estimate"]["value"].as_f64().unwrap();
    assert!(value("heterogeneity") > 0.5, "{} bits", value("heterogeneity"));
    assert!((0.0..=1.0).contains(&value("by_distance")), "{}", value("by_distance"));
}
