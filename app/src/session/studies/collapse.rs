//! The paper's own experiment: a prompt, then masks, one call. What does the model predict far from anything it can see?

use std::f64::consts::LN_2;
use std::sync::Arc;

use diffusion::measure::decay::{Decay, fit, kl_bits};
use diffusion::{FullDenoiser, Query, Row, Sequence, SpecialTokens, TokenId};
use model_loader::Tokenizer;

use crate::failure::Failure;
use crate::session::language::Language;
use crate::session::start::StartError;

/// Most masks behind the prompt: as many as in the paper, if the window holds them.
pub const MASKS: usize = 128;
/// Best candidates per slot.
pub const BEST: usize = 3;
/// Number of tokens that count as common.
pub const COMMON: usize = 20;
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
    /// Entropy of the unigram in bits: what knowing nothing but the words looks like.
    pub unigram_bits: f64,
    /// The commonest tokens, most common first. `// (20)`
    pub common: Vec<TokenId>,
    /// Names of tokens.
    pub words: Arc<Tokenizer>,
}

/// What is to be expected at one slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Prospect {
    /// Entropy in bits.
    pub entropy_bits: f64,
    /// Divergence from the unigram in bits; infinite if a token is expected that the unigram never has.
    pub kl_bits: f64,
    /// The best candidates with their probabilities, best first. `// (3)`
    pub best: Vec<(TokenId, f64)>,
}

impl Prospect {
    /// Of a distribution over all tokens. `// (vocabulary)`
    pub fn of(log_probabilities: &[f32], unigram: &[f64]) -> Self {
        let probabilities = log_probabilities.iter().map(|&log| f64::from(log).exp());
        let mut best: Vec<(TokenId, f64)> = (0..).map(TokenId).zip(probabilities.clone()).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.truncate(BEST);
        let surprise = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
        let entropy_bits = probabilities.map(surprise).sum();
        Self { entropy_bits, kl_bits: kl_bits(log_probabilities, unigram), best }
    }

    /// Whether all best candidates are among these.
    pub fn is_common(&self, common: &[TokenId]) -> bool {
        self.best.iter().all(|(token, _)| common.contains(token))
    }
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
        return Ok(Err(StartError::TooLong { found: prompt.len(), expected: window - 1 }.into()));
    };
    let first_token = special.first_token(false);
    let rows = (prompt.len()..length).map(|slot| Row::measured(0, slot as u32, first_token, special.mask));
    let query = Query {
        length,
        tokens: sequence.tokens().collect(),
        times: vec![sequence.masked_count() as f64 / length as f64],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: rows.collect(),
    };
    let all = denoiser.distributions(&query).await?;
    let unigram = &language.unigram;
    Ok(Ok(Collapse {
        model: all.chunks(denoiser.vocabulary()).map(|row| Prospect::of(row, unigram)).collect(),
        truth: Vec::new(),
        unigram_bits: unigram.iter().filter(|q| **q > 0.0).map(|q| -q * q.log2()).sum(),
        common: language.commonest(COMMON),
        words: language.tokenizer.clone(),
        unknown: encoding.unknown.into_iter().map(|unknown| unknown.word).collect(),
        prompt,
    }))
}

/// Counts what stands at each slot behind the prompt in stories that begin with it: draws of the exact posterior.
pub struct Truth {
    /// `// (slots, vocabulary)`
    counts: Vec<Vec<u32>>,
    stories: u32,
}

impl Truth {
    /// Nothing counted yet.
    pub fn new(slots: usize, vocabulary: usize) -> Self {
        Self { counts: vec![vec![0; vocabulary]; slots], stories: 0 }
    }

    /// Counts one story's rest; behind its end stands end of text.
    pub fn push(&mut self, rest: impl Iterator<Item = TokenId>) {
        let end = SpecialTokens::default().end_of_text;
        let filled = rest.chain(std::iter::repeat(end));
        for (slot, token) in self.counts.iter_mut().zip(filled) {
            if let Some(count) = slot.get_mut(token.0 as usize) {
                *count += 1;
            }
        }
        self.stories += 1;
    }

    /// The shares as distributions. Entropies come out (words − 1) / (2 stories ln 2) bits too small.
    pub fn prospects(&self, unigram: &[f64]) -> Vec<Prospect> {
        let log = |&count: &u32| (f64::from(count) / f64::from(self.stories)).ln() as f32;
        let prospect = |slot: &Vec<u32>| {
            let mut prospect = Prospect::of(&slot.iter().map(log).collect::<Vec<f32>>(), unigram);
            // Miller and Madow's correction.
            let seen = slot.iter().filter(|count| **count > 0).count().saturating_sub(1);
            let bias = seen as f64 / (2.0 * f64::from(self.stories) * LN_2);
            prospect.entropy_bits += bias;
            prospect.kl_bits = (prospect.kl_bits - bias).max(0.0);
            prospect
        };
        self.counts.iter().map(prospect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prospect_of_a_coin_has_one_bit() {
        let half = 0.5_f32.ln();
        let prospect =
            Prospect::of(&[f32::NEG_INFINITY, half, half, f32::NEG_INFINITY], &[0.0, 0.25, 0.25, 0.5]);
        assert!((prospect.entropy_bits - 1.0).abs() < 1e-6 && (prospect.kl_bits - 1.0).abs() < 1e-6);
        assert_eq!(prospect.best[0].0, TokenId(1));
        assert!(!prospect.is_common(&[TokenId(1), TokenId(2)]), "the third best is not among them");
    }

    #[test]
    fn stories_that_ended_go_on_with_the_end() {
        let mut truth = Truth::new(3, 5);
        truth.push([TokenId(3)].into_iter());
        truth.push([TokenId(4), TokenId(3), TokenId(3), TokenId(4)].into_iter());
        let prospects = truth.prospects(&[0.2; 5]);
        assert_eq!(
            prospects[2].best[..2],
            [(TokenId(2), 0.5), (TokenId(3), 0.5)].map(|(t, p)| (t, f64::from((p as f32).ln()).exp()))
        );
    }

    #[test]
    fn the_fit_finds_how_far_a_prompt_reaches() {
        let prospect = |d: f64| Prospect { entropy_bits: 1.0, kl_bits: 4.0 * (-d / 3.0).exp(), best: vec![] };
        let prospects: Vec<Prospect> = (1..12).map(|d| prospect(f64::from(d))).collect();
        let decay = Collapse::decay(&prospects, 11).unwrap();
        assert!((decay.e_folding_slots - 3.0).abs() < 1e-6, "{decay:?}");
    }
}
