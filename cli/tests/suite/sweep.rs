use crate::run::{TINY, TemporaryFile, refuse, succeed};

const GRID: &str = r#"{"base": {"parallelism": {"rule": "slots_per_call", "slots": 1}, "order": "random"},
    "vary": {"/parallelism/slots": [4, 16], "/order": ["random", "confidence"]}}"#;

fn sweep<'a>(grid: &'a TemporaryFile, out: &'a TemporaryFile) -> [&'a str; 11] {
    let (grid, out) = (grid.path(), out.path());
    ["sweep", "--model", TINY, "--grid", grid, "--out", out, "--seeds", "2", "--backend", "reference"]
}

#[test]
fn every_cell_is_a_line_and_a_cut_sweep_goes_on() {
    let grid = TemporaryFile::new("grid", GRID.as_bytes());
    let (whole, cut) = (TemporaryFile::new("sweep-whole", b""), TemporaryFile::new("sweep-cut", b""));
    for out in [&whole, &cut] {
        std::fs::remove_file(out.path()).unwrap();
    }
    succeed(&sweep(&grid, &whole));
    let csv = std::fs::read_to_string(whole.path()).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 2 + 4, "{csv}");
    let columns = lines[1].split(',').count();
    assert!(lines[1].starts_with("/order,/parallelism/slots,texts,calls,calls_standard_error,"), "{csv}");
    assert!(lines[2..].iter().all(|line| line.split(',').count() == columns), "{csv}");
    assert!(lines[2].contains(",4,2,4,0,"), "4 slots, 2 texts, 4 calls: {}", lines[2]);
    // Two lines and a half: the half is run again, the rest is not.
    let half = csv.match_indices('\n').nth(3).unwrap().0 + 10;
    std::fs::write(cut.path(), &csv[..half]).unwrap();
    succeed(&sweep(&grid, &cut));
    assert_eq!(std::fs::read_to_string(cut.path()).unwrap(), csv);
}

#[test]
fn another_sweep_is_not_written_over() {
    let grid = TemporaryFile::new("grid-other", GRID.as_bytes());
    let out = TemporaryFile::new("sweep-other", b"my notes\n");
    assert!(refuse(&sweep(&grid, &out)).contains("holds another sweep"));
    assert_eq!(std::fs::read_to_string(out.path()).unwrap(), "my notes\n");
}

#[test]
fn edited_prompts_or_another_back_end_are_another_sweep() {
    let grid = TemporaryFile::new("grid-prompts", GRID.as_bytes());
    let prompts = TemporaryFile::new("sweep-prompts", b"the red fox\n");
    let out = TemporaryFile::new("sweep-with-prompts", b"");
    std::fs::remove_file(out.path()).unwrap();
    let arguments = [&sweep(&grid, &out)[..], &["--prompts", prompts.path()]].concat();
    succeed(&arguments);
    let csv = std::fs::read_to_string(out.path()).unwrap();
    let on_cpu: Vec<&str> =
        arguments.iter().map(|&word| if word == "reference" { "cpu" } else { word }).collect();
    assert!(refuse(&on_cpu).contains("holds another sweep: found other backend"));
    std::fs::write(prompts.path(), "the old dog\n").unwrap();
    assert!(refuse(&arguments).contains("holds another sweep: found other prompts"));
    assert_eq!(std::fs::read_to_string(out.path()).unwrap(), csv);
    std::fs::write(prompts.path(), "the red fox\n").unwrap();
    succeed(&arguments);
}

#[test]
fn a_grid_has_to_fit_its_base() {
    for (name, text, part) in [
        ("grid-place", r#"{"base": {}, "vary": {"/order": ["random"]}}"#, "no such place"),
        ("grid-empty", r#"{"base": {"order": "random"}, "vary": {"/order": []}}"#, "at least one value"),
        ("grid-value", r#"{"base": {"order": "random"}, "vary": {"/order": ["loud"]}}"#, "is no schedule"),
    ] {
        let (grid, out) = (TemporaryFile::new(name, text.as_bytes()), TemporaryFile::new("sweep-none", b""));
        let sentence = refuse(&sweep(&grid, &out));
        assert!(sentence.contains(part), "{sentence}");
    }
}
