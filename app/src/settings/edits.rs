//! What the visitor changed by hand in a run: part of the settings, so that a link brings it back.

use diffusion::TokenId;
use diffusion::decode::Edit;

/// Most changes that a link may hold.
const MOST: usize = 64;
/// How a link writes a slot that was hidden.
const HIDDEN: &str = "-";

/// Changes by hand, each with the number of calls after which it is done; in this order, one for each call and slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<(usize, Edit)>);

impl Edits {
    /// All of them.
    pub fn all(&self) -> &[(usize, Edit)] {
        &self.0
    }

    /// Those that are done after so many calls.
    pub fn after(&self, calls: usize) -> Vec<Edit> {
        self.0.iter().filter(|(at, _)| *at == calls).map(|(_, edit)| *edit).collect()
    }

    /// Branches off after so many calls: what was changed later belongs to the run that is left.
    pub fn branched(&self, calls: usize, edit: Edit) -> Self {
        let kept = self.0.iter().filter(|(at, _)| *at <= calls);
        let others = kept.filter(|(at, other)| (*at, other.slot) != (calls, edit.slot));
        let mut all: Vec<(usize, Edit)> = others.copied().chain([(calls, edit)]).collect();
        all.sort_by_key(|(at, edit)| (*at, edit.slot));
        let excess = all.len().saturating_sub(MOST);
        Self(all.split_off(excess))
    }

    /// All but one.
    pub fn without(&self, change: (usize, Edit)) -> Self {
        Self(self.0.iter().filter(|other| **other != change).copied().collect())
    }

    /// After how many calls a run with these changes first differs from one with those; none if never.
    pub fn parts_from(&self, other: &Self) -> Option<usize> {
        let here = self.0.iter().filter(|change| !other.0.contains(change));
        let there = other.0.iter().filter(|change| !self.0.contains(change));
        here.chain(there).map(|(at, _)| *at).min()
    }

    /// As a link writes them: `calls.slot.token`, slots counted from 0.
    pub fn to_query(&self) -> String {
        let one = |(at, edit): &(usize, Edit)| {
            let token = edit.token.map_or(HIDDEN.to_owned(), |token| token.0.to_string());
            format!("{at}.{}.{token}", edit.slot)
        };
        self.0.iter().map(one).collect::<Vec<_>>().join("_")
    }

    /// Reads what [`to_query`](Self::to_query) writes; none if it is anything else.
    pub fn from_query(value: &str) -> Option<Self> {
        let one = |text: &str| {
            let mut parts = text.split('.');
            let (at, slot, token) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
            let token = match token {
                HIDDEN => None,
                id => Some(TokenId(id.parse().ok()?)),
            };
            parts.next().is_none().then_some((at, Edit { slot, token }))
        };
        let read: Option<Vec<_>> = value.split('_').filter(|text| !text.is_empty()).map(one).collect();
        let mut all = read?;
        all.sort_by_key(|(at, edit)| (*at, edit.slot));
        (all.len() <= MOST).then_some(Self(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(slot: u32, token: u32) -> Edit {
        Edit { slot, token: Some(TokenId(token)) }
    }

    fn hide(slot: u32) -> Edit {
        Edit { slot, token: None }
    }

    #[test]
    fn a_link_brings_them_back() {
        let edits = Edits::default().branched(12, word(5, 417)).branched(14, hide(3));
        assert_eq!(edits.to_query(), "12.5.417_14.3.-");
        assert_eq!(Edits::from_query(&edits.to_query()), Some(edits));
        assert_eq!(Edits::from_query(""), Some(Edits::default()));
        for broken in ["1", "1.2", "1.2.3.4", "a.2.3", "1.2.3_"] {
            assert_eq!(Edits::from_query(broken), (broken == "1.2.3_").then(|| Edits(vec![(1, word(2, 3))])));
        }
    }

    #[test]
    fn a_branch_forgets_what_came_later_and_replaces_what_it_changes() {
        let edits = Edits::default().branched(12, word(5, 417)).branched(14, hide(3));
        assert_eq!(edits.branched(12, word(5, 9)).to_query(), "12.5.9");
        assert_eq!(edits.branched(12, hide(1)).to_query(), "12.1.-_12.5.417");
        assert_eq!(edits.branched(20, hide(1)).after(14), [hide(3)]);
    }

    #[test]
    fn two_runs_part_where_their_changes_do() {
        let edits = Edits::default().branched(12, word(5, 417)).branched(14, hide(3));
        assert_eq!(edits.parts_from(&edits), None);
        assert_eq!(edits.parts_from(&Edits::default()), Some(12));
        assert_eq!(edits.without((14, hide(3))).parts_from(&edits), Some(14));
        assert_eq!(edits.parts_from(&edits.branched(20, hide(1))), Some(20));
    }

    #[test]
    fn the_newest_changes_stay_when_there_are_too_many() {
        let all = (0..=MOST).fold(Edits::default(), |edits, at| edits.branched(at, hide(0)));
        assert_eq!((all.all().len(), all.after(0).len(), all.after(MOST).len()), (MOST, 0, 1));
    }
}
