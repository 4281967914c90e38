//! How much each word tells that the rest of its text does not: −log2 p(x_i | x without i), in bits.
//!
//! The conditional is the network's, with slot i alone hidden ([`surprisal_bits`]), or as one that doubts every slot sees it
//! ([`surprisal_bits_under`]). Cost: one call per word. Blind spots: what two words
//! tell together counts in neither ("the key" said twice), so the sum is not the information of the text; and a
//! network that knows too little is surprised too much.

use std::f64::consts::LN_2;

use crate::denoiser::{Denoiser, FullDenoiser, Query, Row};
use crate::process::TokenProcess;
use crate::sequence::{SpecialTokens, TokenId};

/// Surprisal of the token at `slot` in bits; infinite for a token that is never predicted.
///
/// # Errors
/// If the denoiser fails.
pub async fn surprisal_bits<D: Denoiser>(
    denoiser: &mut D,
    text: &[TokenId],
    slot: usize,
    special: SpecialTokens,
) -> Result<f64, D::Error> {
    let mut tokens = text.to_vec();
    tokens[slot] = special.mask;
    let row = Row::measured(0, slot as u32, special.first_token(false), text[slot]);
    let times = vec![1.0 / text.len() as f64];
    let query = Query {
        length: text.len(),
        tokens,
        times,
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: vec![row],
    };
    let predictions = denoiser.predict(&query).await?;
    let log_p = predictions.first().map_or(f64::NAN, |p| f64::from(p.target_log_probability));
    Ok(-log_p / LN_2)
}

/// The same of a network whose words may all be noise, which cannot be asked about another token than the present one: it is shown the
/// text at the time at which one slot of it is noise, and its posterior is turned into the prediction from all other slots.
///
/// # Errors
/// If the denoiser fails.
pub async fn surprisal_bits_under<D: FullDenoiser, P: TokenProcess + ?Sized>(
    denoiser: &mut D,
    process: &P,
    text: &[TokenId],
    slot: usize,
    special: SpecialTokens,
) -> Result<f64, D::Error> {
    let (clean, time) = (text[slot], 1.0 / text.len() as f64);
    let query = Query {
        length: text.len(),
        tokens: text.to_vec(),
        times: vec![time],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: vec![Row::measured(0, slot as u32, special.first_token(false), clean)],
    };
    let logs = denoiser.distributions(&query).await?;
    let mut prediction: Vec<f64> = logs.iter().map(|&log| f64::from(log).exp()).collect();
    process.leave_one_out_of_posterior(&mut prediction, clean, time);
    Ok(-prediction.get(clean.0 as usize).copied().unwrap_or(f64::NAN).log2())
}

/// Bits that `seen`, at a slot at time `t`, tells about the clean word: log2 q(seen | clean) / Σ_v p(v) q(seen | v). Of p
/// only the clean word's surprisal is known; the rest is spread evenly over the other words. A mask tells nothing, as
/// every word is masked alike but for its own schedule, and a wrong word misleads: below 0.
pub fn told_bits<P: TokenProcess + ?Sized>(
    process: &P,
    clean: TokenId,
    seen: TokenId,
    surprisal_bits: f64,
    t: f64,
) -> f64 {
    if seen == process.mask() {
        return 0.0;
    }
    let [same, other] = told(process, clean, surprisal_bits, t);
    if seen == clean { same.1 } else { other.1 }
}

/// Bits that a slot still tells about its clean word at time `t`, in the mean over the noise: the mean of
/// [`told_bits`]. For masks that is kept(t) times the surprisal, whatever p.
pub fn carried_bits<P: TokenProcess + ?Sized>(
    process: &P,
    clean: TokenId,
    surprisal_bits: f64,
    t: f64,
) -> f64 {
    told(process, clean, surprisal_bits, t)
        .map(|(mass, bits)| if mass > 0.0 { mass * bits } else { 0.0 })
        .iter()
        .sum()
}

/// Probability that the clean word, and that any other, is seen at time `t`, and what that tells in bits.
fn told<P: TokenProcess + ?Sized>(
    process: &P,
    clean: TokenId,
    surprisal_bits: f64,
    t: f64,
) -> [(f64, f64); 2] {
    let masses = process.masses_of(clean, t);
    let count = f64::from(process.words().count);
    let p = (-surprisal_bits).exp2();
    let (noise, others) =
        if count > 1.0 { (masses.uniform / count, (1.0 - p) / (count - 1.0)) } else { (0.0, 0.0) };
    let same = ((masses.kept + noise) / (masses.kept * p + noise)).log2();
    let other = (noise / (masses.kept * others + noise)).log2();
    [(masses.kept + noise, same), (noise * (count - 1.0).max(0.0), other)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Noisy, two_sentences};
    use crate::process::{Mask, MaskUniform, Uniform, Words};
    use crate::schedule::Schedule;
    use crate::testing::near;

    #[test]
    fn a_word_that_the_others_decide_tells_nothing() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let special = SpecialTokens::default();
        let bits =
            pollster::block_on(surprisal_bits(&mut corpus, &two_sentences::FIRST, 1, special)).unwrap();
        assert!(near(bits, 0.0, 1e-6), "{bits}");
    }

    /// Surprisal of the first of two words, .3 against .7, the second always the same.
    fn under<P: TokenProcess + Copy>(process: P) -> f64 {
        let pair = |word: u32| vec![TokenId(word), TokenId(4)];
        let corpus = crate::exact::Corpus::new(vec![(pair(3), 0.3), (pair(4), 0.7)], TokenId(0)).unwrap();
        let mut denoiser = Noisy::new(corpus, process);
        let special = SpecialTokens::default();
        pollster::block_on(surprisal_bits_under(&mut denoiser, &process, &pair(3), 0, special)).unwrap()
    }

    #[test]
    fn a_network_that_doubts_every_word_is_asked_for_all_the_others_say() {
        let words = Words { first: 3, count: 2 };
        let uniform = under(Uniform { schedule: Schedule::Cosine, words });
        let mixed = under(MaskUniform { mask: TokenId(0), words, uniform_share: 0.2 });
        assert!([uniform, mixed].iter().all(|bits| near(*bits, -0.3_f64.log2(), 1e-4)), "{uniform}, {mixed}");
    }

    #[test]
    fn a_word_that_nobody_else_decides_tells_its_surprise() {
        let sentences = vec![(vec![TokenId(3)], 0.25), (vec![TokenId(4)], 0.75)];
        let mut corpus = crate::exact::Corpus::new(sentences, TokenId(0)).unwrap();
        let special = SpecialTokens::default();
        let bits = pollster::block_on(surprisal_bits(&mut corpus, &[TokenId(3)], 0, special)).unwrap();
        assert!(near(bits, 2.0, 1e-6), "{bits}");
    }

    #[test]
    fn under_masks_the_surprise_is_kept_or_lost() {
        let process = Mask { schedule: Schedule::Linear, mask: TokenId(0) };
        for (t, expected) in [(0.0, 5.0), (0.25, 3.75), (1.0, 0.0)] {
            assert!(near(carried_bits(&process, TokenId(7), 5.0, t), expected, 1e-12), "t {t}");
        }
    }

    #[test]
    fn under_uniform_noise_it_is_the_divergence_over_all_words() {
        let words = Words { first: 3, count: 8 };
        let process = Uniform { schedule: Schedule::Linear, words };
        let (clean, surprisal, t) = (TokenId(5), 1.0, 0.4);
        let prior = |v: u32| if v == clean.0 { 0.5 } else { 0.5 / 7.0 };
        let expected: f64 = (3..11)
            .map(|z| {
                let q = process.marginal(clean, TokenId(z), t);
                let mean: f64 = (3..11).map(|v| prior(v) * process.marginal(TokenId(v), TokenId(z), t)).sum();
                q * (q / mean).log2()
            })
            .sum();
        assert!(near(carried_bits(&process, clean, surprisal, t), expected, 1e-12), "{expected}");
        assert!(near(carried_bits(&process, clean, surprisal, 0.0), 1.0, 1e-12));
        assert!(near(carried_bits(&process, clean, surprisal, 1.0), 0.0, 1e-12));
    }

    #[test]
    fn what_is_seen_tells_in_the_mean_what_is_carried() {
        let words = Words { first: 3, count: 10 };
        let process = MaskUniform { mask: TokenId(0), words, uniform_share: 0.4 };
        let (clean, bits, t) = (TokenId(5), 6.0, 0.6);
        let mean: f64 = (0..13)
            .map(TokenId)
            .filter(|seen| process.marginal(clean, *seen, t) > 0.0)
            .map(|seen| process.marginal(clean, seen, t) * told_bits(&process, clean, seen, bits, t))
            .sum();
        assert!((mean - carried_bits(&process, clean, bits, t)).abs() < 1e-12, "{mean}");
        assert!(told_bits(&process, clean, TokenId(7), bits, t) < 0.0, "a wrong word misleads");
    }
}
