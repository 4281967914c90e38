//! Every way in which the world can fail the page, and the sentence that a visitor reads.

use diffusion::decode::{DecodeError, EditError, SettingsError, TrajectoryError};
use engine::Error as EngineError;

use crate::platform::fetch::FetchError;
use crate::recording::RecordingError;
use crate::session::start::StartError;
use crate::texts::{fill, say};

/// A fault, with its cause as a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// A file did not arrive.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The model file is wrong.
    #[error(transparent)]
    Model(#[from] model_loader::Error),
    /// The weights of the model file are wrong, as its worker says.
    #[error("{reason}")]
    Weights {
        /// What is wrong.
        reason: String,
    },
    /// The recorded run is wrong.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The back end is missing or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network's answer made no sense.
    #[error(transparent)]
    Answer(#[from] DecodeError),
    /// Settings out of range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The visitor's words do not fit.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A change by hand names no slot.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A run contradicts itself.
    #[error(transparent)]
    Steps(#[from] TrajectoryError),
}

/// Says in one or two plain sentences what happened and what to do about it.
pub fn explain(failure: &Failure) -> String {
    match failure {
        Failure::Fetch(FetchError::Unreachable { .. }) => say("failure.unreachable").into(),
        Failure::Fetch(FetchError::Status { path, found }) => {
            fill("failure.status", &[("path", path), ("found", &found.to_string())])
        }
        Failure::Fetch(FetchError::Cut { found, expected, .. }) => {
            fill("failure.cut", &[("found", &found.to_string()), ("expected", &expected.to_string())])
        }
        Failure::Model(error) => fill("failure.model", &[("error", &error.to_string())]),
        Failure::Weights { reason } => fill("failure.model", &[("error", reason)]),
        Failure::Recording(RecordingError::Json { .. }) => say("failure.no-recording").into(),
        Failure::Recording(error) => fill("failure.recording", &[("error", &error.to_string())]),
        Failure::Engine(error) => explain_engine(error),
        Failure::Answer(error) => fill("failure.answer", &[("error", &error.to_string())]),
        Failure::Settings(error) => fill("failure.settings", &[("error", &error.to_string())]),
        Failure::Start(StartError::TooLong { found, expected }) => {
            fill("failure.too-long", &[("found", &found.to_string()), ("expected", &expected.to_string())])
        }
        Failure::Start(StartError::NoRoom { found, expected }) => {
            fill("failure.no-room", &[("found", &found.to_string()), ("expected", &expected.to_string())])
        }
        Failure::Start(StartError::NothingHidden { .. }) => say("failure.nothing-hidden").into(),
        Failure::Start(StartError::Edit { slot, length }) => {
            fill("failure.edit-slot", &[("slot", &(slot + 1).to_string()), ("length", &length.to_string())])
        }
        Failure::Edit(error) => fill("failure.edit", &[("error", &error.to_string())]),
        Failure::Steps(error) => fill("failure.steps", &[("error", &error.to_string())]),
    }
}

/// The engine's part of [`explain`].
fn explain_engine(error: &EngineError) -> String {
    match error {
        EngineError::NoWebGpu { .. } => say("failure.no-webgpu").into(),
        EngineError::NoAdapter { .. } => say("failure.no-adapter").into(),
        EngineError::SoftwareAdapter { adapter } => fill("failure.software", &[("adapter", adapter)]),
        EngineError::NoDevice { .. } => say("failure.no-device").into(),
        EngineError::LimitTooSmall { limit, found, expected } => fill(
            "failure.limit",
            &[("limit", limit), ("found", &found.to_string()), ("expected", &expected.to_string())],
        ),
        EngineError::DeviceLost { .. } => say("failure.device-lost").into(),
        EngineError::OutOfMemory { .. } => say("failure.memory").into(),
        EngineError::SelfTest { backend, .. } => fill("failure.self-test", &[("backend", backend)]),
        EngineError::Shader { kernel, .. } => fill("failure.shader", &[("kernel", kernel)]),
        other => fill("failure.engine", &[("other", &other.to_string())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_ends_and_offers_a_way_out() {
        let failures: Vec<Failure> = vec![
            FetchError::Unreachable { path: "m".into(), reason: "offline".into() }.into(),
            FetchError::Status { path: "m".into(), found: 404 }.into(),
            FetchError::Cut { path: "m".into(), found: 1, expected: 2 }.into(),
            model_loader::Error::NotGguf { found: "abc".into() }.into(),
            RecordingError::Json { reason: "end of file".into() }.into(),
            EngineError::DeviceLost { reason: "destroyed".into() }.into(),
            DecodeError::Count { found: 1, expected: 2 }.into(),
            SettingsError::Slots.into(),
            RecordingError::Steps { reason: "too many".into() }.into(),
            StartError::TooLong { found: 70, expected: 64 }.into(),
            StartError::NoRoom { found: 70, expected: 63 }.into(),
            StartError::NothingHidden { found: 8, expected: 8 }.into(),
            StartError::Edit { slot: 9, length: 8 }.into(),
            EditError { slot: 9, length: 8 }.into(),
            TrajectoryError::Step { found: 2, steps: 1 }.into(),
        ];
        for failure in failures {
            let sentence = explain(&failure);
            assert!(
                sentence.ends_with('.') && sentence.chars().next().is_some_and(char::is_uppercase),
                "{sentence}"
            );
            assert!(
                sentence.matches(". ").count() >= 1 || sentence.contains("window"),
                "no way out: {sentence}"
            );
        }
    }

    #[test]
    fn numbers_of_the_visitor_are_in_the_sentence() {
        let sentence = explain(&StartError::TooLong { found: 70, expected: 64 }.into());
        assert!(sentence.contains("70") && sentence.contains("64"), "{sentence}");
    }
}
