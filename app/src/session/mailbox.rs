//! Where requests wait for the session: a newer wish for a run takes the place of an older one, and so with studies.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::Request;

/// Requests in the order in which they came. One side posts, the other awaits; both live on one thread.
#[derive(Default)]
pub struct Mailbox {
    waiting: RefCell<VecDeque<Request>>,
    waker: RefCell<Option<Waker>>,
}

impl Mailbox {
    /// Adds a request. Of requests for a run only the newest stays, and of those for a study too.
    pub fn post(&self, request: Request) {
        let mut waiting = self.waiting.borrow_mut();
        match request {
            Request::Run(_) => waiting.retain(|older| !matches!(older, Request::Run(_))),
            Request::Study(_) | Request::CancelStudy => waiting.retain(|older| !is_of_study(older)),
            Request::Retry | Request::LoseDevice => {}
        }
        // Studies come last, so that nothing that concerns a run waits behind one.
        let last = if is_of_study(&request) {
            waiting.len()
        } else {
            waiting.iter().take_while(|r| !is_of_study(r)).count()
        };
        waiting.insert(last, request);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits for the next request and takes it.
    pub async fn take(&self) -> Request {
        poll_fn(|context| match self.waiting.borrow_mut().pop_front() {
            Some(request) => Poll::Ready(request),
            None => {
                self.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }

    /// Whether the next request asks for a run.
    pub fn next_is_run(&self) -> bool {
        matches!(self.waiting.borrow().front(), Some(Request::Run(_)))
    }

    /// Whether something waits that a run gives way to: anything but a study.
    pub fn overtakes_run(&self) -> bool {
        self.waiting.borrow().iter().any(|request| !is_of_study(request))
    }

    /// Whether something waits that a study gives way to.
    pub fn overtakes_study(&self) -> bool {
        self.waiting.borrow().iter().any(|request| matches!(request, Request::Run(_)) || is_of_study(request))
    }
}

fn is_of_study(request: &Request) -> bool {
    matches!(request, Request::Study(_) | Request::CancelStudy)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::task::Context;

    use super::*;
    use crate::session::studies::{Question, Study};
    use crate::settings::Settings;

    fn run(seed: u32) -> Request {
        Request::Run(Box::new(Settings { seed, ..Settings::default() }))
    }

    fn poll(mailbox: &Mailbox) -> Poll<Request> {
        let mut taking = Box::pin(mailbox.take());
        taking.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_newest_run_wins_and_nothing_else_is_lost() {
        let mailbox = Mailbox::default();
        for request in [run(1), Request::LoseDevice, run(2), run(3)] {
            mailbox.post(request);
        }
        assert!(!mailbox.next_is_run());
        assert_eq!(poll(&mailbox), Poll::Ready(Request::LoseDevice));
        assert!(mailbox.next_is_run());
        assert_eq!(poll(&mailbox), Poll::Ready(run(3)));
        assert_eq!(poll(&mailbox), Poll::Pending);
    }

    #[test]
    fn a_study_waits_for_a_run_and_gives_way_to_one() {
        let study = |question| Request::Study(Study { question, settings: Box::default() });
        let mailbox = Mailbox::default();
        mailbox.post(study(Question::Collapse));
        mailbox.post(study(Question::Surprisal));
        assert!(mailbox.overtakes_study() && !mailbox.overtakes_run());
        assert_eq!(poll(&mailbox), Poll::Ready(study(Question::Surprisal)), "the newest wins");
        assert!(!mailbox.overtakes_study());
        mailbox.post(study(Question::Collapse));
        mailbox.post(run(1));
        assert!(mailbox.overtakes_study() && mailbox.overtakes_run());
        mailbox.post(Request::CancelStudy);
        assert_eq!(poll(&mailbox), Poll::Ready(run(1)));
        assert_eq!(poll(&mailbox), Poll::Ready(Request::CancelStudy), "a study that waits is cancelled too");
    }

    #[test]
    fn a_request_wakes_whoever_waits() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flag = std::sync::Arc::new(Flag(false.into()));
        let mailbox = Rc::new(Mailbox::default());
        let mut taking = Box::pin(mailbox.take());
        let waker = Waker::from(flag.clone());
        assert_eq!(taking.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
        mailbox.post(run(1));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
    }
}
