use crate::run::{TINY, json, succeed};

#[test]
fn a_model_file_is_described() {
    let page = succeed(&["info", TINY]);
    for line in [
        "name                tiny",
        "vocab size          51",
        "process             mask",
        "rms epsilon         1e-6",
    ] {
        assert!(page.lines().any(|found| found == line), "no line {line:?} in\n{page}");
    }
    let tensor = page.lines().find(|line| line.starts_with("blk.1.attn_q.weight")).unwrap();
    assert_eq!(
        tensor.split_whitespace().collect::<Vec<_>>(),
        ["blk.1.attn_q.weight", "[64,", "64]", "Q8_0", "4352", "bytes"]
    );
}

#[test]
fn the_same_as_json() {
    let report = json(&["info", TINY]);
    assert_eq!(report["config"]["embedding_length"], 64);
    assert_eq!(report["config"]["block_count"], 2);
    assert_eq!(report["origin"]["name"], "tiny");
    assert!(report["origin"]["provenance"].is_object());
    assert_eq!(report["tensors"].as_array().unwrap().len(), 3 + 2 * 11);
    assert_eq!(report["file"]["bytes"], std::fs::metadata(TINY).unwrap().len());
}
