//! How often tokens occur, as instruments want it: a distribution to compare with, and the commonest tokens.
//!
//! Shares are counts plus one over their sum, so that a divergence from them is finite (Laplace); the mask and the unknown token,
//! which are never predicted, have none. Cost: no call. Blind spot: what was counted is one text's language, and adding one favours
//! rare tokens where little was counted.

use crate::sequence::{SpecialTokens, TokenId};

/// Number of tokens that count as common.
pub const COMMON: usize = 20;

/// How often each token occurs in some texts; tokens from `vocabulary` on are not counted. `// (vocabulary)`
pub fn counts<'a>(texts: impl IntoIterator<Item = &'a [TokenId]>, vocabulary: usize) -> Vec<u64> {
    let mut counts = vec![0; vocabulary];
    for token in texts.into_iter().flatten() {
        if let Some(count) = counts.get_mut(token.0 as usize) {
            *count += 1;
        }
    }
    counts
}

/// Share of each token that can be predicted, each counted once more than it occurs; even without counts. `// (vocabulary)`
pub fn smoothed(counts: &[u64], vocabulary: usize, special: SpecialTokens) -> Vec<f64> {
    let first = special.first_token(false) as usize;
    let weight = |token: usize| match token < first {
        true => 0.0,
        false => 1.0 + counts.get(token).map_or(0.0, |&count| count as f64),
    };
    let total: f64 = (0..vocabulary).map(weight).sum();
    (0..vocabulary).map(|token| weight(token) / total).collect()
}

/// The `count` commonest tokens by counts or shares, most common first, of equals the smaller id first; fewer if fewer have any.
/// `// weights: (vocabulary)`
pub fn commonest(weights: &[f64], count: usize) -> Vec<TokenId> {
    let mut tokens: Vec<usize> = (0..weights.len()).filter(|&token| weights[token] > 0.0).collect();
    tokens.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    tokens.into_iter().take(count).map(|token| TokenId(token as u32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_all_texts_are_counted_and_others_are_not() {
        let texts = [[3, 4, 3], [9, 2, 4]].map(|ids| ids.map(TokenId));
        assert_eq!(counts(texts.iter().map(|text| &text[..]), 6), [0, 0, 1, 2, 2, 0]);
    }

    #[test]
    fn what_can_be_predicted_is_counted_once_more() {
        assert_eq!(smoothed(&[9, 9, 0, 5], 4, SpecialTokens::default()), [0.0, 0.0, 1.0 / 7.0, 6.0 / 7.0]);
        assert_eq!(smoothed(&[], 4, SpecialTokens::default()), [0.0, 0.0, 0.5, 0.5]);
    }

    #[test]
    fn the_commonest_come_first_and_equals_by_id() {
        let mut counts = vec![1; 30];
        counts[25] = 9;
        let found = commonest(&smoothed(&counts, 30, SpecialTokens::default()), 20);
        assert_eq!((found.len(), found[0], found[1], found[19]), (20, TokenId(25), TokenId(2), TokenId(20)));
        assert_eq!(commonest(&smoothed(&[], 4, SpecialTokens::default()), 20), [TokenId(2), TokenId(3)]);
        assert_eq!(commonest(&[0.0, 0.0, 0.0, 3.0], 20), [TokenId(3)], "what never occurs is not common");
    }
}
