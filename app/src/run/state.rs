//! Everything that the session has told, as one value with one way to change it.

use std::sync::Arc;

use diffusion::TokenId;
use diffusion::decode::Trajectory;
use engine::BackendReport;
use model_loader::Tokenizer;
use model_loader::tokenizer::UNKNOWN;

use crate::failure::{Failure, explain};
use crate::session::{Event, ModelFacts};

/// What the session is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// The page has just been opened.
    #[default]
    Opening,
    /// The model is on its way.
    Loading {
        /// Bytes so far.
        received: u64,
        /// Of how many, where known.
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
    /// Ready for a run.
    Ready,
    /// A run is going on.
    Running,
    /// The graphics device was lost; the run will go on.
    Resuming,
    /// The run is complete.
    Finished,
    /// Nothing goes on without the visitor.
    Failed,
}

impl Phase {
    /// Name in the page's state.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Loading { .. } => "loading",
            Self::Compiling { .. } => "compiling",
            Self::Testing => "testing",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Resuming => "resuming",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

/// Where the run that is shown comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nothing is shown yet.
    #[default]
    Nothing,
    /// A file.
    Recording,
    /// The model, here and now.
    Live,
}

/// Everything that the session has told.
#[derive(Clone, Debug, Default)]
pub struct RunState {
    /// What the session is doing.
    pub phase: Phase,
    /// Where the run that is shown comes from.
    pub source: Source,
    /// The name of the file, if the visitor opened it.
    pub file: Option<String>,
    /// Whether that file brought the link that makes its run again.
    pub linked: bool,
    /// The run.
    pub trajectory: Option<Trajectory>,
    /// How many runs have been shown; tells one from the next.
    pub runs: usize,
    /// Whether more steps are coming, whatever else goes on meanwhile (shaders are compiled, a device reopened).
    pub growing: bool,
    /// Calls of the complete run.
    pub planned: usize,
    /// Words of the tokens in the run.
    pub words: Option<Arc<Tokenizer>>,
    /// The model, once it is there.
    pub model: Option<ModelFacts>,
    /// Words of the model, which replace a recording's when the first run begins.
    pub model_words: Option<Arc<Tokenizer>>,
    /// The back end, once it is open.
    pub backend: Option<BackendReport>,
    /// Duration of every call of the run.
    pub latencies_ms: Vec<f64>,
    /// Words of the visitor that the model does not know, each with its slot.
    pub unknown: Vec<(usize, String)>,
    /// Words of the visitor's text that are outside the window.
    pub cut: usize,
    /// What stands in the way.
    pub failure: Option<Failure>,
    /// How often a run has gone on after its device was lost.
    pub resumed: usize,
}

impl RunState {
    /// What the visitor typed where a slot's token is that of unknown words.
    pub fn typed(&self, slot: usize, token: TokenId) -> Option<&str> {
        let found = self.unknown.iter().find(|(at, _)| *at == slot && token.0 == UNKNOWN)?;
        Some(&found.1)
    }

    /// Whether the model is on its way.
    pub fn is_coming(&self) -> bool {
        matches!(
            self.phase,
            Phase::Opening | Phase::Loading { .. } | Phase::Compiling { .. } | Phase::Testing
        )
    }

    /// Takes in one event.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Recorded { trajectory, words } => self.show_recording(*trajectory, words),
            Event::Reopened { trajectory, words, name, linked } => {
                self.reopen(*trajectory, words, name);
                self.linked = linked;
            }
            Event::Downloading { received, total } => {
                self.failure = None;
                self.phase = Phase::Loading { received, total };
            }
            Event::Compiling { done, total } => self.phase = Phase::Compiling { done, total },
            Event::Testing => self.phase = Phase::Testing,
            Event::Loaded { model, words } => {
                self.model = Some(model);
                self.model_words = Some(words);
            }
            Event::Opened(report) => {
                let lost = matches!(self.failure, Some(Failure::Engine(_)));
                self.resumed += usize::from(lost && self.growing);
                self.failure = None;
                self.backend = Some(report);
                self.phase = Phase::Ready;
            }
            // A live run goes on behind a saved one that was opened meanwhile; it is not shown any more.
            Event::Began(_) if self.file.is_some() => {}
            Event::Stepped { .. } if self.source != Source::Live => {}
            Event::Finished if self.source != Source::Live => self.phase = Phase::Finished,
            Event::Began(beginning) => {
                self.phase = Phase::Running;
                self.source = Source::Live;
                self.growing = true;
                self.words.clone_from(&self.model_words);
                self.show(beginning.trajectory);
                self.planned = beginning.planned;
                self.unknown = beginning.unknown;
                self.cut = beginning.cut;
                self.failure = None;
                self.latencies_ms = beginning.latencies_ms;
            }
            Event::Stepped { step, edits, latency_ms } => {
                self.phase = Phase::Running;
                self.latencies_ms.push(latency_ms);
                if let Some(trajectory) = &mut self.trajectory {
                    trajectory.push(step);
                    trajectory.edits = edits;
                    self.planned = self.planned.max(trajectory.steps.len());
                }
            }
            Event::Finished => {
                self.phase = Phase::Finished;
                self.growing = false;
                self.planned = self.steps();
            }
            Event::Interrupted(failure) => {
                self.phase = Phase::Resuming;
                self.failure = Some(failure);
            }
            // What the visitor can mend is no news while nothing goes on at all.
            Event::Refused(_) if self.phase == Phase::Failed => {}
            Event::Refused(failure) => self.failure = Some(failure),
            // Labs keep what studies find.
            Event::Study(_) => {}
            Event::Failed(failure) => {
                self.phase = Phase::Failed;
                self.growing = false;
                self.failure = Some(failure);
            }
        }
    }

    fn show(&mut self, trajectory: Trajectory) {
        self.trajectory = Some(trajectory);
        self.runs += 1;
    }

    /// A recording never takes the place of a live run.
    fn show_recording(&mut self, trajectory: Trajectory, words: Arc<Tokenizer>) {
        if self.source == Source::Nothing {
            self.source = Source::Recording;
            self.planned = trajectory.steps.len();
            self.show(trajectory);
            self.words = Some(words);
        }
    }

    /// What the visitor opens is shown, whatever was shown before.
    fn reopen(&mut self, trajectory: Trajectory, words: Arc<Tokenizer>, name: String) {
        self.source = Source::Nothing;
        self.show_recording(trajectory, words);
        self.file = Some(name);
        self.growing = false;
        self.failure = None;
        self.latencies_ms.clear();
        (self.unknown, self.cut) = (Vec::new(), 0);
    }

    /// The visitor wants a live run again: the next that begins is shown.
    pub fn let_go(&mut self) {
        self.file = None;
    }

    /// Number of stored steps.
    pub fn steps(&self) -> usize {
        self.trajectory.as_ref().map_or(0, |trajectory| trajectory.steps.len())
    }

    /// Mean duration of the calls of this run; none before the first.
    pub fn mean_latency_ms(&self) -> Option<f64> {
        let calls = self.latencies_ms.len();
        (calls > 0).then(|| self.latencies_ms.iter().sum::<f64>() / calls as f64)
    }

    /// The sentence about what stands in the way.
    pub fn problem(&self) -> Option<String> {
        self.failure.as_ref().map(explain)
    }
}

#[cfg(test)]
mod tests {
    use engine::Error as EngineError;

    use super::*;
    use crate::session::Beginning;
    use crate::session::start::tests::tokenizer;
    use crate::view::tests::trajectory;

    fn report() -> BackendReport {
        BackendReport { name: "cpu".into(), adapter: None, fallback: None }
    }

    fn loaded() -> Event {
        let model = ModelFacts { path: "m.gguf".into(), name: "m".into(), parameters: 1, vocabulary: 9 };
        Event::Loaded { model, words: Arc::new(tokenizer()) }
    }

    fn began() -> Event {
        let mut start = trajectory();
        start.steps.clear();
        Event::Began(Box::new(Beginning {
            trajectory: start,
            latencies_ms: vec![],
            planned: 3,
            unknown: vec![],
            cut: 0,
        }))
    }

    fn after(events: impl IntoIterator<Item = Event>) -> RunState {
        let mut state = RunState::default();
        events.into_iter().for_each(|event| state.apply(event));
        state
    }

    #[test]
    fn a_recording_plays_until_the_first_live_run_and_never_again() {
        let recorded =
            || Event::Recorded { trajectory: Box::new(trajectory()), words: Arc::new(tokenizer()) };
        let state = after([recorded(), Event::Downloading { received: 1, total: Some(2) }]);
        assert_eq!((state.source, state.steps(), state.phase.name()), (Source::Recording, 3, "loading"));
        assert!(!state.growing);
        let state = after([recorded(), loaded(), Event::Opened(report()), began(), recorded()]);
        assert_eq!((state.source, state.steps()), (Source::Live, 0));
        assert!(state.growing && state.words.is_some());
    }

    #[test]
    fn an_opened_run_stays_until_a_new_run_begins() {
        let step = || trajectory().steps[0].clone();
        let reopened = || Event::Reopened {
            trajectory: Box::new(trajectory()),
            words: Arc::new(tokenizer()),
            name: "run.json".into(),
            linked: false,
        };
        let stepped = || Event::Stepped { step: step(), edits: vec![], latency_ms: 4.0 };
        let state = after([
            loaded(),
            Event::Opened(report()),
            began(),
            stepped(),
            reopened(),
            stepped(),
            Event::Finished,
        ]);
        assert_eq!((state.source, state.steps(), state.planned), (Source::Recording, 3, 3));
        assert_eq!((state.file.as_deref(), state.growing), (Some("run.json"), false));
        assert_eq!(state.mean_latency_ms(), None, "a file has no times");
        let mut state = after([reopened(), loaded(), Event::Opened(report()), began(), stepped()]);
        assert_eq!(
            (state.source, state.steps()),
            (Source::Recording, 3),
            "the first run must not take its place"
        );
        state.let_go();
        [began(), stepped()].into_iter().for_each(|event| state.apply(event));
        assert_eq!((state.source, state.steps(), state.file), (Source::Live, 1, None));
    }

    #[test]
    fn a_lost_device_keeps_every_step() {
        let step = trajectory().steps[0].clone();
        let lost = Event::Interrupted(EngineError::DeviceLost { reason: "destroyed".into() }.into());
        let state = after([
            loaded(),
            Event::Opened(report()),
            began(),
            Event::Stepped { step, edits: vec![], latency_ms: 4.0 },
            lost,
        ]);
        assert_eq!((state.phase.name(), state.steps()), ("resuming", 1));
        assert!(state.problem().is_some());
        let mut state = state;
        state.apply(Event::Opened(report()));
        assert_eq!((state.resumed, state.steps(), state.problem()), (1, 1, None));
    }

    #[test]
    fn a_run_goes_on_while_shaders_are_compiled() {
        let state = after([loaded(), began(), Event::Compiling { done: 1, total: 9 }]);
        assert!(state.growing, "playback must wait, not stop");
        let state = after([loaded(), began(), Event::Compiling { done: 9, total: 9 }, Event::Finished]);
        assert!(!state.growing);
    }

    #[test]
    fn words_that_do_not_fit_leave_the_run_alone() {
        let refused = crate::session::start::StartError::TooLong { found: 70, expected: 64 };
        let state = after([loaded(), Event::Opened(report()), began(), Event::Refused(refused.into())]);
        assert_eq!((state.source, state.phase.name()), (Source::Live, "running"));
        assert!(state.problem().is_some_and(|sentence| sentence.contains("70")));
    }

    #[test]
    fn the_mean_latency_is_of_this_run_only() {
        let step = trajectory().steps[0].clone();
        let stepped = |latency_ms| Event::Stepped { step: step.clone(), edits: vec![], latency_ms };
        let state = after([loaded(), began(), stepped(100.0), began()]);
        assert_eq!(state.mean_latency_ms(), None);
        let state = after([loaded(), began(), stepped(2.0), stepped(4.0), Event::Finished]);
        assert_eq!((state.mean_latency_ms(), state.planned), (Some(3.0), 2));
    }
}
