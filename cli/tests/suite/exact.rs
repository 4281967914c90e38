use crate::run::{json, refuse, succeed, unmask};

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

fn values(report: &serde_json::Value, quantity: &str) -> Vec<f64> {
    points(report, quantity).into_iter().map(|(_, value)| value).collect()
}

fn near(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < tolerance)
}

#[test]
fn temperature_and_remasking_have_their_published_numbers() {
    let report = json(&["exact", "two-sentences", "--weight", "0.7"]);
    for (temperature, expected) in
        [("1", [0.0, 0.42, 0.63]), ("0.5", [0.0, 0.262, 0.393]), ("0.2", [0.0, 0.028, 0.042])]
    {
        let quantity = format!("P(unseen) when k slots go in the first call, temperature {temperature}");
        let found = values(&report, &quantity);
        assert!(near(&found, &expected, 6e-4), "{temperature}: {found:?}");
    }
    let report = json(&["exact", "two-sentences"]);
    for (cap, expected) in [
        ("0.02", [0.75, 0.375, 0.1857, 0.0908, 0.0436, 0.0206]),
        ("0.3", [0.75, 0.375, 0.1758, 0.0876, 0.0486, 0.0279]),
    ] {
        let found = values(&report, &format!("P(unseen), ReMDM, cap {cap}"));
        assert!(near(&found, &expected, 6e-5), "{cap}: {found:?}");
    }
}

#[test]
fn the_chain_tells_what_a_masked_word_costs() {
    let found = values(&json(&["exact", "markov"]), "L(t)");
    assert!(near(&found, &[0.2579, 0.3138, 0.4057, 0.5799, 1.0], 6e-5), "{found:?}");
}

#[test]
fn lists_and_disjoint_sentences_have_their_closed_forms() {
    let report = json(&["exact", "lists", "--length", "4"]);
    assert!(near(&values(&report, "total correlation in bits, copy"), &[0.0; 4], 1e-9));
    let replaced = values(&report, "total correlation in bits, replace one");
    assert!(near(&replaced[1..], &[1.0, 1.170, 1.245], 6e-4), "(n - 1)(log2 n - log2 (n - 1)): {replaced:?}");
    let shuffled = values(&report, "total correlation in bits, shuffle");
    assert!(near(&shuffled, &[0.0, 1.0, 2.170, 3.415], 6e-4), "{shuffled:?}");
    let right = values(&report, "P(right), 4 shuffled elements");
    assert!(right[0] == 1.0 && near(&right[3..], &[0.09375], 1e-9), "{right:?}");
    let report = json(&["exact", "disjoint", "--count", "4", "--length", "3"]);
    assert!(near(&values(&report, "P(unseen) when"), &[0.0, 0.75, 0.9375], 1e-9));
    assert!(near(&values(&report, "total correlation in bits"), &[0.0, 2.0, 4.0], 1e-9));
    assert_eq!(unmask(&["exact", "lists", "--length", "9"]).code, 2, "9! orders are too many");
}
