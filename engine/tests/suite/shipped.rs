//! Every shipped model against PyTorch: its file as it lies in `static/models`.

use std::path::Path;

use crate::families::bodies::answers_like_pytorch;

#[test]
fn every_shipped_model_answers_like_pytorch() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names: Vec<_> =
        root.join("static/models").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|folder| folder.join("model.gguf").is_file());
    assert!(!names.is_empty());
    for folder in names {
        let name = folder.file_name().unwrap().display().to_string();
        println!("{name}");
        let tensors = root.join(format!("tests/golden/shipped/{name}.safetensors"));
        let tensors = std::fs::read(&tensors).unwrap_or_else(|_| {
            panic!("{name} has no golden; `python -m training.golden_families {name}` writes it")
        });
        let model = std::fs::read(folder.join("model.gguf")).unwrap();
        pollster::block_on(answers_like_pytorch((&model, &tensors)));
    }
}
