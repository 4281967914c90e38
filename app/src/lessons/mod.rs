//! Lessons: guided tours that move the real controls. A lesson is a file in `static/lessons/` (its README says how to write
//! one); the page opens `lessons/NAME.json` for a link with `lesson=NAME`.

use serde::Deserialize;
use serde_json::Value;

use crate::settings::Settings;

/// The lessons of the menu, by the names of their files.
pub const SHIPPED: [&str; 4] = [
    "what-is-a-diffusion-language-model",
    "the-marginal-trap",
    "why-everything-becomes-the",
    "five-properties",
];

/// A guided tour.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// What it is called.
    pub title: String,
    /// One after the other.
    pub steps: Vec<Step>,
}

/// One stop of the tour.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the teacher says: paragraphs.
    pub say: Vec<String>,
    /// Settings to put, as in a link; the rest stays as it is.
    #[serde(default)]
    pub set: String,
    /// The control that is pointed at, by its `data-testid`.
    #[serde(default)]
    pub point: Option<String>,
    /// What the visitor is asked to do.
    #[serde(default)]
    pub task: Option<Task>,
}

/// Something to do, and how the page sees that it is done.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What to do.
    pub say: String,
    /// What is said when it is done.
    pub done: String,
    /// All must hold.
    pub when: Vec<Check>,
}

/// A condition on the page's state: where (a JSON pointer such as `/settings/slots`) and what.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The place.
    pub at: String,
    /// Its value is this.
    #[serde(default)]
    pub is: Option<Value>,
    /// Its value is not this.
    #[serde(default)]
    pub is_not: Option<Value>,
    /// It is a number of at least this.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// It is a number of at most this.
    #[serde(default)]
    pub at_most: Option<f64>,
}

/// A file that is no lesson.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LessonError {
    /// Not the JSON of a lesson.
    #[error("lesson cannot be read: {0}")]
    Json(String),
    /// Nothing to show.
    #[error("lesson has no steps: found none, expected at least one")]
    Empty,
}

impl Lesson {
    /// Reads a lesson.
    ///
    /// # Errors
    /// [`LessonError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, LessonError> {
        let lesson: Self =
            serde_json::from_slice(bytes).map_err(|error| LessonError::Json(error.to_string()))?;
        if lesson.steps.is_empty() { Err(LessonError::Empty) } else { Ok(lesson) }
    }
}

impl Step {
    /// The visitor's settings with this step's put in.
    pub fn settings(&self, now: &Settings) -> Settings {
        now.with_query(&self.set)
    }
}

impl Task {
    /// Whether the page's state shows that it is done.
    pub fn is_done(&self, state: &Value) -> bool {
        self.when.iter().all(|check| check.holds(state))
    }
}

impl Check {
    fn holds(&self, state: &Value) -> bool {
        let Some(value) = state.pointer(&self.at) else { return false };
        let number = value.as_f64();
        self.is.as_ref().is_none_or(|wanted| wanted == value)
            && self.is_not.as_ref().is_none_or(|unwanted| unwanted != value)
            && self.at_least.is_none_or(|least| number.is_some_and(|number| number >= least))
            && self.at_most.is_none_or(|most| number.is_some_and(|number| number <= most))
    }
}

/// Whether a link may name this file: letters, digits and hyphens, so that it stays in the folder of lessons.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::window_api::brief;

    fn shipped() -> Vec<(String, Lesson)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/lessons/");
        let read = |name: &str| {
            let bytes = std::fs::read(format!("{folder}{name}.json")).unwrap();
            (name.to_owned(), Lesson::from_json(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
        };
        SHIPPED.map(read).into()
    }

    #[test]
    fn what_lessons_set_is_a_setting_and_what_they_check_is_in_the_state() {
        let state = brief(&Settings::default(), "ready", 0, None);
        for (name, lesson) in shipped() {
            for (index, step) in lesson.steps.iter().enumerate() {
                let set = brief(&step.settings(&Settings::default()), "ready", 0, None);
                for (key, wanted) in step.set.split('&').filter_map(|pair| pair.split_once('=')) {
                    let found = set["settings"].get(key);
                    let number = || Some((found?.as_f64()?, wanted.parse::<f64>().ok()?));
                    let is_set = found.and_then(Value::as_str) == Some(wanted)
                        || number().is_some_and(|(found, wanted)| (found - wanted).abs() < 1e-6);
                    assert!(is_set, "{name}, step {index}: {key}={wanted} became {found:?}");
                }
                let checks = step.task.iter().flat_map(|task| &task.when);
                for check in checks.filter(|check| !check.at.starts_with("/study/")) {
                    assert!(state.pointer(&check.at).is_some(), "{name}, step {index}: no {}", check.at);
                }
            }
        }
    }

    #[test]
    fn no_task_is_done_before_the_visitor_has_done_it() {
        for (name, lesson) in shipped() {
            let mut settings = Settings::default();
            for (index, step) in lesson.steps.iter().enumerate() {
                settings = step.settings(&settings);
                let state = brief(&settings, "finished", 0, None);
                let done = step.task.as_ref().is_some_and(|task| task.is_done(&state));
                assert!(!done, "{name}, step {index} asks for nothing");
            }
        }
    }

    #[test]
    fn checks_compare_values_and_numbers() {
        let state = json!({ "settings": { "slots": 8, "lab": "trap" } });
        let check = |json: Value| serde_json::from_value::<Check>(json).unwrap().holds(&state);
        assert!(check(json!({ "at": "/settings/lab", "is": "trap" })));
        assert!(!check(json!({ "at": "/settings/lab", "is_not": "trap" })));
        assert!(check(json!({ "at": "/settings/slots", "at_least": 8, "at_most": 9 })));
        assert!(!check(json!({ "at": "/settings/slots", "at_least": 9 })));
        assert!(
            !check(json!({ "at": "/settings/lab", "at_least": 0 })) && !check(json!({ "at": "/nowhere" }))
        );
    }

    #[test]
    fn only_files_of_the_folder_can_be_named_and_only_lessons_are_read() {
        assert!(is_name("my-lesson2") && !is_name("") && !is_name("../models/x") && !is_name("a.b"));
        assert_eq!(Lesson::from_json(br#"{"title": "a", "steps": []}"#), Err(LessonError::Empty));
        assert!(matches!(Lesson::from_json(b"<html>"), Err(LessonError::Json(_))));
    }
}
