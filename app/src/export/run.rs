//! A run as a file: what `unmask generate --json` writes, so that the page, the command line and others read one format.

use serde_json::{Value, json};

use crate::run::{RunState, Source};
use crate::settings::Settings;

/// The file of the run that is shown; none before there is one. `query` is added to the command line's fields: the link
/// that makes the run again, where it is known.
pub fn saved(settings: &Settings, state: &RunState) -> Option<Value> {
    let is_made_by_link = state.source != Source::Recording || state.linked;
    let trajectory = state.trajectory.as_ref()?;
    let words = state.words.as_ref()?;
    let vocabulary: Vec<&str> =
        (0..words.vocab_size() as u32).map(|token| words.word(token).unwrap_or_default()).collect();
    let end = trajectory.sequence_at(trajectory.steps.len()).ok()?;
    let tokens: Vec<u32> = end.tokens().map(|token| token.0).collect();
    Some(json!({
        "model": state.model.as_ref().map(|model| json!({ "file": model.path, "name": model.name })),
        "backend": state.backend.as_ref().map(|report| json!({ "name": report.name, "adapter": report.adapter })),
        "prompt": settings.prompt,
        "query": is_made_by_link.then(|| settings.to_query()),
        "text": words.decode(&tokens),
        "vocabulary": vocabulary,
        "trajectory": trajectory,
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::recording::tests::from_json;
    use crate::session::start::tests::tokenizer;
    use crate::view::tests::trajectory;

    #[test]
    fn a_saved_run_opens_again_with_its_words() {
        let state = RunState {
            trajectory: Some(trajectory()),
            words: Some(Arc::new(tokenizer())),
            ..RunState::default()
        };
        let file = saved(&Settings::default(), &state).expect("there is a run").to_string();
        let (run, words) = from_json(file.as_bytes()).expect("it is a recording");
        assert_eq!(run, trajectory());
        assert_eq!(words.word(7), tokenizer().word(7));
        assert_eq!(saved(&Settings::default(), &RunState::default()), None);
    }
}
