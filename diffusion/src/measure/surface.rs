//! What can be counted on finished texts: repetition and diversity.
//!
//! Duplicates are a number of places, shares lie between 0 and 1, the histogram's entropy −Σ p log2 p (p: share of
//! the tokens that are this one) is in bits. All are statistics of the texts at hand, not estimates: what is counted
//! is there. Errors come from several texts ([`estimate_over_texts`]). Cost: no call. Blind spot of all: they judge
//! words, not meaning, and fluent nonsense passes. Perplexity under another model rewards repetition, so it belongs
//! beside these.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::{Estimate, Moments};
use crate::sequence::TokenId;

/// Mean of a statistic `of` each text and its standard error, each text one draw; texts without a value do not count.
/// `None` for fewer than two with one. Of each text by itself, so not the statistic of all together.
pub fn estimate_over_texts<'a>(
    texts: impl IntoIterator<Item = &'a [TokenId]>,
    of: impl FnMut(&'a [TokenId]) -> Option<f64>,
) -> Option<Estimate> {
    texts.into_iter().filter_map(of).collect::<Moments>().estimate()
}

/// Number of places where a word follows itself ("brain brain"), the classic mark of tokens committed together.
pub fn adjacent_duplicates(text: &[TokenId]) -> usize {
    text.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// Distinct n-grams over all n-grams of the texts, 0 to 1; `None` if there is none. Falls with the amount of
/// text, so compare equal amounts.
pub fn distinct_share<'a>(texts: impl IntoIterator<Item = &'a [TokenId]>, n: usize) -> Option<f64> {
    let grams: Vec<&[TokenId]> = grams(texts, n).collect();
    let distinct: HashSet<&&[TokenId]> = grams.iter().collect();
    (!grams.is_empty()).then(|| distinct.len() as f64 / grams.len() as f64)
}

/// [`distinct_share`] of all texts together, with its standard error by the jackknife: √((m − 1) / m Σ (d_i − d̄)²), d_i the share
/// without text i of the m that have n-grams; it is no mean over texts. `None` for fewer than two with any. The error is that of
/// other texts of the same number and length, not of more: the share falls with the amount. In the mean it is never too small (Efron
/// and Stein, Annals of Statistics 9, 1981), and half too large where half of the n-grams are alone in their text.
pub fn distinct_of_all<'a>(texts: impl IntoIterator<Item = &'a [TokenId]>, n: usize) -> Option<Estimate> {
    let long_enough = texts.into_iter().filter(|text| n > 0 && text.len() >= n);
    let texts: Vec<&[TokenId]> = long_enough.collect();
    // Whose a gram is alone; nothing for one of several texts.
    let mut owners: HashMap<&[TokenId], Option<usize>> = HashMap::new();
    for (index, text) in texts.iter().enumerate() {
        for gram in grams([*text], n) {
            let owner = owners.entry(gram).or_insert(Some(index));
            *owner = owner.filter(|owner| *owner == index);
        }
    }
    let mut own = vec![0; texts.len()];
    owners.values().flatten().for_each(|&index| own[index] += 1);
    let amount = |text: &[TokenId]| text.len() + 1 - n;
    let all: usize = texts.iter().map(|text| amount(text)).sum();
    let without =
        |(text, own): (&&[TokenId], &usize)| (owners.len() - own) as f64 / (all - amount(text)) as f64;
    let left_out = (texts.len() > 1).then(|| texts.iter().zip(&own).map(without).collect::<Moments>())?;
    let m = texts.len() as f64;
    Some(Estimate {
        value: owners.len() as f64 / all as f64,
        standard_error: ((m - 1.0) / m * left_out.squares()).sqrt(),
        samples: texts.len() as u64,
    })
}

/// Share of the texts' n-grams that a reference never holds, 0 to 1; `None` if there is none. To be read against
/// the same number for held-out text ([`above`]).
pub fn unseen_share<'a, G: Borrow<[TokenId]> + Eq + Hash>(
    texts: impl IntoIterator<Item = &'a [TokenId]>,
    reference: &HashSet<G>,
    n: usize,
) -> Option<f64> {
    let (mut all, mut unseen) = (0_u64, 0_u64);
    for gram in grams(texts, n) {
        all += 1;
        unseen += u64::from(!reference.contains(gram));
    }
    (all > 0).then(|| unseen as f64 / all as f64)
}

/// A rate above that of independent held-out text: difference, its standard error √(s² + s_h²), and the draws of the first.
/// Two differences from one held-out rate share its error, which is none of their own difference.
pub fn above(rate: Estimate, held_out: Estimate) -> Estimate {
    let standard_error = rate.standard_error.hypot(held_out.standard_error);
    Estimate { value: rate.value - held_out.value, standard_error, samples: rate.samples }
}

/// All n-grams of texts, none across their ends.
pub fn grams<'a>(
    texts: impl IntoIterator<Item = &'a [TokenId]>,
    n: usize,
) -> impl Iterator<Item = &'a [TokenId]> {
    texts.into_iter().filter(move |_| n > 0).flat_map(move |text| text.windows(n.max(1)))
}

/// Entropy in bits of the histogram of a text's own tokens; at most log2 of its length, so compare equal lengths.
pub fn histogram_bits<T: Eq + Hash>(tokens: impl IntoIterator<Item = T>) -> f64 {
    let mut counts: HashMap<T, u64> = HashMap::new();
    tokens.into_iter().for_each(|token| *counts.entry(token).or_default() += 1);
    let total: u64 = counts.values().sum();
    // Sorted, so that the sum does not depend on the order of a hash map.
    let mut counts: Vec<u64> = counts.into_values().collect();
    counts.sort_unstable();
    counts.into_iter().map(|count| count as f64 / total as f64).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{below, word};
    use crate::testing::near;

    fn text(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().copied().map(TokenId).collect()
    }

    #[test]
    fn duplicates_are_counted_by_place() {
        assert_eq!(adjacent_duplicates(&text(&[3, 3, 3, 4, 3])), 2);
        assert_eq!(adjacent_duplicates(&text(&[3, 4, 3])), 0);
        assert_eq!(adjacent_duplicates(&[]), 0);
    }

    #[test]
    fn distinct_grams_over_all_grams() {
        let (a, b) = (text(&[3, 4, 3, 4]), text(&[3, 4]));
        // Pairs: 34, 43, 34 and 34: two distinct of four.
        assert_eq!(distinct_share([&a[..], &b[..]], 2), Some(0.5));
        assert_eq!(distinct_share([&b[..]], 3), None);
        assert_eq!(distinct_share([&b[..]], 0), None);
    }

    #[test]
    fn distinct_grams_of_all_texts_have_the_error_of_leaving_one_out() {
        let texts = [text(&[3, 4, 3, 4]), text(&[3, 4]), text(&[5, 6, 5]), text(&[7])];
        let slices = || texts.iter().map(Vec::as_slice);
        // Pairs 34 43 34 | 34 | 56 65, the last text has none: 4 distinct of 6. Without one each: 3 of 3, 4 of 5, 2 of 4.
        let found = distinct_of_all(slices(), 2).unwrap();
        let left_out = [1.0, 0.8, 0.5];
        let mean = left_out.iter().sum::<f64>() / 3.0;
        let squares: f64 = left_out.iter().map(|share| (share - mean).powi(2)).sum();
        assert!(near(found.value, 4.0 / 6.0, 1e-15) && found.samples == 3, "{found:?}");
        assert!(near(found.standard_error, (2.0 / 3.0 * squares).sqrt(), 1e-12), "{found:?}");
        for n in 1..=4 {
            let value = distinct_of_all(slices(), n).map(|found| found.value);
            assert!(value.is_none() || value == distinct_share(slices(), n), "{n}");
        }
        assert_eq!(distinct_of_all(slices(), 1).map(|found| found.value), Some(0.5));
        assert_eq!((distinct_of_all(slices(), 4), distinct_of_all(slices(), 0)), (None, None));
        let alike = [text(&[3, 4]), text(&[3, 4])];
        let found = distinct_of_all(alike.iter().map(Vec::as_slice), 2).unwrap();
        assert_eq!((found.value, found.standard_error), (0.5, 0.0));
    }

    #[test]
    fn pools_scatter_no_more_than_the_jackknife_says() {
        let pool = |seed: u32| -> Vec<Vec<TokenId>> {
            let word = |text, slot| TokenId(below(word(seed, text, slot, 0), 20));
            (0..30).map(|text| (0..10).map(|slot| word(text, slot)).collect()).collect()
        };
        let (mut values, mut claimed) = (Moments::default(), Moments::default());
        for seed in 0..400 {
            let found = distinct_of_all(pool(seed).iter().map(Vec::as_slice), 2).unwrap();
            values.push(found.value);
            claimed.push(found.standard_error);
        }
        let found = values.estimate().unwrap();
        let (scatter, claimed) = (found.standard_error * 20.0, claimed.estimate().unwrap().value);
        // 270 pairs fall on 400, λ = .675 on each: 400 (1 − e^−λ) are distinct, with variance 400 e^−λ (1 − (1 + λ) e^−λ); of the
        // nine of a text each is alone with e^−λ, which is what leaving the text out tells.
        let alone = (-0.675_f64).exp();
        let exact = (400.0 * alone * (1.0 - 1.675 * alone)).sqrt() / 270.0;
        let by_jackknife = (29.0 * 9.0 * alone * (1.0 - alone)).sqrt() / 270.0;
        assert!(near(found.value, 400.0 * (1.0 - alone) / 270.0, 0.005), "{found:?}");
        assert!(near(scatter / exact, 1.0, 0.15), "scatter {scatter}, exact {exact}");
        assert!(near(claimed / by_jackknife, 1.0, 0.1), "claimed {claimed}, expected {by_jackknife}");
    }

    #[test]
    fn unseen_grams_are_those_the_reference_never_holds() {
        let (reference, new) = (text(&[3, 4, 5]), text(&[3, 4, 6]));
        let seen: HashSet<&[TokenId]> = grams([&reference[..]], 2).collect();
        assert_eq!(unseen_share([&new[..]], &seen, 2), Some(0.5));
        assert_eq!(unseen_share([&reference[..]], &seen, 2), Some(0.0));
    }

    #[test]
    fn unseen_grams_above_held_out_ones_have_the_error_of_both() {
        let seen: HashSet<Vec<TokenId>> = HashSet::from([text(&[3, 4]), text(&[4, 5])]);
        let share = |texts: [&[u32]; 2]| {
            let texts = texts.map(text);
            estimate_over_texts(texts.iter().map(Vec::as_slice), |text| unseen_share([text], &seen, 2))
                .unwrap()
        };
        // Shares 1 and 1/2 against 1/2 and 0: variances of both means 1/8 / 2.
        let found = above(share([&[6, 6], &[3, 4, 6]]), share([&[3, 4, 6], &[3, 4, 5]]));
        assert!(near(found.value, 0.5, 1e-12) && found.samples == 2);
        assert!(near(found.standard_error, 0.125_f64.sqrt(), 1e-12), "{found:?}");
        let broken = Estimate { standard_error: f64::NAN, ..found };
        assert!(above(found, broken).standard_error.is_nan());
    }

    #[test]
    fn several_texts_tell_the_error_of_a_statistic() {
        let texts = [text(&[3, 3, 3]), text(&[3, 4, 5]), text(&[3])];
        let slices = || texts.iter().map(Vec::as_slice);
        // Shares of distinct pairs 1/2 and 1, and a text without pairs: deviations of 1/4 each, 2 / 16 / 1 / 2.
        let found = estimate_over_texts(slices(), |text| distinct_share([text], 2)).unwrap();
        assert_eq!(found, Estimate { value: 0.75, standard_error: 0.25, samples: 2 });
        assert_eq!(
            estimate_over_texts(slices(), |text| distinct_share([text], 3)).map(|e| e.samples),
            Some(2)
        );
        assert_eq!(estimate_over_texts(slices().take(1), |text| distinct_share([text], 2)), None);
        let broken = estimate_over_texts(slices(), |_| Some(f64::NAN)).unwrap();
        assert!(broken.value.is_nan() && broken.standard_error.is_nan());
    }

    #[test]
    fn histogram_entropy_of_even_and_single_tokens() {
        assert!(near(histogram_bits(text(&[3, 4, 5, 6])), 2.0, 1e-12));
        assert!(near(histogram_bits(text(&[3, 3, 3])), 0.0, 1e-12));
        assert!(near(histogram_bits(text(&[3, 3, 4])), 0.918_295_834_054_489_6, 1e-12));
    }
}
