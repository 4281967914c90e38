//! Studies on the open model: progress, cancelling, and going on after a lost device.

use std::cell::Cell;
use std::slice::from_ref;

use diffusion::SpecialTokens;
use diffusion::decode::Asker;
use diffusion::measure::prospect::Occurrences;
use engine::Error as EngineError;

use super::beside::Second;
use super::collapse::{Collapse, STORIES, collapse};
use super::frontier::Extent;
use super::paced::{Halt, Pace, Paced};
use super::runs::{Trouble, decoder};
use super::surprisal::surprisal;
use super::together::{Together, planned, write};
use super::{Ending, Finding, Question, Study, StudyEvent};
use super::{families, frontier};
use crate::failure::Failure;
use crate::platform::time;
use crate::session::Event;
use crate::session::course::Course;
use crate::session::decode::Surroundings;
use crate::session::host::{Host, LOSSES, Open};
use crate::session::language::Language;
use crate::session::models::ShippedModel;
use crate::session::remote::RemoteEngine;
use crate::settings::Settings;

/// Sequences per call on a graphics device; the CPU computes one at a time, so that a visitor who cancels does not wait.
const AT_ONCE: usize = 16;
/// Stories that are drawn between two looks at the visitor.
const STORIES_PER_TURN: u64 = 50;

/// Why a study stopped before its end.
#[derive(Debug)]
enum Stop {
    /// The visitor wants something else.
    Overtaken,
    /// The network failed; another back end may do.
    Engine(EngineError),
    /// Nothing can be done.
    Failed(Failure),
}

impl From<Halt<EngineError>> for Stop {
    fn from(halt: Halt<EngineError>) -> Self {
        match halt {
            Halt::Overtaken => Self::Overtaken,
            Halt::Denoiser(error) => Self::Engine(error),
        }
    }
}

impl From<Trouble<Halt<EngineError>>> for Stop {
    fn from(trouble: Trouble<Halt<EngineError>>) -> Self {
        match trouble {
            Trouble::Denoiser(halt) => halt.into(),
            Trouble::Other(failure) => Self::Failed(failure),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Counts calls and tells how many are done; denoisers that take turns share it.
struct Progress<'a, E: Fn(Event)> {
    host: &'a Host<E>,
    done: Cell<usize>,
    total: usize,
}

impl<E: Fn(Event)> Pace for &Progress<'_, E> {
    async fn go_on(&mut self) -> bool {
        self.host.give_way().await;
        let done = self.done.get() + 1;
        self.done.set(done);
        let total = self.total.max(done);
        self.host.emit(Event::Study(StudyEvent::Progress { done, total }));
        !self.host.mailbox.overtakes_study()
    }
}

impl<E: Fn(Event)> Host<E> {
    /// Answers a question, and says how it ended.
    pub(in crate::session) async fn study(&self, open: &mut Open, study: &Study) {
        self.emit(Event::Study(StudyEvent::Began(study.question)));
        let mut losses = 0;
        let ending = loop {
            let error = match self.attempt_study(open, study).await {
                Ok(()) => break Ending::Finished,
                Err(Stop::Overtaken) => break Ending::Cancelled,
                Err(Stop::Failed(failure)) => break Ending::Failed(failure),
                Err(Stop::Engine(error)) => error,
            };
            if losses > LOSSES {
                break Ending::Failed(error.into());
            }
            if let Err(failure) = self.recover(open, error, losses).await {
                break Ending::Failed(failure);
            }
            losses += 1;
        };
        self.emit(Event::Study(StudyEvent::Ended(ending)));
    }

    async fn attempt_study(&self, open: &mut Open, study: &Study) -> Result<(), Stop> {
        self.suit(open, &study.settings).await?;
        open.language.learn().await;
        match study.question {
            Question::Surprisal => self.study_surprisal(open, study).await,
            Question::Collapse => self.study_collapse(open, study).await,
            Question::Together => self.study_together(open, study).await,
            Question::Families => self.study_families(open, study).await,
            Question::Frontier(extent) => self.study_frontier(open, study, extent).await,
            Question::Beside => self.study_beside(open, study).await,
        }
    }

    async fn study_surprisal(&self, open: &mut Open, study: &Study) -> Result<(), Stop> {
        let config = open.engine.config().clone();
        let words = open.language.tokenizer.encode(&study.settings.text).tokens.len();
        let total = words.min(config.context_length - 1);
        let progress = self.progress_of(total);
        let mut paced = paced(&mut open.engine, &progress);
        let found = surprisal(&mut paced, &open.language, &study.settings, &config).await?;
        self.found(Finding::Surprisal(found)).await;
        Ok(())
    }

    async fn study_collapse(&self, open: &mut Open, study: &Study) -> Result<(), Stop> {
        let window = open.engine.config().context_length;
        let turns = (STORIES / STORIES_PER_TURN) as usize;
        let progress = self.progress_of(1 + turns);
        let mut paced = paced(&mut open.engine, &progress);
        let mut found = collapse(&mut paced, &open.language, &study.settings.prompt, window).await??;
        self.found(Finding::Collapse(Box::new(found.clone()))).await;
        self.add_truth(&open.language, &mut found, &progress).await?;
        self.found(Finding::Collapse(Box::new(found))).await;
        Ok(())
    }

    /// What is true behind the prompt, where the language is known and has stories that begin so.
    async fn add_truth(
        &self,
        language: &Language,
        found: &mut Collapse,
        mut progress: &Progress<'_, E>,
    ) -> Result<(), Stop> {
        let Some(continuations) = language.continuations(&found.prompt) else { return Ok(()) };
        let end = SpecialTokens::default().end_of_text;
        let mut truth = Occurrences::new(found.model.len(), language.unigram.len(), end);
        for first in (0..STORIES).step_by(STORIES_PER_TURN as usize) {
            if !progress.go_on().await {
                return Err(Stop::Overtaken);
            }
            for rest in (first..first + STORIES_PER_TURN).filter_map(|seed| continuations.draw(seed)) {
                truth.push(rest.into_iter().filter_map(|word| language.token(word)));
            }
        }
        found.truth = truth.prospects(&language.unigram);
        found.estimates = truth.estimates(&language.unigram).unwrap_or_default();
        Ok(())
    }

    async fn study_together(&self, open: &mut Open, study: &Study) -> Result<(), Stop> {
        let Open { engine, language, .. } = open;
        let slots = study.settings.jointly;
        let (one, unknown) = decoder(&study.settings, language, engine.config(), 1)?;
        let (several, _) = decoder(&study.settings, language, engine.config(), slots)?;
        let progress = self.progress_of(planned(one.sequence().masked_count(), slots as usize));
        let mut paced = paced(engine, &progress);
        let apart = write(&mut paced, language, one).await?;
        let words = language.tokenizer.clone();
        let mut found = Together { apart, together: None, slots, words, unknown };
        self.found(Finding::Together(Box::new(found.clone()))).await;
        found.together = Some(write(&mut paced, language, several).await?);
        self.found(Finding::Together(Box::new(found))).await;
        Ok(())
    }

    /// One family after the other, each in an engine of its own. Where a model does not come, the others are measured all the same.
    async fn study_families(&self, open: &mut Open, study: &Study) -> Result<(), Stop> {
        let settings = &study.settings;
        let models = settings.model.families();
        let open_slots = settings.length.min(open.engine.config().context_length);
        let calls = |model: &ShippedModel| {
            if model.is_autoregressive() {
                open_slots
            } else {
                open_slots.div_ceil(settings.slots.max(1) as usize)
            }
        };
        let progress = self.progress_of(models.iter().map(calls).sum::<usize>() * families::RUNS as usize);
        let words = open.language.tokenizer.clone();
        let mut found = families::Families { members: Vec::new(), words, unknown: Vec::new() };
        let mut missing = None;
        for &model in models {
            let mut other = match self.open_beside(model, open.wanted).await {
                Ok(other) => other,
                Err(failure) => {
                    missing.get_or_insert(failure);
                    continue;
                }
            };
            let config = other.engine.config().clone();
            let noise = other.engine.vector_noise();
            let mut paced = paced(&mut other.engine, &progress);
            let language = &other.language;
            let pause = async || {
                self.give_way().await;
            };
            let written = if let Some(noise) = noise {
                families::write_vectors(&mut paced, &noise, language, &config, settings, pause).await?
            } else {
                let (decoders, unknown) = families::decoders(settings, model, language, &config)?;
                found.unknown = unknown;
                families::write(&mut paced, model, language, &config, decoders, pause).await?
            };
            found.members.push(written);
            self.found(Finding::Families(found.clone())).await;
        }
        missing.map_or(Ok(()), |failure| Err(Stop::Failed(failure)))
    }

    /// One setting after the other; the curve grows as they come.
    async fn study_frontier(&self, open: &mut Open, study: &Study, extent: Extent) -> Result<(), Stop> {
        let settings = &study.settings;
        let config = open.engine.config().clone();
        let length = settings.length.min(config.context_length);
        let grid = frontier::grid(settings, extent, length, &config.process);
        let mut found = frontier::Frontier::begin(extent, settings, grid, open.swept.as_ref());
        let missing = found.missing();
        if missing.is_empty() {
            self.found(Finding::Frontier(Box::new(found))).await;
            return Ok(());
        }
        let mut judging = self.open_beside(settings.model.judge(), open.wanted).await?;
        self.found(Finding::Frontier(Box::new(found.clone()))).await;
        let Open { engine, language, swept, .. } = open;
        let progress = self.progress_of(frontier::planned(&missing, settings.stories, length));
        for place in missing {
            let decoders = frontier::decoders(settings, place, language, &config)?;
            let mut writer = paced(engine, &progress);
            let mut judge = paced(&mut judging.engine, &progress);
            let pause = async || {
                self.give_way().await;
            };
            let point = frontier::measure(&mut writer, &mut judge, language, place, decoders, pause);
            found.add(point.await?);
            *swept = Some(found.clone());
            self.found(Finding::Frontier(Box::new(found.clone()))).await;
        }
        Ok(())
    }

    /// The same run with one setting otherwise, call by call.
    async fn study_beside(&self, open: &mut Open, study: &Study) -> Result<(), Stop> {
        let Some(second) = study.settings.second() else { return Ok(()) };
        let first = open.before.take();
        let written = self.write_second(open, first.as_ref(), &second).await;
        open.before = first;
        written
    }

    async fn write_second(
        &self,
        open: &mut Open,
        first: Option<&Course>,
        settings: &Settings,
    ) -> Result<(), Stop> {
        let mut other = None;
        if settings.model != open.model {
            other = Some(self.open_beside(settings.model, open.wanted).await?);
        }
        let Open { engine, language, .. } = other.as_mut().unwrap_or(open);
        let fresh = Course::begin(settings, language, engine.config())?;
        let mut course = match first {
            Some(first) => fresh.taken_up(first)?,
            None => fresh,
        };
        let planned = course.planned_calls();
        let progress = self.progress_of(planned - course.trajectory().steps.len());
        let (mut paced, mut asker) = (paced(engine, &progress), Asker::default());
        while !course.is_finished() {
            self.found(Finding::Beside(Box::new(Second::of(first, &course, planned, language)))).await;
            let predictions = asker.ask(&mut paced, from_ref(course.decoder())).await.map_err(Trouble::of)?;
            course.apply(&predictions, 0.0).map_err(Failure::from)?;
        }
        self.found(Finding::Beside(Box::new(Second::of(first, &course, planned, language)))).await;
        Ok(())
    }

    fn progress_of(&self, total: usize) -> Progress<'_, E> {
        Progress { host: self, done: Cell::new(0), total }
    }

    /// Tells what is known, in a task of its own: drawing it takes as long again as finding it.
    async fn found(&self, finding: Finding) {
        time::sleep_ms(0).await;
        self.emit(Event::Study(StudyEvent::Found(finding)));
    }
}

/// The engine in slices that suit its back end.
fn paced<'a, P: Pace>(engine: &'a mut RemoteEngine, pace: P) -> Paced<'a, RemoteEngine, P> {
    let at_once = if engine.is_on_gpu() { AT_ONCE } else { 1 };
    Paced { denoiser: engine, pace, at_once }
}
