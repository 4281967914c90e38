//! L2, on demand: what committing several slots in one call did to them.
//!
//! Slots S committed together were drawn from Π p_i(x_i | x_t). Revealed one after the other they would have had
//! p_chain(x_S | x_t) = Π_k p(x_k | x_t, the k − 1 before). The pointwise total correlation is the difference of the
//! logarithms, pTC = log2 p_chain − log2 Π p_i, in bits. Drawn from the product, the mean of −pTC is
//! KL(product ‖ chain), the damage done: 0 or more in the mean, with a heavy tail. Cost: one call with |S| − 1
//! sequences, since all tokens are known ([`chain`]); of [`pairs`] as many. Blind spots: a learned network's
//! conditionals do not agree between orders; how much shows only if both [`Direction`]s are asked, for twice the cost
//! (a [`Summary`] of the differences is the gap). A product draw that the chain finds impossible is infinitely
//! damaged, so values are clipped at [`CLIP_BITS`], their mean is too low wherever that happened, and they are to be
//! read with their median and the share at the clip ([`Summary`]).

use std::f64::consts::LN_2;

use super::{Estimate, Moments};
use crate::decode::{Commit, Step};
use crate::denoiser::{Denoiser, Query, Row};
use crate::sequence::{Sequence, Slot, SpecialTokens};

/// Largest size of a value in bits.
pub const CLIP_BITS: f64 = 20.0;

/// In which order a chain reveals what was committed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As the decoding order ranked it.
    Forward,
    /// The other way round.
    Backward,
}

/// Values of −pTC over texts, or over steps of different texts: steps of one text hang together, and errors take
/// every value for an independent draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Mean in bits, of clipped values.
    pub mean: Estimate,
    /// Median in bits. Its error is half the distance between the ⌈(n − √n) / 2⌉th value from below and from above.
    pub median: Estimate,
    /// Share of the values at the clip or above, 0 to 1.
    pub clipped_share: Estimate,
}

impl Summary {
    /// Of values in bits; `None` for fewer than two. If one is no number, nothing is.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = values.iter().copied().collect::<Moments>().estimate()?;
        let is_clipped =
            |bits: &f64| if bits.is_nan() { *bits } else { f64::from(u8::from(*bits >= CLIP_BITS)) };
        let clipped_share = values.iter().map(is_clipped).collect::<Moments>().estimate()?;
        Some(Self { mean, median: median(values), clipped_share })
    }
}

/// Median of at least two values and its standard error; no numbers if one is none.
fn median(values: &[f64]) -> Estimate {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let from_below = (((n as f64 - (n as f64).sqrt()) / 2.0).ceil() as usize).max(1) - 1;
    let is_sound = values.iter().all(|bits| !bits.is_nan());
    let unless_broken = |number: f64| if is_sound { number } else { f64::NAN };
    Estimate {
        value: unless_broken((sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0),
        standard_error: unless_broken((sorted[n - 1 - from_below] - sorted[from_below]) / 2.0),
        samples: n as u64,
    }
}

/// −pTC in bits of the drawn tokens that the step committed, clipped; `None` for fewer than two. What an end of text fills was not
/// drawn. `before` is the sequence that the call saw.
///
/// # Errors
/// If the denoiser fails.
pub async fn chain<D: Denoiser>(
    denoiser: &mut D,
    step: &Step,
    before: &Sequence,
    special: SpecialTokens,
    direction: Direction,
) -> Result<Option<f64>, D::Error> {
    let mut commits = drawn(step);
    if direction == Direction::Backward {
        commits.reverse();
    }
    let asked: Vec<(&[usize], usize)> = (1..commits.len()).map(|k| (&commits[..k], commits[k])).collect();
    let drops = drops(denoiser, step, before, special, &asked).await?;
    Ok((!drops.is_empty()).then(|| drops.iter().sum::<f64>().clamp(-CLIP_BITS, CLIP_BITS)))
}

/// log2 Π p_i in bits of what the step committed: what the tokens were worth one by one.
pub fn product_bits(step: &Step) -> f64 {
    step.commits.iter().filter_map(|commit| alone(step, commit)).map(f64::from).sum::<f64>() / LN_2
}

/// ln p of a commit when it was drawn; `None` if it was not.
fn alone(step: &Step, commit: &Commit) -> Option<f32> {
    let found = step.predictions.iter().find(|p| p.is_drawn(commit));
    found.map(|p| p.prediction.drawn.log_probability)
}

/// Indices of the commits that were drawn.
fn drawn(step: &Step) -> Vec<usize> {
    (0..step.commits.len()).filter(|&index| alone(step, &step.commits[index]).is_some()).collect()
}

/// −pTC in bits of each slot with the one committed just before it in the same step, clipped.
///
/// # Errors
/// If the denoiser fails.
pub async fn pairs<D: Denoiser>(
    denoiser: &mut D,
    step: &Step,
    before: &Sequence,
    special: SpecialTokens,
) -> Result<Vec<f64>, D::Error> {
    let commits = drawn(step);
    let asked: Vec<(&[usize], usize)> =
        (1..commits.len()).map(|k| (&commits[k - 1..k], commits[k])).collect();
    let drops = drops(denoiser, step, before, special, &asked).await?;
    Ok(drops.into_iter().map(|bits| bits.clamp(-CLIP_BITS, CLIP_BITS)).collect())
}

/// For each (revealed commits, commit): log2 p(its token | x_t) − log2 p(its token | x_t, the revealed).
async fn drops<D: Denoiser>(
    denoiser: &mut D,
    step: &Step,
    before: &Sequence,
    special: SpecialTokens,
    asked: &[(&[usize], usize)],
) -> Result<Vec<f64>, D::Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query {
        length: before.len(),
        tokens: Vec::with_capacity(before.len() * asked.len()),
        times: vec![before.masked_count() as f64 / before.len() as f64; asked.len()],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::with_capacity(asked.len()),
    };
    for (sequence, (revealed, commit)) in (0..).zip(asked) {
        let mut slots = before.clone();
        for &index in *revealed {
            let commit = step.commits[index];
            slots.slots[commit.slot as usize] = Slot::committed(commit.token);
        }
        query.tokens.extend(slots.tokens());
        query.rows.push(row(step, *commit, sequence, special));
    }
    let predictions = denoiser.predict(&query).await?;
    let drop = |((_, commit), together): (&(&[usize], usize), &crate::Prediction)| {
        alone(step, &step.commits[*commit])
            .map(|alone| f64::from(alone - together.target_log_probability) / LN_2)
    };
    Ok(asked.iter().zip(&predictions).filter_map(drop).collect())
}

fn row(step: &Step, commit: usize, sequence: u32, special: SpecialTokens) -> Row {
    let commit = step.commits[commit];
    let row = Row::measured(sequence, commit.slot, special.first_token(false), commit.token);
    Row { call: step.call, ..row }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::exact::{Corpus, two_sentences};
    use crate::random::{uniform, word};
    use crate::sequence::TokenId;
    use crate::testing::{decode, near};

    /// Damage of the first step of runs that commit all at once.
    fn damages(corpus: &Corpus, direction: Direction) -> Vec<f64> {
        let special = SpecialTokens::default();
        let parallelism = Parallelism::SlotsPerCall { slots: corpus.length() as u32 };
        let damage = |seed| {
            let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
            let run = decode(&mut corpus.clone(), settings);
            let mut denoiser = corpus.clone();
            let chain = chain(&mut denoiser, &run.steps[0], &run.start.sequence, special, direction);
            pollster::block_on(chain).unwrap().unwrap()
        };
        (0..4000).map(damage).collect()
    }

    #[test]
    fn the_mean_damage_of_a_soft_pair_is_the_divergence_of_product_and_joint() {
        // p(ab) = .4, .1, .1, .4 over two words each: product .25 each; KL = −.5 log2(1.6) − .5 log2(.4) = .3219.
        let sentence = |a, b, p| (vec![TokenId(a), TokenId(b)], p);
        let sentences =
            vec![sentence(3, 5, 0.4), sentence(3, 6, 0.1), sentence(4, 5, 0.1), sentence(4, 6, 0.4)];
        let corpus = Corpus::new(sentences, TokenId(0)).unwrap();
        for direction in [Direction::Forward, Direction::Backward] {
            let mean = damages(&corpus, direction).into_iter().collect::<Moments>().estimate().unwrap();
            assert!(near(mean.value, 0.321_928, 4.0 * mean.standard_error), "{direction:?}: {mean:?}");
            assert!(mean.standard_error < 0.02, "power: no correlation would be 0");
        }
    }

    #[test]
    fn a_summary_of_nine_values_by_hand() {
        // In order: −10, −1, −1, −1, 0, 0, 1, 1, 20; the third from either end are −1 and 1. Squared deviations
        // 121 + 3 · 4 + 2 · 1 + 0 + 361 = 496.
        let values = [-1.0, CLIP_BITS, 0.0, -1.0, 1.0, 0.0, 1.0, -1.0, -10.0];
        let found = Summary::of(&values).unwrap();
        assert!(near(found.mean.value, 1.0, 1e-12) && found.mean.samples == 9, "{found:?}");
        assert!(near(found.mean.standard_error, (496.0_f64 / 8.0 / 9.0).sqrt(), 1e-12), "{found:?}");
        assert_eq!((found.median.value, found.median.standard_error), (0.0, 1.0));
        assert!(near(found.clipped_share.value, 1.0 / 9.0, 1e-12));
        // Variance of a share of n: p (1 − p) / (n − 1).
        assert!(near(found.clipped_share.standard_error, (8.0_f64 / 81.0 / 8.0).sqrt(), 1e-12));
        assert_eq!(Summary::of(&[1.0, 4.0]).unwrap().median.value, 2.5);
        assert_eq!(Summary::of(&values[..1]), None);
        let broken = Summary::of(&[0.0, f64::NAN, 1.0]).unwrap();
        let numbers = [broken.mean, broken.median, broken.clipped_share];
        assert!(numbers.iter().all(|e| e.value.is_nan() && e.standard_error.is_nan()), "{broken:?}");
    }

    #[test]
    fn the_error_of_a_median_is_its_scatter() {
        let draws = |seed| (0..100).map(move |i| uniform(word(seed, 0, 0, i))).collect::<Vec<f64>>();
        let medians: Vec<Estimate> = (0..1000).map(|seed| median(&draws(seed))).collect();
        let values = medians.iter().map(|median| median.value).collect::<Moments>();
        let scatter = (values.squares() / 999.0).sqrt();
        let typical = medians.iter().map(|median| median.standard_error).collect::<Moments>().mean();
        // The 45th and 56th of 100 lie 11 / 101 apart in the mean; the median of 100 scatters by 1 / (2 √102).
        let expected = 11.0 / 101.0 * 102.0_f64.sqrt();
        // A standard deviation of 1000 has a relative error of 1 / √2000 = .022.
        assert!(near(typical / scatter, expected, 0.1), "{typical} for {scatter}, expected {expected}");
        assert!(near(values.mean(), 0.5, 4.0 * scatter / 1000.0_f64.sqrt()));
    }

    #[test]
    fn mixed_sentences_are_clipped_and_whole_ones_gain_what_was_at_stake() {
        let damages = damages(&two_sentences::corpus(0.5).unwrap(), Direction::Forward);
        // Whole sentences: log2 (1/8) − log2 (1/2) = −2 bits; an extrapolated chain of a mixture is clipped or above.
        let whole = damages.iter().filter(|bits| near(**bits, -2.0, 1e-5)).count();
        assert!(crate::testing::share_fits(whole as u64, 4000, 0.25), "{whole} of 4000");
        assert!(damages.iter().all(|bits| bits.abs() <= CLIP_BITS));
        assert!(damages.contains(&CLIP_BITS));
    }

    #[test]
    fn three_words_of_two_even_sentences_are_worth_three_bits() {
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let settings = DecodeSettings { parallelism, ..DecodeSettings::default() };
        let run = decode(&mut two_sentences::corpus(0.5).unwrap(), settings);
        assert!(near(product_bits(&run.steps[0]), -3.0, 1e-6));
    }

    #[test]
    fn one_commit_has_nothing_to_correlate_with() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let run = decode(&mut corpus, DecodeSettings::default());
        let (step, before, special) = (&run.steps[0], &run.start.sequence, SpecialTokens::default());
        let chain = chain(&mut corpus, step, before, special, Direction::Forward);
        assert_eq!(pollster::block_on(chain), Ok(None));
        assert_eq!(pollster::block_on(pairs(&mut corpus, step, before, special)), Ok(vec![]));
    }

    #[test]
    fn pairs_of_equal_words_are_a_coin_flip_each() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let parallelism = Parallelism::SlotsPerCall { slots: 2 };
        let found = (0..50).map(|seed| {
            let run = decode(&mut corpus, DecodeSettings { seed, parallelism, ..DecodeSettings::default() });
            let special = SpecialTokens::default();
            pollster::block_on(pairs(&mut corpus, &run.steps[0], &run.start.sequence, special)).unwrap()[0]
        });
        assert!(found.into_iter().all(|bits| near(bits, -1.0, 1e-5) || bits == CLIP_BITS));
    }
}
