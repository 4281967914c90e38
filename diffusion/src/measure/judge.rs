//! Generative perplexity: how likely an autoregressive model finds texts - never without their diversity.
//!
//! Of each text −log2 p per token under the judge, tokens behind the prompt up to and including the first end of text;
//! then 2 to the power of the mean over texts. Every text counts alike, however long: for texts of different lengths
//! that is not the perplexity over all their tokens. Unit: bits per token, and perplexity, whose error is
//! perplexity · ln 2 · error of the bits (delta method). Beside it, of the same tokens, the texts' own unigram entropy
//! in bits, a mean over texts too, and the share of distinct k-grams of all texts together (k from 1 to 4, 2 in most papers;
//! [`distinct_of_all`]), because repetition lowers the perplexity without
//! limit (1.5 has been reported) and temperature moves both. Cost: one judge call per batch. Blind spots: the judge's
//! taste; short texts have little entropy, so compare with real text of the same length; and as a power of a mean
//! the perplexity is too high, by about its squared error over twice itself. An autoregressive judge is a
//! [`Denoiser`] whose row at slot i sees only what lies left.

use std::f64::consts::LN_2;

use super::surface::{distinct_of_all, histogram_bits};
use super::{Estimate, Moments};
use crate::denoiser::{Denoiser, Query, Row};
use crate::sequence::{Sequence, SlotState, SpecialTokens, TokenId};

/// What a judge says of texts, and what keeps it honest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Bits per token under the judge, a mean over texts; perplexity is 2 to its power.
    pub bits_per_token: Estimate,
    /// Entropy in bits of each text's own words, a mean over texts.
    pub entropy_bits: Estimate,
    /// Distinct k-grams of all texts together over all their k-grams; falls with the amount. None for fewer
    /// than two texts of so many words.
    pub distinct_share: Option<Estimate>,
}

/// Words in the n-grams whose distinct share stands beside a perplexity, unless asked otherwise.
pub const DISTINCT: usize = 2;

impl Judgement {
    /// 2 to the power of the bits per token: the geometric mean of the texts' perplexities.
    pub fn perplexity(&self) -> Estimate {
        let Estimate { value: bits, standard_error, samples } = self.bits_per_token;
        let value = bits.exp2();
        Estimate { value, standard_error: value * LN_2 * standard_error, samples }
    }
}

/// Judges finished texts of one length, and counts their distinct n-grams of `distinct` words, 1 to 4; `None` for fewer than two
/// texts with words in.
///
/// # Errors
/// If the judge fails.
pub async fn judge<D: Denoiser>(
    judge: &mut D,
    texts: &[Sequence],
    special: SpecialTokens,
    distinct: usize,
) -> Result<Option<Judgement>, D::Error> {
    let nats = log_probabilities(judge, texts, special).await?;
    let written = |text: &Sequence| -> Vec<TokenId> {
        let tokens = judged(text, special).map(|slot| text.slots[slot as usize].token);
        tokens.filter(|token| *token != special.end_of_text).collect()
    };
    let words: Vec<Vec<TokenId>> = texts.iter().map(written).collect();
    let bits = nats.iter().zip(texts).filter_map(|(nats, text)| {
        let tokens = judged(text, special).count();
        (tokens > 0).then(|| -nats / LN_2 / tokens as f64)
    });
    let entropies = words.iter().filter(|words| !words.is_empty()).map(|words| histogram_bits(words.iter()));
    let judgement = bits.collect::<Moments>().estimate().and_then(|bits_per_token| {
        let entropy_bits = entropies.collect::<Moments>().estimate()?;
        let distinct_share = distinct_of_all(words.iter().map(Vec::as_slice), distinct);
        Some(Judgement { bits_per_token, entropy_bits, distinct_share })
    });
    Ok(judgement)
}

/// ln p of each text's open slots, up to and including its first end, in one call: with an autoregressive denoiser
/// the log-probability of what was written after the prompt.
///
/// # Errors
/// If the denoiser fails.
pub async fn log_probabilities<D: Denoiser>(
    denoiser: &mut D,
    texts: &[Sequence],
    special: SpecialTokens,
) -> Result<Vec<f64>, D::Error> {
    let mut query = Query {
        length: texts.first().map_or(0, Sequence::len),
        tokens: texts.iter().flat_map(Sequence::tokens).collect(),
        times: vec![0.0; texts.len()],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::new(),
    };
    for (sequence, text) in (0..).zip(texts) {
        query.rows.extend(judged(text, special).map(|slot| row(text, sequence, slot, special)));
    }
    let mut sums = vec![0.0; texts.len()];
    if !query.rows.is_empty() {
        let predictions = denoiser.predict(&query).await?;
        for (row, prediction) in query.rows.iter().zip(&predictions) {
            sums[row.sequence as usize] += f64::from(prediction.target_log_probability);
        }
    }
    Ok(sums)
}

/// The open slots up to and including the first end of text.
pub(crate) fn judged(text: &Sequence, special: SpecialTokens) -> impl Iterator<Item = u32> + '_ {
    let end = text.text_length(special.end_of_text) + 1;
    let is_open = |slot: &usize| text.slots[*slot].state != SlotState::Given;
    (0..end.min(text.len())).filter(is_open).map(|slot| slot as u32)
}

fn row(text: &Sequence, sequence: u32, slot: u32, special: SpecialTokens) -> Row {
    Row::measured(sequence, slot, special.first_token(false), text.slots[slot as usize].token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Corpus, two_sentences};
    use crate::guide::Causal;
    use crate::sequence::Slot;
    use crate::testing::near;

    fn text(ids: [TokenId; 3]) -> Sequence {
        Sequence { slots: ids.map(Slot::committed).to_vec() }
    }

    #[test]
    fn an_exact_judge_gives_the_probability_of_the_sentence() {
        let mut exact = Causal::new(two_sentences::corpus(0.7).unwrap(), TokenId(0));
        let texts = [text(two_sentences::FIRST), text(two_sentences::SECOND)];
        let special = SpecialTokens::default();
        let found = pollster::block_on(log_probabilities(&mut exact, &texts, special)).unwrap();
        assert!(near(found[0], 0.7_f64.ln(), 1e-6) && near(found[1], 0.3_f64.ln(), 1e-6), "{found:?}");
        let judged = pollster::block_on(judge(&mut exact, &texts, special, DISTINCT)).unwrap().unwrap();
        let bits = -(0.7_f64.log2() + 0.3_f64.log2()) / 2.0 / 3.0;
        assert!(near(judged.bits_per_token.value, bits, 1e-6));
        // Two draws: their mean has the error of half their distance.
        let error = (0.7_f64.log2() - 0.3_f64.log2()) / 3.0 / 2.0;
        assert!(near(judged.bits_per_token.standard_error, error, 1e-6));
        // (.7 · .3)^(−1/6), and by the chain rule ln 2 of it per bit.
        let perplexity = judged.perplexity();
        assert!(near(perplexity.value, 0.21_f64.powf(-1.0 / 6.0), 1e-6) && perplexity.samples == 2);
        assert!(near(perplexity.standard_error, perplexity.value * LN_2 * error, 1e-6));
        assert!(near(judged.entropy_bits.value, 3_f64.log2(), 1e-12));
        // They share no word, whichever is left out.
        let all = Estimate { value: 1.0, standard_error: 0.0, samples: 2 };
        assert_eq!(judged.distinct_share, Some(all));
        let none = pollster::block_on(judge(&mut exact, &texts, special, 4)).unwrap().unwrap();
        assert_eq!(none.distinct_share, None, "no text has four words");
    }

    #[test]
    fn every_text_counts_alike_however_long() {
        let special = SpecialTokens::default();
        let sentences = vec![
            (vec![TokenId(3), special.end_of_text, special.end_of_text], 0.25),
            (two_sentences::SECOND.to_vec(), 0.75),
        ];
        let mut exact = Causal::new(Corpus::new(sentences, TokenId(0)).unwrap(), TokenId(0));
        let texts =
            [text([TokenId(3), special.end_of_text, special.end_of_text]), text(two_sentences::SECOND)];
        let judged = pollster::block_on(judge(&mut exact, &texts, special, DISTINCT)).unwrap().unwrap();
        // log2 4 = 2 bits over a word and its end, log2 (4/3) over three words.
        let bits = (2.0 / 2.0 + (4.0_f64 / 3.0).log2() / 3.0) / 2.0;
        assert!(near(judged.bits_per_token.value, bits, 1e-6), "{judged:?}, expected {bits}");
    }

    #[test]
    fn a_prompt_is_not_judged_and_nothing_after_the_end() {
        let special = SpecialTokens::default();
        let mut slots = text(two_sentences::FIRST);
        slots.slots[0] = Slot::given(two_sentences::FIRST[0]);
        assert_eq!(judged(&slots, special).collect::<Vec<_>>(), [1, 2]);
        slots.slots[1] = Slot::committed(special.end_of_text);
        assert_eq!(judged(&slots, special).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn one_text_tells_no_error() {
        let mut exact = Causal::new(two_sentences::corpus(0.7).unwrap(), TokenId(0));
        let texts = [text(two_sentences::FIRST)];
        let found = judge(&mut exact, &texts, SpecialTokens::default(), DISTINCT);
        assert_eq!(pollster::block_on(found).unwrap(), None);
    }
}
