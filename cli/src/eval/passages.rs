//! A text file as windows of tokens, one passage per line.

use std::path::Path;

use anyhow::{Context, anyhow};
use diffusion::{SpecialTokens, TokenId};
use model_loader::Checkpoint;

use crate::failure::Failure;
use crate::{output, prompt};

/// One passage as a window of tokens.
#[derive(Debug, PartialEq)]
pub struct Passage {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The passage, then end-of-text to the end of the window.
    pub window: Vec<TokenId>,
    /// Tokens up to and including the first end-of-text.
    pub tokens: u32,
    /// Bytes of its text.
    pub bytes: usize,
}

/// The passages of a file that fit into a model's window.
#[derive(Debug, Default, PartialEq)]
pub struct Passages {
    /// Those that are measured.
    pub fitting: Vec<Passage>,
    /// Passages left out because they are longer than the window.
    pub too_long: usize,
}

/// The passages of a text file.
pub fn read(checkpoint: &Checkpoint, file: &Path, limit: Option<usize>) -> Result<Passages, Failure> {
    let path = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {path}"))
        .map_err(Failure::Input)?;
    let window = checkpoint.config.context_length;
    let mut passages = Passages::default();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in lines.take(limit.unwrap_or(usize::MAX)) {
        match passage(checkpoint, index + 1, line)? {
            Some(passage) => passages.fitting.push(passage),
            None => passages.too_long += 1,
        }
    }
    if passages.fitting.is_empty() {
        let found = passages.too_long;
        let expected = format!("at least one of at most {} tokens", window - 1);
        let message =
            anyhow!("{path} has no passage to measure: found {found} too long ones, expected {expected}");
        return Err(Failure::Input(message));
    }
    Ok(passages)
}

/// All passages of a file that fit, and a word about how many do not.
pub fn read_all(checkpoint: &Checkpoint, file: &Path) -> Result<Vec<Passage>, Failure> {
    let Passages { fitting, too_long } = read(checkpoint, file, None)?;
    if too_long > 0 {
        let file = file.display();
        output::message(&format!("{file}: {too_long} passages are longer than the window and were left out"));
    }
    Ok(fitting)
}

/// One line as a window, or nothing if it does not fit with its end.
fn passage(checkpoint: &Checkpoint, line: usize, text: &str) -> Result<Option<Passage>, Failure> {
    let special = SpecialTokens::default();
    let words = prompt::known_tokens(checkpoint.tokenizer.encode(text), &format!("line {line}"))?;
    if let Some(token) = words.iter().find(|token| token.0 < special.first_token(true)) {
        let found = checkpoint.tokenizer.word(token.0).unwrap_or_default();
        return Err(Failure::Input(anyhow!(
            "line {line} is no plain text: found {found}, expected words only"
        )));
    }
    let (tokens, length) = (words.len() + 1, checkpoint.config.context_length);
    if tokens > length {
        return Ok(None);
    }
    Ok(Some(Passage {
        line,
        window: prompt::padded(words, length, special),
        tokens: tokens as u32,
        bytes: text.trim().len(),
    }))
}
