//! What is known about the language of a model besides its vocabulary.

use std::cell::OnceCell;
use std::sync::Arc;

use diffusion::TokenId;
use model_loader::tokenizer::{END, FIRST_WORD};
use model_loader::{Checkpoint, Tokenizer};
use storyworld::{Continuations, Grammar, StoryOptions, Violation, WordId, check};

/// A vocabulary, how often its tokens occur, and storyworld's grammar if that is what the model writes.
#[derive(Clone, Debug)]
pub struct Language {
    /// Text to tokens and back.
    pub tokenizer: Arc<Tokenizer>,
    /// Share of each token in the training windows, end of text included; even if the file does not tell. `// (vocabulary)`
    pub unigram: Vec<f64>,
    /// Storyworld's word for every ordinary token, if the model writes storyworld; found when first asked for, because the
    /// grammar takes longer to build than a page may be held up while it opens.
    story_words: OnceCell<Option<Vec<WordId>>>,
}

impl Language {
    /// The language of a model file.
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let tokenizer = Arc::new(checkpoint.tokenizer.clone());
        let counts = checkpoint.origin.token_counts.as_deref();
        Self::new(tokenizer, counts.unwrap_or_default())
    }

    /// A language from its words and how often they occur.
    pub fn new(tokenizer: Arc<Tokenizer>, counts: &[u64]) -> Self {
        let vocabulary = tokenizer.vocab_size();
        let total: u64 = counts.iter().sum();
        let share = |token: usize| match total {
            0 => 1.0 / vocabulary as f64,
            total => counts.get(token).map_or(0.0, |&count| count as f64 / total as f64),
        };
        Self { unigram: (0..vocabulary).map(share).collect(), story_words: OnceCell::new(), tokenizer }
    }

    fn story_words(&self) -> Option<&[WordId]> {
        let find = || {
            let tokens = FIRST_WORD..self.tokenizer.vocab_size() as u32;
            let ordinary = tokens.filter_map(|token| self.tokenizer.word(token));
            Grammar::storyworld().word_ids(ordinary).filter(|words| !words.is_empty())
        };
        self.story_words.get_or_init(find).as_deref()
    }

    /// Whether the truth about this language is known.
    pub fn is_storyworld(&self) -> bool {
        self.story_words().is_some()
    }

    /// The `count` commonest tokens, most common first.
    pub fn commonest(&self, count: usize) -> Vec<TokenId> {
        let mut tokens: Vec<usize> = (END as usize..self.unigram.len()).collect();
        tokens.sort_by(|&a, &b| self.unigram[b].total_cmp(&self.unigram[a]));
        tokens.into_iter().take(count).map(|token| TokenId(token as u32)).collect()
    }

    /// What is broken in a text up to its end, if this is storyworld. Hidden words agree with everything.
    pub fn violations(&self, tokens: &[TokenId]) -> Option<Vec<Violation>> {
        self.story_words()?;
        let text = tokens.iter().take_while(|token| token.0 != END);
        let words: Vec<Option<&str>> = text.map(|token| self.shown(*token)).collect();
        Some(check(Grammar::storyworld(), &words))
    }

    /// The word of an ordinary token.
    fn shown(&self, token: TokenId) -> Option<&str> {
        (token.0 >= FIRST_WORD).then(|| self.tokenizer.word(token.0)).flatten()
    }

    /// How storyworld's own stories go on from an opening; `None` for another language, or if no story begins so.
    pub fn continuations(&self, opening: &[TokenId]) -> Option<Continuations<'static>> {
        let words = self.story_words()?;
        let id = |token: &TokenId| {
            token.0.checked_sub(FIRST_WORD).and_then(|index| words.get(index as usize).copied())
        };
        let opening: Vec<WordId> = opening.iter().map(id).collect::<Option<_>>()?;
        Continuations::of(Grammar::storyworld(), StoryOptions::default(), &opening)
    }

    /// The token of storyworld's word.
    pub fn token(&self, word: WordId) -> Option<TokenId> {
        self.tokenizer.token(Grammar::storyworld().word(word)).map(TokenId)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Storyworld as the shipped model knows it.
    pub(crate) fn storyworld() -> Language {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-mask/model.gguf");
        Language::of(&Checkpoint::from_bytes(&std::fs::read(path).unwrap()).unwrap())
    }

    #[test]
    fn the_shipped_model_says_how_often_its_words_occur() {
        let language = storyworld();
        assert!(language.is_storyworld());
        assert!((language.unigram.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let common: Vec<&str> =
            language.commonest(4).iter().map(|token| language.tokenizer.word(token.0).unwrap()).collect();
        assert!(common.contains(&".") && common.contains(&"the"), "{common:?}");
    }

    #[test]
    fn a_broken_story_is_found_out_and_a_right_one_is_not() {
        let language = storyworld();
        let read = |text: &str| -> Vec<TokenId> {
            language.tokenizer.encode(text).tokens.into_iter().map(TokenId).collect()
        };
        let right = read(crate::settings::OWN_TEXT);
        assert_eq!(language.violations(&right), Some(vec![]));
        let mut broken = right.clone();
        broken.swap(3, 4);
        assert!(!language.violations(&broken).unwrap().is_empty());
    }

    #[test]
    fn only_openings_of_the_language_go_on() {
        let language = storyworld();
        let opening = |text: &str| -> Vec<TokenId> {
            language.tokenizer.encode(text).tokens.into_iter().map(TokenId).collect()
        };
        assert!(language.continuations(&opening("One day, Ivy")).is_some());
        assert!(language.continuations(&opening("Ivy day one")).is_none());
        assert!(language.continuations(&opening("One xylophone")).is_none());
        let word = language.continuations(&[]).unwrap().draw(1).unwrap()[0];
        assert!(language.token(word).is_some());
    }
}
