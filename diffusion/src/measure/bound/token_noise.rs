//! The bound under noise that replaces tokens by words, by the mask, or by either (UDLM, arXiv 2412.10193; GIDD, arXiv
//! 2503.04482), exact in continuous time.
//!
//! NELBO = ∫ E Σ over slots w (KL(q_t ‖ q̂_t) + r − ln r − 1) dt, where z is what the slot shows, q_t its distribution given
//! the clean token, q̂_t the same given the leave-one-out prediction, r = q_t(z) / q̂_t(z), and w = (rate at which noise
//! lands on z) / q_t(z). Unit: bits. Cost: one sequence of a call per draw, whole distributions. Times are held
//! [`EDGE`](super::EDGE) away from both ends, where weights have no limit. Blind spot: it is a bound; and the denoiser promises the
//! posterior, which is turned into the leave-one-out prediction here: one that gives out the latter as the former is
//! measured as worse than it is (1.32 bits instead of 1 on the two sentences).

use super::strata::{BoundTerm, together};
use super::terms::{Integrand, terms};
use super::{BoundError, BoundSettings, TextBound};
use crate::denoiser::FullDenoiser;
use crate::process::{ForwardProcess, NoiseRates};
use crate::random::Stream;
use crate::sequence::{SpecialTokens, TokenId};

/// Estimates the bound of one window of tokens, padding included: number `index` of its file, which keys times and noise.
/// `counted` tokens share the bits. At least two draws; a few of the last may be left out, so that all passes are alike.
///
/// # Errors
/// [`BoundError`].
pub async fn token_noise_bound<D: FullDenoiser, P: NoiseRates>(
    denoiser: &mut D,
    process: &P,
    text: &[TokenId],
    counted: u32,
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<TextBound, BoundError<D::Error>> {
    let terms = token_noise_terms(denoiser, process, text, index, special, settings).await?;
    together(terms.iter().map(|term| term.bits), counted)
}

/// The terms of the bound of one window, draw by draw: what is lost at which time
/// ([`smoothness`](crate::measure::smoothness)).
///
/// # Errors
/// [`BoundError`].
pub async fn token_noise_terms<D: FullDenoiser, P: NoiseRates>(
    denoiser: &mut D,
    process: &P,
    text: &[TokenId],
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<Vec<BoundTerm>, BoundError<D::Error>> {
    terms(denoiser, &Noise(process), text, index, special, settings).await
}

/// Noise whose rates are known.
struct Noise<'a, P>(&'a P);

impl<P: NoiseRates> Integrand for Noise<'_, P> {
    fn shown(&self, clean: TokenId, t: f64, stream: &mut Stream) -> TokenId {
        self.0.sample(clean, t, stream)
    }

    fn nats(&self, prediction: &mut [f64], clean: TokenId, shown: TokenId, t: f64) -> f64 {
        self.0.leave_one_out_of_posterior(prediction, shown, t);
        integrand(self.0, prediction, clean, shown, t)
    }
}

/// One slot's part in nats per unit of time, from its leave-one-out prediction. `// (vocabulary)`
fn integrand<P: NoiseRates>(process: &P, prediction: &[f64], clean: TokenId, shown: TokenId, t: f64) -> f64 {
    let (masses, rates, words) = (process.masses_of(clean, t), process.rates(t), process.words());
    if words.count == 0 && shown != process.mask() {
        return 0.0; // Nothing else could stand there, whatever the network thinks of it.
    }
    let each = if words.count == 0 { 0.0 } else { masses.uniform / f64::from(words.count) };
    let guessed =
        |token: TokenId| masses.kept * prediction.get(token.0 as usize).copied().unwrap_or(0.0) + each;
    let own = masses.kept + each;
    let mut divergence = own * (own / guessed(clean)).ln();
    if each > 0.0 {
        let others = (words.first..words.first + words.count).filter(|&word| word != clean.0);
        divergence += others.map(|word| each * (each / guessed(TokenId(word))).ln()).sum::<f64>();
    }
    if shown == process.mask() {
        return rates.to_mask / masses.masked * divergence;
    }
    let true_mass = if shown == clean { own } else { each };
    let ratio = true_mass / guessed(shown);
    let lands = if words.count == 0 { 0.0 } else { rates.to_words / f64::from(words.count) };
    lands / true_mass * (divergence + ratio - ratio.ln() - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denoiser::Query;
    use crate::exact::{Corpus, Noisy, two_sentences};
    use crate::guide::LeaveOneOut;
    use crate::measure::{Estimate, Moments};
    use crate::process::{Clocked, Mask, MaskUniform, Uniform, Words};
    use crate::schedule::Schedule;
    use crate::testing::{near, one_bit_by_the_callers_tokens};

    const WORDS: Words = Words { first: 3, count: 6 };
    const MASK: TokenId = TokenId(0);

    /// The mean over many windows with the same text: each has its own times and noise.
    fn bits<D: FullDenoiser, P: NoiseRates>(denoiser: &mut D, process: &P) -> Estimate {
        let settings = BoundSettings { seed: 3, draws: 1024, batch: 64 };
        let bound = |index| {
            let text = token_noise_bound(
                denoiser,
                process,
                &two_sentences::FIRST,
                3,
                index,
                SpecialTokens::default(),
                settings,
            );
            pollster::block_on(text).unwrap().bits.value
        };
        let found = (0..300).map(bound).collect::<Moments>().estimate().unwrap();
        assert!(found.standard_error < 0.015, "power: {found:?}");
        found
    }

    fn check<P: NoiseRates + Clone>(process: &P, weight: f64) {
        let mut denoiser = Noisy::new(two_sentences::corpus(weight).unwrap(), process.clone());
        let found = bits(&mut denoiser, process);
        // What the clamp leaves out is below 0.005 bits here.
        assert!(near(found.value, -weight.log2(), 4.0 * found.standard_error + 0.005), "{found:?}");
    }

    #[test]
    fn exact_denoisers_pay_what_the_sentence_is_worth() {
        check(&Mask { schedule: Schedule::Linear, mask: MASK }, 0.5);
        for weight in [0.5, 0.8] {
            check(&Uniform { schedule: Schedule::Linear, words: WORDS }, weight);
            check(&MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.1 }, weight);
        }
        check(&MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.2 }, 0.5);
        check(&Uniform { schedule: Schedule::Cosine, words: WORDS }, 0.5);
    }

    #[test]
    fn masks_and_words_pay_the_same_by_every_clock() {
        let process = MaskUniform { mask: MASK, words: WORDS, uniform_share: 0.1 };
        Schedule::ALL.into_iter().for_each(|schedule| check(&Clocked { schedule, process }, 0.5));
    }

    /// A network is not asked about slots in sight, and may think anything of them.
    struct Careless(Noisy<Mask>);

    impl crate::Denoiser for Careless {
        type Error = crate::exact::ExactError;
        async fn predict(&mut self, query: &Query) -> Result<Vec<crate::Prediction>, Self::Error> {
            self.0.predict(query).await
        }
    }

    impl FullDenoiser for Careless {
        fn vocabulary(&self) -> usize {
            self.0.vocabulary()
        }

        async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, Self::Error> {
            let (mut all, vocabulary) = (self.0.distributions(query).await?, self.0.vocabulary());
            let in_sight =
                query.rows.iter().zip(all.chunks_mut(vocabulary)).filter(|(row, _)| row.target != MASK);
            in_sight.for_each(|(_, logs)| logs.fill(f32::NEG_INFINITY));
            Ok(all)
        }
    }

    #[test]
    fn under_masks_slots_in_sight_cost_nothing() {
        let process = Mask { schedule: Schedule::Linear, mask: MASK };
        let exact = Noisy::new(two_sentences::corpus(0.5).unwrap(), process);
        let found = bits(&mut Careless(exact), &process);
        assert!(near(found.value, 1.0, 4.0 * found.standard_error + 0.005), "{found:?}");
    }

    /// Numbers of guides/method.md 2.3 and 2.4: what a posterior costs where a leave-one-out prediction is wanted.
    #[test]
    fn a_posterior_plugged_in_costs_more() {
        let corpus = || two_sentences::corpus(0.5).unwrap();
        let uniform = Uniform { schedule: Schedule::Linear, words: WORDS };
        // Multiplied by q(z | v) once too often, and divided by it once.
        let found = bits(&mut LeaveOneOut::new(Noisy::new(corpus(), uniform), uniform), &uniform);
        assert!(near(found.value, 1.32, 4.0 * found.standard_error + 0.01), "{found:?}");
        for (uniform_share, expected) in [(0.1, 1.15), (0.2, 1.21)] {
            let process = MaskUniform { mask: MASK, words: WORDS, uniform_share };
            let found = bits(&mut LeaveOneOut::new(Noisy::new(corpus(), process), process), &process);
            assert!(near(found.value, expected, 4.0 * found.standard_error + 0.01), "{found:?}, {expected}");
        }
    }

    #[test]
    fn the_standard_error_is_how_far_texts_of_one_kind_scatter() {
        let process = Uniform { schedule: Schedule::Linear, words: WORDS };
        let mut denoiser = Noisy::new(two_sentences::corpus(0.5).unwrap(), process);
        let settings = BoundSettings { seed: 5, draws: 16, batch: 16 };
        let (mut values, mut claimed) = (Moments::default(), Moments::default());
        for index in 0..800 {
            let bound = token_noise_bound(
                &mut denoiser,
                &process,
                &two_sentences::FIRST,
                3,
                index,
                SpecialTokens::default(),
                settings,
            );
            let bits = pollster::block_on(bound).unwrap().bits;
            values.push(bits.value);
            claimed.push(bits.standard_error.powi(2));
        }
        let scatter = values.estimate().unwrap().standard_error.powi(2) * 800.0;
        let claimed = claimed.estimate().unwrap().value;
        assert!(near(scatter / claimed, 1.0, 0.35), "scatter {scatter}, claimed {claimed}");
    }

    /// A model without a token for unknown words, whose end of text is 1: what is predicted begins there, as the caller says.
    #[test]
    fn a_model_may_have_other_ids_for_what_is_no_word() {
        let special = SpecialTokens { mask: MASK, unknown: MASK, end_of_text: TokenId(1) };
        let texts = [[3, 1], [4, 5]].map(|text| text.map(TokenId).to_vec());
        let corpus = Corpus::new(texts.clone().map(|text| (text, 0.5)).to_vec(), MASK).unwrap();
        let process = Mask { schedule: Schedule::Linear, mask: MASK };
        let mut denoiser = Noisy::new(corpus, process);
        let settings = BoundSettings { seed: 3, draws: 1024, batch: 64 };
        one_bit_by_the_callers_tokens(special, |index, special| {
            let bound = token_noise_bound(&mut denoiser, &process, &texts[0], 2, index, special, settings);
            pollster::block_on(bound).ok().map(|bound| bound.bits.value)
        });
    }
}
