//! What the session has told of studies, kept for the labs: the newest finding of each question, and how the present study stands.

use leptos::prelude::*;

use crate::platform::time;
use crate::session::studies::beside::Second;
use crate::session::studies::collapse::Collapse;
use crate::session::studies::families::Families;
use crate::session::studies::frontier::{Extent, Frontier};
use crate::session::studies::surprisal::Surprisal;
use crate::session::studies::together::Together;
use crate::session::studies::{Ending, Finding, Question, StudyEvent};

/// The study that goes on, or the one that ended last.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What is asked.
    pub question: Question,
    /// Calls done.
    pub done: usize,
    /// Calls expected; 0 before the first.
    pub total: usize,
    /// Whether something was found since it began.
    pub found: bool,
    /// When it began, on the page's clock.
    pub began_ms: f64,
    /// How it ended, if it has.
    pub ending: Option<Ending>,
}

impl Standing {
    /// Seconds that are left at the present speed; none before anything is known of it, or after the end.
    pub fn seconds_left(&self, now_ms: f64) -> Option<f64> {
        let passed = (now_ms - self.began_ms) / 1000.0;
        let left = self.total.saturating_sub(self.done) as f64;
        (self.done > 0 && self.ending.is_none()).then(|| passed / self.done as f64 * left)
    }
}

/// The store. Every finding stays until a newer one of its kind takes its place.
#[derive(Clone, Copy)]
pub struct Findings {
    /// The study that goes on.
    pub standing: RwSignal<Option<Standing>>,
    /// For the Corrupt lab.
    pub surprisal: RwSignal<Option<Surprisal>>,
    /// For the Collapse lab.
    pub collapse: RwSignal<Option<Collapse>>,
    /// For the Trap lab.
    pub together: RwSignal<Option<Together>>,
    /// For the Families lab.
    pub families: RwSignal<Option<Families>>,
    /// For the Frontier lab.
    pub frontier: RwSignal<Option<Frontier>>,
    /// For the stage.
    pub second: RwSignal<Option<Second>>,
}

impl Findings {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            standing: RwSignal::new(None),
            surprisal: RwSignal::new(None),
            collapse: RwSignal::new(None),
            together: RwSignal::new(None),
            families: RwSignal::new(None),
            frontier: RwSignal::new(None),
            second: RwSignal::new(None),
        }
    }

    /// Takes in what the session tells.
    pub fn receive(&self, event: StudyEvent) {
        match event {
            StudyEvent::Began(question) => {
                let began_ms = time::now_ms();
                self.standing.set(Some(Standing {
                    question,
                    done: 0,
                    total: 0,
                    found: false,
                    began_ms,
                    ending: None,
                }));
            }
            StudyEvent::Progress { done, total } => self.standing.update(|standing| {
                if let Some(standing) = standing {
                    (standing.done, standing.total) = (done, total);
                }
            }),
            StudyEvent::Ended(ending) => {
                let fruitless = |s: &Standing| (!s.found).then_some(s.question);
                let question = self.standing.with_untracked(|standing| standing.as_ref().and_then(fruitless));
                if let (Ending::Failed(_), Some(question)) = (&ending, question) {
                    self.forget(question);
                }
                self.standing.update(|standing| {
                    if let Some(standing) = standing {
                        standing.ending = Some(ending);
                    }
                });
            }
            StudyEvent::Found(finding) => {
                self.standing
                    .update(|standing| standing.iter_mut().for_each(|standing| standing.found = true));
                self.keep(finding);
            }
        }
    }

    fn keep(&self, finding: Finding) {
        match finding {
            Finding::Surprisal(found) => self.surprisal.set(Some(found)),
            Finding::Collapse(found) => self.collapse.set(Some(*found)),
            Finding::Together(found) => self.together.set(Some(*found)),
            Finding::Families(found) => self.families.set(Some(found)),
            Finding::Frontier(found) => self.frontier.set(Some(*found)),
            Finding::Beside(found) => self.second.set(Some(*found)),
        }
    }
}

impl Findings {
    /// Whether a sweep that the visitor asked for goes on or is kept.
    pub fn is_swept(&self) -> bool {
        let goes_on = |s: &Standing| s.question == Question::Frontier(Extent::Whole) && s.ending.is_none();
        let is_whole = |found: &Frontier| found.extent == Extent::Whole;
        self.standing.with_untracked(|standing| standing.as_ref().is_some_and(goes_on))
            || self.frontier.with_untracked(|found| found.as_ref().is_some_and(is_whole))
    }

    /// What was found before says nothing of what has failed at once.
    fn forget(&self, question: Question) {
        match question {
            Question::Surprisal => self.surprisal.set(None),
            Question::Collapse => self.collapse.set(None),
            Question::Together => self.together.set(None),
            Question::Families => self.families.set(None),
            Question::Frontier(_) => self.frontier.set(None),
            Question::Beside => self.second.set(None),
        }
    }
}

impl Default for Findings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_from_the_speed_so_far() {
        let standing = Standing {
            question: Question::Together,
            done: 25,
            total: 100,
            found: false,
            began_ms: 1000.0,
            ending: None,
        };
        assert_eq!(standing.seconds_left(6000.0), Some(15.0));
        assert_eq!(Standing { done: 0, ..standing.clone() }.seconds_left(6000.0), None);
        assert_eq!(Standing { ending: Some(Ending::Finished), ..standing }.seconds_left(6000.0), None);
    }
}
