//! The bound under masks with a schedule per token (GenMD4, Shi et al., arXiv 2406.04329, section 6), exact in continuous time.
//!
//! With h_v = −α′_v / (1 − α_v) the rate at which a hidden token v is revealed ([`RevealRates`]; w_v / t for α_v = 1 − t^{w_v}):
//! NELBO = ∫ E Σ over hidden slots of (−h_x ln p_x − h_x + Σ_v h_v p_v) dt, x the clean token and p the prediction. With all
//! exponents 1 it is the bound of plain masks; another clock ([`Clocked`](crate::process::Clocked)) leaves it what it is. Unit: bits. Cost: one sequence of a call
//! per draw, whole distributions. Times are held [`EDGE`](super::EDGE) away from both ends. Blind spot: it is a bound; and a
//! prediction that was trained on other masks pays for not knowing that what stays hidden long is more likely a token of small
//! exponent.

use super::strata::{BoundTerm, together};
use super::terms::{Integrand, terms};
use super::{BoundError, BoundSettings, TextBound};
use crate::denoiser::FullDenoiser;
use crate::process::{ForwardProcess, RevealRates};
use crate::random::Stream;
use crate::sequence::{SpecialTokens, TokenId};

/// Estimates the bound of one window of tokens, padding included: number `index` of its file, which keys times and noise.
/// `counted` tokens share the bits. At least two draws; a few of the last may be left out, so that all passes are alike.
///
/// # Errors
/// [`BoundError`].
pub async fn token_schedules_bound<D: FullDenoiser, P: RevealRates>(
    denoiser: &mut D,
    process: &P,
    text: &[TokenId],
    counted: u32,
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<TextBound, BoundError<D::Error>> {
    let terms = token_schedules_terms(denoiser, process, text, index, special, settings).await?;
    together(terms.iter().map(|term| term.bits), counted)
}

/// The terms of the bound of one window, draw by draw.
///
/// # Errors
/// [`BoundError`].
pub async fn token_schedules_terms<D: FullDenoiser, P: RevealRates>(
    denoiser: &mut D,
    process: &P,
    text: &[TokenId],
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<Vec<BoundTerm>, BoundError<D::Error>> {
    terms(denoiser, &PerToken(process), text, index, special, settings).await
}

/// Masks with a schedule per token.
struct PerToken<'a, P>(&'a P);

impl<P: RevealRates> Integrand for PerToken<'_, P> {
    fn shown(&self, clean: TokenId, t: f64, stream: &mut Stream) -> TokenId {
        self.0.sample(clean, t, stream)
    }

    fn nats(&self, prediction: &mut [f64], clean: TokenId, shown: TokenId, t: f64) -> f64 {
        if shown != self.0.mask() {
            return 0.0;
        }
        let own = self.0.reveal_rate(clean, t);
        let p = prediction.get(clean.0 as usize).copied().unwrap_or(0.0);
        let mean: f64 =
            (0..).zip(prediction.iter()).map(|(token, p)| self.0.reveal_rate(TokenId(token), t) * p).sum();
        mean - own - own * p.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Corpus, Noisy, two_sentences};
    use crate::measure::{Estimate, Moments, text_bound};
    use crate::process::{Clocked, FrequencyMask, GenMd4};
    use crate::schedule::Schedule;
    use crate::testing::{near, one_bit_by_the_callers_tokens};

    const MASK: TokenId = TokenId(0);

    /// Exponents of the nine tokens; the sentences differ in the exponents of all three words.
    fn process(scale: f64) -> GenMd4 {
        let exponents = (0..9).map(|token| 0.4 + scale * f64::from(token)).collect();
        GenMd4::new(MASK, exponents).unwrap()
    }

    fn bits<D: FullDenoiser>(denoiser: &mut D, process: &impl RevealRates, text: &[TokenId]) -> Estimate {
        let settings = BoundSettings { seed: 3, draws: 512, batch: 64 };
        let bound = |index| {
            let bound =
                token_schedules_bound(denoiser, process, text, 3, index, SpecialTokens::default(), settings);
            pollster::block_on(bound).unwrap().bits.value
        };
        let found = (0..200).map(bound).collect::<Moments>().estimate().unwrap();
        assert!(found.standard_error < 0.035, "power: {found:?}");
        found
    }

    #[test]
    fn exact_denoisers_pay_what_the_sentence_is_worth_under_every_schedule() {
        for scale in [0.0, 0.3] {
            let process = process(scale);
            for (weight, text) in
                [(0.5, two_sentences::FIRST), (0.8, two_sentences::FIRST), (0.8, two_sentences::SECOND)]
            {
                let mut denoiser = Noisy::new(two_sentences::corpus(weight).unwrap(), process.clone());
                let worth = if text == two_sentences::FIRST { weight } else { 1.0 - weight };
                let found = bits(&mut denoiser, &process, &text);
                // What the clamp leaves out is below 0.02 bits here.
                assert!(
                    near(found.value, -worth.log2(), 4.0 * found.standard_error + 0.02),
                    "{scale}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn masks_by_frequency_have_a_proper_bound_too() {
        let process = FrequencyMask::new(MASK, 0.3, &[0, 0, 0, 900, 40, 3, 300, 9, 1]).unwrap();
        for (text, worth) in [(two_sentences::FIRST, 0.8_f64), (two_sentences::SECOND, 0.2)] {
            let mut denoiser = Noisy::new(two_sentences::corpus(0.8).unwrap(), process.clone());
            let found = bits(&mut denoiser, &process, &text);
            assert!(near(found.value, -worth.log2(), 4.0 * found.standard_error + 0.02), "{found:?}");
        }
    }

    #[test]
    fn another_clock_leaves_the_bound_what_it_is() {
        for schedule in [Schedule::Cosine, Schedule::LogLinear, Schedule::Geometric] {
            let process = Clocked { schedule, process: process(0.3) };
            let mut denoiser = Noisy::new(two_sentences::corpus(0.8).unwrap(), process.clone());
            let found = bits(&mut denoiser, &process, &two_sentences::SECOND);
            assert!(
                near(found.value, -0.2_f64.log2(), 4.0 * found.standard_error + 0.02),
                "{schedule:?}: {found:?}"
            );
        }
    }

    #[test]
    fn a_denoiser_of_plain_masks_pays_more_under_unequal_schedules() {
        let corpus = || two_sentences::corpus(0.5).unwrap();
        let mut plain = Noisy::new(corpus(), process(0.0));
        let found = bits(&mut plain, &process(0.3), &two_sentences::FIRST);
        let other = bits(&mut plain, &process(0.3), &two_sentences::SECOND);
        let mean = (found.value + other.value) / 2.0;
        assert!(mean > 1.0 + 4.0 * found.standard_error, "{mean}");
    }

    #[test]
    fn equal_exponents_are_the_bound_of_plain_masks() {
        let ones = GenMd4::new(MASK, vec![1.0; 9]).unwrap();
        let mut denoiser = Noisy::new(two_sentences::corpus(0.8).unwrap(), ones.clone());
        let found = bits(&mut denoiser, &ones, &two_sentences::SECOND);
        let settings = BoundSettings { seed: 3, draws: 4096, batch: 64 };
        let mut plain = two_sentences::corpus(0.8).unwrap();
        let bound = text_bound(&mut plain, &two_sentences::SECOND, 3, 0, SpecialTokens::default(), settings);
        let bound = pollster::block_on(bound).unwrap().bits;
        let error = found.standard_error.hypot(bound.standard_error);
        assert!(near(found.value, bound.value, 4.0 * error + 0.02), "{found:?}, {bound:?}");
    }

    /// A model without a token for unknown words, whose end of text is 1: what is predicted begins there, as the caller says.
    #[test]
    fn a_model_may_have_other_ids_for_what_is_no_word() {
        let special = SpecialTokens { mask: MASK, unknown: MASK, end_of_text: TokenId(1) };
        let texts = [[3, 1], [4, 5]].map(|text| text.map(TokenId).to_vec());
        let corpus = Corpus::new(texts.clone().map(|text| (text, 0.5)).to_vec(), MASK).unwrap();
        let process = GenMd4::new(MASK, vec![1.0, 0.4, 1.0, 2.0, 0.7, 1.3]).unwrap();
        let mut denoiser = Noisy::new(corpus, process.clone());
        let settings = BoundSettings { seed: 3, draws: 1024, batch: 64 };
        one_bit_by_the_callers_tokens(special, |index, special| {
            let bound =
                token_schedules_bound(&mut denoiser, &process, &texts[0], 2, index, special, settings);
            pollster::block_on(bound).ok().map(|bound| bound.bits.value)
        });
    }
}
