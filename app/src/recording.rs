//! A recorded run: a trajectory with the words that its tokens stand for. It plays without any model.

use diffusion::SpecialTokens;
use diffusion::decode::{Checkpoint, DecodeSettings, Edit, Trajectory, TrajectoryError};
use model_loader::Tokenizer;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What `unmask generate --json` writes, as far as the page reads it; steps as they stand in the file, because to read them all at
/// once would hold the page up.
#[derive(Debug, Deserialize)]
struct Recording<'a> {
    /// Every word of the model, by token.
    vocabulary: Vec<String>,
    /// The run.
    #[serde(borrow)]
    trajectory: Parts<'a>,
    /// The link of the page that saved it.
    #[serde(default)]
    query: Option<String>,
}

/// A [`Trajectory`] whose steps are not read yet.
#[derive(Debug, Deserialize)]
struct Parts<'a> {
    settings: DecodeSettings,
    special: SpecialTokens,
    start: Checkpoint,
    #[serde(borrow)]
    steps: Vec<&'a RawValue>,
    #[serde(default)]
    edits: Vec<Edit>,
}

/// Why a file is not a recording.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecordingError {
    /// Not the JSON of a recording.
    #[error("recording cannot be read: {reason}")]
    Json {
        /// What the parser said.
        reason: String,
    },
    /// Its words are not a vocabulary.
    #[error("vocabulary of the recording is not usable: {0}")]
    Vocabulary(#[from] model_loader::Error),
    /// Its steps contradict each other.
    #[error("steps of the recording are not usable: {reason}")]
    Steps {
        /// What is wrong with them.
        reason: String,
    },
}

/// Reads and checks a recording: the run, its words, and the link of the page that saved it, if one did. Between any two of its steps
/// `give_way` may pause.
///
/// # Errors
/// [`RecordingError`].
pub async fn read(
    bytes: &[u8],
    mut give_way: impl AsyncFnMut(),
) -> Result<(Trajectory, Tokenizer, Option<String>), RecordingError> {
    let json = |error: serde_json::Error| RecordingError::Json { reason: error.to_string() };
    let Recording { vocabulary, trajectory, query } = serde_json::from_slice(bytes).map_err(json)?;
    let Parts { settings, special, start, steps: raw, edits } = trajectory;
    let mut steps = Vec::with_capacity(raw.len());
    for step in raw {
        give_way().await;
        steps.push(serde_json::from_str(step.get()).map_err(json)?);
    }
    let trajectory = Trajectory { settings, special, start, steps, edits };
    give_way().await;
    let contradicts = |error: TrajectoryError| RecordingError::Steps { reason: error.to_string() };
    trajectory.checkpoint_at(trajectory.steps.len()).map_err(contradicts)?;
    give_way().await;
    Ok((trajectory, tokenizer(&vocabulary)?, query))
}

/// A tokenizer with these words, token 0 first. Byte pairs are told by the space that some begin with.
///
/// # Errors
/// If they are not a vocabulary: the first three must be the special tokens, and no whole word may occur twice.
pub fn tokenizer(words: &[String]) -> Result<Tokenizer, model_loader::Error> {
    if words.iter().any(|word| word.starts_with(' ')) {
        return Tokenizer::from_texts(words.to_vec());
    }
    let ids: serde_json::Map<String, serde_json::Value> =
        words.iter().enumerate().map(|(id, word)| (word.clone(), id.into())).collect();
    let file = serde_json::json!({ "model": { "type": "WordLevel", "vocab": ids, "unk_token": "[UNK]" } });
    Tokenizer::from_json(&file.to_string(), words.len())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::session::decode::tests::now;
    use crate::view::tests::trajectory;

    /// All at once.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<(Trajectory, Tokenizer), RecordingError> {
        now(read(bytes, async || {})).map(|(trajectory, words, _)| (trajectory, words))
    }

    fn words() -> Vec<String> {
        let special = ["[MASK]", "[UNK]", "[EOS]"].map(String::from);
        special.into_iter().chain((3..20).map(|id| format!("w{id}"))).collect()
    }

    #[test]
    fn a_recording_comes_back_with_its_words() {
        let json =
            serde_json::json!({ "vocabulary": words(), "trajectory": trajectory(), "model": "ignored" });
        let (read, tokenizer) = from_json(json.to_string().as_bytes()).unwrap();
        assert_eq!(read, trajectory());
        assert_eq!(tokenizer.word(7), Some("w7"));
    }

    #[test]
    fn byte_pairs_come_back_joined_as_they_were() {
        let mut words = words();
        (words[5], words[6], words[7]) = (" the".into(), "re".into(), " mat".into());
        // Half a character twice: texts of byte pairs need not differ.
        (words[8], words[9]) = ("\u{fffd}".into(), "\u{fffd}".into());
        let json = serde_json::json!({ "vocabulary": words, "trajectory": trajectory() });
        let (_, tokenizer) = from_json(json.to_string().as_bytes()).unwrap();
        assert_eq!(tokenizer.decode(&[5, 6, 7]), "there mat");
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(matches!(from_json(b"<html>"), Err(RecordingError::Json { .. })));
        let json = serde_json::json!({ "vocabulary": ["a", "b"], "trajectory": trajectory() });
        let error = from_json(json.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, RecordingError::Vocabulary(_)), "{error}");
        let mut broken = trajectory();
        broken.steps[0].commits[0].slot = 99;
        let json = serde_json::json!({ "vocabulary": words(), "trajectory": broken });
        let error = from_json(json.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, RecordingError::Steps { .. }), "{error}");
    }

    /// `static/runs/README.md` says how to write the recording again when one of these fails.
    mod shipped {
        use std::path::PathBuf;

        use model_loader::Checkpoint;
        use sha2::{Digest, Sha256};

        use super::from_json;
        use crate::session::start::start;
        use crate::settings::Settings;

        fn file(path: &str) -> Vec<u8> {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../static").join(path);
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        }

        fn model() -> Vec<u8> {
            file("models/storyworld-mask/model.gguf")
        }

        #[test]
        fn the_recording_is_of_the_shipped_model_and_the_default_settings() {
            let json: serde_json::Value = serde_json::from_slice(&file("runs/storyworld-mask.json")).unwrap();
            let sha256: String = Sha256::digest(model()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(json["model"]["sha256"], sha256, "the model has changed since the recording");
            let (trajectory, words) = from_json(&file("runs/storyworld-mask.json")).unwrap();
            trajectory.verify().unwrap();
            assert_eq!(trajectory.settings, Settings::default().decode());
            let checkpoint = Checkpoint::from_bytes(&model()).unwrap();
            let begun = start(&Settings::default(), &checkpoint.tokenizer, trajectory.special).unwrap();
            assert_eq!(trajectory.start.sequence, begun.sequence);
            assert_eq!(words.vocab_size(), checkpoint.tokenizer.vocab_size());
        }

        #[test]
        fn the_text_that_visitors_find_is_in_the_language() {
            let checkpoint = Checkpoint::from_bytes(&model()).unwrap();
            let settings = Settings { time: 0.5, ..Settings::default() };
            let begun = start(&settings, &checkpoint.tokenizer, Default::default()).unwrap();
            assert_eq!((begun.unknown, begun.cut), (vec![], 0));
        }
    }
}
