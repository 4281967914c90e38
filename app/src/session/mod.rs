//! The bridge between what the visitor wants and what happens: settings in, events out.
//!
//! Two closed enums of plain values are all that crosses it. Of the session only the engine computes elsewhere: in a worker ([`remote`]).

pub mod course;
pub mod decode;
pub mod host;
pub mod language;
pub mod link;
pub mod mailbox;
pub mod models;
pub mod remote;
pub mod start;
pub mod studies;
pub mod translation;

use std::sync::Arc;

use diffusion::decode::{Edit, Step, Trajectory};
use engine::BackendReport;
use model_loader::Tokenizer;

use crate::failure::Failure;
use crate::settings::Settings;

use studies::{Study, StudyEvent};

/// What the page asks of the session.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Run with these settings; the newest wins.
    Run(Box<Settings>),
    /// Answer a question of a lab, once the run that goes on is complete; the newest wins.
    Study(Study),
    /// Stop the study that goes on.
    CancelStudy,
    /// Try again to download and open the model.
    Retry,
    /// Destroy the graphics device, as a driver reset would: for tests of the recovery.
    LoseDevice,
}

/// The model in a few words.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// Its file, relative to the page.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Number of weights.
    pub parameters: usize,
    /// Words of its vocabulary.
    pub vocabulary: usize,
}

/// A run that begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Where it begins, with the steps that it shares with the run before.
    pub trajectory: Trajectory,
    /// Duration of the calls of these steps.
    pub latencies_ms: Vec<f64>,
    /// How many calls it will have taken at its end.
    pub planned: usize,
    /// Words of the visitor that the model does not know, each with its slot.
    pub unknown: Vec<(usize, String)>,
    /// Words of the visitor's text that are outside the window.
    pub cut: usize,
}

/// What the session tells the page.
#[derive(Clone, Debug)]
pub enum Event {
    /// A recorded run is there.
    Recorded {
        /// The run, whole; boxed, because other events are small.
        trajectory: Box<Trajectory>,
        /// Its words.
        words: Arc<Tokenizer>,
    },
    /// The visitor opened a saved run: it takes the place of whatever is shown.
    Reopened {
        /// The run, whole.
        trajectory: Box<Trajectory>,
        /// Its words.
        words: Arc<Tokenizer>,
        /// The file's name.
        name: String,
        /// Whether it brought the link that makes it again.
        linked: bool,
    },
    /// The model is on its way.
    Downloading {
        /// Bytes so far.
        received: u64,
        /// Of how many, where the server says so.
        total: Option<u64>,
    },
    /// Shaders are being compiled.
    Compiling {
        /// Pipelines ready.
        done: usize,
        /// Pipelines needed.
        total: usize,
    },
    /// The back end is computing a known answer.
    Testing,
    /// The model is there.
    Loaded {
        /// What it is.
        model: ModelFacts,
        /// Its words.
        words: Arc<Tokenizer>,
    },
    /// A back end is open: at first, or again after a loss.
    Opened(BackendReport),
    /// A run begins.
    Began(Box<Beginning>),
    /// One call more.
    Stepped {
        /// What was predicted and committed.
        step: Step,
        /// What the visitor changes by hand after it.
        edits: Vec<Edit>,
        /// How long the call took.
        latency_ms: f64,
    },
    /// The run is complete.
    Finished,
    /// The run is held up and will go on at its step.
    Interrupted(Failure),
    /// The visitor's words do not fit; the run before stays.
    Refused(Failure),
    /// Nothing goes on without the visitor.
    Failed(Failure),
    /// Something about a study.
    Study(StudyEvent),
}
