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

#[test]
fn a_judge_tells_what_more_calls_are_worth() {
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny-autoregressive.gguf");
    let schedule = example("four-per-call");
    let report = json(&scorecard(&schedule, &["--judge", judge, "--distinct", "1"]));
    let points = report["quality"]["points"].as_array().unwrap();
    let calls: Vec<f64> = points.iter().map(|point| point["calls"].as_f64().unwrap()).collect();
    assert_eq!(calls, [4.0, 2.0, 1.0], "sixteen slots, 4, 8 and 16 per call");
    let of = |point: &Value, name: &str| {
        let [value, error] = ["value", "standard_error"].map(|of| point[name][of].as_f64().unwrap());
        assert!(error >= 0.0, "{name}: {point}");
        value
    };
    for point in points {
        let [bits, perplexity] = ["bits_per_token", "perplexity"].map(|name| of(point, name));
        assert!((perplexity - bits.exp2()).abs() < 1e-9 && bits > 1.0, "{point}");
        assert!(of(point, "entropy_bits") > 1.0 && of(point, "distinct_share") < 1.0, "{point}");
    }
    // By least squares over log2 of 4, 2 and 1: half the difference of the ends.
    let slope = (of(&points[0], "bits_per_token") - of(&points[2], "bits_per_token")) / 2.0;
    let reading = reading(&report, 2, "quality")["estimate"]["value"].as_f64().unwrap();
    assert!((reading - slope).abs() < 1e-9, "{reading}, by hand {slope}");
    assert!(report["quality"]["per_doubling"]["entropy_bits"]["value"].as_f64().is_some());
    let page = succeed(&scorecard(&schedule, &["--judge", judge]));
    assert!(page.contains("distinct 2-grams") && page.contains("per doubling"), "{page}");
    let threshold = TemporaryFile::new(
        "judged-threshold",
        br#"{"parallelism": {"rule": "threshold", "probability": 0.9}}"#,
    );
    assert!(refuse(&scorecard(threshold.path(), &["--judge", judge])).contains("cannot be halved"));
    assert!(refuse(&scorecard(&schedule, &["--judge", TINY])).contains("expected an autoregressive model"));
}

#[test]
fn all_processes_stand_on_one_axis_of_bits() {
    let schedule = example("four-per-call");
    let text = TemporaryFile::new("on-one-axis", b"the red fox runs .\nThe dog sleeps.\n");
    let with = |samples| {
        let base = ["scorecard", "--model", TINY, "--schedule", &schedule, "--text", text.path()];
        let more = ["--samples", samples, "--processes", "--seeds", "2", "--backend", "cpu"];
        [&base[..], &more].concat()
    };
    let report = json(&with("64"));
    let rows = report["bits_left"]["processes"].as_array().unwrap();
    let left = |row: &Value| -> Vec<f64> {
        let times = row["left"].as_array().unwrap();
        times.iter().map(|at| at["bits"]["value"].as_f64().unwrap()).collect()
    };
    let names: Vec<&str> = rows.iter().map(|row| row["process"]["process"].as_str().unwrap()).collect();
    assert_eq!(names, ["mask", "soft_mask", "surprisal_mask", "block", "candi"], "the file has no counts");
    let not_measured = report["bits_left"]["not_measured"].as_array().unwrap();
    assert!(not_measured[1].as_str().unwrap().starts_with("frequency_mask and gen_md4 were not measured"));
    for row in rows {
        let bits = left(row);
        assert!(bits.len() == 5 && bits.windows(2).all(|pair| pair[1] < pair[0]), "{row}");
    }
    // Drawn alike, so that pure noise leaves nothing at all.
    assert!([0, 2].iter().all(|&row| left(&rows[row])[4].abs() < 1e-9), "{:?}", left(&rows[2]));
    // Random weights: sixteen slots of about log2 49 bits, lost one by one. Of the block, which is the second quarter, too, but the
    // half behind it is gone and the quarter before it stays.
    let whole = left(&rows[0])[0];
    assert!((whole - 16.0 * 49_f64.log2()).abs() < 20.0, "{whole}");
    let share = |row: usize, at: usize| left(&rows[row])[at] / whole;
    assert!((share(0, 1) - 0.75).abs() < 0.1 && (share(0, 2) - 0.5).abs() < 0.1, "{}", share(0, 1));
    for (at, expected) in [(0, 0.5), (2, 0.375), (4, 0.25)] {
        assert!((share(3, at) - expected).abs() < 0.06, "{at}: {}", share(3, at));
    }
    assert_eq!(left(&rows[0]), left(&rows[1]), "soft masks leave what masks leave");
    assert!(share(4, 2) > share(0, 2) + 0.05, "noisy vectors tell more: {}", share(4, 2));
    assert!(succeed(&with("2")).contains("bits left at t ="));
    let uniform = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny-uniform.gguf");
    let noise = br#"{"noise": {"kind": "uniform", "words": {"first": 2, "count": 48}},
        "parallelism": {"rule": "ancestral", "steps": 4, "schedule": "linear"}}"#;
    let schedule = TemporaryFile::new("axis-noise", noise);
    let base = ["scorecard", "--model", uniform, "--schedule", schedule.path(), "--text", text.path()];
    let report = json(&[&base[..], &["--processes", "--seeds", "2", "--backend", "cpu"]].concat());
    let rows = report["bits_left"]["processes"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["process"]["process"]), (1, &"uniform".into()), "its own");
    assert_eq!(rows[0]["left"].as_array().unwrap().len(), 5);
    let autoregressive = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny-autoregressive.gguf");
    let schedule = TemporaryFile::new("axis-autoregressive", br#"{"order": "left_to_right"}"#);
    let base = ["scorecard", "--model", autoregressive, "--schedule", schedule.path()];
    let refused = refuse(&[&base[..], &["--text", text.path(), "--processes"]].concat());
    assert!(refused.contains("expected a model with a process, for --processes"), "{refused}");
}
