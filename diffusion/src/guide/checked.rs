//! A checker's word on every candidate: for languages that know what is broken in a text, finished or not.

use super::constrained::{Constraint, Room};
use crate::decode::validation::within;
use crate::decode::{SettingsError, Span};
use crate::sequence::TokenId;

/// Says whether a text (mask symbols where nothing is written) is without a fault so far.
pub trait Checker {
    /// Whether nothing is broken yet.
    fn accepts(&self, text: &[TokenId]) -> bool;
}

impl<F: Fn(&[TokenId]) -> bool> Checker for F {
    fn accepts(&self, text: &[TokenId]) -> bool {
        self(text)
    }
}

/// Of the most probable tokens of a slot only those with which the checker accepts the text.
///
/// Rule: each of the `candidates` most probable tokens (ties to the smaller id) is put into the slot and the text is shown to the
/// checker; what it does not accept is forbidden, and so is every less probable token. Where it accepts none, nothing is forbidden: a
/// text that is broken already would stop every run. Generate-and-test, slot by slot; no source of its own. Knobs: the span;
/// `candidates`, 1 to 1024, default 8. Cost: no call; `candidates` checks per row. Known failure: slots of one call are checked
/// one by one, and a checker that says nothing about what is still open lets through what cannot be completed.
#[derive(Clone, Debug)]
pub struct Checked<C> {
    span: Span,
    candidates: usize,
    checker: C,
}

impl<C: Checker> Checked<C> {
    /// Candidates of the slots of `span` under a checker.
    ///
    /// # Errors
    /// If `candidates` is out of range.
    pub fn new(span: Span, candidates: u32, checker: C) -> Result<Self, SettingsError> {
        within("candidates", candidates.into(), 1.0, 1024.0)?;
        Ok(Self { span, candidates: candidates as usize, checker })
    }
}

impl<C: Checker> Constraint for Checked<C> {
    fn limit(&self, sequence: &[TokenId], slot: u32, logs: &[f32], allowed: &mut [bool], room: &mut Room) {
        if !self.span.contains(slot) {
            return;
        }
        let Room { text, order, .. } = room;
        order.clear();
        let is_possible = |&id: &u32| allowed[id as usize] && logs[id as usize] > f32::NEG_INFINITY;
        order.extend((0..allowed.len() as u32).filter(is_possible));
        if order.len() > self.candidates {
            let descending =
                |a: &u32, b: &u32| logs[*b as usize].total_cmp(&logs[*a as usize]).then(a.cmp(b));
            order.select_nth_unstable_by(self.candidates, descending);
            order.truncate(self.candidates);
        }
        text.clear();
        text.extend(sequence);
        order.retain(|&id| {
            text[slot as usize] = TokenId(id);
            self.checker.accepts(text)
        });
        if !order.is_empty() {
            allowed.fill(false);
            order.iter().for_each(|&id| allowed[id as usize] = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { start: 0, end: 2 };

    /// No word twice in a row.
    fn no_repetition(text: &[TokenId]) -> bool {
        text.windows(2).all(|pair| pair[0] != pair[1] || pair[0] == TokenId(0))
    }

    fn limited(candidates: u32, text: [u32; 2], logs: [f32; 6]) -> Vec<usize> {
        let mut allowed = [true; 6];
        let rule = Checked::new(SPAN, candidates, no_repetition).unwrap();
        rule.limit(&text.map(TokenId), 1, &logs, &mut allowed, &mut Room::default());
        (0..6).filter(|&id| allowed[id]).collect()
    }

    #[test]
    fn of_the_best_candidates_those_that_break_nothing_stay() {
        let logs = [f32::NEG_INFINITY, -9.0, -3.0, -0.5, -1.0, -2.0];
        assert_eq!(limited(3, [3, 0], logs), [4, 5], "3 would stand twice");
        assert_eq!(limited(8, [3, 0], logs), [1, 2, 4, 5], "what is impossible is no candidate");
        assert_eq!(limited(1, [3, 0], logs), [0, 1, 2, 3, 4, 5], "the only candidate is wrong: all stay");
    }

    #[test]
    fn outside_the_span_nothing_is_checked_and_no_candidate_is_refused() {
        let rule = Checked::new(Span { start: 0, end: 1 }, 2, no_repetition).unwrap();
        let mut allowed = [true; 6];
        rule.limit(&[3, 0].map(TokenId), 1, &[0.0; 6], &mut allowed, &mut Room::default());
        assert_eq!(allowed, [true; 6]);
        assert!(Checked::new(SPAN, 0, no_repetition).is_err());
    }
}
