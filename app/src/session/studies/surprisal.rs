//! How much each word of the visitor's text tells that the rest of it does not.

use std::sync::Arc;

use diffusion::measure::surprisal::surprisal_bits;
use diffusion::process::{Gaussian, Words};
use diffusion::{Denoiser, SpecialTokens, TokenId};
use model_loader::Tokenizer;
use model_loader::tokenizer::UNKNOWN;

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
pub async fn surprisal<D: Denoiser>(
    denoiser: &mut D,
    language: &Language,
    settings: &Settings,
    window: usize,
) -> Result<Surprisal, D::Error> {
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
        bits.push(if known { Some(surprisal_bits(denoiser, &full, slot, special).await?) } else { None });
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
    use diffusion::{Prediction, Query};

    use super::*;
    use crate::session::decode::tests::now;
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

    #[test]
    fn every_known_word_has_its_bits_and_an_unknown_one_is_named() {
        let language = Language::new(Arc::new(tokenizer()), &[]);
        let settings = Settings { text: "the zebu sat on the cat".into(), ..Settings::default() };
        let found = now(surprisal(&mut ById, &language, &settings, 6)).unwrap();
        let bits: Vec<Option<i64>> = found.bits.iter().map(|bits| bits.map(|b| b.round() as i64)).collect();
        assert_eq!(bits, [Some(3), None, Some(5), Some(6), Some(3)]);
        assert_eq!((&found.unknown, found.cut), (&vec![(1, "zebu".to_owned())], 1));
    }
}
