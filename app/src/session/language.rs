//! What is known about the language of a model besides its vocabulary.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::platform::time;
use diffusion::measure::unigram;
use diffusion::process::Gaussian;
use diffusion::schedule::Schedule;
use diffusion::{SpecialTokens, TokenId};
use model_loader::tokenizer::{END, FIRST_WORD};
use model_loader::{Error, Header, Tensor, Tokenizer};
use storyworld::{Continuations, Grammar, StoryOptions, Violation, WordId, check};

/// Squared norm of a word's vector under Gaussian noise: that of the shipped model of such noise.
pub const VECTOR_POWER: f64 = 14.0;

/// A vocabulary, how often its tokens occur, and storyworld's grammar if that is what the model writes.
#[derive(Clone, Debug)]
pub struct Language {
    /// Text to tokens and back.
    pub tokenizer: Arc<Tokenizer>,
    /// Share of each token in the training windows, end of text included, each counted once more than it occurs; mask and unknown word
    /// have none. Even if the file does not tell. `// (vocabulary)`
    pub unigram: Vec<f64>,
    /// The model's embeddings as they stand in its file; none if all that is known are words.
    embeddings: Option<Tensor>,
    /// Noise on them; found when first asked for.
    vector_noise: OnceCell<Option<Arc<Gaussian>>>,
    /// Storyworld's word for every ordinary token, if the model writes storyworld; found when first asked for, because the
    /// grammar takes longer to build than a page may be held up while it opens.
    story_words: OnceCell<Option<Vec<WordId>>>,
}

impl Language {
    /// The language of a model file.
    ///
    /// # Errors
    /// If its embeddings are missing or wrong.
    pub fn of(header: &Header, file: &[u8]) -> Result<Self, Error> {
        let tokenizer = Arc::new(header.tokenizer.clone());
        let counts = header.origin.token_counts.as_deref().unwrap_or_default();
        Ok(Self { embeddings: Some(header.embeddings(file)?), ..Self::new(tokenizer, counts) })
    }

    /// A language from its words and how often they occur.
    pub fn new(tokenizer: Arc<Tokenizer>, counts: &[u64]) -> Self {
        let unigram = unigram::smoothed(counts, tokenizer.vocab_size(), SpecialTokens::default());
        let (embeddings, vector_noise, story_words) = (None, OnceCell::new(), OnceCell::new());
        Self { unigram, embeddings, vector_noise, story_words, tokenizer }
    }

    fn story_words(&self) -> Option<&[WordId]> {
        let find = || {
            let tokens = FIRST_WORD..self.tokenizer.vocab_size() as u32;
            let ordinary = tokens.filter_map(|token| self.tokenizer.word(token));
            Grammar::storyworld().word_ids(ordinary).filter(|words| !words.is_empty())
        };
        self.story_words.get_or_init(find).as_deref()
    }

    /// Gaussian noise (linear in time) on the model's embeddings, all made equally long as in models of such noise; none without
    /// embeddings.
    pub fn vector_noise(&self) -> Option<Arc<Gaussian>> {
        self.vector_noise.get_or_init(|| self.equal_vectors().map(Arc::new)).clone()
    }

    fn equal_vectors(&self) -> Option<Gaussian> {
        let mut vectors: Vec<f64> = self.embeddings.as_ref()?.to_f32().into_iter().map(f64::from).collect();
        let width = vectors.len() / self.tokenizer.vocab_size().max(1);
        for vector in vectors.chunks_mut(width.max(1)) {
            let power: f64 = vector.iter().map(|x| x * x).sum();
            let scale = if power > 0.0 { (VECTOR_POWER / power).sqrt() } else { 0.0 };
            vector.iter_mut().for_each(|x| *x *= scale);
        }
        (width > 0).then(|| Gaussian::new(Schedule::Linear, vectors, width))
    }

    /// Builds the grammar, if this is its language, in a task of its own: it takes most of what a page may be held up.
    pub async fn learn(&self) {
        if self.story_words.get().is_none() {
            time::sleep_ms(0).await;
            self.story_words();
            time::sleep_ms(0).await;
        }
    }

    /// Whether the truth about this language is known.
    pub fn is_storyworld(&self) -> bool {
        self.story_words().is_some()
    }

    /// What is broken in a text up to its end, if this is storyworld. Hidden words agree with everything.
    pub fn violations(&self, tokens: &[TokenId]) -> Option<Vec<Violation>> {
        self.story_words()?;
        let text = tokens.iter().take_while(|token| token.0 != END);
        let words: Vec<Option<&str>> = text.map(|token| self.shown(*token)).collect();
        Some(check(Grammar::storyworld(), &words))
    }

    /// The same of several texts; between two of them `give_way` may pause. Empty for another language.
    pub async fn violations_of_all(
        &self,
        texts: &[Vec<TokenId>],
        mut give_way: impl AsyncFnMut(),
    ) -> Vec<Vec<Violation>> {
        let mut found = Vec::new();
        for text in texts {
            give_way().await;
            found.extend(self.violations(text));
        }
        give_way().await;
        found
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
        let file = std::fs::read(path).unwrap();
        Language::of(&Header::from_bytes(&file).unwrap(), &file).unwrap()
    }

    #[test]
    fn the_shipped_model_says_how_often_its_words_occur() {
        let language = storyworld();
        assert!(language.is_storyworld());
        assert!((language.unigram.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let common: Vec<&str> = unigram::commonest(&language.unigram, 4)
            .iter()
            .map(|token| language.tokenizer.word(token.0).unwrap())
            .collect();
        assert!(common.contains(&".") && common.contains(&"the"), "{common:?}");
    }

    #[test]
    fn all_vectors_are_as_long_as_those_of_the_shipped_model_of_such_noise() {
        let noise = storyworld().vector_noise().unwrap();
        let power = |token: u32| noise.embedding(TokenId(token)).iter().map(|x| x * x).sum::<f64>();
        assert!((0..800).all(|token| (power(token) - VECTOR_POWER).abs() < 1e-4));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/models/storyworld-gaussian/model.gguf");
        let shipped = Header::from_bytes(&std::fs::read(path).unwrap()).unwrap().config.process;
        let model_loader::Process::Gaussian { embedding_power } = shipped else { panic!("{shipped:?}") };
        assert_eq!(f64::from(embedding_power), VECTOR_POWER);
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
