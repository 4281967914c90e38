//! Where words go: results to standard output, messages and progress to standard error.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Context;

use crate::failure::Failure;

/// Writes a result. A reader that stops early (`| head`) is no failure.
pub fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the result").map_err(Failure::Run),
    }
}

/// Writes a value as indented JSON.
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::run)?;
    result(&(text + "\n"))
}

/// Writes one line to standard error. There is nowhere to report that this failed.
pub fn message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Narrowest terminal that is provided for.
const COLUMNS: usize = 79;

/// One line on the terminal that is rewritten while something takes time; nothing if nobody watches.
pub struct Progress {
    terminal: bool,
}

impl Progress {
    /// A line on standard error.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    /// Replaces the line by the beginning of `text`: a line that wraps could not be taken back.
    pub fn show(&mut self, text: &str) {
        if self.terminal {
            let text: String = text.chars().take(COLUMNS).collect();
            let mut stderr = std::io::stderr();
            let _ = write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Progress {
    /// Takes the line away.
    fn drop(&mut self) {
        self.show("");
    }
}
