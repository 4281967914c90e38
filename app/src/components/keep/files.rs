//! Files of the run that is shown, and the way back.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::File;

use super::Item;
use crate::components::knobs::says_parallelism;
use crate::draw::palette::Theme;
use crate::draw::slots::Scale;
use crate::export::figure::{self, Figure};
use crate::export::table::Table;
use crate::export::{file_name, numbers, run as run_file};
use crate::failure::Failure;
use crate::labs::Lab;
use crate::platform::time::Turns;
use crate::platform::{files, media, time};
use crate::recording;
use crate::run::{Run, RunState};
use crate::session::Event;
use crate::settings::Settings;
use crate::texts::{fill, say};
use crate::view::columns;

/// Pixels of a PNG to one unit of the picture: sharp on a projector and in print.
const PNG_SCALE: usize = 2;

/// Makes a file of what is shown; before there is a run there is nothing to make it of.
pub(super) fn save(item: Item, settings: &Settings, state: &RunState, cursor: usize, theme: Theme) {
    let Some(run) = &state.trajectory else { return };
    let words = state.words.as_deref();
    let csv = |what: &str, table: Table| {
        files::save(&file_name(settings, what), "text/csv", table.to_csv().as_bytes());
    };
    let json = |what: &str, value: serde_json::Value| {
        files::save(&file_name(settings, what), "application/json", value.to_string().as_bytes());
    };
    match item {
        Item::SaveRun => json("run.json", run_file::saved(settings, state).unwrap_or_default()),
        Item::Steps => csv("calls.csv", numbers::steps(run, &state.latencies_ms)),
        Item::Slots => csv("slots.csv", numbers::slots(run, words)),
        Item::Candidates => csv("candidates.csv", numbers::candidates(run, words)),
        Item::Gauges => {
            if let Some(table) = numbers::gauges(run) {
                csv("gauges.csv", table);
            }
        }
        Item::Numbers => json("numbers.json", numbers::all(run, words, &state.latencies_ms)),
        Item::Svg | Item::Png => {
            let (by, columns) = (settings.colour, columns(run));
            let scale = Scale::of(state, &columns);
            let caption = caption(settings, state, cursor);
            let figure = Figure { columns: &columns, cursor, words, by, scale, theme, caption: &caption };
            let (svg, height) = figure::svg(&figure);
            if item == Item::Svg {
                return files::save(&file_name(settings, "run.svg"), "image/svg+xml", svg.as_bytes());
            }
            let name = file_name(settings, "run.png");
            spawn_local(async move {
                files::save_as_png(&name, &svg, (figure::WIDTH, height), PNG_SCALE).await;
            });
        }
        Item::Link | Item::OpenRun | Item::Embed => {}
    }
}

/// What the picture is of.
fn caption(settings: &Settings, state: &RunState, cursor: usize) -> String {
    let from = match (&state.file, &state.model) {
        (Some(file), _) => file.clone(),
        (None, Some(model)) => fill(
            "caption.run",
            &[
                ("model", &model.name),
                ("temperature", &settings.temperature.to_string()),
                ("parallelism", &says_parallelism(settings)),
                ("seed", &settings.seed.to_string()),
            ],
        ),
        (None, None) => say("caption.recorded").into(),
    };
    fill(
        "caption.where",
        &[("run", &from), ("call", &cursor.to_string()), ("planned", &state.planned.to_string())],
    )
}

/// Shows a file of the visitor's, or says what is wrong with it; what was shown before stays then.
pub(super) async fn open(settings: RwSignal<Settings>, run: Run, file: File) {
    let bytes = files::read(&file).await.unwrap_or_default();
    let turns = Turns::begin();
    match recording::read(&bytes, async || {
        turns.give_way().await;
    })
    .await
    {
        Ok((trajectory, words, query)) => {
            // The controls show what made the run, and what the visitor sees of it stays theirs.
            let linked = query.is_some();
            let wanted = settings.with_untracked(|s| {
                let (backend, colour, lesson) = (s.backend, s.colour, s.lesson.clone());
                let made = query.map_or_else(|| s.clone(), |query| Settings::from_query(&query));
                Settings { lab: Lab::Generate, backend, colour, lesson, ..made }
            });
            run.adopted.set_value(Some(wanted.clone()));
            settings.set(wanted);
            time::sleep_ms(0).await;
            let (trajectory, words) = (Box::new(trajectory), Arc::new(words));
            run.receive(
                Event::Reopened { trajectory, words, name: file.name(), linked },
                media::reduced_motion(),
            );
        }
        Err(error) => run.state.update(|state| state.failure = Some(Failure::Recording(error))),
    }
}

/// Takes a file that is dropped anywhere on the page; else the browser would leave the page for it.
pub(super) fn accept_drops(settings: RwSignal<Settings>, run: Run) {
    window_event_listener(leptos::ev::dragover, |event| event.prevent_default());
    window_event_listener(leptos::ev::drop, move |event| {
        event.prevent_default();
        let files = event.data_transfer().and_then(|data| data.files());
        if let Some(file) = files.and_then(|files| files.get(0)) {
            spawn_local(open(settings, run, file));
        }
    });
}
