//! All states of a small corpus under a process: every sequence over its words and, if noise masks, the mask.

use super::Corpus;
use crate::process::TokenProcess;
use crate::sequence::TokenId;

/// The states, numbered; the last slot counts fastest.
pub(super) struct States {
    alphabet: Vec<TokenId>,
    length: usize,
}

impl States {
    pub fn new<P: TokenProcess>(corpus: &Corpus, process: &P) -> Self {
        let noisy =
            |token: &TokenId| [0.5, 1.0].iter().any(|&t| process.noise(process.masses(t), *token) > 0.0);
        let mut alphabet: Vec<TokenId> = corpus.sentences().flat_map(|(s, _)| s.iter().copied()).collect();
        let words = process.words();
        alphabet.extend((words.first..words.first + words.count).map(TokenId).filter(noisy));
        alphabet.extend(Some(process.mask()).filter(noisy));
        alphabet.sort_unstable();
        alphabet.dedup();
        Self { alphabet, length: corpus.length() }
    }

    /// Number of states.
    pub fn count(&self) -> usize {
        self.alphabet.len().pow(self.length as u32)
    }

    /// The state with this number.
    pub fn state(&self, mut number: usize) -> Vec<TokenId> {
        let mut state = vec![TokenId(0); self.length];
        for token in state.iter_mut().rev() {
            *token = self.alphabet[number % self.alphabet.len()];
            number /= self.alphabet.len();
        }
        state
    }

    /// What each token of one slot is given. `// (alphabet)`
    pub fn distribution(&self, of: impl Fn(TokenId) -> f64) -> Vec<f64> {
        self.alphabet.iter().map(|&token| of(token)).collect()
    }
}

/// Probabilities of all states whose slots are independent. `// (states)`
pub(super) fn product(slots: &[Vec<f64>]) -> Vec<f64> {
    slots.iter().fold(vec![1.0], |states, slot| {
        states.iter().flat_map(|state| slot.iter().map(move |p| state * p)).collect()
    })
}
