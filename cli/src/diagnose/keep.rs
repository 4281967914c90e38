//! What a diagnosis has measured, kept in a file text by text, so that one that was stopped goes on where it was.

use std::fs::OpenOptions;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::measures::Text;
use super::{append, read};
use crate::failure::Failure;
use crate::head::{Head, other};

/// What the file holds, in sentences about another one.
const DIAGNOSIS: &str = "diagnosis";

/// One text, and whose it is.
#[derive(Serialize, Deserialize)]
struct Line {
    of: String,
    text: Text,
}

/// The file; without one nothing is kept.
pub struct Keep<'a> {
    file: Option<&'a Path>,
    lines: Vec<Line>,
}

impl<'a> Keep<'a> {
    /// Opens the file of the diagnosis with this head, or begins it. A half-written last line is taken away.
    pub fn open(file: Option<&'a Path>, head: &Head) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(Self { file: None, lines: Vec::new() }) };
        let first = head.line() + "\n";
        let mut lines = Vec::new();
        if file.exists() {
            let text = read(file)?;
            head.expect(text.lines().next().unwrap_or_default(), file, DIAGNOSIS)?;
            let rest = text.strip_prefix(&first).ok_or_else(|| other(file, DIAGNOSIS, "settings"))?;
            let whole = rest.rfind('\n').map_or(0, |end| end + 1);
            for line in rest[..whole].lines() {
                lines.push(serde_json::from_str(line).map_err(|_| other(file, DIAGNOSIS, "texts"))?);
            }
            if whole < rest.len() {
                let opened = OpenOptions::new().write(true).open(file);
                let cut = opened.and_then(|opened| opened.set_len((first.len() + whole) as u64));
                cut.map_err(Failure::run)?;
            }
        } else {
            append(file, &first)?;
        }
        Ok(Self { file: Some(file), lines })
    }

    /// What is there already of this part.
    pub fn texts(&self, of: &str) -> Vec<Text> {
        self.lines.iter().filter(|line| line.of == of).map(|line| line.text.clone()).collect()
    }

    /// Keeps one text more.
    pub fn push(&self, of: &str, text: &Text) -> Result<(), Failure> {
        let Some(file) = self.file else { return Ok(()) };
        let line = serde_json::to_string(&Line { of: of.to_owned(), text: text.clone() });
        append(file, &(line.map_err(Failure::run)? + "\n"))
    }
}
