use crate::run::{json, refuse, succeed};

/// The points of the table whose quantity begins so.
fn points(report: &serde_json::Value, quantity: &str) -> Vec<(f64, f64)> {
    let tables = report.as_array().unwrap();
    let table =
        tables.iter().find(|table| table["quantity"].as_str().unwrap().starts_with(quantity)).unwrap();
    serde_json::from_value(table["points"].clone()).unwrap()
}

#[test]
fn the_two_sentences_have_their_published_numbers() {
    let report = json(&["exact", "two-sentences"]);
    let near = |found: &[(f64, f64)], expected: &[f64]| {
        found.len() == expected.len() && found.iter().zip(expected).all(|((_, a), b)| (a - b).abs() < 6e-5)
    };
    assert!(near(&points(&report, "P(unseen) when"), &[0.0, 0.5, 0.75]));
    let mask: Vec<f64> = [1, 2, 4, 8, 16, 32].map(|steps| 0.75 / f64::from(steps)).to_vec();
    assert!(near(&points(&report, "P(unseen), ancestral, mask"), &mask));
    let wrong = points(&report, "P(unseen), ancestral, uniform, posterior wrongly");
    assert!(near(&wrong, &[0.75, 0.4024, 0.2211, 0.1337, 0.0867, 0.0585]), "{wrong:?}");
    let left = points(&report, "information left in bits, mask");
    assert!(left.iter().all(|(t, bits)| (bits - (1.0 - t.powi(3))).abs() < 1e-9), "{left:?}");
}

#[test]
fn a_weight_changes_the_numbers_and_the_chain_has_its_own() {
    let report = json(&["exact", "two-sentences", "--weight", "0.9"]);
    let [_, (_, two), (_, three)] = points(&report, "P(unseen) when")[..] else {
        unreachable!("three points")
    };
    assert!((two - 0.18).abs() < 1e-9 && (three - 0.27).abs() < 1e-9);
    let page = succeed(&["exact", "markov"]);
    assert!(page.contains("entropy rate in bits per word\n  by flip  0.1: 0.4690\n"), "{page}");
    assert!(succeed(&["exact"]).contains("two-sentences"));
}

#[test]
fn what_is_no_probability_is_refused() {
    assert!(refuse(&["exact", "markov", "--flip", "1"]).contains("flip: found 1"));
    assert!(refuse(&["exact", "two-sentences", "--weight", "nan"]).contains("weight: found NaN"));
}
