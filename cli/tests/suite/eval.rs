use crate::run::{TINY, TemporaryFile, json, succeed};

const TEXT: &str = "the red fox runs .\n\na cold river and the small bird sings over the old house today !\nThe dog sleeps.\n";

#[test]
fn the_bound_comes_with_its_error_and_its_estimator() {
    let text = TemporaryFile::new("eval", TEXT.as_bytes());
    let arguments =
        ["eval", "--model", TINY, "--text", text.path(), "--samples", "8", "--backend", "reference"];
    let report = json(&arguments);
    let number = |path: &str| report.pointer(path).and_then(serde_json::Value::as_f64).unwrap();
    // Random weights know nothing: more bits than a uniform guess among 49 words.
    let bits = number("/bound/bits_per_token/value");
    assert!(bits > 49f64.log2() && bits < 200.0, "{bits}");
    assert!(number("/bound/bits_per_token/standard_error") > 0.0);
    assert_eq!(report["bound"]["tokens"], 6 + 15 + 5);
    assert_eq!(report["bound"]["bits_per_token"]["samples"], 3 * 8);
    assert!(report["estimator"].as_str().unwrap().starts_with("NELBO by Monte Carlo"));
    let lines: Vec<_> = report["passages"].as_array().unwrap().iter().map(|p| p["line"].clone()).collect();
    assert_eq!(lines, [1, 3, 4]);

    let page = succeed(&arguments);
    assert!(page.starts_with(&format!("{bits:.4} ± ")), "{page}");
    assert!(page.contains(" bits per token\n") && page.contains("NELBO"), "{page}");
}

#[test]
fn a_seed_is_a_number_and_another_seed_is_near_it() {
    let text = TemporaryFile::new("eval-seed", TEXT.as_bytes());
    let bound = |seed| {
        let arguments =
            ["eval", "--model", TINY, "--text", text.path(), "--seed", seed, "--backend", "reference"];
        let report = json(&arguments)["bound"]["bits_per_token"].clone();
        (report["value"].as_f64().unwrap(), report["standard_error"].as_f64().unwrap())
    };
    let (first, second) = (bound("1"), bound("2"));
    assert_eq!(first, bound("1"));
    assert_ne!(first, second);
    let distance = (first.0 - second.0).abs();
    assert!(distance < 5.0 * first.1.hypot(second.1), "{first:?} {second:?}");
}

#[test]
fn passages_longer_than_the_window_are_counted() {
    let text =
        TemporaryFile::new("eval-long", format!("{}\n{}\n", "the ".repeat(15), "the ".repeat(16)).as_bytes());
    let arguments =
        ["eval", "--model", TINY, "--text", text.path(), "--samples", "2", "--backend", "reference"];
    let report = json(&arguments);
    assert_eq!((&report["bound"]["texts"], &report["too_long"]), (&1.into(), &1.into()));
    assert!(succeed(&arguments).contains("1 passages are longer than the window and were left out"));
}
