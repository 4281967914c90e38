//! Whether a model writes storyworld, the language whose truth is known.

use model_loader::Tokenizer;
use model_loader::tokenizer::FIRST_WORD;
use storyworld::{Grammar, WordId};

/// Tokens before the ordinary words.
const SPECIAL: usize = FIRST_WORD as usize;

/// Storyworld's word for every token; `None` for special ones. Nothing if any ordinary word of the model is not
/// storyworld's. `// (vocabulary)`
pub fn storyworld_words(tokenizer: &Tokenizer) -> Option<Vec<Option<WordId>>> {
    let ordinary = (SPECIAL..tokenizer.vocab_size()).map(|token| tokenizer.word(token as u32));
    let ids = Grammar::storyworld().word_ids(ordinary.flatten())?;
    let words = std::iter::repeat_n(None, SPECIAL).chain(ids.into_iter().map(Some));
    (tokenizer.vocab_size() > SPECIAL).then(|| words.collect())
}
