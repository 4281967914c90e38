//! How much each word of the visitor's text tells that the rest of it does not.

use std::sync::Arc;

use diffusion::measure::surprisal::{surprisal_bits, surprisal_bits_under};
use diffusion::process::{Gaussian, Words};
use diffusion::{FullDenoiser, SpecialTokens, TokenId};
use engine::TokenNoise;
use model_loader::tokenizer::UNKNOWN;
use model_loader::{ModelConfig, Tokenizer};

use crate::session::language::Language;
use crate::settings::Settings;

/// The text, word by word.
#[derive(Clone, Debug)]
pub struct Surprisal {
    /// Its tokens, cut to the window. `// (words)`
    pub tokens: Vec<TokenId>,
    /// What each tells in bits; `None` for words that the model does not know. `// (words)`
    pub bits: Vec<Option<f64>>,
    /// The words that random noise draws from.
    pub noise: Words,
    /// Noise on the model's word vectors; none for a model without.
    pub vectors: Option<Arc<Gaussian>>,
    /// Names of tokens.
    pub words: Arc<Tokenizer>,
    /// Words that the model does not know, as typed, with their positions.
    pub unknown: Vec<(usize, String)>,
    /// Words of the text that are outside the window.
    pub cut: usize,
}

/// Asks about one word after the other, each hidden alone: as many calls as words.
///
/// # Errors
/// If the denoiser fails or is overtaken.
pub async fn surprisal<D: FullDenoiser>(
    denoiser: &mut D,
    language: &Language,
    settings: &Settings,
    config: &ModelConfig,
) -> Result<Surprisal, D::Error> {
    let (window, noise) = (config.context_length, TokenNoise::of(config));
    let doubts = noise.as_ref().and_then(TokenNoise::doubts);
    let special = SpecialTokens::default();
    let encoding = language.tokenizer.encode(&settings.text);
    // One slot is left for the end, which every text of the training data has.
    let kept = encoding.tokens.len().min(window.saturating_sub(1));
    let tokens: Vec<TokenId> = encoding.tokens[..kept].iter().map(|&token| TokenId(token)).collect();
    let mut full = tokens.clone();
    full.resize(window, special.end_of_text);
    let mut bits = Vec::with_capacity(kept);
    for (slot, token) in tokens.iter().enumerate() {
        let known = token.0 != UNKNOWN && *token != special.mask;
        bits.push(match doubts {
            _ if !known => None,
            Some(process) => Some(surprisal_bits_under(denoiser, process, &full, slot, special).await?),
            None => Some(surprisal_bits(denoiser, &full, slot, special).await?),
        });
    }
    let first = special.first_token(false);
    let noise = Words { first, count: language.tokenizer.vocab_size() as u32 - first };
    let unknown = encoding.unknown.into_iter().filter(|unknown| unknown.position < kept);
    Ok(Surprisal {
        tokens,
        bits,
        noise,
        vectors: language.vector_noise(),
        words: language.tokenizer.clone(),
        unknown: unknown.map(|unknown| (unknown.position, unknown.word)).collect(),
        cut: encoding.tokens.len() - kept,
    })
}

#[cfg(test)]
mod tests {
    use diffusion::{Denoiser, Prediction, Query};

    use super::*;
    use crate::session::decode::tests::now;
    use crate::session::models::ShippedModel;
    use crate::session::models::tests::checkpoint;
    use crate::session::start::tests::tokenizer;
    use crate::view::tests::prediction;

    /// Finds a word the less likely the greater its id.
    struct ById;

    impl Denoiser for ById {
        type Error = std::convert::Infallible;
        async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Self::Error> {
            let masks = query.tokens.iter().filter(|token| token.0 == 0).count();
            assert_eq!(masks, 1, "one word is hidden at a time");
            let told = |row: &diffusion::Row| Prediction {
                target_log_probability: -(row.target.0 as f32) * std::f32::consts::LN_2,
                ..prediction(row)
            };
            Ok(query.rows.iter().map(told).collect())
        }
    }

    impl FullDenoiser for ById {
        fn vocabulary(&self) -> usize {
            tokenizer().vocab_size()
        }

        /// The same, whole.
        async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
            assert!(query.tokens.iter().all(|token| token.0 > 0), "no word is hidden");
            let log = |token: usize| -(token as f32) * std::f32::consts::LN_2;
            Ok((0..self.vocabulary()).map(log).collect())
        }
    }

    fn config(model: ShippedModel) -> ModelConfig {
        ModelConfig { context_length: 6, ..checkpoint(model).config }
    }

    #[test]
    fn a_model_that_doubts_every_word_is_shown_them_all() {
        let language = Language::new(Arc::new(tokenizer()), &[]);
        let settings = Settings { text: "the cat".into(), ..Settings::default() };
        for model in [ShippedModel::Uniform, ShippedModel::MaskUniform] {
            let found = now(surprisal(&mut ById, &language, &settings, &config(model))).unwrap();
            // What stands there speaks for itself, so that without it the word is less likely.
            assert!(found.bits.iter().all(|bits| bits.is_some_and(|bits| bits > 3.0)), "{:?}", found.bits);
        }
    }

    #[test]
    fn every_known_word_has_its_bits_and_an_unknown_one_is_named() {
        let language = Language::new(Arc::new(tokenizer()), &[]);
        let settings = Settings { text: "the zebu sat on the cat".into(), ..Settings::default() };
        let found = now(surprisal(&mut ById, &language, &settings, &config(ShippedModel::Mask))).unwrap();
        let bits: Vec<Option<i64>> = found.bits.iter().map(|bits| bits.map(|b| b.round() as i64)).collect();
        assert_eq!(bits, [Some(3), None, Some(5), Some(6), Some(3)]);
        assert_eq!((&found.unknown, found.cut), (&vec![(1, "zebu".to_owned())], 1));
    }
}
