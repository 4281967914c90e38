//! What a visitor can keep of a run: the run itself, its numbers, its picture. Plain functions from values to text.

pub mod figure;
pub mod numbers;
pub mod run;
pub mod table;

use crate::settings::Settings;
use crate::settings::query::Named;

/// The name of a file about the run of these settings: model and seed tell what it is, `what` which part.
pub fn file_name(settings: &Settings, what: &str) -> String {
    format!("unmask-{}-seed{}-{what}", settings.model.name(), settings.seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_what_made_it() {
        let settings = Settings { seed: 4, ..Settings::default() };
        assert_eq!(file_name(&settings, "steps.csv"), "unmask-storyworld-mask-seed4-steps.csv");
    }
}
