//! The page's end of the session.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::host::{Host, play_recording};
use super::mailbox::Mailbox;
use super::{Event, Request};
use crate::platform::time;
use crate::settings::Settings;

/// A handle to the session; copies reach the same one.
#[derive(Clone, Copy)]
pub struct Session {
    mailbox: StoredValue<Rc<Mailbox>, LocalStorage>,
}

impl Session {
    /// Starts the session: it plays the recorded run, opens the model and waits for requests.
    pub fn start(settings: &Settings, emit: impl Fn(Event) + Clone + 'static) -> Self {
        let mailbox = Rc::new(Mailbox::default());
        let host = Host::new(mailbox.clone(), emit.clone());
        let (model, choice) = (settings.model, settings.backend);
        spawn_local(async move {
            // The page is drawn before anything is asked for.
            time::sleep_ms(0).await;
            spawn_local(play_recording(emit));
            host.serve(model, choice).await;
        });
        Self { mailbox: StoredValue::new_local(mailbox) }
    }

    /// Sends a request.
    pub fn post(&self, request: Request) {
        self.mailbox.with_value(|mailbox| mailbox.post(request));
    }
}
