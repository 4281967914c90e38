//! `window.unmask`: the page's state for tests and embedders.
//!
//! - `unmask.state()` gives the present settings, phase, number of steps, cursor and back end as JSON text; `tokens` are
//!   the slots at the cursor, `newest` the token ids after the last stored step, `study` how a lab's measurement stands.
//! - `unmask.loseDevice()` destroys the graphics device as a driver reset would, to try the recovery. On the CPU it
//!   does nothing.

use js_sys::{Function, Object, Reflect};
use leptos::prelude::*;
use serde_json::{Value, json};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::labs::store::{Findings, Standing};
use crate::run::{Run, RunState, Source};
use crate::session::Request;
use crate::session::link::Session;
use crate::session::studies::Ending;
use crate::settings::Settings;
use crate::settings::beside::Beside;
use crate::settings::query::Named;
use crate::view::{Cell, columns};

/// Puts `window.unmask` in place.
pub fn install(settings: RwSignal<Settings>, run: Run, findings: Findings, session: Session) {
    let state = move || JsValue::from_str(&whole(settings, run, findings).to_string());
    let lose = move || {
        session.post(Request::LoseDevice);
        JsValue::UNDEFINED
    };
    let object = Object::new();
    put(&object, "state", &function(state));
    put(&object, "loseDevice", &function(lose));
    if let Some(window) = web_sys::window() {
        put(&window, "unmask", &object);
    }
}

/// Stage and labs as one value, as they are now.
pub fn whole(settings: RwSignal<Settings>, run: Run, findings: Findings) -> Value {
    let (cursor, playing) = (run.cursor.get_untracked(), run.playback.get_untracked().moves());
    let mut value = settings.with_untracked(|settings| {
        run.state.with_untracked(|state| describe(settings, state, cursor, playing))
    });
    value["study"] =
        findings.standing.with_untracked(|standing| standing.as_ref().map(describe_study)).into();
    value
}

/// What lessons may ask about: settings, phase, cursor and study.
pub fn brief(settings: &Settings, phase: &str, cursor: usize, study: Option<&Standing>) -> Value {
    json!({
        "settings": describe_settings(settings),
        "phase": phase,
        "cursor": cursor,
        "study": study.map(describe_study),
    })
}

/// The study that goes on, or the last.
fn describe_study(standing: &Standing) -> Value {
    let ending = standing.ending.as_ref().map(|ending| match ending {
        Ending::Finished => "finished",
        Ending::Cancelled => "cancelled",
        Ending::Failed(_) => "failed",
    });
    json!({ "question": standing.question.name(), "done": standing.done, "total": standing.total, "ending": ending })
}

/// A function that JavaScript may call for as long as the page lives.
fn function(body: impl Fn() -> JsValue + 'static) -> Function {
    Closure::<dyn Fn() -> JsValue>::new(body).into_js_value().unchecked_into()
}

fn put(object: &JsValue, key: &str, value: &JsValue) {
    // Fails on frozen objects only, and these are not.
    drop(Reflect::set(object, &JsValue::from_str(key), value));
}

/// The state of the page as a value.
pub fn describe(settings: &Settings, state: &RunState, cursor: usize, playing: bool) -> Value {
    let shown = state.trajectory.as_ref().map(columns).unwrap_or_default();
    let newest = shown.last().map(Vec::as_slice).unwrap_or_default();
    let cells = shown.get(cursor).map(Vec::as_slice).unwrap_or_default();
    json!({
        "settings": describe_settings(settings),
        "query": settings.to_query(),
        "phase": state.phase.name(),
        "source": match state.source {
            Source::Nothing => "nothing",
            Source::Recording => "recording",
            Source::Live => "live",
        },
        "step_count": state.steps(),
        "planned": state.planned,
        "cursor": cursor,
        "playing": playing,
        "newest": newest.iter().map(|cell| cell.token.0).collect::<Vec<_>>(),
        "tokens": cells.iter().map(|cell| describe_cell(cell, state)).collect::<Vec<_>>(),
        "backend": state.backend.as_ref().map(|report| json!({
            "name": report.name,
            "adapter": report.adapter,
            "fallback": report.fallback.as_ref().map(ToString::to_string),
        })),
        "model": state.model.as_ref().map(|model| model.name.clone()),
        "unknown": state.unknown.iter().map(|(_, word)| word).collect::<Vec<_>>(),
        "resumed": state.resumed,
        "problem": state.problem(),
    })
}

/// One slot at the cursor.
fn describe_cell(cell: &Cell, state: &RunState) -> Value {
    let word = state.words.as_ref().and_then(|words| words.word(cell.token.0));
    json!({ "token": cell.token.0, "word": word, "state": cell.mark.name() })
}

fn describe_settings(settings: &Settings) -> Value {
    json!({
        "lab": settings.lab.name(),
        "model": settings.model.name(),
        "prompt": settings.prompt,
        "text": settings.text,
        "corruption": settings.time,
        "schedule": settings.schedule.name(),
        "temperature": settings.temperature,
        "rule": settings.rule.name(),
        "slots": settings.slots,
        "steps": settings.steps,
        "order": settings.order.name(),
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "suppress_end": settings.suppress_end,
        "decoder": settings.decoder,
        "length": settings.length,
        "seed": settings.seed,
        "edits": settings.edits.to_query(),
        "backend": settings.backend.name(),
        "colour": settings.colour.name(),
        "beside": settings.beside.as_ref().map(Beside::to_query),
        "t": settings.level,
        "weight": settings.weight,
        "together": settings.together,
        "jointly": settings.jointly,
        "stories": settings.stories,
        "trace": settings.traced.name(),
        "quality": settings.quality.name(),
        "at": settings.looked_at,
        "lesson": settings.lesson,
        "language": settings.language,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::start::tests::tokenizer;
    use crate::view::tests::trajectory;

    #[test]
    fn the_state_tells_what_is_on_the_stage() {
        let state = RunState {
            trajectory: Some(trajectory()),
            source: Source::Recording,
            planned: 3,
            words: Some(Arc::new(tokenizer())),
            ..RunState::default()
        };
        let value = describe(&Settings::default(), &state, 1, true);
        assert_eq!((&value["step_count"], &value["cursor"]), (&json!(3), &json!(1)));
        assert_eq!((&value["phase"], &value["source"]), (&json!("opening"), &json!("recording")));
        assert_eq!(value["tokens"][1], json!({ "token": 7, "word": "mat", "state": "given" }));
        assert_eq!(value["tokens"][2]["state"], json!("masked"));
        assert_eq!(value["settings"]["seed"], json!(9));
    }

    #[test]
    fn every_setting_of_a_link_is_in_the_state() {
        let value = describe_settings(&Settings::default());
        let query = Settings { seed: 5, prompt: "a".into(), ..Settings::default() }.to_query();
        for key in query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, _)| key) {
            assert!(value.get(key).is_some(), "{key}");
        }
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(31));
    }
}
