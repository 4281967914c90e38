//! What a diagnosis has measured, kept in a file text by text, so that one that was stopped goes on where it was.

use std::fs::OpenOptions;
use std::path::Path;

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::measures::Text;
use super::schedule::Schedule;
use super::{append, read};
use crate::arguments::Diagnose;
use crate::failure::Failure;
use crate::model::Identity;

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
    /// Opens the file of this diagnosis, or begins it. A half-written last line is taken away.
    pub fn open(
        arguments: &'a Diagnose,
        model: &Identity,
        schedule: &Schedule,
        prompts: &[String],
    ) -> Result<Self, Failure> {
        let Some(file) = arguments.keep.as_deref() else { return Ok(Self { file: None, lines: Vec::new() }) };
        let seeds = arguments.seeds;
        let head = json!({ "model": model.sha256, "schedule": schedule, "prompts": prompts, "seeds": seeds });
        let head = format!("{head}\n");
        let mut lines = Vec::new();
        if file.exists() {
            let text = read(file)?;
            let rest = text.strip_prefix(&head).ok_or_else(|| other(file))?;
            let whole = rest.rfind('\n').map_or(0, |end| end + 1);
            for line in rest[..whole].lines() {
                lines.push(serde_json::from_str(line).map_err(|_| other(file))?);
            }
            if whole < rest.len() {
                let opened = OpenOptions::new().write(true).open(file);
                let cut = opened.and_then(|opened| opened.set_len((head.len() + whole) as u64));
                cut.map_err(Failure::run)?;
            }
        } else {
            append(file, &head)?;
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

fn other(file: &Path) -> Failure {
    Failure::Input(anyhow!("{} holds another diagnosis: found other settings", file.display()))
}
