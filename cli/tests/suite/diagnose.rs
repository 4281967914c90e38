use crate::run::{TINY, TemporaryFile, json, refuse, succeed, unmask};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/");
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-mask/model.gguf");

fn diagnose<'a>(schedule: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base =
        ["diagnose", "--model", TINY, "--schedule", schedule, "--seeds", "3", "--backend", "reference"];
    [&base, more].concat()
}

fn example(name: &str) -> String {
    format!("{EXAMPLES}{name}.json")
}

#[test]
fn the_sequential_schedule_is_its_own_baseline() {
    let report = json(&diagnose(&example("sequential"), &[]));
    for line in report["measures"].as_array().unwrap() {
        assert_eq!(line["schedule"], line["baseline"], "{line}");
        assert_eq!(line["difference"]["value"], 0.0, "{line}");
    }
    assert_eq!(report["texts"], 3);
}

#[test]
fn several_slots_per_call_are_fewer_calls_and_something_is_at_stake() {
    let report = json(&diagnose(&example("four-per-call"), &[]));
    let line = |name: &str| {
        let lines = report["measures"].as_array().unwrap();
        lines.iter().find(|line| line["name"] == name).unwrap().clone()
    };
    assert_eq!(line("calls")["schedule"]["value"], 4.0, "16 slots");
    assert_eq!(line("calls")["difference"]["value"], -12.0);
    let stake = &line("stake")["schedule"];
    // Random weights are nearly even over 49 words: 12 of 16 slots at stake, 5.6 bits each at most.
    let bits = stake["value"].as_f64().unwrap();
    assert!(bits > 20.0 && bits < 12.0 * 49f64.log2(), "{bits}");
    for name in ["damage", "median_damage", "pair_damage", "order_gap"] {
        let [found, one_by_one] = ["schedule", "baseline"].map(|of| line(name)[of].clone());
        assert!(found["standard_error"].as_f64().unwrap() > 0.0, "{name}: {found}");
        assert_eq!(one_by_one["value"], 0.0, "{name}: nothing is committed together");
    }
    let side = stake["half_width"].as_f64().unwrap() / stake["standard_error"].as_f64().unwrap();
    assert!((side - 1.96).abs() < 1e-9);
}

#[test]
fn a_passed_limit_ends_with_three_and_names_both_numbers() {
    let schedule = example("four-per-call");
    let output = unmask(&diagnose(&schedule, &["--max-stake", "0.5", "--max-calls", "4"]));
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(output.stderr.contains("stake: found ") && output.stderr.contains("expected at most 0.5"));
    assert!(output.stdout.contains("passed: stake at most 0.5\n"), "{}", output.stdout);
    assert!(output.stdout.contains("kept:   calls at most 4\n"));
    let kept = succeed(&diagnose(&schedule, &["--max-calls", "4", "--min-entropy", "0.1"]));
    assert!(kept.contains("kept:   entropy at least 0.1\n"), "{kept}");
}

#[test]
fn a_limit_that_is_no_number_is_never_kept() {
    assert_eq!(unmask(&diagnose(&example("sequential"), &["--max-calls", "nan"])).code, 3);
}

#[test]
fn storyworld_has_violations_and_unseen_grams() {
    let schedule = example("remdm");
    let arguments =
        ["diagnose", "--model", SHIPPED, "--schedule", &schedule, "--seeds", "2", "--backend", "cpu"];
    let report = json(&arguments);
    let names: Vec<_> = report["measures"].as_array().unwrap().iter().map(|m| m["name"].clone()).collect();
    for name in ["violations", "unseen", "collapse"] {
        assert!(names.contains(&name.into()), "{names:?}");
    }
}

/// Next to a prompt less is open than far from it, and the commonest words are all that is left there.
#[test]
fn several_prompts_tell_how_predictions_collapse_with_distance() {
    let prompts = TemporaryFile::new(
        "prompts",
        b"One day, Ivy saw a dog\nOne day, Ben had a red\nOne day, Tom was in the\n",
    );
    let schedule =
        TemporaryFile::new("collapse", br#"{"parallelism": {"rule": "slots_per_call", "slots": 64}}"#);
    let base = ["diagnose", "--model", SHIPPED, "--schedule", schedule.path(), "--prompts", prompts.path()];
    let arguments = [&base[..], &["--seeds", "2", "--backend", "cpu"]].concat();
    let report = json(&arguments);
    let collapse = report["collapse"].as_array().unwrap();
    let at = |distance: u32| {
        let line = collapse.iter().find(|line| line["distance"] == distance).unwrap();
        ["entropy_bits", "collapsed", "kl_bits"].map(|of| line[of]["value"].as_f64().unwrap())
    };
    assert!(at(1)[0] < at(16)[0] && at(1)[1] <= at(16)[1], "{:?}, {:?}", at(1), at(16));
    assert!(collapse.iter().all(|line| line["entropy_bits"]["samples"] == 3), "a prompt is one draw");
    assert!(at(1)[2] > at(16)[2], "{:?}, {:?}", at(1), at(16));
    let falls = &report["e_folding_slots"];
    assert!(falls["value"].as_f64().unwrap() > 0.0 && falls["samples"] == 3, "{falls}");
    assert!(succeed(&arguments).contains("entropy, bits"));
    let alone = json(&diagnose(&example("sequential"), &[]));
    assert!(alone.get("collapse").is_none(), "one prompt tells no error");
}

#[test]
fn a_schedule_that_is_none_is_refused() {
    for (name, text, part) in [
        ("no-json", "{", "is no schedule"),
        ("unknown", r#"{"sead": 1}"#, "sead"),
        ("range", r#"{"parallelism": {"rule": "threshold", "probability": 2}}"#, "probability: found 2"),
        ("together", r#"{"remasking": {"rule": "cap", "eta": 0.1}}"#, "remasking"),
    ] {
        let file = TemporaryFile::new(name, text.as_bytes());
        let sentence = refuse(&diagnose(file.path(), &[]));
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
fn every_family_can_be_put_under_test() {
    let uniform = r#"{"noise": {"kind": "uniform", "words": {"first": 2, "count": 48}},
        "parallelism": {"rule": "ancestral", "steps": 4, "schedule": "linear"}}"#;
    let (left_to_right, vectors) = (r#"{"order": "left_to_right"}"#, r#"{"steps": 3}"#);
    // The steps of noise, and the call that reads vectors off.
    for (name, text, calls) in
        [("uniform", uniform, 4.0), ("autoregressive", left_to_right, 16.0), ("gaussian", vectors, 4.0)]
    {
        let model = format!("{}/../tests/golden/tiny-{name}.gguf", env!("CARGO_MANIFEST_DIR"));
        let schedule = TemporaryFile::new(&format!("schedule-{name}"), text.as_bytes());
        let base = ["diagnose", "--model", &model, "--schedule", schedule.path()];
        let report = json(&[&base[..], &["--seeds", "2", "--backend", "cpu"]].concat());
        let lines = report["measures"].as_array().unwrap();
        let calls_line = lines.iter().find(|line| line["name"] == "calls").unwrap();
        assert_eq!(calls_line["schedule"]["value"], calls, "{name}");
        let baseline = calls_line["baseline"]["value"].as_f64().unwrap();
        assert!((16.0..=17.0).contains(&baseline), "{name}: one slot per call, {baseline}");
        assert!(lines.iter().any(|line| line["name"] == "violations"), "{name}");
    }
}

#[test]
fn a_diagnosis_that_was_cut_goes_on_where_it_was() {
    let schedule = example("four-per-call");
    let keep = TemporaryFile::new("diagnose-keep", b"");
    std::fs::remove_file(keep.path()).unwrap();
    let whole = json(&diagnose(&schedule, &["--keep", keep.path()]));
    let kept = std::fs::read_to_string(keep.path()).unwrap();
    assert_eq!(kept.lines().count(), 1 + 3 + 3, "what it is of, and a line per text: {kept}");
    // Two texts and a half are left; what is there is believed, so it was not measured again.
    let cut = kept.match_indices('\n').nth(2).unwrap().0 + 20;
    let marked = kept[..cut].replacen(r#""duplicates":"#, r#""duplicates":900"#, 1);
    std::fs::write(keep.path(), &marked).unwrap();
    let again = json(&diagnose(&schedule, &["--keep", keep.path()]));
    let value = |report: &serde_json::Value, name: &str| {
        let lines = report["measures"].as_array().unwrap();
        lines.iter().find(|line| line["name"] == name).unwrap()["schedule"]["value"].as_f64().unwrap()
    };
    assert_eq!(value(&again, "stake"), value(&whole, "stake"));
    assert!(value(&again, "duplicates") > 300.0, "{}", value(&again, "duplicates"));
    std::fs::write(keep.path(), kept.replace(r#""pair_damage_bits""#, r#""order_gap_bits""#)).unwrap();
    let older = refuse(&diagnose(&schedule, &["--keep", keep.path()]));
    assert!(older.contains("holds another diagnosis: found other texts"), "{older}");
    let other = refuse(&diagnose(&example("sequential"), &["--keep", keep.path()]));
    assert!(other.contains("holds another diagnosis: found other schedule"), "{other}");
}

#[test]
fn edited_prompts_or_another_back_end_are_another_diagnosis() {
    let schedule = example("four-per-call");
    let prompts = TemporaryFile::new("keep-prompts", b"the red fox\nthe old dog\n");
    let keep = TemporaryFile::new("keep-with-prompts", b"");
    std::fs::remove_file(keep.path()).unwrap();
    let arguments = diagnose(&schedule, &["--keep", keep.path(), "--prompts", prompts.path()]);
    succeed(&arguments);
    let on_cpu: Vec<&str> =
        arguments.iter().map(|&word| if word == "reference" { "cpu" } else { word }).collect();
    assert!(refuse(&on_cpu).contains("holds another diagnosis: found other backend"));
    std::fs::write(prompts.path(), "the red fox\nthe old bird\n").unwrap();
    assert!(refuse(&arguments).contains("holds another diagnosis: found other prompts"));
}

/// Enough texts for several to have four words.
fn of_sixteen<'a>(schedule: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = ["diagnose", "--model", TINY, "--schedule", schedule, "--seeds", "16", "--backend", "cpu"];
    [&base, more].concat()
}

#[test]
fn texts_of_the_language_say_what_is_unseen_and_common() {
    let schedule = example("four-per-call");
    let reference = TemporaryFile::new("reference", b"the red fox runs .\nThe dog sleeps.\n");
    let other = TemporaryFile::new("held-out-other", b"fox the red dog\nruns sleeps the red\n");
    let value = |held_out: &TemporaryFile, name: &str| {
        let files = ["--reference", reference.path(), "--held-out", held_out.path()];
        let report = json(&of_sixteen(&schedule, &files));
        assert!(report.get("not_measured").is_none());
        let lines = report["measures"].as_array().unwrap();
        lines.iter().find(|line| line["name"] == name).unwrap()["schedule"]["value"].as_f64().unwrap()
    };
    // Held-out texts that are the reference have nothing unseen, the others nothing else.
    let (above_none, above_all) = (value(&reference, "unseen"), value(&other, "unseen"));
    assert!((above_none - above_all - 1.0).abs() < 1e-12 && above_none > 0.5, "{above_none}, {above_all}");
    // Eight of 51 words are in the reference, and random weights like none of them.
    let common = value(&reference, "collapse");
    assert!((0.0..0.6).contains(&common), "{common}");
    let kept = ["--reference", reference.path(), "--held-out", other.path(), "--max-unseen", "0"];
    assert!(succeed(&of_sixteen(&schedule, &kept)).contains("kept:   unseen at most 0\n"));
    let passed = ["--reference", reference.path(), "--held-out", reference.path(), "--max-unseen", "0.5"];
    assert_eq!(unmask(&of_sixteen(&schedule, &passed)).code, 3);
}

#[test]
fn other_texts_and_longer_grams_are_another_diagnosis() {
    let schedule = example("four-per-call");
    let reference = TemporaryFile::new("keep-reference", b"the red fox runs .\n");
    let keep = TemporaryFile::new("keep-with-reference", b"");
    std::fs::remove_file(keep.path()).unwrap();
    let arguments = diagnose(&schedule, &["--keep", keep.path(), "--reference", reference.path()]);
    succeed(&arguments);
    let longer = [&arguments[..], &["--distinct", "3"]].concat();
    assert!(refuse(&longer).contains("holds another diagnosis: found other distinct"));
    std::fs::write(reference.path(), "the dog sleeps .\n").unwrap();
    assert!(refuse(&arguments).contains("holds another diagnosis: found other reference"));
}

#[test]
fn longer_grams_are_more_often_distinct() {
    let schedule = example("four-per-call");
    let share = |words: &str| {
        let report = json(&of_sixteen(&schedule, &["--distinct", words]));
        let lines = report["measures"].as_array().unwrap();
        let line = lines.iter().find(|line| line["name"] == "distinct").unwrap();
        line["schedule"]["value"].as_f64().unwrap()
    };
    let shares = ["1", "2", "4"].map(share);
    assert!(shares[0] < shares[1] && shares[1] < shares[2], "{shares:?}");
    assert_eq!(unmask(&diagnose(&schedule, &["--distinct", "5"])).code, 2);
}
