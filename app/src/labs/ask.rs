//! Which question the present settings ask of the session: one value, so that it is asked again exactly when it changes.

use super::Lab;
use crate::session::Request;
use crate::session::studies::frontier::{Extent, GLANCE_STORIES};
use crate::session::studies::{Question, Study};
use crate::settings::Settings;

/// A prompt for labs that need one while the visitor has written none: the opening of a story of the language.
pub const OPENING: &str = "One day, Ivy broke her silver lamp.";

/// What Frontier opens with.
const GLANCE: Question = Question::Frontier(Extent::Glance);

/// What the open lab asks; of the settings, only what decides the answer.
pub fn study(settings: &Settings) -> Option<Study> {
    let Settings { model, backend, .. } = *settings;
    let model = Settings { model, backend, ..Settings::default() };
    let (question, settings) = match settings.lab {
        Lab::Generate => {
            let beside = settings.second().and(settings.beside.clone())?;
            (Question::Beside, Settings { beside: Some(beside), ..settings.of_run() })
        }
        // The whole takes minutes: its lab begins it when the visitor says so.
        Lab::Frontier => {
            let stories = settings.stories.min(GLANCE_STORIES);
            (GLANCE, Settings { stories, ..written(settings) })
        }
        Lab::Families => (Question::Families, written(settings)),
        Lab::Corrupt => (Question::Surprisal, Settings { text: settings.text.clone(), ..model }),
        Lab::Collapse => (Question::Collapse, Settings { prompt: opening(settings).to_owned(), ..model }),
        Lab::Trap => {
            let (slots, jointly) = (model.slots, settings.jointly);
            (Question::Together, Settings { slots, jointly, ..written(settings) })
        }
    };
    Some(Study { question, settings: Box::new(settings) })
}

/// The visitor's prompt, or the page's.
pub fn opening(settings: &Settings) -> &str {
    if settings.prompt.trim().is_empty() { OPENING } else { &settings.prompt }
}

/// The sweep around the visitor's present setting.
pub fn sweep(settings: &Settings) -> Study {
    let stories = settings.stories;
    let settings = Settings { stories, ..written(settings) };
    Study { question: Question::Frontier(Extent::Whole), settings: Box::new(settings) }
}

/// What to tell the session when another question is wanted than was asked. No quick look takes the place of a sweep that the visitor began.
pub fn request(asked: Option<&Study>, wanted: Option<&Study>, is_swept: bool) -> Option<Request> {
    match wanted {
        same if same == asked => None,
        Some(study) if !is_swept || study.question != GLANCE => Some(Request::Study(study.clone())),
        Some(_) if asked.is_some_and(|asked| asked.question == GLANCE) => None,
        _ => Some(Request::CancelStudy),
    }
}

/// What decides a text that is written from pure noise, by the knobs.
fn written(settings: &Settings) -> Settings {
    let Settings { time, text, edits, decoder, .. } = Settings::default();
    Settings { time, text, edits, decoder, ..settings.of_run() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ColourBy;
    use crate::settings::beside::Beside;

    #[test]
    fn a_question_changes_with_what_decides_its_answer_and_with_nothing_else() {
        let corrupt = Settings { lab: Lab::Corrupt, ..Settings::default() };
        let asked = study(&corrupt);
        assert_eq!(study(&Settings { level: 0.9, seed: 4, temperature: 0.1, ..corrupt.clone() }), asked);
        assert_ne!(study(&Settings { text: "a dog".into(), ..corrupt.clone() }), asked);
        let trap = Settings { lab: Lab::Trap, ..Settings::default() };
        let asked = study(&trap);
        assert_eq!(study(&Settings { weight: 0.7, together: 3, ..trap.clone() }), asked);
        assert_ne!(study(&Settings { seed: 4, ..trap.clone() }), asked);
        assert_ne!(study(&Settings { jointly: 2, ..trap.clone() }), asked);
        assert_eq!(study(&Settings { slots: 2, ..trap.clone() }), asked);
        let families = Settings { lab: Lab::Families, ..trap };
        let asked = study(&families);
        assert_eq!(study(&Settings { jointly: 2, ..families.clone() }), asked);
        assert_ne!(study(&Settings { slots: 2, ..families.clone() }), asked);
        assert_ne!(sweep(&Settings { stories: 9, ..families.clone() }), sweep(&families));
        assert_eq!(study(&Settings::default()), None, "the stage runs by itself");
        let beside = Beside::from_query("temperature:0");
        let second = Settings { beside, ..Settings::default() };
        let asked = study(&second);
        assert!(asked.is_some());
        assert_eq!(study(&Settings { colour: ColourBy::Entropy, ..second.clone() }), asked);
        assert_ne!(study(&Settings { seed: 4, ..second.clone() }), asked);
        assert_ne!(study(&Settings { beside: Beside::from_query("temperature:1"), ..second }), asked);
    }

    #[test]
    fn a_quick_look_is_taken_by_itself_and_never_instead_of_a_sweep() {
        let of = |seed| study(&Settings { seed, lab: Lab::Frontier, ..Settings::default() });
        let (before, now) = (of(1), of(2));
        let asks = |asked: &Option<Study>, is_swept| request(asked.as_ref(), now.as_ref(), is_swept);
        assert_eq!(asks(&None, false), now.clone().map(Request::Study));
        assert_eq!(asks(&before, false), now.clone().map(Request::Study));
        assert_eq!(asks(&before, true), None, "a knob was moved in the lab");
        assert_eq!(asks(&now, false), None);
        let elsewhere = study(&Settings { lab: Lab::Trap, ..Settings::default() });
        assert_eq!(asks(&elsewhere, true), Some(Request::CancelStudy));
        assert_eq!(request(now.as_ref(), None, true), Some(Request::CancelStudy), "a lab that is left stops");
    }

    #[test]
    fn without_a_prompt_there_is_an_opening() {
        let collapse = Settings { lab: Lab::Collapse, prompt: " ".into(), ..Settings::default() };
        assert_eq!(study(&collapse).unwrap().settings.prompt, OPENING);
    }
}
