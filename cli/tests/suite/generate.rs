use crate::run::{TINY, TemporaryFile, json, refuse, succeed, unmask};

const REFERENCE: [&str; 5] = ["generate", "--model", TINY, "--backend", "reference"];

#[test]
fn a_prompt_stays_and_the_rest_is_written() {
    let text = succeed(&[&REFERENCE[..], &["--prompt", "The red fox", "--no-end", "--seed", "3"]].concat());
    assert!(text.starts_with("The red fox ") && !text.contains('_'), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_seed_is_a_text() {
    let with_seed = |seed| succeed(&[&REFERENCE[..], &["--no-end", "--seed", seed]].concat());
    assert_eq!(with_seed("1"), with_seed("1"));
    assert_ne!(with_seed("1"), with_seed("2"));
}

#[test]
fn back_ends_write_the_same_text() {
    let with_backend = |name| {
        let arguments = ["generate", "--model", TINY, "--no-end", "--seed", "5", "--backend", name];
        json(&arguments)
    };
    let (reference, cpu) = (with_backend("reference"), with_backend("cpu"));
    assert_eq!(reference["backend"]["name"], "reference");
    assert_eq!(cpu["backend"]["name"], "cpu");
    assert_eq!(reference["text"], cpu["text"]);
}

#[test]
fn slots_are_filled_in() {
    let report = json(&[&REFERENCE[..], &["--prompt", "the _ sees _ dog .", "--length", "6"]].concat());
    let start = report["trajectory"]["start"]["sequence"]["slots"].as_array().unwrap();
    let states: Vec<_> = start.iter().map(|slot| slot["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["given", "masked", "given", "masked", "given", "given"]);
    assert_eq!(report["trajectory"]["steps"].as_array().unwrap().len(), 2);
}

#[test]
fn the_trajectory_tells_all() {
    let settings = ["--steps", "4", "--schedule", "cosine", "--order", "confidence", "--temperature", "0.5"];
    let report = json(&[&REFERENCE[..], &settings, &["--seed", "9", "--top-k", "5"]].concat());
    let decode = &report["trajectory"]["settings"];
    assert_eq!(decode["seed"], 9);
    assert_eq!(decode["order"], "confidence");
    assert_eq!(decode["parallelism"], serde_json::json!({"rule": "quota", "steps": 4, "schedule": "cosine"}));
    assert_eq!((&decode["sampling"]["temperature"], &decode["sampling"]["top_k"]), (&0.5.into(), &5.into()));
    assert_eq!(report["model"]["name"], "tiny");
    assert_eq!(report["model"]["sha256"].as_str().unwrap().len(), 64);
    let trajectory: diffusion::Trajectory = serde_json::from_value(report["trajectory"].clone()).unwrap();
    assert_eq!(trajectory.verify(), Ok(()));
    assert_eq!(trajectory.sequence_at(trajectory.steps.len()).unwrap().masked_count(), 0);
    assert_eq!(trajectory.steps.len(), 4);
}

#[test]
fn a_text_is_corrupted_and_restored() {
    let prompt = "the red fox sees a cold river and the small bird sings over the old";
    let corrupt = ["--prompt", prompt, "--corrupt", "0.5", "--seed", "4"];
    let report = json(&[&REFERENCE[..], &corrupt].concat());
    let slots = report["trajectory"]["start"]["sequence"]["slots"].as_array().unwrap();
    let masked = slots.iter().filter(|slot| slot["state"] == "masked").count();
    assert!((2..=14).contains(&masked), "about half of 16 slots, found {masked}");
    assert_eq!(report["trajectory"]["settings"]["start_time"], 0.5);
}

#[test]
fn a_prompt_without_open_slots_comes_back_as_it_is() {
    let text = succeed(&[&REFERENCE[..], &["--prompt", "the dog runs .", "--length", "4"]].concat());
    assert_eq!(text, "The dog runs.\n");
}

#[test]
fn results_and_messages_go_apart() {
    let output = unmask(&[&REFERENCE[..], &["--length", "3", "--no-end"]].concat());
    assert_eq!(output.code, 0);
    assert!(output.stderr.starts_with("3 calls on reference in "), "{}", output.stderr);
}

#[test]
fn a_settings_file_says_what_the_arguments_would() {
    let file = TemporaryFile::new(
        "settings",
        br#"{"seed": 3, "order": "confidence", "parallelism": {"rule": "slots_per_call", "slots": 4}}"#,
    );
    let base = REFERENCE;
    let by_file = json(&[&base[..], &["--settings", file.path()]].concat());
    let more = ["--seed", "3", "--order", "confidence", "--parallelism", "4"];
    assert_eq!(by_file["trajectory"], json(&[&base[..], &more].concat())["trajectory"]);
    let both = unmask(&[&base[..], &["--settings", file.path(), "--seed", "4"]].concat());
    assert_eq!(both.code, 2, "one way or the other");
}

#[test]
fn a_remasking_run_ends_with_every_slot_written() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/remdm.json");
    let report = json(&[&REFERENCE[..], &["--settings", example]].concat());
    let steps = report["trajectory"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 32, "one call per step");
    assert!(!report["text"].as_str().unwrap().contains("[MASK]"));
}

#[test]
fn a_model_of_gaussian_noise_steps_back_to_words_and_keeps_the_prompt() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny-gaussian.gguf");
    let run = |seed| {
        let arguments =
            ["generate", "--model", model, "--prompt", "the red fox", "--length", "8", "--steps", "6"];
        json(&[&arguments[..], &["--seed", seed, "--backend", "cpu"]].concat())
    };
    let report = run("1");
    let steps = report["steps"].as_array().unwrap();
    assert_eq!((steps.len(), &steps[0]["time"]), (7, &1.0.into()), "six steps and the reading of tokens");
    assert!(report["text"].as_str().unwrap().to_lowercase().starts_with("the red fox"), "{}", report["text"]);
    assert!(steps.iter().all(|step| step["tokens"].as_array().unwrap().len() == 8));
    assert_eq!(report, run("1"));
    assert_ne!(report["steps"], run("2")["steps"]);
}

#[test]
fn a_pattern_holds_and_allowed_words_too_with_guidance_towards_the_prompt() {
    let guides = br#"{"scale": 0.5, "rules": [
        {"rule": "pattern", "span": {"start": 1, "end": 4}, "pattern": "(red )?(dog|fox)( (runs|sees)){1,2}"},
        {"rule": "allowed_words", "span": {"start": 4, "end": 5}, "words": ["."]}]}"#;
    let guides = TemporaryFile::new("guides", guides);
    for seed in ["1", "2", "3"] {
        let more = ["--prompt", "the", "--length", "5", "--seed", seed, "--guides", guides.path()];
        let report = json(&[&REFERENCE[..], &more].concat());
        let text = report["text"].as_str().unwrap().to_lowercase();
        let words: Vec<&str> = text.trim_end_matches('.').split(' ').collect();
        assert!(text.ends_with('.') && words[0] == "the" && words.len() == 4, "{text}");
        let begins = if words[1] == "red" { 2 } else { 1 };
        assert!(["dog", "fox"].contains(&words[begins]), "{text}");
        assert!(words[begins + 1..].iter().all(|word| ["runs", "sees"].contains(word)), "{text}");
        assert_eq!(report["guides"]["rules"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn the_checker_keeps_hot_texts_right() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-mask/model.gguf");
    let rule = br#"{"rules": [{"rule": "checker", "span": {"start": 0, "end": 12}, "candidates": 8}]}"#;
    let guides = TemporaryFile::new("checker", rule);
    let base = [
        "generate",
        "--model",
        shipped,
        "--backend",
        "cpu",
        "--length",
        "12",
        "--temperature",
        "2",
        "--order",
        "left-to-right",
    ];
    let broken = |more: &[&str]| {
        let report = json(&[&base[..], more].concat());
        let slots = report["trajectory"]["steps"].as_array().unwrap();
        let mut words = vec![None; 12];
        for commit in slots.iter().flat_map(|step| step["commits"].as_array().unwrap()) {
            let word = &report["vocabulary"][commit["token"].as_u64().unwrap() as usize];
            words[commit["slot"].as_u64().unwrap() as usize] = word.as_str();
        }
        let text: Vec<Option<&str>> = words.into_iter().take_while(|word| *word != Some("[EOS]")).collect();
        storyworld::check(storyworld::Grammar::storyworld(), &text).len()
    };
    let total = |more: &[&str]| -> usize {
        ["1", "2"].iter().map(|seed| broken(&[&["--seed", seed], more].concat())).sum()
    };
    let (free, checked) = (total(&[]), total(&["--guides", guides.path()]));
    assert!(free > 2 * checked, "{free} broken rules without the checker, {checked} with it");
}

#[test]
fn guidance_that_makes_no_sense_is_one_sentence() {
    for (name, text, part) in [
        ("no-guides", "[", "is no guidance"),
        ("scale", r#"{"scale": -1}"#, "scale"),
        (
            "pattern",
            r#"{"rules": [{"rule": "pattern", "span": {"start": 0, "end": 2}, "pattern": "("}]}"#,
            "pattern",
        ),
        ("span", r#"{"rules": [{"rule": "checker", "span": {"start": 9, "end": 99}}]}"#, "span"),
        (
            "word",
            r#"{"rules": [{"rule": "allowed_words", "span": {"start": 0, "end": 1}, "words": ["x"]}]}"#,
            "\"x\"",
        ),
    ] {
        let file = TemporaryFile::new(name, text.as_bytes());
        let sentence = refuse(&[&REFERENCE[..], &["--guides", file.path()]].concat());
        assert!(sentence.contains(part), "{sentence}");
    }
    // No verb of the pattern fits the slot: found when the call is made.
    let none = r#"{"rules": [{"rule": "pattern", "span": {"start": 0, "end": 1}, "pattern": "dog dog"}]}"#;
    let file = TemporaryFile::new("impossible", none.as_bytes());
    let output = unmask(&[&REFERENCE[..], &["--guides", file.path()]].concat());
    assert!(output.code != 0 && output.stderr.contains("slot "), "{}", output.stderr);
}
