//! Autoregressive models: the chain rule gives −log2 p(text) itself.
//!
//! Σ over slots of −log2 p(x_i | x_1 .. x_(i−1)), from one call. No estimate: its standard error is zero. Blind spot: none
//! of the number's, but beside it the other families' are upper bounds.

use std::f64::consts::LN_2;

use super::{BoundError, TextBound, finite};
use crate::denoiser::{Denoiser, Query, Row};
use crate::measure::Estimate;
use crate::sequence::{SpecialTokens, TokenId};

/// Bits of one window of tokens, padding included, under a denoiser whose row at slot i sees only what lies before it.
/// `counted` tokens share the bits.
///
/// # Errors
/// [`BoundError`].
pub async fn exact_bits<D: Denoiser>(
    denoiser: &mut D,
    text: &[TokenId],
    counted: u32,
    special: SpecialTokens,
) -> Result<TextBound, BoundError<D::Error>> {
    if text.is_empty() {
        return Err(BoundError::Empty);
    }
    let row = |(slot, &target): (u32, &TokenId)| Row::measured(0, slot, special.first_token(false), target);
    let query = Query {
        length: text.len(),
        tokens: text.to_vec(),
        times: vec![1.0],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: (0..).zip(text).map(row).collect(),
    };
    let predictions = denoiser.predict(&query).await.map_err(BoundError::Denoiser)?;
    if predictions.len() != text.len() {
        return Err(BoundError::Count { found: predictions.len(), expected: text.len() });
    }
    let mut bits = 0.0;
    for (row, prediction) in query.rows.iter().zip(&predictions) {
        bits -= finite(prediction.target_log_probability, row.target, row.slot)? / LN_2;
    }
    let bits = Estimate { value: bits, standard_error: 0.0, samples: 1 };
    Ok(TextBound { bits, tokens: counted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::two_sentences;
    use crate::guide::Causal;
    use crate::testing::near;

    #[test]
    fn the_chain_rule_gives_the_probability_itself() {
        let special = SpecialTokens::default();
        for weight in [0.5, 0.9] {
            let mut chain = Causal::new(two_sentences::corpus(weight).unwrap(), special.mask);
            for (text, p) in [(two_sentences::FIRST, weight), (two_sentences::SECOND, 1.0 - weight)] {
                let found = pollster::block_on(exact_bits(&mut chain, &text, 3, special)).unwrap();
                assert!(near(found.bits.value, -p.log2(), 1e-6), "{found:?}");
                assert_eq!(found.bits.standard_error, 0.0);
            }
        }
    }
}
