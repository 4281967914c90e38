//! What is to be expected at a slot: entropy, divergence from the unigram, and the best candidates.
//!
//! H = −Σ p log2 p and KL(p ‖ unigram) = Σ p log2(p / unigram), in bits. Of a denoiser, from its whole distributions
//! ([`prospects`], one call); or of draws of what is true there ([`Occurrences`], no call). Shares counted in n texts
//! are plug-in estimates: of m different tokens seen, their entropy is too low by about (m − 1) / (2 n ln 2) bits
//! (Miller and Madow; Miller, *Note on the bias of information estimates*, 1955). That is added to the entropy and,
//! since KL = −Σ p log2 unigram − H, taken off the divergence, which is then cut off at 0. Their standard errors are
//! those of a mean of n draws of −log2 p and of log2(p / unigram) ([`Occurrences::estimates`]).
//!
//! Blind spots: one prompt is one sample, so there is no standard error over prompts. Of counted texts: a token that
//! is possible but was not seen counts as impossible, and the correction knows only of those seen, so entropies stay
//! too low until n is well above the number of possible tokens; the cut at 0 makes small divergences too large; and
//! where all shares are alike the error's first order is gone, so that it reads 0.

use std::f64::consts::LN_2;

use super::Estimate;
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
    /// The best candidates that are possible at all with their probabilities, best first, ties by smaller id. `// (up to 3)`
    pub best: Vec<(TokenId, f64)>,
}

impl Prospect {
    /// Of log-probabilities in nats over all tokens. `// (vocabulary)`
    pub fn of(log_probabilities: &[f32], unigram: &[f64]) -> Self {
        let probabilities = log_probabilities.iter().map(|&log| f64::from(log).exp());
        let mut best: Vec<(TokenId, f64)> = (0..).map(TokenId).zip(probabilities.clone()).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.truncate(BEST);
        best.retain(|(_, p)| *p > 0.0);
        let entropy_bits = entropy_bits(probabilities);
        Self { entropy_bits, kl_bits: kl_bits(log_probabilities, unigram), best }
    }

    /// Whether there are best candidates, and all are among these.
    pub fn is_common(&self, common: &[TokenId]) -> bool {
        !self.best.is_empty() && self.best.iter().all(|(token, _)| common.contains(token))
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

/// What is to be expected at one slot with its standard errors, from counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProspectEstimate {
    /// Entropy in bits.
    pub entropy_bits: Estimate,
    /// Divergence from the unigram in bits; where it is infinite, its error is no number.
    pub kl_bits: Estimate,
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

    /// Entropy and divergence of [`Self::prospects`] with their standard errors, a text one draw; `None` for fewer
    /// than two texts. `// (slots)`
    pub fn estimates(&self, unigram: &[f64]) -> Option<Vec<ProspectEstimate>> {
        let texts = f64::from(self.texts);
        let estimate = |(prospect, slot): (Prospect, &Vec<u32>)| {
            let seen = || {
                let shares = slot.iter().map(|&count| f64::from(count) / texts).zip(unigram);
                shares.filter(|(p, _)| *p != 0.0)
            };
            let samples = u64::from(self.texts);
            let of =
                |value, variance: f64| Estimate { value, standard_error: (variance / texts).sqrt(), samples };
            ProspectEstimate {
                entropy_bits: of(prospect.entropy_bits, variance(seen().map(|(p, _)| (p, -p.log2())))),
                kl_bits: of(prospect.kl_bits, variance(seen().map(|(p, q)| (p, (p / q).log2())))),
            }
        };
        (self.texts >= 2)
            .then(|| self.prospects(unigram).into_iter().zip(&self.counts).map(estimate).collect())
    }
}

/// Variance of values that come with these probabilities.
fn variance(values: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let mean: f64 = values.clone().map(|(p, value)| p * value).sum();
    values.map(|(p, value)| p * (value - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::two_sentences;
    use crate::measure::Moments;
    use crate::random::{bernoulli, word};
    use crate::testing::near;

    /// One slot that held token 3 and token 4 so often.
    fn counts(three: u32, four: u32) -> Occurrences {
        let mut counted = Occurrences::new(1, 5, TokenId(2));
        (0..three).for_each(|_| counted.push([TokenId(3)].into_iter()));
        (0..four).for_each(|_| counted.push([TokenId(4)].into_iter()));
        counted
    }

    #[test]
    fn a_prospect_of_a_coin_has_one_bit() {
        let half = 0.5_f32.ln();
        let coin = [f32::NEG_INFINITY, half, half, f32::NEG_INFINITY];
        let prospect = Prospect::of(&coin, &[0.0, 0.25, 0.25, 0.5]);
        assert!((prospect.entropy_bits - 1.0).abs() < 1e-6 && (prospect.kl_bits - 1.0).abs() < 1e-6);
        assert_eq!(prospect.best[0].0, TokenId(1));
        assert!(prospect.is_common(&[TokenId(1), TokenId(2)]), "nothing else is possible");
        assert!(!prospect.is_common(&[TokenId(1), TokenId(3)]) && !prospect.is_common(&[]));
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let prospect = Prospect::of(&[f32::NAN, 0.0], &[0.5, 0.5]);
        assert!(prospect.entropy_bits.is_nan() && prospect.kl_bits.is_nan(), "{prospect:?}");
        let nothing = Occurrences::new(1, 2, TokenId(0)).prospects(&[0.5, 0.5]);
        assert!(nothing[0].entropy_bits.is_nan() && nothing[0].kl_bits.is_nan(), "{nothing:?}");
        assert!(!nothing[0].is_common(&[TokenId(0), TokenId(1)]), "nothing is expected there");
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

    #[test]
    fn counted_divergences_are_corrected_the_other_way() {
        let (counted, log3) = (counts(6, 2), 3.0_f64.log2());
        let bias = 1.0 / (2.0 * 8.0 * LN_2);
        // Shares 3/4 and 1/4 against 1/4 and 3/4: 3/4 log2 3 − 1/4 log2 3.
        let found = &counted.prospects(&[0.0, 0.0, 0.0, 0.25, 0.75])[0];
        assert!(near(found.kl_bits, log3 / 2.0 - bias, 1e-6), "{found:?}");
        assert!(near(found.entropy_bits, 2.0 - 0.75 * log3 + bias, 1e-6), "{found:?}");
        let same = &counted.prospects(&[0.0, 0.0, 0.0, 0.75, 0.25])[0];
        assert_eq!(same.kl_bits, 0.0, "cut off");
        assert_eq!(counted.prospects(&[0.5, 0.0, 0.0, 0.5, 0.0])[0].kl_bits, f64::INFINITY);
    }

    #[test]
    fn errors_of_counts_are_those_of_a_mean_of_surprisals() {
        let (unigram, log3) = ([0.0, 0.0, 0.0, 0.25, 0.75], 3.0_f64.log2());
        let counted = counts(6, 2);
        let found = counted.estimates(&unigram).unwrap()[0];
        let prospect = &counted.prospects(&unigram)[0];
        assert_eq!(
            [found.entropy_bits.value, found.kl_bits.value],
            [prospect.entropy_bits, prospect.kl_bits]
        );
        assert_eq!(found.entropy_bits.samples, 8);
        // Surprisals log2 3 apart, ratios twice that, at 3/4 and 1/4: variance 3/16 of the square.
        let one = (3.0_f64 / 16.0 / 8.0).sqrt() * log3;
        assert!(near(found.entropy_bits.standard_error, one, 1e-12), "{found:?}");
        assert!(near(found.kl_bits.standard_error, 2.0 * one, 1e-12), "{found:?}");
        let even = counts(4, 4).estimates(&unigram).unwrap()[0];
        assert_eq!(even.entropy_bits.standard_error, 0.0, "even shares have no first order");
        let infinite = counted.estimates(&[0.5, 0.0, 0.0, 0.5, 0.0]).unwrap()[0].kl_bits;
        assert!(infinite.value == f64::INFINITY && infinite.standard_error.is_nan());
        assert_eq!(counts(1, 0).estimates(&unigram), None);
    }

    #[test]
    fn corrected_entropies_scatter_about_the_truth_as_their_errors_say() {
        let found: Vec<Estimate> = (0..1000)
            .map(|seed| {
                let three = (0..200).filter(|&text| bernoulli(word(seed, 0, 0, text), 0.8)).count() as u32;
                counts(three, 200 - three).estimates(&[0.2; 5]).unwrap()[0].entropy_bits
            })
            .collect();
        let off: Moments = found.iter().map(|entropy| entropy.value - entropy_bits([0.8, 0.2])).collect();
        let scatter = (off.squares() / 999.0).sqrt();
        let typical = found.iter().map(|entropy| entropy.standard_error).collect::<Moments>().mean();
        // A standard deviation of 1000 has a relative error of 1 / √2000 = .022.
        assert!(near(typical / scatter, 1.0, 0.09), "{typical} for {scatter}");
        let off = off.estimate().unwrap();
        assert!(near(off.value, 0.0, 4.0 * off.standard_error), "{off:?}");
    }
}
