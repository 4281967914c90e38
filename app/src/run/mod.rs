//! What has happened: where the session stands, the run that is shown, and the cursor in it.

mod state;

pub use state::{Phase, RunState, Source};

use leptos::prelude::*;

use crate::keys::Command;
use crate::playback::{Playback, play_from};
use crate::session::Event;
use crate::settings::Settings;

/// The store: the session writes `state`, the transport writes cursor and playback.
#[derive(Clone, Copy)]
pub struct Run {
    /// What the session has told.
    pub state: RwSignal<RunState>,
    /// How many calls of the run are shown: 0 is the start.
    pub cursor: RwSignal<usize>,
    /// Whether time goes on by itself.
    pub playback: RwSignal<Playback>,
    /// The slot that the inspector shows.
    pub selected: RwSignal<Option<usize>>,
    /// Whether it was chosen in the text beside the stage's.
    pub chosen_beside: RwSignal<bool>,
    /// The settings that an opened file was made with: as long as they stand, no run is asked for.
    pub adopted: StoredValue<Option<Settings>>,
}

impl Run {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            state: RwSignal::new(RunState::default()),
            cursor: RwSignal::new(0),
            playback: RwSignal::new(Playback::Paused),
            selected: RwSignal::new(None),
            chosen_beside: RwSignal::new(false),
            adopted: StoredValue::new(None),
        }
    }

    /// Takes in an event; a run that begins is shown from its beginning, or from where it leaves the run before.
    pub fn receive(&self, event: Event, calm: bool) {
        let began = match &event {
            Event::Began(beginning) => Some(beginning.trajectory.steps.len()),
            _ => None,
        };
        let recorded = match event {
            Event::Recorded { .. } => self.state.with_untracked(|state| state.source == Source::Nothing),
            Event::Reopened { .. } => true,
            _ => false,
        };
        self.state.update(|state| state.apply(event));
        let whole = || if recorded && calm { self.state.with_untracked(RunState::steps) } else { 0 };
        if let Some(cursor) = began.or_else(|| recorded.then(whole)) {
            self.cursor.set(cursor);
            self.playback.set(Playback::at_start(calm));
        }
    }

    /// Shows a slot at a moment of the run.
    pub fn go_to(&self, step: usize, slot: usize) {
        self.playback.set(Playback::Paused);
        self.cursor.set(step.min(self.state.with_untracked(RunState::steps)));
        self.selected.set(Some(slot));
        self.chosen_beside.set(false);
    }

    /// Obeys a button or a key.
    pub fn command(&self, command: Command) {
        let (steps, growing) = self.state.with_untracked(|state| (state.steps(), state.growing));
        let cursor = self.cursor.get_untracked();
        if command == Command::Toggle {
            let pause = self.playback.get_untracked().moves();
            self.cursor.set(if pause { cursor } else { play_from(cursor, steps, growing) });
            return self.playback.set(if pause { Playback::Paused } else { Playback::Playing });
        }
        self.playback.set(Playback::Paused);
        self.cursor.set(match command {
            Command::Back => cursor.saturating_sub(1),
            Command::Forward => (cursor + 1).min(steps),
            Command::Start => 0,
            Command::End | Command::Toggle => steps,
        });
    }
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}
