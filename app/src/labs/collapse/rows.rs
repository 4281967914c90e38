//! What the cards show, as rows of a file: one slot each.

use diffusion::TokenId;
use diffusion::measure::prospect::Prospect;

use crate::session::studies::collapse::Collapse;

/// Candidates of a slot that are written.
const BEST: usize = 3;

/// Names first. Probabilities from 0 to 1; empty where there is nothing.
pub fn rows(found: &Collapse) -> Vec<Vec<String>> {
    let names = "distance,entropy (bits),KL to the unigram (bits),best,probability,second,probability,third,probability,\
                 best in truth,probability,entropy in truth (bits),standard error";
    let candidate = |candidate: Option<&(TokenId, f64)>| match candidate {
        Some((token, p)) => [found.words.word(token.0).unwrap_or_default().to_owned(), p.to_string()],
        None => <[String; 2]>::default(),
    };
    let row = |(index, prospect): (usize, &Prospect)| {
        let truth = found.truth.get(index);
        let numbers = [(index + 1) as f64, prospect.entropy_bits, prospect.kl_bits].map(|x| x.to_string());
        let best = (0..BEST).flat_map(|place| candidate(prospect.best.get(place)));
        let true_best = candidate(truth.and_then(|truth| truth.best.first()));
        let true_bits = truth.map_or(String::new(), |truth| truth.entropy_bits.to_string());
        let error = found.estimates.get(index).map(|slot| slot.entropy_bits.standard_error.to_string());
        let true_numbers = [true_bits, error.unwrap_or_default()];
        numbers.into_iter().chain(best).chain(true_best).chain(true_numbers).collect()
    };
    let header = names.split(',').map(|name| name.trim().to_owned()).collect();
    std::iter::once(header).chain(found.model.iter().enumerate().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::start::tests::tokenizer;

    #[test]
    fn every_row_has_as_many_cells_as_there_are_names() {
        let prospect = |best: Vec<(TokenId, f64)>| Prospect { best, entropy_bits: 1.5, kl_bits: 0.25 };
        let found = Collapse {
            prompt: vec![],
            unknown: vec![],
            model: vec![
                prospect(vec![(TokenId(3), 0.5), (TokenId(4), 0.25)]),
                prospect(vec![(TokenId(5), 1.0)]),
            ],
            truth: vec![prospect(vec![(TokenId(4), 0.75)])],
            estimates: vec![],
            unigram_bits: 2.0,
            common: vec![],
            words: Arc::new(tokenizer()),
        };
        let rows = rows(&found);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
        assert_eq!(rows[1][..5], ["1", "1.5", "0.25", "the", "0.5"]);
        assert_eq!((rows[1][7].as_str(), rows[1][9].as_str(), rows[2][9].as_str()), ("", "cat", ""));
    }
}
