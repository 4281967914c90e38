//! One run, call by call, until it is complete, overtaken by a newer wish, or stopped by a fault.

use std::future::Future;
use std::slice::from_ref;

use diffusion::FullDenoiser;
use diffusion::decode::{Asker, DecodeError, RunError};

use super::Event;
use super::course::Course;

/// What a run needs of its host.
pub trait Surroundings {
    /// Whether the visitor wants something else by now.
    fn overtaken(&self) -> bool;
    /// Tells the page.
    fn emit(&self, event: Event);
    /// A clock in milliseconds.
    fn now_ms(&self) -> f64;
    /// Lets the browser paint and listen.
    fn give_way(&self) -> impl Future<Output = ()>;
}

/// Why a run ended.
#[derive(Debug)]
pub enum Outcome<E> {
    /// No slot is masked any more.
    Finished,
    /// A newer request waits.
    Overtaken,
    /// The denoiser failed; the run stands where it stood before the call.
    Denoiser(E),
    /// The denoiser's answer made no sense; the run stands where it stood before the call.
    Answer(DecodeError),
}

/// Drives a run from where it stands. Each call is one [`Event::Stepped`].
pub async fn drive<D: FullDenoiser>(
    denoiser: &mut D,
    course: &mut Course,
    around: &impl Surroundings,
) -> Outcome<D::Error> {
    let mut asker = Asker::default();
    while !course.is_finished() {
        around.give_way().await;
        if around.overtaken() {
            return Outcome::Overtaken;
        }
        let begun = around.now_ms();
        let predictions = match asker.ask(denoiser, from_ref(course.decoder())).await {
            Ok(predictions) => predictions,
            Err(RunError::Denoiser(error)) => return Outcome::Denoiser(error),
            Err(RunError::Decode(error)) => return Outcome::Answer(error),
            Err(RunError::Length { .. }) => unreachable!("one run has one length"),
        };
        let latency_ms = around.now_ms() - begun;
        match course.apply(&predictions, latency_ms) {
            Ok(stepped) => around.emit(stepped),
            Err(error) => return Outcome::Answer(error),
        }
    }
    around.emit(Event::Finished);
    Outcome::Finished
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::{Cell, RefCell};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use diffusion::decode::{Order, Parallelism};
    use diffusion::{Denoiser, Prediction, Query};

    use super::*;
    use crate::settings::edits::Edits;
    use crate::view::tests::prediction;

    #[derive(Default)]
    struct Around {
        events: RefCell<Vec<Event>>,
        calls_before_newer: Cell<Option<usize>>,
    }

    impl Around {
        fn steps(&self) -> usize {
            self.events.borrow().iter().filter(|event| matches!(event, Event::Stepped { .. })).count()
        }
    }

    impl Surroundings for Around {
        fn overtaken(&self) -> bool {
            self.calls_before_newer.get() == Some(self.steps())
        }
        fn emit(&self, event: Event) {
            self.events.borrow_mut().push(event);
        }
        fn now_ms(&self) -> f64 {
            0.0
        }
        async fn give_way(&self) {}
    }

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("device: found lost, expected present")]
    struct Lost;

    /// Answers every call but the one with this number, and that one too the second time.
    struct Flaky {
        calls: usize,
        loses: Option<usize>,
    }

    impl Denoiser for Flaky {
        type Error = Lost;
        async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, Lost> {
            if self.loses == Some(self.calls) {
                self.loses = None;
                return Err(Lost);
            }
            self.calls += 1;
            Ok(query.rows.iter().map(prediction).collect())
        }
    }

    impl FullDenoiser for Flaky {
        fn vocabulary(&self) -> usize {
            unreachable!("no rule here needs whole distributions")
        }

        async fn distributions(&mut self, _: &Query) -> Result<Vec<f32>, Lost> {
            unreachable!("no rule here needs whole distributions")
        }
    }

    fn one_by_one() -> Course {
        Course::of(Parallelism::SlotsPerCall { slots: 1 }, Order::Random, Edits::default())
    }

    /// Polls a future that never really waits.
    pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn a_run_tells_every_call_and_its_end() {
        let (around, mut course) = (Around::default(), one_by_one());
        let outcome = now(drive(&mut Flaky { calls: 0, loses: None }, &mut course, &around));
        assert!(matches!(outcome, Outcome::Finished));
        assert_eq!(around.steps(), 6);
        assert!(matches!(around.events.borrow().last(), Some(Event::Finished)));
    }

    #[test]
    fn a_newer_request_stops_the_run_at_a_step_boundary() {
        let (around, mut course) = (Around::default(), one_by_one());
        around.calls_before_newer.set(Some(2));
        let outcome = now(drive(&mut Flaky { calls: 0, loses: None }, &mut course, &around));
        assert!(matches!(outcome, Outcome::Overtaken));
        assert_eq!((around.steps(), course.trajectory().steps.len()), (2, 2));
    }

    #[test]
    fn a_lost_device_resumes_at_its_step_and_writes_the_same_text() {
        let run = |loses: Option<usize>| {
            let (around, mut course, mut flaky) =
                (Around::default(), one_by_one(), Flaky { calls: 0, loses });
            let mut losses = 0;
            while let Outcome::Denoiser(Lost) = now(drive(&mut flaky, &mut course, &around)) {
                losses += 1;
            }
            (losses, around.steps(), course.tokens())
        };
        let (losses, steps, text) = run(Some(3));
        assert_eq!((losses, steps), (1, 6), "no step is lost and none is done twice");
        assert_eq!(text, run(None).2);
    }
}
