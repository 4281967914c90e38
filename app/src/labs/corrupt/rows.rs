//! What the rows of words show, as rows of a file: one word each.

use super::shown::{Corruption, Shown};
use super::title;
use super::vectors::Vectors;
use crate::session::studies::surprisal::Surprisal;
use crate::settings::Settings;
use crate::texts::say;

/// Names first: the word, its bits, and what stands there at the visitor's time under every process; empty where that is not
/// known.
pub fn rows(settings: &Settings, text: &Surprisal, vectors: Option<&Vectors>) -> Vec<Vec<String>> {
    let name = |token: u32| text.words.word(token).unwrap_or_default().to_owned();
    let seen = |shown: Shown| -> Vec<String> {
        let tokens = match shown {
            Shown::Gaussian => {
                vectors.map(|vectors| vectors.nearest(settings.level).collect()).unwrap_or_default()
            }
            _ => Corruption::new(shown, text, settings.schedule, settings.seed)
                .map(|tokens| tokens.at(settings.level).into_iter().map(Some).collect::<Vec<_>>())
                .unwrap_or_default(),
        };
        tokens.into_iter().map(|token| token.map_or(String::new(), |token| name(token.0))).collect()
    };
    let columns = Shown::ALL.map(seen);
    let time = |shown| format!("{} (t = {})", title(shown), settings.level);
    let header = [say("corrupt.original").to_owned(), say("corrupt.axis.told").into()];
    let header = header.into_iter().chain(Shown::ALL.map(time)).collect();
    let row = |(slot, bits): (usize, &Option<f64>)| {
        let word = [name(text.tokens[slot].0), bits.map_or(String::new(), |bits| bits.to_string())];
        let seen = columns.iter().map(|column| column.get(slot).cloned().unwrap_or_default());
        word.into_iter().chain(seen).collect()
    };
    std::iter::once(header).chain(text.bits.iter().enumerate().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::corrupt::shown::tests::text;

    #[test]
    fn every_word_has_its_bits_and_what_became_of_it() {
        let rows = rows(&Settings { level: 0.0, ..Settings::default() }, &text(), None);
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row.len() == 7));
        assert_eq!(rows[2][..6], ["cat", "4", "cat", "cat", "cat", "cat"]);
        assert_eq!(rows[2][6], "", "vectors were not drawn yet");
    }
}
