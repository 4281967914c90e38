//! What happened to one slot, call by call.

use diffusion::TokenId;
use diffusion::decode::{Commit, Trajectory};

/// What a call did to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It shows another word, which may still change.
    Drawn(TokenId),
    /// It was hidden again.
    Remasked,
    /// Its word was committed.
    Committed(TokenId),
    /// The visitor put a word there before the call.
    Put(TokenId),
    /// The visitor hid it before the call.
    Hidden,
}

/// The changes of `slot` among the first `step` calls, each with its call, counted from 1, and by hand after them. A noisy slot that draws the
/// word it already shows has not changed.
pub fn history(trajectory: &Trajectory, step: usize, slot: usize) -> Vec<(usize, Change)> {
    let mut held = trajectory.start.sequence.slots.get(slot).map(|slot| slot.token);
    let mut found = Vec::new();
    let by_hand = |index: usize| {
        let here = trajectory.edits_after(index).iter().filter(move |edit| edit.slot as usize == slot);
        here.map(move |edit| (index + 1, edit.token.map_or(Change::Hidden, Change::Put)))
    };
    for (index, done) in trajectory.steps.iter().take(step).enumerate() {
        let here = |change: &&Commit| change.slot as usize == slot;
        found.extend(by_hand(index));
        let drawn = done.noisy.iter().find(here).filter(|change| Some(change.token) != held);
        let remasked = done.remasks.iter().any(|&other| other as usize == slot);
        let committed = done.commits.iter().find(here);
        if let Some(change) = drawn {
            held = Some(change.token);
            found.push((index + 1, Change::Drawn(change.token)));
        }
        if remasked {
            held = Some(trajectory.special.mask);
            found.push((index + 1, Change::Remasked));
        }
        if let Some(change) = committed {
            held = Some(change.token);
            found.push((index + 1, Change::Committed(change.token)));
        }
    }
    found.extend(by_hand(step));
    found
}

#[cfg(test)]
mod tests {
    use diffusion::decode::Edit;

    use super::*;
    use crate::view::tests::trajectory;

    #[test]
    fn a_commit_is_told_once_it_is_done() {
        let run = trajectory();
        assert_eq!(history(&run, 1, 2), []);
        assert_eq!(history(&run, 2, 2), [(2, Change::Committed(TokenId(12)))]);
        assert_eq!(history(&run, 3, 2), history(&run, 2, 2), "the third call did something else");
        assert_eq!(history(&run, 3, 1), [], "given slots keep their word");
    }

    #[test]
    fn what_the_visitor_does_is_told_before_the_call() {
        let mut run = trajectory();
        run.steps[2].edits = vec![Edit { slot: 2, token: None }];
        run.edits = vec![Edit { slot: 2, token: Some(TokenId(5)) }];
        let told = [(2, Change::Committed(TokenId(12))), (3, Change::Hidden), (4, Change::Put(TokenId(5)))];
        assert_eq!(history(&run, 3, 2), told);
        assert_eq!(history(&run, 2, 2), told[..2]);
        assert_eq!(history(&run, 1, 2), []);
    }

    #[test]
    fn every_change_is_told_in_order_and_a_repetition_is_none() {
        let mut run = trajectory();
        let noisy = |token| vec![Commit { slot: 2, token: TokenId(token) }];
        run.steps[0].noisy = noisy(5);
        run.steps[1].noisy = noisy(5);
        run.steps[1].commits.clear();
        run.steps[2].remasks = vec![2];
        let told = [(1, Change::Drawn(TokenId(5))), (3, Change::Remasked)];
        assert_eq!(history(&run, 3, 2), told);
        run.steps[1].noisy = noisy(6);
        assert_eq!(history(&run, 2, 2)[1], (2, Change::Drawn(TokenId(6))));
    }
}
