//! Whether a model writes storyworld, the language whose truth is known.

use model_loader::Tokenizer;
use storyworld::{Grammar, WordId};

/// Tokens before the ordinary words.
const SPECIAL: usize = 3;

/// Storyworld's word for every token; `None` for special ones. Nothing if any ordinary word of the model is not
/// storyworld's. `// (vocabulary)`
pub fn storyworld_words(tokenizer: &Tokenizer) -> Option<Vec<Option<WordId>>> {
    let grammar = Grammar::storyworld();
    let ordinary = (SPECIAL..tokenizer.vocab_size()).map(|token| {
        let word = tokenizer.word(token as u32)?;
        grammar.word_id(word).map(Some)
    });
    let words: Vec<Option<WordId>> =
        std::iter::repeat_n(Some(None), SPECIAL).chain(ordinary).collect::<Option<_>>()?;
    (words.len() > SPECIAL).then_some(words)
}
