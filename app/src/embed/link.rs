//! Ties the page to the article around it.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::message::{Message, Wish, changed, stepped};
use crate::keys::Command;
use crate::labs::store::Findings;
use crate::platform::frame;
use crate::playback::Playback;
use crate::run::{Phase, Run, RunState, Source};
use crate::settings::Settings;
use crate::window_api::whole;

/// Hears the article and tells it what happens; does nothing where the page stands alone.
pub fn install(settings: RwSignal<Settings>, run: Run, findings: Findings) {
    if !frame::is_embed() {
        return;
    }
    frame::listen(move |text| {
        if let Some(Message { id, wish }) = Message::from_json(text) {
            obey(wish, settings, run);
            tell("answer", &json!({ "id": id, "state": whole(settings, run, findings) }));
        }
    });
    frame::watch_height(|height| tell("height", &json!({ "height": height })));
    rest_out_of_sight(run);
    tell_steps(run);
    tell("ready", &json!({ "state": whole(settings, run, findings) }));
}

fn obey(wish: Wish, settings: RwSignal<Settings>, run: Run) {
    match wish {
        Wish::Set { settings: wanted } => {
            let now = settings.with_untracked(|settings| changed(settings, &wanted));
            if settings.with_untracked(|before| *before != now) {
                settings.set(now);
            }
        }
        Wish::Play if !run.playback.get_untracked().moves() => run.command(Command::Toggle),
        Wish::Pause => run.playback.set(Playback::Paused),
        Wish::Step { by } => {
            let steps = run.state.with_untracked(RunState::steps);
            run.playback.set(Playback::Paused);
            run.cursor.set(stepped(run.cursor.get_untracked(), by, steps));
        }
        Wish::Play | Wish::State => {}
    }
}

/// Pauses while the reader is elsewhere, and goes on when they come back.
fn rest_out_of_sight(run: Run) {
    let in_sight = RwSignal::new(true);
    frame::watch_visibility(move |visible| in_sight.set(visible));
    let resting = StoredValue::new(Playback::Paused);
    Effect::new(move |_| match (in_sight.get(), run.playback.get()) {
        (false, playback) if playback.moves() => {
            resting.set_value(playback);
            run.playback.set(Playback::Paused);
        }
        (true, Playback::Paused) if resting.get_value().moves() => {
            run.playback.set(resting.get_value());
            resting.set_value(Playback::Paused);
        }
        _ => {}
    });
}

/// Tells of every step that is shown, and once of the end.
fn tell_steps(run: Run) {
    let shown = Memo::new(move |_| {
        let cursor = run.cursor.get();
        run.state.with(|state| brief(state, cursor))
    });
    let is_over = Memo::new(move |_| {
        let cursor = run.cursor.get();
        run.state.with(|state| {
            state.source == Source::Live && state.phase == Phase::Finished && cursor == state.steps()
        })
    });
    Effect::new(move |_| tell("step", &json!({ "state": shown.get() })));
    Effect::new(move |_| {
        if is_over.get() {
            tell("finished", &json!({ "state": shown.get_untracked() }));
        }
    });
}

/// What every step tells.
fn brief(state: &RunState, cursor: usize) -> Value {
    let sequence = state.trajectory.as_ref().and_then(|run| run.sequence_at(cursor).ok());
    let tokens: Option<Vec<u32>> = sequence.map(|sequence| sequence.tokens().map(|token| token.0).collect());
    let text = state.words.as_ref().zip(tokens).map(|(words, tokens)| words.decode(&tokens));
    json!({
        "phase": state.phase.name(),
        "cursor": cursor,
        "step_count": state.steps(),
        "planned": state.planned,
        "text": text,
    })
}

/// A message to the article.
fn tell(kind: &str, content: &Value) {
    let mut message = content.clone();
    message["unmask"] = kind.into();
    frame::tell(&message.to_string());
}
