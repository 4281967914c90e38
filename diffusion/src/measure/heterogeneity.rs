//! D1: how unequal hidden slots are at one and the same t. Uniform corruption is not uniform loss of information.
//!
//! Every slot of a text is hidden with probability t. What the visible rest tells of a hidden token is its surprisal under the unigram
//! less that under the network: v = log2 p(x_i | x_t) − log2 u(x_i), in bits. Read are the standard deviation of v over all hidden slots
//! (0: all know equally much) and the share of its variance that the distance to the nearest visible slot explains (one mean per
//! distance against one for all, 0 to 1). Errors come from several texts. Cost: one sequence of a call per draw.
//! Blind spots: surprisals of single tokens scatter even where all slots know equally much; with few slots per distance their
//! means fit by chance, so the share is too high for short texts; and it is the network that is asked, not the truth.

use std::collections::BTreeMap;

use super::Moments;
use crate::denoiser::{Denoiser, Query, Row};
use crate::random::{Purpose, Stream, bernoulli};
use crate::sequence::{SpecialTokens, TokenId};

/// What the visible slots tell of a hidden one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// In bits; below 0 if the network is surprised more than one that knows the unigram alone.
    pub bits: f64,
    /// Slots to the nearest visible one; none if nothing is visible.
    pub distance: Option<u32>,
}

/// How unequal they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heterogeneity {
    /// Standard deviation over hidden slots in bits.
    pub deviation_bits: f64,
    /// Share of the variance that the distance explains; none where there is no variance.
    pub by_distance: Option<f64>,
}

impl Heterogeneity {
    /// Over hidden slots; `None` for fewer than two.
    pub fn of(told: &[Told]) -> Option<Self> {
        let total = told.iter().map(|told| told.bits).collect::<Moments>().squares();
        let mut groups = BTreeMap::<Option<u32>, Moments>::new();
        told.iter().for_each(|told| groups.entry(told.distance).or_default().push(told.bits));
        let within: f64 = groups.values().map(Moments::squares).sum();
        (told.len() > 1).then(|| Self {
            deviation_bits: (total / (told.len() - 1) as f64).sqrt(),
            by_distance: (total > 0.0).then(|| 1.0 - within / total),
        })
    }
}

/// How a text is hidden and asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hiding {
    /// Probability that a slot is hidden, in [0, 1].
    pub t: f64,
    /// Seed of the hidden sets.
    pub seed: u32,
    /// Draws per text.
    pub draws: u32,
}

/// Hides slots of one text (number `index` of its file) and asks about them. `unigram` has the share of every token. `// (vocabulary)`
/// Slots whose token the unigram never has, or the network cannot predict, are left out.
///
/// # Errors
/// If the denoiser fails.
pub async fn told<D: Denoiser>(
    denoiser: &mut D,
    text: &[TokenId],
    index: u32,
    unigram: &[f64],
    special: SpecialTokens,
    hiding: Hiding,
) -> Result<Vec<Told>, D::Error> {
    let query = hidden(text, index, special, hiding);
    if query.rows.is_empty() {
        return Ok(Vec::new());
    }
    let predictions = denoiser.predict(&query).await?;
    let told = query.rows.iter().zip(&predictions).filter_map(|(row, prediction)| {
        let alone = unigram.get(row.target.0 as usize).copied().unwrap_or(0.0).log2();
        let bits = f64::from(prediction.target_log_probability) / std::f64::consts::LN_2 - alone;
        // What is no number stays none.
        (!bits.is_infinite()).then(|| Told { bits, distance: distance(&query, row, special.mask) })
    });
    Ok(told.collect())
}

/// All draws as one query.
fn hidden(text: &[TokenId], index: u32, special: SpecialTokens, hiding: Hiding) -> Query {
    let length = text.len();
    let mut query = Query {
        length,
        tokens: text.repeat(hiding.draws as usize),
        times: vec![hiding.t; hiding.draws as usize],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::new(),
    };
    for draw in 0..hiding.draws {
        let mut stream = Stream::new(hiding.seed, draw, index, Purpose::Bound);
        for (slot, &token) in text.iter().enumerate() {
            if bernoulli(stream.word(), hiding.t) {
                query.tokens[draw as usize * length + slot] = special.mask;
                query.rows.push(Row::measured(draw, slot as u32, special.first_token(false), token));
            }
        }
    }
    query
}

/// Slots from a row's to the nearest that is not hidden.
fn distance(query: &Query, row: &Row, mask: TokenId) -> Option<u32> {
    let first = row.sequence as usize * query.length;
    let shown = query.tokens[first..first + query.length].iter().enumerate();
    let visible = shown.filter(|(_, token)| **token != mask);
    visible.map(|(slot, _)| row.slot.abs_diff(slot as u32)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Corpus, Markov, two_sentences};
    use crate::testing::near;

    fn special() -> SpecialTokens {
        SpecialTokens::default()
    }

    /// Of the two sentences every token has one sixth of the unigram.
    fn of_the_two_sentences(t: f64) -> Vec<Told> {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let unigram: Vec<f64> = (0..9).map(|token| if token < 3 { 0.0 } else { 1.0 / 6.0 }).collect();
        let hiding = Hiding { t, seed: 1, draws: 4000 };
        let told = told(&mut corpus, &two_sentences::FIRST, 0, &unigram, special(), hiding);
        pollster::block_on(told).unwrap()
    }

    #[test]
    fn one_visible_word_tells_all_wherever_it_stands() {
        let told = of_the_two_sentences(0.6);
        for told in &told {
            // log2 6 if anything is visible; one bit less if nothing is.
            let expected = 6.0_f64.log2() - f64::from(u8::from(told.distance.is_none()));
            assert!(near(told.bits, expected, 1e-5), "{told:?}");
        }
        let found = Heterogeneity::of(&told).unwrap();
        // Of all hidden slots the share where nothing is visible is .6² = .36.
        assert!(near(found.deviation_bits, (0.36_f64 * 0.64).sqrt(), 0.01), "{found:?}");
        assert!(near(found.by_distance.unwrap(), 1.0, 1e-6));
    }

    #[test]
    fn a_chain_tells_less_with_distance_and_that_is_only_part_of_it() {
        // A symmetric chain of two states over eight slots, which flips with probability .1 per step.
        let chain = Markov::symmetric(0.1, 3, special().mask);
        let text = |number: u32| (0..8).map(|slot| TokenId(3 + (number >> slot & 1))).collect::<Vec<_>>();
        let texts = (0..256).map(text).map(|text| (text.clone(), chain.probability(&text))).collect();
        let mut chain = Corpus::new(texts, special().mask).unwrap();
        let text = text(0b1111_1000);
        let unigram = [0.0, 0.0, 0.0, 0.5, 0.5];
        let hiding = Hiding { t: 0.7, seed: 2, draws: 2000 };
        let told = pollster::block_on(told(&mut chain, &text, 0, &unigram, special(), hiding)).unwrap();
        let mean = |distance| {
            let of = told.iter().filter(|told| told.distance == Some(distance)).map(|told| told.bits);
            of.collect::<Moments>().estimate().unwrap().value
        };
        assert!(mean(1) > mean(2) && mean(2) > mean(4), "{} {} {}", mean(1), mean(2), mean(4));
        let found = Heterogeneity::of(&told).unwrap();
        assert!(found.deviation_bits > 0.2, "{found:?}");
        let share = found.by_distance.unwrap();
        assert!(share > 0.01 && share < 0.9, "{found:?}");
    }

    #[test]
    fn equal_slots_are_equal_and_one_is_not_enough() {
        let told = |bits, distance| Told { bits, distance: Some(distance) };
        let equal = Heterogeneity::of(&[told(2.0, 1), told(2.0, 5)]).unwrap();
        assert_eq!(equal, Heterogeneity { deviation_bits: 0.0, by_distance: None });
        assert_eq!(Heterogeneity::of(&[told(2.0, 1)]), None);
        // 0, 2 at distance 1 and 6, 8 at 2: 36 of 40 between.
        let mixed = Heterogeneity::of(&[told(0.0, 1), told(2.0, 1), told(6.0, 2), told(8.0, 2)]).unwrap();
        assert!(near(mixed.deviation_bits, (40.0_f64 / 3.0).sqrt(), 1e-12));
        assert!(near(mixed.by_distance.unwrap(), 0.9, 1e-12));
    }

    #[test]
    fn nothing_hidden_asks_nothing() {
        assert_eq!(of_the_two_sentences(0.0), []);
    }
}
