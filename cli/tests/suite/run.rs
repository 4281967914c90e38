//! Runs the binary and holds the files that tests share.

use std::path::PathBuf;
use std::process::Command;

/// The fixture model: 51 words, windows of 16 slots, random weights.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny.gguf");

/// What a run left behind.
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `unmask` with these arguments.
pub fn unmask(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_unmask")).args(arguments).output().unwrap();
    Output {
        code: output.status.code().expect("the process was killed"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `unmask`, which must succeed, and returns standard output.
pub fn succeed(arguments: &[&str]) -> String {
    let output = unmask(arguments);
    assert_eq!(output.code, 0, "{arguments:?}: {}", output.stderr);
    output.stdout
}

/// The same, as JSON.
pub fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&succeed(&[arguments, &["--json"]].concat())).unwrap()
}

/// Runs `unmask`, which must refuse its input in one sentence, and returns that.
pub fn refuse(arguments: &[&str]) -> String {
    let output = unmask(arguments);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{arguments:?}: {}", output.stderr);
    let sentence = output.stderr.strip_prefix("unmask: ").expect("a message begins with the program's name");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence.trim_end().to_owned()
}

/// A file of its own for a test, removed when dropped.
pub struct TemporaryFile(PathBuf);

impl TemporaryFile {
    /// `name` must differ between tests.
    pub fn new(name: &str, contents: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("unmask-{}-{name}", std::process::id()));
        std::fs::write(&path, contents).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // Nothing depends on it: the folder is a temporary one.
        let _ = std::fs::remove_file(&self.0);
    }
}
