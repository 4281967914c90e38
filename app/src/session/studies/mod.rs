//! What labs ask of the model, one file each. A study is a few batched calls whose answer is a [`Finding`]; it can be cancelled
//! between any two calls, and says how far it is.

pub mod beside;
pub mod collapse;
pub mod families;
pub mod frontier;
mod host;
pub mod paced;
pub mod runs;
pub mod surprisal;
pub mod together;

use crate::failure::Failure;
use crate::labs::Lab;
use crate::settings::Settings;
use crate::settings::query::Named;
use frontier::Extent;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How much each word of the visitor's text tells.
    Surprisal,
    /// What one call predicts far from the prompt.
    Collapse,
    /// What choosing words together does, against one at a time.
    Together,
    /// What every family of models makes of one prompt, and how it reads on the five properties.
    Families,
    /// Quality against calls over a grid of settings.
    Frontier(Extent),
    /// What a run does that has one setting otherwise.
    Beside,
}

impl Question {
    /// The lab that shows the answer.
    pub fn lab(self) -> Lab {
        match self {
            Self::Surprisal => Lab::Corrupt,
            Self::Collapse => Lab::Collapse,
            Self::Together => Lab::Trap,
            Self::Families => Lab::Families,
            Self::Frontier(_) => Lab::Frontier,
            Self::Beside => Lab::Generate,
        }
    }
}

impl Named for Question {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Surprisal, "surprisal"),
        (Self::Collapse, "collapse"),
        (Self::Together, "together"),
        (Self::Families, "families"),
        (Self::Frontier(Extent::Glance), "glance"),
        (Self::Frontier(Extent::Whole), "sweep"),
        (Self::Beside, "beside"),
    ];
}

/// A question about the model and the text that the settings name.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// What is asked.
    pub question: Question,
    /// Model, text, seed and all.
    pub settings: Box<Settings>,
}

/// The answer to a question, as far as it is known.
#[derive(Clone, Debug)]
pub enum Finding {
    /// To [`Question::Surprisal`].
    Surprisal(surprisal::Surprisal),
    /// To [`Question::Collapse`].
    Collapse(Box<collapse::Collapse>),
    /// To [`Question::Together`].
    Together(Box<together::Together>),
    /// To [`Question::Families`].
    Families(families::Families),
    /// To [`Question::Frontier`].
    Frontier(Box<frontier::Frontier>),
    /// To [`Question::Beside`].
    Beside(Box<beside::Second>),
}

/// How a study ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All is found.
    Finished,
    /// The visitor wanted something else.
    Cancelled,
    /// Something failed.
    Failed(Failure),
}

/// What the session tells of a study.
#[derive(Clone, Debug)]
pub enum StudyEvent {
    /// It begins.
    Began(Question),
    /// So many calls of about so many are done.
    Progress {
        /// Calls done.
        done: usize,
        /// Calls expected.
        total: usize,
    },
    /// Something is known; a later finding of the same study takes its place.
    Found(Finding),
    /// It is over.
    Ended(Ending),
}
