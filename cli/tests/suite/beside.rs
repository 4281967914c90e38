use crate::run::{TINY, TemporaryFile, json, refuse, succeed, unmask};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/");
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/");

/// Slots that are committed in one call.
fn at_once(name: &str, slots: u32) -> TemporaryFile {
    let schedule = format!(r#"{{"parallelism": {{"rule": "slots_per_call", "slots": {slots}}}}}"#);
    TemporaryFile::new(name, schedule.as_bytes())
}

/// A measure's mean of the schedule and of the baseline.
fn means(report: &serde_json::Value, name: &str) -> [f64; 2] {
    let lines = report["measures"].as_array().unwrap();
    let line =
        lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name} in {lines:?}"));
    ["schedule", "baseline"].map(|of| line[of]["value"].as_f64().unwrap())
}

/// The beginning of a long story that is right, which leaves so many of 64 slots open.
fn story(open: usize) -> String {
    let grammar = storyworld::Grammar::storyworld();
    let story = |seed| storyworld::generate(grammar, storyworld::StoryOptions::default(), seed);
    let longest = (0..1000).filter_map(story).max_by_key(|story| story.words.len()).unwrap();
    longest.words[..64 - open].iter().map(|&word| grammar.word(word)).collect::<Vec<_>>().join(" ")
}

fn diagnose<'a>(model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["diagnose", "--model", model, "--seeds", "2", "--backend", "cpu"], more].concat()
}

#[test]
fn guidance_shows_every_sequence_twice_and_so_does_its_baseline() {
    let schedule = at_once("guided-schedule", 4);
    let guides = TemporaryFile::new("guided-scale", br#"{"scale": 1.5}"#);
    let prompts = TemporaryFile::new("guided-prompts", b"the red fox sees\nthe old dog runs\n");
    let more = ["--schedule", schedule.path(), "--guides", guides.path(), "--prompts", prompts.path()];
    let arguments = diagnose(TINY, &more);
    let report = json(&arguments);
    assert_eq!(report["guides"]["scale"], 1.5);
    assert_eq!(report["texts"], 4, "two prompts, two seeds");
    // Twelve of sixteen slots are open.
    assert_eq!(means(&report, "calls"), [3.0, 12.0]);
    assert_eq!(means(&report, "sequences"), [6.0, 24.0]);
    let plain = json(&diagnose(TINY, &[more[0], more[1], more[4], more[5]]));
    assert_eq!(means(&plain, "sequences"), [3.0, 12.0]);
    assert_ne!(means(&plain, "stake"), means(&report, "stake"), "guidance changes what is expected");
    assert!(succeed(&arguments).contains("under guides, and so is one per call: scale 1.5, 0 rules\n"));
    let limited = unmask(&[&arguments[..], &["--max-calls", "3", "--max-sequences", "5"]].concat());
    assert_eq!(limited.code, 3, "{}", limited.stderr);
    assert!(limited.stderr.contains("sequences: found 6.0000, expected at most 5"), "{}", limited.stderr);
}

/// Two words that are drawn together break a pattern that each keeps alone: the text is finished, and what the second was worth
/// behind the first is nothing.
#[test]
fn words_that_break_a_rule_together_are_told_as_damage() {
    let guides = br#"{"rules": [{"rule": "pattern", "span": {"start": 0, "end": 3},
        "pattern": "the dog runs|a fox sees|old birds sing"}]}"#;
    let guides = TemporaryFile::new("together-guides", guides);
    let schedule = at_once("together-schedule", 16);
    let more = ["--schedule", schedule.path(), "--guides", guides.path(), "--seeds", "6"];
    let report = json(&[&["diagnose", "--model", TINY, "--backend", "cpu"], &more[..]].concat());
    let [clipped, one_by_one] = means(&report, "clipped");
    assert!(clipped > 0.0 && one_by_one == 0.0, "{clipped}, {one_by_one}");
    assert_eq!(means(&report, "damage")[1], 0.0, "the baseline keeps the rule word by word");
}

#[test]
fn the_checker_is_under_test_on_the_shipped_model() {
    let model = format!("{MODELS}storyworld-mask/model.gguf");
    let hot = br#"{"order": "left_to_right", "sampling": {"temperature": 2.0},
        "parallelism": {"rule": "slots_per_call", "slots": 2}}"#;
    let schedule = TemporaryFile::new("checker-schedule", hot);
    let rule = br#"{"rules": [{"rule": "checker", "span": {"start": 52, "end": 64}}]}"#;
    let guides = TemporaryFile::new("checker-guides", rule);
    // Ten slots are open, for the end of the question and its answer.
    let prompt = br#"one day , Max played with a kite and Ben played with a purple ball . " may I have your kite ? "
asked Ben . " of course , " said Max . now Max had the ball and Ben had the kite . they were very thankful . who had the"#;
    let prompt: Vec<u8> = prompt.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect();
    let prompts = TemporaryFile::new("checker-prompts", &prompt);
    let free = diagnose(&model, &["--schedule", schedule.path(), "--prompts", prompts.path()]);
    let checked = json(&[&free[..], &["--guides", guides.path()]].concat());
    let free = json(&free);
    let [of_free, of_checked] = [&free, &checked].map(|report| means(report, "violations"));
    assert!(of_free.iter().all(|broken| *broken >= 1.0), "{of_free:?}");
    assert_eq!(of_checked, [0.0, 0.0], "the baseline is under the checker too");
}

#[test]
fn every_hybrid_is_measured_beside_the_mask_model_alone() {
    let [model, autoregressive] = ["mask", "ar"].map(|name| format!("{MODELS}storyworld-{name}/model.gguf"));
    let four = at_once("hybrid-four", 4);
    let prompts = TemporaryFile::new("hybrid-prompts", story(8).as_bytes());
    // Calls and sequences of the mask model and of the other, where they are known.
    for (name, text, schedule, exact) in [
        ("speculative", r#"{"hybrid": "speculative", "window": 3}"#, None, None),
        ("verified", r#"{"hybrid": "speculative", "window": 3, "sequential_draft": true}"#, None, None),
        ("adaptive", r#"{"hybrid": "adaptive", "window": 3, "seed": 5}"#, None, None),
        ("rerank", r#"{"hybrid": "rerank", "candidates": 3}"#, Some(&four), Some([2.0, 6.0, 1.0, 3.0])),
        (
            "edlm",
            r#"{"hybrid": "edlm", "candidates": 3, "window": 1.0}"#,
            Some(&four),
            Some([2.0, 6.0, 2.0, 6.0]),
        ),
    ] {
        let hybrid = TemporaryFile::new(&format!("tested-{name}"), text.as_bytes());
        let beside = ["--hybrid", hybrid.path(), "--ar", &autoregressive, "--prompts", prompts.path()];
        let schedule = schedule.map(|file| ["--schedule", file.path()]);
        let more = [&beside[..], schedule.as_ref().map_or(&[], |schedule| &schedule[..])].concat();
        let report = json(&diagnose(&model, &more));
        let asked = ["calls", "sequences", "ar_calls", "ar_sequences"].map(|of| means(&report, of));
        assert_eq!(asked.map(|[_, baseline]| baseline), [8.0, 8.0, 0.0, 0.0], "{name}: the mask model alone");
        let tested = asked.map(|[tested, _]| tested);
        match exact {
            Some(exact) => assert_eq!(tested, exact, "{name}"),
            None => assert!(tested.iter().all(|asked| (1.0..=24.0).contains(asked)), "{name}: {tested:?}"),
        }
        assert_eq!(report["hybrid"]["hybrid"], text.split('"').nth(3).unwrap());
        assert_eq!(report["autoregressive"]["file"], autoregressive);
        let stake = report["measures"].as_array().unwrap().iter().any(|line| line["name"] == "stake");
        assert_eq!(stake, exact.is_some(), "{name}: only a hybrid that tells its steps has a stake");
    }
}

#[test]
fn candidates_of_one_text_are_not_those_of_the_next() {
    let autoregressive = format!("{GOLDEN}tiny-autoregressive.gguf");
    let entropy = |candidates: u32| {
        let hybrid = format!(r#"{{"hybrid": "rerank", "candidates": {candidates}}}"#);
        let hybrid = TemporaryFile::new(&format!("stride-{candidates}"), hybrid.as_bytes());
        let keep = TemporaryFile::new(&format!("stride-keep-{candidates}"), b"");
        std::fs::remove_file(keep.path()).unwrap();
        let more = ["--hybrid", hybrid.path(), "--ar", &autoregressive, "--keep", keep.path()];
        succeed(&diagnose(TINY, &more));
        let kept = std::fs::read_to_string(keep.path()).unwrap();
        let lines = kept.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let of_baseline = lines.filter(|line| line["of"] == "baseline");
        of_baseline.map(|line| line["text"]["entropy_bits"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    // The baseline's first text has the first seed, its second that behind all candidates of the first.
    let (of_one, of_three) = (entropy(1), entropy(3));
    assert!(of_one[0] == of_three[0] && of_one[1] != of_three[1], "{of_one:?}, {of_three:?}");
}

#[test]
fn a_diagnosis_goes_on_only_with_the_same_guides_and_the_same_hybrid() {
    let schedule = at_once("beside-schedule", 8);
    let guides = [r#"{"scale": 1.0}"#, r#"{"scale": 2.0}"#];
    let guides = [0, 1].map(|index| TemporaryFile::new(&format!("beside-{index}"), guides[index].as_bytes()));
    let keep = TemporaryFile::new("beside-keep", b"");
    std::fs::remove_file(keep.path()).unwrap();
    let plain = diagnose(TINY, &["--schedule", schedule.path(), "--keep", keep.path(), "--prompts"]);
    let prompts = TemporaryFile::new("beside-prompts", b"the red fox\nthe old dog\n");
    let plain = [&plain[..], &[prompts.path()]].concat();
    let guided = [&plain[..], &["--guides", guides[0].path()]].concat();
    let whole = json(&guided);
    let kept = std::fs::read_to_string(keep.path()).unwrap();
    assert_eq!(kept.lines().count(), 1 + 4 + 4, "{kept}");
    // Three texts are left, the last of them behind the second prompt; the rest comes out as before.
    let cut = kept.match_indices('\n').nth(3).unwrap().0 + 20;
    std::fs::write(keep.path(), &kept[..cut]).unwrap();
    assert_eq!(json(&guided), whole);
    assert_eq!(std::fs::read_to_string(keep.path()).unwrap(), kept);
    let other = [&plain[..], &["--guides", guides[1].path()]].concat();
    for arguments in [&plain, &other] {
        assert!(refuse(arguments).contains("holds another diagnosis: found other guides"));
    }
    let autoregressive = format!("{GOLDEN}tiny-autoregressive.gguf");
    let hybrid = TemporaryFile::new("beside-hybrid", br#"{"hybrid": "edlm", "candidates": 2}"#);
    let sentence = refuse(&[&plain[..], &["--hybrid", hybrid.path(), "--ar", &autoregressive]].concat());
    assert!(sentence.contains("found other autoregressive, hybrid, guides"), "{sentence}");
}

#[test]
fn a_stopped_hybrid_goes_on_where_it_was() {
    let autoregressive = format!("{GOLDEN}tiny-autoregressive.gguf");
    let hybrid = TemporaryFile::new("cut-hybrid", br#"{"hybrid": "adaptive", "window": 4}"#);
    let keep = TemporaryFile::new("cut-keep", b"");
    std::fs::remove_file(keep.path()).unwrap();
    let more = ["--hybrid", hybrid.path(), "--ar", &autoregressive, "--keep", keep.path()];
    let whole = json(&diagnose(TINY, &more));
    let kept = std::fs::read_to_string(keep.path()).unwrap();
    let cut = kept.match_indices('\n').nth(1).unwrap().0 + 20;
    std::fs::write(keep.path(), &kept[..cut]).unwrap();
    assert_eq!(json(&diagnose(TINY, &more)), whole);
    assert_eq!(std::fs::read_to_string(keep.path()).unwrap(), kept);
}

#[test]
fn a_grid_may_vary_guides_and_hybrids() {
    let autoregressive = format!("{GOLDEN}tiny-autoregressive.gguf");
    let four = r#"{"parallelism": {"rule": "slots_per_call", "slots": 4}}"#;
    let guides = TemporaryFile::new("grid-guides", br#"{"rules": []}"#);
    let hybrid = TemporaryFile::new("grid-hybrid", br#"{"hybrid": "rerank"}"#);
    for (name, place, values, beside, expected) in [
        ("guides", "/guides/scale", "0.0,1.5", &["--guides", guides.path()][..], [4.0, 8.0]),
        (
            "hybrid",
            "/hybrid/candidates",
            "1,3",
            &["--hybrid", hybrid.path(), "--ar", &autoregressive],
            [4.0, 12.0],
        ),
    ] {
        let grid = format!(r#"{{"base": {four}, "vary": {{"{place}": [{values}]}}}}"#);
        let grid = TemporaryFile::new(&format!("grid-{name}-vary"), grid.as_bytes());
        let out = TemporaryFile::new(&format!("grid-{name}-out"), b"");
        std::fs::remove_file(out.path()).unwrap();
        let base = ["sweep", "--model", TINY, "--grid", grid.path(), "--out", out.path()];
        let plain = [&base[..], &["--seeds", "2", "--backend", "cpu"]].concat();
        succeed(&[&plain[..], beside].concat());
        let csv = std::fs::read_to_string(out.path()).unwrap();
        let lines: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
        let column = lines[0].iter().position(|name| *name == "sequences").unwrap();
        let found: Vec<f64> = lines[1..].iter().map(|line| line[column].parse().unwrap()).collect();
        assert_eq!(found, expected, "{csv}");
        assert!(refuse(&plain).contains("the base has no such place"), "nothing to vary without it");
    }
    let own = TemporaryFile::new("grid-own", br#"{"base": {"guides": {"scale": 1.0}}, "vary": {}}"#);
    let out = TemporaryFile::new("grid-own-out", b"");
    let sentence = refuse(&["sweep", "--model", TINY, "--grid", own.path(), "--out", out.path()]);
    assert!(
        sentence.contains("base of the grid: found guides in it, expected them in --guides FILE"),
        "{sentence}"
    );
}

#[test]
fn what_does_not_go_together_is_refused_in_one_sentence() {
    let [mask, autoregressive, gaussian, uniform] =
        ["", "-autoregressive", "-gaussian", "-uniform"].map(|name| format!("{GOLDEN}tiny{name}.gguf"));
    let file = |name: &str, text: &str| TemporaryFile::new(&format!("refused-{name}"), text.as_bytes());
    let (default, vectors) = (file("default", "{}"), file("vectors", r#"{"steps": 3}"#));
    let noise = r#"{"noise": {"kind": "uniform", "words": {"first": 2, "count": 48}},
        "parallelism": {"rule": "ancestral", "steps": 4}}"#;
    let (noise, cold) = (file("noise", noise), file("cold", r#"{"sampling": {"temperature": 0.5}}"#));
    let guides = file("guides", r#"{"scale": 1.0}"#);
    let [adaptive, edlm, wrong] = [
        ("adaptive", r#"{"hybrid": "adaptive"}"#),
        ("edlm", r#"{"hybrid": "edlm"}"#),
        ("wrong", r#"{"hybrid": "edlm", "window": 2}"#),
    ]
    .map(|(name, text)| file(name, text));
    let guided = |model: &str, schedule: &TemporaryFile| {
        refuse(&diagnose(model, &["--schedule", schedule.path(), "--guides", guides.path()]))
    };
    let hybrid = |model: &str, schedule: &TemporaryFile, hybrid: &TemporaryFile, ar: &str| {
        let beside = ["--schedule", schedule.path(), "--hybrid", hybrid.path(), "--ar", ar];
        refuse(&diagnose(model, &beside))
    };
    for (sentence, part) in [
        (guided(&gaussian, &vectors), "undoes noise on vectors"),
        (guided(&uniform, &noise), "guides need masks"),
        (hybrid(&gaussian, &vectors, &edlm, &autoregressive), "expected masks, for a hybrid"),
        (hybrid(&mask, &default, &edlm, &mask), "expected an autoregressive model, for --ar"),
        (hybrid(&mask, &cold, &adaptive, &autoregressive), "the seed in its own file"),
        (hybrid(&mask, &cold, &edlm, &autoregressive), "expected temperature 1"),
        (hybrid(&mask, &default, &wrong, &autoregressive), "window: found 2"),
    ] {
        assert!(sentence.contains(part), "{sentence}");
    }
    let both = ["--guides", guides.path(), "--hybrid", edlm.path(), "--ar", &autoregressive];
    assert_eq!(unmask(&diagnose(&mask, &both)).code, 2, "guides or a hybrid");
    assert_eq!(unmask(&diagnose(&mask, &[])).code, 2, "a schedule or a hybrid");
}
