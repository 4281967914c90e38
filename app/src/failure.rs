//! Every way in which the world can fail the page, and the sentence that a visitor reads.

use diffusion::decode::{DecodeError, EditError, SettingsError, TrajectoryError};
use engine::Error as EngineError;

use crate::platform::fetch::FetchError;
use crate::recording::RecordingError;
use crate::session::start::StartError;

/// A fault, with its cause as a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// A file did not arrive.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The model file is wrong.
    #[error(transparent)]
    Model(#[from] model_loader::Error),
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
        Failure::Fetch(FetchError::Unreachable { .. }) => {
            "The model could not be downloaded. Check the connection and try again.".into()
        }
        Failure::Fetch(FetchError::Status { path, found }) => {
            format!("The server has no {path} (status {found}). If this is your own copy of the page, build it again.")
        }
        Failure::Fetch(FetchError::Cut { found, expected, .. }) => {
            format!("The download broke off after {found} of {expected} bytes. Try again.")
        }
        Failure::Model(error) => {
            format!("The model file cannot be used: {error}. Reload the page; if it stays, the copy on the server is damaged.")
        }
        Failure::Recording(error) => {
            format!("The recorded run cannot be shown: {error}. The live model is not affected.")
        }
        Failure::Engine(error) => explain_engine(error),
        Failure::Answer(error) => {
            format!("The network gave an impossible answer: {error}. Add ?backend=cpu to the address and try again.")
        }
        Failure::Settings(error) => format!("A setting is out of range: {error}. Move the knob back."),
        Failure::Start(StartError::TooLong { found, expected }) => {
            format!(
                "The prompt has {found} words and marks, but the window holds {expected}. Shorten it or raise the length."
            )
        }
        Failure::Start(StartError::NothingHidden { .. }) => {
            "Nothing is hidden, so there is nothing to write. Raise the corruption, or put a _ where a word should be found.".into()
        }
        Failure::Start(StartError::Edit { slot, length }) => {
            format!("A change by hand does not fit: it names slot {}, and this run has {length} slots and the words of its model. Undo it in the inspector.", slot + 1)
        }
        Failure::Edit(error) => format!("A change by hand does not fit: {error}. Undo it in the inspector."),
        Failure::Steps(error) => format!("The run contradicts itself: {error}. Reload the page."),
    }
}

/// The engine's part of [`explain`].
fn explain_engine(error: &EngineError) -> String {
    match error {
        EngineError::NoWebGpu { .. } => {
            "This browser has no WebGPU. Use a recent Chrome, Edge, Firefox or Safari, over https or on localhost.".into()
        }
        EngineError::NoAdapter { .. } => {
            "WebGPU found no graphics adapter. Switch on hardware acceleration in the browser's settings.".into()
        }
        EngineError::SoftwareAdapter { adapter } => {
            format!("The only graphics adapter ({adapter}) computes on the CPU, where our own code is faster.")
        }
        EngineError::NoDevice { .. } => {
            "The graphics adapter gave no device. Close other tabs that use it and reload the page.".into()
        }
        EngineError::LimitTooSmall { limit, found, expected } => {
            format!("The graphics adapter is too small for this model ({limit} is {found}, {expected} are needed).")
        }
        EngineError::DeviceLost { .. } => {
            "The graphics device was lost. The run is kept; reload the page if it does not go on.".into()
        }
        EngineError::OutOfMemory { .. } => "Graphics memory is full. Close other tabs and reload the page.".into(),
        EngineError::SelfTest { backend, .. } => {
            format!("The {backend} back end computes wrong numbers on this machine, so it is not used.")
        }
        EngineError::Shader { kernel, .. } => format!("This browser refused the shader {kernel}."),
        other => format!("The engine stopped: {other}. Reload the page; the address keeps all settings."),
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
            StartError::TooLong { found: 70, expected: 64 }.into(),
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
