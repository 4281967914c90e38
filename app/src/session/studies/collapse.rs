//! The paper's own experiment: a prompt, then masks, one call. What does the model predict far from anything it can see?

use std::sync::Arc;

use diffusion::measure::decay::{Decay, fit};
use diffusion::measure::prospect::{Prospect, ProspectEstimate, entropy_bits, prospects};
use diffusion::measure::unigram::{COMMON, commonest};
use diffusion::{FullDenoiser, Sequence, SpecialTokens, TokenId};
use model_loader::Tokenizer;

use crate::failure::Failure;
use crate::session::language::Language;
use crate::session::start::StartError;

/// Most masks behind the prompt: as many as in the paper, if the window holds them.
pub const MASKS: usize = 128;
/// Stories behind the truth.
pub const STORIES: u64 = 20_000;

/// One call, slot by slot, and the truth beside it.
#[derive(Clone, Debug)]
pub struct Collapse {
    /// Tokens of the prompt.
    pub prompt: Vec<TokenId>,
    /// Words of the prompt that the model does not know.
    pub unknown: Vec<String>,
    /// What the model predicts behind it, nearest first. `// (masks)`
    pub model: Vec<Prospect>,
    /// What is true there; empty where it is not known. `// (masks)`
    pub truth: Vec<Prospect>,
    /// The same with its errors: the truth is counted in stories. `// (masks)`
    pub estimates: Vec<ProspectEstimate>,
    /// Entropy of the unigram in bits: what knowing nothing but the words looks like.
    pub unigram_bits: f64,
    /// The commonest tokens, most common first. `// (20)`
    pub common: Vec<TokenId>,
    /// Names of tokens.
    pub words: Arc<Tokenizer>,
}

impl Collapse {
    /// Share of the slots whose best candidates are all common, 0 to 1.
    pub fn collapsed(&self) -> f64 {
        let collapsed = self.model.iter().filter(|prospect| prospect.is_common(&self.common)).count();
        collapsed as f64 / self.model.len().max(1) as f64
    }

    /// The fall of the divergence with distance, fitted over the first `most` slots.
    pub fn decay(prospects: &[Prospect], most: usize) -> Option<Decay> {
        let points = prospects.iter().take(most).enumerate();
        fit(&points.map(|(index, prospect)| (index as f64 + 1.0, prospect.kl_bits)).collect::<Vec<_>>())
    }
}

/// Asks in one call what follows the prompt.
///
/// # Errors
/// If the prompt leaves no room, or the denoiser fails or is overtaken.
pub async fn collapse<D: FullDenoiser>(
    denoiser: &mut D,
    language: &Language,
    prompt: &str,
    window: usize,
) -> Result<Result<Collapse, Failure>, D::Error> {
    let special = SpecialTokens::default();
    let encoding = language.tokenizer.encode(prompt);
    let prompt: Vec<TokenId> = encoding.tokens.iter().map(|&token| TokenId(token)).collect();
    let length = window.min(prompt.len() + MASKS);
    let Some(sequence) = Sequence::prompted(&prompt, length, special.mask).filter(|s| s.masked_count() > 0)
    else {
        return Ok(Err(StartError::NoRoom { found: prompt.len(), expected: window - 1 }.into()));
    };
    let unigram = &language.unigram;
    Ok(Ok(Collapse {
        model: prospects(denoiser, &sequence, unigram, special).await?,
        truth: Vec::new(),
        estimates: Vec::new(),
        unigram_bits: entropy_bits(unigram.iter().copied()),
        common: commonest(unigram, COMMON),
        words: language.tokenizer.clone(),
        unknown: encoding.unknown.into_iter().map(|unknown| unknown.word).collect(),
        prompt,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_finds_how_far_a_prompt_reaches() {
        let prospect = |d: f64| Prospect { entropy_bits: 1.0, kl_bits: 4.0 * (-d / 3.0).exp(), best: vec![] };
        let prospects: Vec<Prospect> = (1..12).map(|d| prospect(f64::from(d))).collect();
        let decay = Collapse::decay(&prospects, 11).unwrap();
        assert!((decay.e_folding_slots - 3.0).abs() < 1e-6, "{decay:?}");
    }
}
