//! The session's loop in the page: download, open, then one run after the other for as long as the page lives.

use std::rc::Rc;
use std::sync::Arc;

use engine::{BackendChoice, BackendReport, Error as EngineError, Progress};
use model_loader::Header;

use super::course::Course;
use super::decode::{Outcome, Surroundings, drive};
use super::language::Language;
use super::mailbox::Mailbox;
use super::models::ShippedModel;
use super::remote::RemoteEngine;
use super::studies::frontier::Frontier;
use super::studies::{Ending, StudyEvent};
use super::{Event, ModelFacts, Request};
use crate::failure::Failure;
use crate::platform::time::Turns;
use crate::platform::{fetch, time};
use crate::recording;
use crate::settings::Settings;

/// A run of the shipped model with the default settings.
const RECORDING: &str = "runs/storyworld-mask.json";
/// How often one run may lose its device before it goes on with the CPU.
pub(super) const LOSSES: u32 = 2;

/// The loop's means: where requests come from and where events go.
pub struct Host<E: Fn(Event)> {
    pub(super) mailbox: Rc<Mailbox>,
    emit: E,
    /// When the browser last had its turn.
    turns: Turns,
}

/// A model that is ready to run.
pub(super) struct Open {
    pub(super) engine: RemoteEngine,
    pub(super) language: Language,
    /// Which model it is.
    pub(super) model: ShippedModel,
    /// What the visitor asked for; a fallback does not change it.
    pub(super) wanted: BackendChoice,
    /// The run before, however far it came: another that begins the same way takes it up.
    pub(super) before: Option<Course>,
    /// What the last sweep measured: another over the same texts takes it up.
    pub(super) swept: Option<Frontier>,
}

impl<E: Fn(Event)> Host<E> {
    /// A host that takes from `mailbox` and tells `emit`.
    pub fn new(mailbox: Rc<Mailbox>, emit: E) -> Self {
        Self { mailbox, emit, turns: Turns::default() }
    }

    /// Serves requests. Never returns while the page lives.
    pub async fn serve(&self, model: ShippedModel, choice: BackendChoice) {
        loop {
            let failure = match self.open(model, choice).await {
                Ok(open) => self.run_all(open).await,
                Err(failure) => failure,
            };
            self.emit(Event::Failed(failure.clone()));
            self.rest(failure).await;
        }
    }

    /// Waits until the visitor tries again; a lab that asks meanwhile is told what stands in the way.
    async fn rest(&self, failure: Failure) {
        loop {
            match self.mailbox.take().await {
                Request::Retry => return,
                Request::Study(study) => {
                    self.emit(Event::Study(StudyEvent::Began(study.question)));
                    self.emit(Event::Study(StudyEvent::Ended(Ending::Failed(failure.clone()))));
                }
                Request::Run(_) | Request::LoseDevice | Request::CancelStudy => {}
            }
        }
    }

    /// Downloads and opens the model that runs are written with, and tells how far it is.
    async fn open(&self, model: ShippedModel, choice: BackendChoice) -> Result<Open, Failure> {
        let progress = |received, total| self.emit(Event::Downloading { received, total });
        let file = fetch::bytes(&model.path(), progress).await?;
        let header = Header::from_bytes(&file)?;
        let words = Arc::new(header.tokenizer.clone());
        self.emit(Event::Loaded { model: facts(model, &header), words });
        time::sleep_ms(0).await;
        let (open, report) =
            opened(model, header, file, choice, &mut |progress| self.progress(progress)).await?;
        self.emit(Event::Opened(report));
        Ok(open)
    }

    /// Opens another model beside it, for a study: the stage is not told.
    pub(super) async fn open_beside(
        &self,
        model: ShippedModel,
        choice: BackendChoice,
    ) -> Result<Open, Failure> {
        let file = fetch::bytes(&model.path(), |_, _| {}).await?;
        let header = Header::from_bytes(&file)?;
        time::sleep_ms(0).await;
        Ok(opened(model, header, file, choice, &mut |_| {}).await?.0)
    }

    /// Takes one request after the other; returns why nothing goes on without the visitor.
    async fn run_all(&self, mut open: Open) -> Failure {
        loop {
            match self.mailbox.take().await {
                Request::Retry | Request::CancelStudy => {}
                Request::LoseDevice => open.engine.lose_device(),
                Request::Study(study) => self.study(&mut open, &study).await,
                Request::Run(settings) => match self.run(&mut open, &settings).await {
                    Ok(()) => {}
                    Err(failure @ (Failure::Start(_) | Failure::Settings(_))) => {
                        self.emit(Event::Refused(failure));
                    }
                    Err(failure) => return failure,
                },
            }
        }
    }

    /// One run, through losses of the device.
    async fn run(&self, open: &mut Open, settings: &Settings) -> Result<(), Failure> {
        self.suit(open, settings).await?;
        let fresh = Course::begin(settings, &open.language, open.engine.config())?;
        let mut course = match &open.before {
            Some(before) => fresh.taken_up(before)?,
            None => fresh,
        };
        self.emit(course.beginning());
        // The stage is drawn anew.
        time::sleep_ms(0).await;
        let ended = self.complete(open, &mut course).await;
        open.before = Some(course);
        ended
    }

    /// Runs until all is written or the visitor wants another run.
    async fn complete(&self, open: &mut Open, course: &mut Course) -> Result<(), Failure> {
        let mut losses = 0;
        loop {
            let error = match self.attempt(open, course).await {
                Outcome::Finished => return Ok(()),
                Outcome::Overtaken if self.mailbox.next_is_run() => return Ok(()),
                Outcome::Overtaken => {
                    self.aside(open).await;
                    continue;
                }
                Outcome::Answer(error) => return Err(error.into()),
                Outcome::Denoiser(error) => error,
            };
            self.recover(open, error, losses).await?;
            losses += 1;
        }
    }

    /// Opens the model and the back end that the settings name, unless they are open.
    pub(super) async fn suit(&self, open: &mut Open, settings: &Settings) -> Result<(), Failure> {
        if settings.model != open.model || open.engine.has_ended() {
            *open = self.open(settings.model, settings.backend).await?;
        } else if settings.backend != open.wanted {
            open.wanted = settings.backend;
            self.reopen(open, settings.backend).await?;
        }
        Ok(())
    }

    /// Runs from where the run stands, on the back end that is open now.
    async fn attempt(&self, open: &mut Open, course: &mut Course) -> Outcome<EngineError> {
        match open.engine.prepare(1, course.length(), &mut |progress| self.progress(progress)).await {
            Ok(()) => drive(&mut open.engine, course, self).await,
            Err(error) => Outcome::Denoiser(error),
        }
    }

    /// Serves a request that asks for no run.
    async fn aside(&self, open: &Open) {
        if self.mailbox.take().await == Request::LoseDevice {
            open.engine.lose_device();
        }
    }

    /// Opens a back end for the rest of the run: the same after a lost device, the CPU after anything else.
    pub(super) async fn recover(
        &self,
        open: &mut Open,
        error: EngineError,
        losses: u32,
    ) -> Result<(), Failure> {
        if !open.engine.is_on_gpu() || open.engine.has_ended() {
            return Err(error.into());
        }
        let lost = matches!(error, EngineError::DeviceLost { .. });
        self.emit(Event::Interrupted(error.into()));
        let choice = if lost && losses < LOSSES { open.wanted } else { BackendChoice::Cpu };
        self.reopen(open, choice).await
    }

    async fn reopen(&self, open: &mut Open, choice: BackendChoice) -> Result<(), Failure> {
        let report = open.engine.reopen(choice, &mut |progress| self.progress(progress)).await?;
        self.emit(Event::Opened(report));
        Ok(())
    }

    fn progress(&self, progress: Progress) {
        self.emit(match progress {
            Progress::Compiling { done, total } => Event::Compiling { done, total },
            Progress::Testing { .. } => Event::Testing,
        });
    }
}

impl<E: Fn(Event)> Surroundings for Host<E> {
    fn overtaken(&self) -> bool {
        self.mailbox.overtakes_run()
    }

    fn emit(&self, event: Event) {
        (self.emit)(event);
    }

    fn now_ms(&self) -> f64 {
        time::now_ms()
    }

    async fn give_way(&self) {
        self.turns.give_way().await;
    }
}

/// Fetches the recorded run. It is a courtesy while the model loads: without it the page says so and goes on.
pub async fn play_recording(emit: impl Fn(Event)) {
    let read = async {
        let bytes = fetch::bytes(RECORDING, |_, _| {}).await?;
        let turns = Turns::begin();
        recording::read(&bytes, async || {
            turns.give_way().await;
        })
        .await
        .map_err(Failure::from)
    };
    match read.await {
        Ok((trajectory, words, _)) => {
            emit(Event::Recorded { trajectory: Box::new(trajectory), words: Arc::new(words) })
        }
        Err(failure) => emit(Event::Refused(failure)),
    }
}

/// Opens a model whose file is there, in a worker of its own.
async fn opened(
    model: ShippedModel,
    header: Header,
    file: Vec<u8>,
    choice: BackendChoice,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Open, BackendReport), Failure> {
    let language = Language::of(&header, &file)?;
    let (engine, report) = RemoteEngine::open(header.config, file, choice, progress).await?;
    Ok((Open { engine, language, model, wanted: choice, before: None, swept: None }, report))
}

fn facts(model: ShippedModel, header: &Header) -> ModelFacts {
    ModelFacts {
        path: model.path(),
        name: header.origin.name.clone().unwrap_or_else(|| "unnamed model".into()),
        parameters: header.config.parameters(),
        vocabulary: header.config.vocab_size,
    }
}
