use diffusion::draw::{DrawError, summarise};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Row, SpecialTokens, TokenId};

use crate::statistics::{Law, normalised};

pub const MASK: TokenId = TokenId(0);

/// Masks are 0, unknown words 1, ends 2, and words begin at 3.
pub fn special() -> SpecialTokens {
    SpecialTokens::default()
}

/// A joint distribution over texts of one length as a table, and the denoiser of masks that knows it.
#[derive(Clone)]
pub struct Table {
    /// Texts and their probabilities.
    pub texts: Vec<(Vec<u32>, f64)>,
    pub vocabulary: usize,
}

impl Table {
    /// The weights need not sum to 1.
    pub fn new(texts: Vec<(Vec<u32>, f64)>) -> Self {
        let total: f64 = texts.iter().map(|(_, weight)| weight).sum();
        let vocabulary = texts.iter().flat_map(|(text, _)| text).max().map_or(0, |id| *id as usize + 1);
        Self { texts: texts.into_iter().map(|(text, weight)| (text, weight / total)).collect(), vocabulary }
    }

    fn weighted(texts: Vec<Vec<u32>>, weight: impl Fn(&[u32]) -> f64) -> Self {
        let texts = texts.into_iter().map(|text| (weight(&text), text)).filter(|(weight, _)| *weight > 0.0);
        Self::new(texts.map(|(weight, text)| (text, weight)).collect())
    }

    pub fn length(&self) -> usize {
        self.texts[0].0.len()
    }

    pub fn joint(&self) -> Law {
        self.texts.iter().cloned().collect()
    }

    /// Probability of a text.
    pub fn p(&self, text: &[u32]) -> f64 {
        self.texts.iter().filter(|(own, _)| own == text).map(|(_, p)| p).sum()
    }

    /// p(x_slot | what is visible), and the prior where no text fits. `// (vocabulary)`
    pub fn conditional(&self, seen: &[u32], slot: usize) -> Vec<f64> {
        let mut p = vec![0.0; self.vocabulary];
        let fits = |text: &[u32]| text.iter().zip(seen).all(|(own, seen)| *seen == MASK.0 || own == seen);
        let any = self.texts.iter().any(|(text, _)| fits(text));
        for (text, weight) in self.texts.iter().filter(|(text, _)| !any || fits(text)) {
            p[text[slot] as usize] += weight;
        }
        normalised(p)
    }

    pub fn entropy_bits(&self) -> f64 {
        self.texts.iter().map(|(_, p)| -p * p.log2()).sum()
    }

    fn logs(&self, query: &Query, row: &Row) -> Vec<f64> {
        let mut p = self.conditional(&seen(query, row), row.slot as usize);
        p.iter_mut().take(row.first_token as usize).for_each(|p| *p = 0.0);
        normalised(p).into_iter().map(f64::ln).collect()
    }
}

impl Denoiser for Table {
    type Error = DrawError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, DrawError> {
        query.rows.iter().map(|row| summarise(self.logs(query, row).into_iter(), row)).collect()
    }
}

impl FullDenoiser for Table {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, DrawError> {
        Ok(query.rows.iter().flat_map(|row| self.logs(query, row)).map(|log| log as f32).collect())
    }
}

/// The ids of the sequence that a row asks about.
pub fn seen(query: &Query, row: &Row) -> Vec<u32> {
    let begin = row.sequence as usize * query.length;
    query.tokens[begin..begin + query.length].iter().map(|token| token.0).collect()
}

pub fn ids(text: &[u32]) -> Vec<TokenId> {
    text.iter().map(|id| TokenId(*id)).collect()
}

/// All texts over the first words.
pub fn words(count: u32, length: usize) -> Vec<Vec<u32>> {
    let longer = |all: Vec<Vec<u32>>| {
        let with =
            |text: &Vec<u32>| (3..3 + count).map(|word| [&text[..], &[word]].concat()).collect::<Vec<_>>();
        all.iter().flat_map(with).collect()
    };
    (0..length).fold(vec![Vec::new()], |all, _| longer(all))
}

/// Four words of a chain over three, not stationary, with two transitions that never happen.
pub fn chain() -> Table {
    let start = [0.5, 0.3, 0.2];
    let next = [[0.6, 0.4, 0.0], [0.1, 0.2, 0.7], [0.5, 0.0, 0.5]];
    Table::weighted(words(3, 4), |text| {
        let state = |slot: usize| (text[slot] - 3) as usize;
        start[state(0)] * (1..4).map(|slot| next[state(slot - 1)][state(slot)]).product::<f64>()
    })
}

/// Four bits with an even sum: any three are independent, all four hang together by one bit.
pub fn parity() -> Table {
    Table::weighted(words(2, 4), |text| if text.iter().sum::<u32>().is_multiple_of(2) { 1.0 } else { 0.0 })
}

/// A word of two letters, then the same word again.
pub fn copy() -> Table {
    let weight = |text: &[u32]| if text[0] == 3 { 3.0 } else { 1.0 } * if text[1] == 3 { 1.0 } else { 2.0 };
    Table::new(words(2, 2).into_iter().map(|text| (text.repeat(2), weight(&text))).collect())
}

/// A hidden state that flips with 0.2 and shows its own letter with 0.9.
pub fn hidden() -> Table {
    Table::weighted(words(2, 4), |text| {
        let shows = |state: u32, word: u32| if state == word - 3 { 0.9 } else { 0.1 };
        let mut now = [0.5 * shows(0, text[0]), 0.5 * shows(1, text[0])];
        for &word in &text[1..] {
            let (zero, one) = (0.8 * now[0] + 0.2 * now[1], 0.2 * now[0] + 0.8 * now[1]);
            now = [zero * shows(0, word), one * shows(1, word)];
        }
        now[0] + now[1]
    })
}

/// Three texts that end at different places.
pub fn ending() -> Table {
    Table::new(vec![(vec![3, 4, 2, 2], 0.5), (vec![3, 5, 6, 2], 0.3), (vec![6, 2, 2, 2], 0.2)])
}

/// Those whose slots all hold words.
pub fn systems() -> [Table; 4] {
    [chain(), parity(), copy(), hidden()]
}
