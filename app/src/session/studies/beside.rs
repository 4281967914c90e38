//! A second run beside the one on the stage.

use diffusion::decode::Trajectory;

use crate::session::course::Course;
use crate::session::language::Language;

/// The second run, as far as it has come, and what is broken in both texts.
#[derive(Clone, Debug)]
pub struct Second {
    /// The run.
    pub trajectory: Trajectory,
    /// How many calls it will have taken at its end.
    pub planned: usize,
    /// Broken rules in the text of the first run and of the second, once both are written and where the language is known.
    pub broken: Option<[usize; 2]>,
}

impl Second {
    /// A second run beside the first.
    pub fn of(first: Option<&Course>, second: &Course, planned: usize, language: &Language) -> Self {
        let broken = first.and_then(|first| Some([broken(first, language)?, broken(second, language)?]));
        Self { trajectory: second.trajectory().clone(), planned, broken }
    }
}

/// Broken rules in a finished text.
fn broken(course: &Course, language: &Language) -> Option<usize> {
    let text = course.is_finished().then(|| course.text())?;
    language.violations(&text).map(|list| list.len())
}
