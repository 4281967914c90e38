//! Lists and disjoint sentences.

use diffusion::exact::lists::{
    copy, disjoint, disjoint_unseen, replace_one, shuffle, shuffle_accuracy, total_correlation_bits,
};
use diffusion::exact::{Corpus, CorpusError};
use diffusion::{SpecialTokens, TokenId};

use super::Table;
use crate::failure::Failure;

/// First word of all corpora here: the ids before it are special.
const FIRST: u32 = 3;

/// What makes a list of so many elements.
type Lists = fn(u32, u32, TokenId) -> Result<Corpus, CorpusError>;

/// What is at stake in lists up to this length, and how often a shuffled one of it comes out right.
pub fn tables(length: u32) -> Result<Vec<Table>, Failure> {
    let kinds: [(&str, Lists); 3] = [("copy", copy), ("replace one", replace_one), ("shuffle", shuffle)];
    let mut tables = Vec::new();
    for (name, lists) in kinds {
        let quantity = format!("total correlation in bits, {name}");
        tables.push(Table {
            quantity,
            over: "length",
            points: correlations(1..=length, |n| lists(n, FIRST, mask()))?,
        });
    }
    tables.push(Table {
        quantity: format!("P(right), {length} shuffled elements, k random slots per call, temperature 1"),
        over: "k",
        points: (1..=length).map(|k| (k.into(), shuffle_accuracy(length, k))).collect(),
    });
    Ok(tables)
}

/// The trap of `count` sentences of `length` words that share none.
pub fn disjoint_tables(count: u32, length: u32) -> Result<Vec<Table>, Failure> {
    Ok(vec![
        Table {
            quantity: format!(
                "P(unseen) when k slots of {count} sentences go in the first call, temperature 1"
            ),
            over: "k",
            points: (1..=length).map(|k| (k.into(), disjoint_unseen(count, k))).collect(),
        },
        Table {
            quantity: "total correlation in bits of k slots".into(),
            over: "k",
            points: correlations(1..=length, |k| disjoint(count, k, FIRST, mask()))?,
        },
    ])
}

/// Total correlation of whole texts by their length.
fn correlations(
    lengths: std::ops::RangeInclusive<u32>,
    corpus: impl Fn(u32) -> Result<Corpus, CorpusError>,
) -> Result<Vec<(f64, f64)>, Failure> {
    let point = |length| Ok((f64::from(length), total_correlation_bits(&corpus(length)?)));
    lengths.map(point).collect::<Result<_, CorpusError>>().map_err(Failure::input)
}

fn mask() -> TokenId {
    SpecialTokens::default().mask
}
