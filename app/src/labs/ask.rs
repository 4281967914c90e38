//! Which question the present settings ask of the session: one value, so that it is asked again exactly when it changes.

use super::Lab;
use crate::session::studies::{Question, Study};
use crate::settings::Settings;

/// A prompt for labs that need one while the visitor has written none: the opening of a story of the language.
pub const OPENING: &str = "One day, Ivy broke her silver lamp.";

/// What the open lab asks; of the settings, only what decides the answer.
pub fn study(settings: &Settings) -> Option<Study> {
    let Settings { model, backend, .. } = *settings;
    let model = Settings { model, backend, ..Settings::default() };
    let (question, settings) = match settings.lab {
        Lab::Generate => {
            let beside = settings.second().and(settings.beside.clone())?;
            (Question::Beside, Settings { beside: Some(beside), ..settings.of_run() })
        }
        // A sweep takes minutes: its lab begins it when the visitor says so.
        Lab::Frontier => return None,
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
    Study { question: Question::Frontier, settings: Box::new(settings) }
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
    fn without_a_prompt_there_is_an_opening() {
        let collapse = Settings { lab: Lab::Collapse, prompt: " ".into(), ..Settings::default() };
        assert_eq!(study(&collapse).unwrap().settings.prompt, OPENING);
    }
}
