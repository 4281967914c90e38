//! Lists and disjoint sentences: corpora that need little or much of what parallel decoding cannot give
//! (ParallelBench, arXiv 2510.04767), with their total correlation in closed form.

use super::{Corpus, CorpusError};
use crate::sequence::TokenId;

/// Total correlation of all slots in bits, Σ H_i − H(all): what is at stake when a whole text is written in one call.
pub fn total_correlation_bits(corpus: &Corpus) -> f64 {
    let mut slots = vec![vec![0.0; corpus.vocabulary()]; corpus.length()];
    for (sentence, weight) in corpus.sentences() {
        for (slot, token) in slots.iter_mut().zip(sentence) {
            slot[token.0 as usize] += weight;
        }
    }
    let apart: f64 = slots.iter().flatten().copied().map(entropy_term).sum();
    apart - corpus.sentences().map(|(_, weight)| entropy_term(weight)).sum::<f64>()
}

/// −p log2 p.
fn entropy_term(p: f64) -> f64 {
    if p > 0.0 { -p * p.log2() } else { 0.0 }
}

/// `count` equally likely sentences of `length` words that share none. Writing k slots in the first call ends unseen
/// with probability [`disjoint_unseen`]; the total correlation of k slots is (k − 1) log2 count.
///
/// # Errors
/// If there is no sentence.
pub fn disjoint(count: u32, length: u32, first: u32, mask: TokenId) -> Result<Corpus, CorpusError> {
    let word = |sentence: u32, slot: u32| TokenId(first + sentence * length + slot);
    let sentence = |s: u32| ((0..length).map(|slot| word(s, slot)).collect(), 1.0);
    Corpus::new((0..count).map(sentence).collect(), mask)
}

/// P(unseen) when `slots` slots, at least 1, of `count` equally likely [`disjoint`] sentences go in the first call at temperature 1:
/// 1 − count^−(k − 1).
pub fn disjoint_unseen(count: u32, slots: u32) -> f64 {
    1.0 - f64::from(count).powi(1 - slots as i32)
}

/// The copy of a list of `length` elements: one text. Nothing is at stake, all may be written at once.
///
/// # Errors
/// Never, for a length of at least 1.
pub fn copy(length: u32, first: u32, mask: TokenId) -> Result<Corpus, CorpusError> {
    disjoint(1, length, first, mask)
}

/// A list of which one random element was replaced by a new one: total correlation
/// (n − 1)(log2 n − log2 (n − 1)), which tends to log2 e = 1.44.
///
/// # Errors
/// If the length is 0.
pub fn replace_one(length: u32, first: u32, mask: TokenId) -> Result<Corpus, CorpusError> {
    let new = TokenId(first + length);
    let word = |replaced: u32, slot: u32| if slot == replaced { new } else { TokenId(first + slot) };
    let text = |replaced: u32| ((0..length).map(|slot| word(replaced, slot)).collect(), 1.0);
    Corpus::new((0..length).map(text).collect(), mask)
}

/// All orders of a list, equally likely: total correlation n log2 n − log2 n!; written in one call, n! / n^n of the
/// texts are right. There are n! of them, so keep n small.
///
/// # Errors
/// If the length is 0.
pub fn shuffle(length: u32, first: u32, mask: TokenId) -> Result<Corpus, CorpusError> {
    let mut orders: Vec<Vec<TokenId>> = vec![Vec::new()];
    for _ in 0..length {
        let longer = |order: &Vec<TokenId>| {
            let order = order.clone();
            let rest = (first..first + length).map(TokenId).filter(move |token| !order.contains(token));
            rest.collect::<Vec<_>>()
        };
        orders = orders
            .iter()
            .flat_map(|order| longer(order).into_iter().map(move |next| [&order[..], &[next]].concat()))
            .collect();
    }
    let texts = orders.into_iter().filter(|order| !order.is_empty());
    Corpus::new(texts.map(|order| (order, 1.0)).collect(), mask)
}

/// Probability that a shuffled list of `length` comes out right when `slots` random slots are written per call and the
/// denoiser is exact: Π_j N_j! / (N_j − k)! / N_j^k with N_j elements left before call j, k of them written.
pub fn shuffle_accuracy(length: u32, slots: u32) -> f64 {
    let call = |left: u32| -> f64 {
        let k = slots.max(1).min(left);
        (0..k).map(|i| f64::from(left - i) / f64::from(left)).product()
    };
    (0..length).step_by(slots.max(1) as usize).map(|done| call(length - done)).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::testing::{decode, near, share_fits};

    const MASK: TokenId = TokenId(0);
    const RUNS: u32 = 4000;

    /// Share of runs with k slots per call whose text the corpus holds, as a count of `RUNS`.
    fn right(corpus: &Corpus, slots: u32) -> u64 {
        let is_right = |seed| {
            let parallelism = Parallelism::SlotsPerCall { slots };
            let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
            let run = decode(&mut corpus.clone(), settings);
            let end = run.sequence_at(run.steps.len()).unwrap();
            corpus.probability(&end.tokens().collect::<Vec<_>>()) > 0.0
        };
        (0..RUNS).filter(|&seed| is_right(seed)).count() as u64
    }

    #[test]
    fn total_correlations_have_their_closed_forms() {
        let bits = |corpus: Result<Corpus, CorpusError>| total_correlation_bits(&corpus.unwrap());
        assert!(near(bits(copy(5, 3, MASK)), 0.0, 1e-12));
        for n in [2, 4, 8] {
            let n_bits = f64::from(n).log2();
            let replaced = (f64::from(n) - 1.0) * (n_bits - (f64::from(n) - 1.0).log2());
            assert!(near(bits(replace_one(n, 3, MASK)), replaced, 1e-9), "n {n}");
            assert!(near(bits(disjoint(n, 3, 3, MASK)), 2.0 * n_bits, 1e-9), "(k − 1) log2 m");
        }
        assert!(near(bits(shuffle(4, 3, MASK)), 3.42, 5e-3));
        assert!(near(bits(shuffle(4, 3, MASK)), 8.0 - 24_f64.log2(), 1e-9));
    }

    #[test]
    fn parallel_decoding_is_right_as_often_as_the_closed_form_says() {
        assert!(near(shuffle_accuracy(4, 4), 0.094, 5e-4) && shuffle_accuracy(4, 1) == 1.0);
        let corpus = shuffle(4, 3, MASK).unwrap();
        for slots in [1, 2, 3, 4] {
            let expected = shuffle_accuracy(4, slots);
            let found = right(&corpus, slots);
            assert!(
                share_fits(found, RUNS.into(), expected),
                "{slots}: {found} of {RUNS}, expected {expected}"
            );
        }
        assert_eq!(right(&copy(4, 3, MASK).unwrap(), 4), u64::from(RUNS), "a copy is safe");
    }

    #[test]
    fn disjoint_sentences_mix_by_their_number() {
        for (count, slots) in [(3, 2), (4, 3)] {
            let corpus = disjoint(count, 3, 3, MASK).unwrap();
            let expected = 1.0 - disjoint_unseen(count, slots);
            let found = right(&corpus, slots);
            assert!(share_fits(found, RUNS.into(), expected), "{count}, {slots}: {found} of {RUNS}");
        }
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(shuffle(0, 3, MASK), Err(CorpusError::Empty));
        assert_eq!(replace_one(0, 3, MASK), Err(CorpusError::Empty));
    }
}
