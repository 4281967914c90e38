//! Guidance and rules of `unmask generate`, from their JSON file to the denoiser that follows them.

use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use diffusion::guide::{Checker, Constraint, Guides, Spelling};
use diffusion::{SpecialTokens, TokenId};
use model_loader::Tokenizer;
use model_loader::tokenizer::{END, FIRST_WORD};
use storyworld::{Grammar, check};

use crate::diagnose::read;
use crate::failure::Failure;
use crate::language::storyworld_words;

/// Guides from a file.
pub fn read_guides(file: &Path) -> Result<Guides, Failure> {
    serde_json::from_str(&read(file)?)
        .with_context(|| format!("{} is no guidance", file.display()))
        .map_err(Failure::Input)
}

/// Their rules for a model and a window of so many slots.
pub fn rules(
    guides: &Guides,
    tokenizer: &Tokenizer,
    length: usize,
) -> Result<Vec<Box<dyn Constraint>>, Failure> {
    let texts: Vec<String> = (0..tokenizer.vocab_size() as u32)
        .map(|token| tokenizer.word(token).unwrap_or_default().to_owned())
        .collect();
    // Byte pairs bring their spaces along.
    let between = if texts.iter().any(|text| text.starts_with(' ')) { "" } else { " " };
    let spelling =
        Spelling { texts: &texts, between, mask: SpecialTokens::default().mask, first_word: FIRST_WORD };
    let checker = storyworld_words(tokenizer).map(|_| StoryChecker { words: texts.clone().into() });
    guides.constraints(length, spelling, checker).map_err(Failure::input)
}

/// Storyworld's checker on a text that may have hidden words.
#[derive(Clone)]
struct StoryChecker {
    words: Rc<[String]>,
}

impl Checker for StoryChecker {
    fn accepts(&self, text: &[TokenId]) -> bool {
        let written = text.iter().take_while(|token| token.0 != END);
        let word = |token: &TokenId| {
            (token.0 >= FIRST_WORD).then(|| self.words.get(token.0 as usize).map(String::as_str)).flatten()
        };
        check(Grammar::storyworld(), &written.map(word).collect::<Vec<_>>()).is_empty()
    }
}
