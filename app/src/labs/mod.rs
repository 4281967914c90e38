//! The labs: one folder each. A lab asks the session for a [`Study`](crate::session::studies::Study), or computes what needs no
//! network itself, and draws what comes back.

pub mod ask;
pub mod collapse;
pub mod corrupt;
pub mod families;
pub mod faults;
pub mod frontier;
pub mod store;
pub mod trap;

use crate::settings::query::Named;

/// The tabs of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lab {
    /// The stage: any model, any decoder.
    #[default]
    Generate,
    /// The forward process alone, on the visitor's own text.
    Corrupt,
    /// A prompt, then masks, one call.
    Collapse,
    /// Words that were chosen together.
    Trap,
    /// All kinds of models on one prompt.
    Families,
    /// Quality against calls.
    Frontier,
}

impl Lab {
    /// Every lab, in the order of the tabs.
    pub const ALL: [Self; 6] =
        [Self::Generate, Self::Corrupt, Self::Collapse, Self::Trap, Self::Families, Self::Frontier];
}

impl Named for Lab {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Generate, "generate"),
        (Self::Corrupt, "corrupt"),
        (Self::Collapse, "collapse"),
        (Self::Trap, "trap"),
        (Self::Families, "families"),
        (Self::Frontier, "frontier"),
    ];
}
