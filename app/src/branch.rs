//! Where in a run a change by hand is made.

use crate::view::{Cell, Mark};

/// Two moments that a visitor may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Where the cursor stands: whatever else is written by then stays.
    Here,
    /// Before the call that chose the slot's word: what was written since then is written anew.
    BeforeItsCall,
}

/// What a visitor most likely means: where nothing else is left to write, that the rest follows the new word.
pub fn likely(cells: &[Cell], slot: usize) -> Moment {
    let is_open = |cell: &Cell| matches!(cell.mark, Mark::Masked | Mark::Noisy);
    let others = cells.iter().enumerate().any(|(index, cell)| index != slot && is_open(cell));
    let chosen = cells.get(slot).and_then(|cell| cell.call);
    if others || chosen.is_none() { Moment::Here } else { Moment::BeforeItsCall }
}

/// After how many calls the change is made.
pub fn station(moment: Moment, cells: &[Cell], cursor: usize, slot: usize) -> usize {
    let call = cells.get(slot).and_then(|cell| cell.call);
    match (moment, call) {
        (Moment::BeforeItsCall, Some(call)) => call - 1,
        _ => cursor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::columns;
    use crate::view::tests::trajectory;

    #[test]
    fn a_word_is_changed_here_while_others_are_open_and_before_its_call_when_all_is_written() {
        let columns = columns(&trajectory());
        // Slot 1 is given; 0, 2 and 3 are written in calls 1, 2 and 3.
        assert_eq!((likely(&columns[2], 0), likely(&columns[2], 3)), (Moment::Here, Moment::Here));
        assert_eq!((likely(&columns[3], 0), likely(&columns[3], 1)), (Moment::BeforeItsCall, Moment::Here));
        let at = |moment, step: usize, slot| station(moment, &columns[step], step, slot);
        assert_eq!((at(Moment::Here, 3, 2), at(Moment::BeforeItsCall, 3, 2)), (3, 1));
        assert_eq!(at(Moment::BeforeItsCall, 1, 2), 1, "it has no call yet");
    }
}
