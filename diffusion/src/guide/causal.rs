//! Any denoiser as an autoregressive one: a row sees only what lies left of its slot.

use crate::denoiser::{Denoiser, FullDenoiser, Prediction, Query, Row};
use crate::sequence::TokenId;

/// p(x_i | x_1 … x_{i−1}): every row gets a sequence of its own in which its slot and all after it are masked. With an
/// exact denoiser this is the exact autoregressive model, so that chains of it have the right joint. Cost: one
/// sequence per row. Known failure: a learned network sees states here that no random mask makes (only a prefix
/// visible), and a network trained causally does the same in one pass.
#[derive(Clone, Debug)]
pub struct Causal<D> {
    denoiser: D,
    mask: TokenId,
}

impl<D> Causal<D> {
    /// The denoiser, looking left only.
    pub fn new(denoiser: D, mask: TokenId) -> Self {
        Self { denoiser, mask }
    }

    /// One sequence per row.
    fn prefixes(&self, query: &Query) -> Query {
        let mut prefixes = Query {
            length: query.length,
            tokens: Vec::with_capacity(query.rows.len() * query.length),
            times: Vec::with_capacity(query.rows.len()),
            mixtures: Vec::new(),
            vectors: Vec::new(),
            rows: Vec::with_capacity(query.rows.len()),
        };
        for (sequence, row) in (0..).zip(&query.rows) {
            let begin = row.sequence as usize * query.length;
            let hidden = query.length - row.slot as usize;
            prefixes.tokens.extend(&query.tokens[begin..begin + row.slot as usize]);
            prefixes.tokens.extend(std::iter::repeat_n(self.mask, hidden));
            prefixes.times.push(hidden as f64 / query.length as f64);
            prefixes.rows.push(Row { sequence, ..*row });
        }
        prefixes
    }
}

impl<D: Denoiser> Denoiser for Causal<D> {
    type Error = D::Error;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, D::Error> {
        let prefixes = self.prefixes(query);
        self.denoiser.predict(&prefixes).await
    }
}

impl<D: FullDenoiser> FullDenoiser for Causal<D> {
    fn vocabulary(&self) -> usize {
        self.denoiser.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, D::Error> {
        let prefixes = self.prefixes(query);
        self.denoiser.distributions(&prefixes).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder, Order, run};
    use crate::exact::two_sentences;
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::near;

    #[test]
    fn a_row_sees_only_what_lies_left_of_it() {
        let mut causal = Causal::new(two_sentences::corpus(0.7).unwrap(), TokenId(0));
        let special = SpecialTokens::default();
        let template = [None, Some(two_sentences::FIRST[1]), None];
        let decoder =
            Decoder::new(DecodeSettings::default(), Sequence::infill(&template, special.mask), special);
        let found = pollster::block_on(causal.predict(&decoder.unwrap().query())).unwrap();
        let first = |index: usize| f64::from(found[index].top[0].log_probability).exp();
        assert!(near(first(0), 0.7, 1e-6), "slot 0 knows nothing yet");
        assert!(near(first(1), 1.0, 1e-6), "slot 2 sees the word before it");
    }

    #[test]
    fn from_left_to_right_the_chain_has_the_right_joint() {
        let mut causal = Causal::new(two_sentences::corpus(0.7).unwrap(), TokenId(0));
        let special = SpecialTokens::default();
        let mut firsts = 0;
        for seed in 0..4000 {
            let settings = DecodeSettings { seed, order: Order::LeftToRight, ..DecodeSettings::default() };
            let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
            let trajectory = pollster::block_on(run(&mut causal, decoder)).unwrap();
            let text: Vec<TokenId> = trajectory.sequence_at(3).unwrap().tokens().collect();
            assert!(text == two_sentences::FIRST || text == two_sentences::SECOND, "{text:?}");
            firsts += u64::from(text == two_sentences::FIRST);
        }
        assert!(crate::testing::share_fits(firsts, 4000, 0.7), "{firsts} of 4000");
    }
}
