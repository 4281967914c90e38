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
