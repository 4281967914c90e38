use storyworld::{Grammar, Story, StoryOptions, generate, log_probability};

use crate::run::{TINY, TemporaryFile, json, refuse, succeed};

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

/// Random weights of every family know nothing, and each bound says so in its own way.
#[test]
fn every_family_has_its_bound() {
    let text = TemporaryFile::new("eval-families", TEXT.as_bytes());
    for (name, estimator) in [
        ("autoregressive", "exact, by the chain rule"),
        ("uniform", "NELBO by Monte Carlo: exact in continuous time"),
        ("mask-uniform", "NELBO by Monte Carlo: exact in continuous time"),
        ("gaussian", "NELBO by Monte Carlo: squared errors"),
    ] {
        let model = format!("{}/../tests/golden/tiny-{name}.gguf", env!("CARGO_MANIFEST_DIR"));
        let arguments =
            ["eval", "--model", &model, "--text", text.path(), "--samples", "16", "--backend", "cpu"];
        let report = json(&arguments);
        assert!(report["estimator"].as_str().unwrap().starts_with(estimator), "{name}: {report}");
        let bits = report["bound"]["bits_per_token"]["value"].as_f64().unwrap();
        assert!(bits > 4.0 && bits < 1000.0, "{name}: {bits}");
        let error = report["bound"]["bits_per_token"]["standard_error"].as_f64().unwrap();
        assert_eq!(error > 0.0, name != "autoregressive", "{name}: {error}");
        assert!(report["truth"].is_null(), "{name} does not write storyworld");
    }
}

/// The shipped autoregressive model on stories that it never saw, beside their exact probabilities.
#[test]
fn storyworld_has_a_truth_to_be_far_from() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    let stories: Vec<Story> =
        (0..4).map(|seed| generate(grammar, options, 2_000_000_000 + seed).unwrap()).collect();
    let line = |story: &Story| {
        let words: Vec<&str> = story.words.iter().map(|&word| grammar.word(word)).collect();
        words.join(" ") + "\n"
    };
    let twice = "the the the .\n".to_owned();
    let lines: String = stories.iter().map(line).chain([twice]).collect();
    let text = TemporaryFile::new("eval-truth", lines.as_bytes());
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-ar/model.gguf");
    let report = json(&["eval", "--model", model, "--text", text.path(), "--backend", "cpu"]);
    let exact: f64 = stories.iter().map(|s| -log_probability(grammar, options, &s.words)).sum();
    let tokens: usize = stories.iter().map(|story| story.words.len() + 1).sum();
    let number = |path: &str| report.pointer(path).and_then(serde_json::Value::as_f64).unwrap();
    let expected = exact / std::f64::consts::LN_2 / tokens as f64;
    let found = number("/truth/exact/bits_per_token/value");
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
    assert_eq!(report["truth"]["outside"], 1);
    assert_eq!(report["truth"]["exact"]["texts"], 4);
    // A trained model is near the truth; single texts may fall on either side of it.
    let gap = number("/truth/gap/bits_per_token/value");
    assert!(gap.abs() < 0.5, "{gap}");
    assert!(number("/truth/gap/over_texts") > 0.0);
    let bytes: usize = lines.lines().map(str::len).sum();
    let bits = number("/bound/bits_per_token/value") * number("/bound/tokens");
    assert!((number("/bits_per_byte") - bits / bytes as f64).abs() < 1e-9);
    // Beside the five passages the sentence that is no story costs much.
    assert!(number("/bound/bits_per_token/value") > found + gap, "{report}");
}

/// The process is that of masks; the family in the file says which masks.
#[test]
fn a_model_that_hides_rare_words_first_is_measured_by_its_own_masks() {
    let text = TemporaryFile::new("eval-rare-first", b"Tom found a ball . he was glad .\n");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-mask-salience/model.gguf");
    let report =
        json(&["eval", "--model", model, "--text", text.path(), "--samples", "4", "--backend", "cpu"]);
    assert!(report["estimator"].as_str().unwrap().contains("GenMD4"), "{report}");
    assert!(report["bound"]["bits_per_token"]["value"].as_f64().unwrap() > 0.0);
    // Without the counts that its schedules go by it would be another process.
    let mut bytes = std::fs::read(model).unwrap();
    let key = b"unmask.token_counts";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
    bytes[at..at + key.len()].copy_from_slice(b"unmask.token_census");
    let nameless = TemporaryFile::new("rare-first-without-counts", &bytes);
    let sentence = refuse(&["eval", "--model", nameless.path(), "--text", text.path(), "--backend", "cpu"]);
    assert!(sentence.contains("found no counts"), "{sentence}");
}
