//! What is to be expected at a slot: entropy, divergence from the unigram, and the best candidates.
//!
//! Of a denoiser, from its whole distributions ([`prospects`], one call); or of draws of what is true there
//! ([`Occurrences`], no call). Units: bits. Counted shares are plug-in estimates, so entropies come with Miller and Madow's
//! correction (Miller, *Note on the bias of information estimates*, 1955). Blind spot: one prompt is one sample, so
//! there is no standard error over prompts.

use std::f64::consts::LN_2;

use super::decay::{kl_bits, query};
use crate::denoiser::FullDenoiser;
use crate::sequence::{Sequence, SpecialTokens, TokenId};

/// Best candidates per slot.
pub const BEST: usize = 3;

/// What is to be expected at one slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Prospect {
    /// Entropy in bits.
    pub entropy_bits: f64,
    /// Divergence from the unigram in bits; infinite if a token is expected that the unigram never has.
    pub kl_bits: f64,
    /// The best candidates with their probabilities, best first, ties by smaller id. `// (3)`
    pub best: Vec<(TokenId, f64)>,
}

impl Prospect {
    /// Of log-probabilities in nats over all tokens. `// (vocabulary)`
    pub fn of(log_probabilities: &[f32], unigram: &[f64]) -> Self {
        let probabilities = log_probabilities.iter().map(|&log| f64::from(log).exp());
        let mut best: Vec<(TokenId, f64)> = (0..).map(TokenId).zip(probabilities.clone()).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.truncate(BEST);
        let entropy_bits = entropy_bits(probabilities);
        Self { entropy_bits, kl_bits: kl_bits(log_probabilities, unigram), best }
    }

    /// Whether all best candidates are among these.
    pub fn is_common(&self, common: &[TokenId]) -> bool {
        self.best.iter().all(|(token, _)| common.contains(token))
    }
}

/// −Σ p log2 p.
pub fn entropy_bits(probabilities: impl IntoIterator<Item = f64>) -> f64 {
    probabilities.into_iter().map(|p| if p == 0.0 { 0.0 } else { -p * p.log2() }).sum()
}

/// What a denoiser expects at every masked slot, in one call. `unigram` has a probability for every token id.
/// `// (masked slots)`
///
/// # Errors
/// If the denoiser fails.
pub async fn prospects<D: FullDenoiser>(
    denoiser: &mut D,
    sequence: &Sequence,
    unigram: &[f64],
    special: SpecialTokens,
) -> Result<Vec<Prospect>, D::Error> {
    let all = denoiser.distributions(&query(sequence, special)).await?;
    Ok(all.chunks(denoiser.vocabulary()).map(|row| Prospect::of(row, unigram)).collect())
}

/// Counts of what stands at each slot in texts that were drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrences {
    /// `// (slots, vocabulary)`
    counts: Vec<Vec<u32>>,
    texts: u32,
    end_of_text: TokenId,
}

impl Occurrences {
    /// Nothing counted yet.
    pub fn new(slots: usize, vocabulary: usize, end_of_text: TokenId) -> Self {
        Self { counts: vec![vec![0; vocabulary]; slots], texts: 0, end_of_text }
    }

    /// Counts one text; behind its end stands end of text. What does not fit is left out, as are unknown ids.
    pub fn push(&mut self, text: impl Iterator<Item = TokenId>) {
        let filled = text.chain(std::iter::repeat(self.end_of_text));
        for (slot, token) in self.counts.iter_mut().zip(filled) {
            if let Some(count) = slot.get_mut(token.0 as usize) {
                *count += 1;
            }
        }
        self.texts += 1;
    }

    /// What the counts lead to expect, corrected for their number. `// (slots)`
    pub fn prospects(&self, unigram: &[f64]) -> Vec<Prospect> {
        let log = |&count: &u32| (f64::from(count) / f64::from(self.texts)).ln() as f32;
        let prospect = |slot: &Vec<u32>| {
            let mut prospect = Prospect::of(&slot.iter().map(log).collect::<Vec<f32>>(), unigram);
            let seen = slot.iter().filter(|count| **count > 0).count().saturating_sub(1);
            let bias = seen as f64 / (2.0 * f64::from(self.texts) * LN_2);
            prospect.entropy_bits += bias;
            prospect.kl_bits = (prospect.kl_bits - bias).clamp(0.0, f64::INFINITY);
            prospect
        };
        self.counts.iter().map(prospect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::two_sentences;

    #[test]
    fn a_prospect_of_a_coin_has_one_bit() {
        let half = 0.5_f32.ln();
        let coin = [f32::NEG_INFINITY, half, half, f32::NEG_INFINITY];
        let prospect = Prospect::of(&coin, &[0.0, 0.25, 0.25, 0.5]);
        assert!((prospect.entropy_bits - 1.0).abs() < 1e-6 && (prospect.kl_bits - 1.0).abs() < 1e-6);
        assert_eq!(prospect.best[0].0, TokenId(1));
        assert!(!prospect.is_common(&[TokenId(1), TokenId(2)]), "the third best is not among them");
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let prospect = Prospect::of(&[f32::NAN, 0.0], &[0.5, 0.5]);
        assert!(prospect.entropy_bits.is_nan() && prospect.kl_bits.is_nan(), "{prospect:?}");
        let nothing = Occurrences::new(1, 2, TokenId(0)).prospects(&[0.5, 0.5]);
        assert!(nothing[0].entropy_bits.is_nan() && nothing[0].kl_bits.is_nan(), "{nothing:?}");
    }

    #[test]
    fn an_exact_denoiser_expects_what_its_corpus_holds() {
        let special = SpecialTokens::default();
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let unigram = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0].map(|count| count / 6.0);
        let prompted = Sequence::prompted(&two_sentences::FIRST[..1], 3, special.mask).unwrap();
        let found = pollster::block_on(prospects(&mut corpus, &prompted, &unigram, special)).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].entropy_bits.abs() < 1e-6 && found[0].best[0].0 == two_sentences::FIRST[1]);
        assert!((found[0].kl_bits - 6.0_f64.log2()).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn texts_that_ended_go_on_with_the_end_and_counts_are_corrected() {
        let mut counted = Occurrences::new(3, 5, TokenId(2));
        counted.push([TokenId(3)].into_iter());
        counted.push([TokenId(4), TokenId(3), TokenId(3), TokenId(4)].into_iter());
        let last = &counted.prospects(&[0.2; 5])[2];
        assert_eq!([last.best[0].0, last.best[1].0], [TokenId(2), TokenId(3)]);
        let corrected = 1.0 + 1.0 / (2.0 * 2.0 * LN_2);
        assert!((last.entropy_bits - corrected).abs() < 1e-6, "{last:?}");
    }
}
