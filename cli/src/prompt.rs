//! From a prompt to the slots that a run begins with.

use anyhow::anyhow;
use diffusion::decode::DecodeSettings;
use diffusion::process::Mask;
use diffusion::schedule::Schedule;
use diffusion::{Sequence, SpecialTokens, TokenId};
use model_loader::{Checkpoint, Encoding, Unknown};

use crate::failure::Failure;

/// Unknown words that one sentence names.
const MOST_NAMED: usize = 8;

/// The starting state: the prompt's words given, its `_` and everything after it masked.
///
/// With a corruption schedule the prompt is a whole text instead: it is ended, and hidden as far as the
/// settings' start time says.
pub fn start(
    checkpoint: &Checkpoint,
    prompt: &str,
    length: Option<usize>,
    settings: &DecodeSettings,
    corruption: Option<Schedule>,
) -> Result<Sequence, Failure> {
    let window = checkpoint.config.context_length;
    let length = length.unwrap_or(window);
    if !(1..=window).contains(&length) {
        return Err(Failure::Input(anyhow!(
            "length is out of range: found {length}, expected 1 to {window}"
        )));
    }
    let tokens = known_tokens(checkpoint.tokenizer.encode(prompt), "prompt")?;
    if tokens.len() > length {
        let found = tokens.len();
        let message =
            anyhow!("prompt is longer than the window: found {found} tokens, expected at most {length}");
        return Err(Failure::Input(message));
    }
    let special = SpecialTokens::default();
    Ok(match corruption {
        None => {
            let slot = |index| tokens.get(index).copied().filter(|&token| token != special.mask);
            Sequence::infill(&(0..length).map(slot).collect::<Vec<_>>(), special.mask)
        }
        Some(schedule) => {
            let text = padded(tokens, length, special);
            Mask { schedule, mask: special.mask }.corrupt(&text, settings.start_time, settings.seed)
        }
    })
}

/// The tokens of a text, if the model knows all its words.
pub fn known_tokens(encoding: Encoding, subject: &str) -> Result<Vec<TokenId>, Failure> {
    if encoding.unknown.is_empty() {
        return Ok(encoding.tokens.into_iter().map(TokenId).collect());
    }
    let name = |unknown: &Unknown| format!("\"{}\"", unknown.word);
    let mut words: Vec<String> = encoding.unknown.iter().take(MOST_NAMED).map(name).collect();
    if encoding.unknown.len() > MOST_NAMED {
        words.push(format!("and {} more", encoding.unknown.len() - MOST_NAMED));
    }
    Err(Failure::Input(anyhow!("{subject} has words that the model does not know: {}", words.join(", "))))
}

/// A text that fills the window: the rest is end-of-text.
pub fn padded(mut tokens: Vec<TokenId>, length: usize, special: SpecialTokens) -> Vec<TokenId> {
    tokens.resize(length, special.end_of_text);
    tokens
}
