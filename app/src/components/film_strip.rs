//! The whole run as a picture, and the scrubber in front of it: positions down, steps to the right.

use std::sync::Arc;

use leptos::html::Canvas;
use leptos::prelude::*;

use crate::draw::palette::Theme;
use crate::draw::slots::{Scale, film};
use crate::platform::canvas;
use crate::playback::Playback;
use crate::run::{Run, RunState};
use crate::settings::Settings;
use crate::texts::{fill, say};
use crate::view::Cell;

/// Film strip and scrubber. Moving it moves a cursor over stored steps and runs nothing.
#[component]
pub fn FilmStrip(
    /// All cells of the run. `// (steps + 1, positions)`
    columns: Memo<Arc<Vec<Vec<Cell>>>>,
    /// What full colour means.
    scale: Memo<Scale>,
    /// Light or dark.
    theme: RwSignal<Theme>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let picture = NodeRef::<Canvas>::new();
    let colour = Memo::new(move |_| settings.with(|s| s.colour));
    Effect::new(move |_| {
        if let Some(canvas) = picture.get() {
            canvas::paint(&canvas, &film(&columns.get(), colour.get(), scale.get(), theme.get()));
        }
    });
    let planned = Memo::new(move |_| run.state.with(|state| state.planned));
    let scrub = move |step: usize| {
        run.playback.set(Playback::Paused);
        run.cursor.set(step.min(run.state.with_untracked(RunState::steps)));
    };
    view! {
        <div class="film-block">
            <div class="film" style:--steps=move || (planned.get() + 1).to_string()>
                <canvas node_ref=picture data-testid="film" role="img" aria-label=say("film.name")></canvas>
                <input
                    type="range"
                    class="scrubber"
                    data-testid="scrubber"
                    aria-label=say("film.scrubber")
                    min="0"
                    max=move || planned.get()
                    step="1"
                    aria-valuetext=move || fill("film.where", &[("call", &run.cursor.get().to_string()), ("planned", &planned.get().to_string())])
                    prop:value=move || {
                        planned.track();
                        run.cursor.get()
                    }
                    on:input:target=move |event| {
                        if let Ok(step) = event.target().value().parse() {
                            scrub(step);
                        }
                        event.target().set_value(&run.cursor.get_untracked().to_string());
                    }
                />
            </div>
            <div class="film-axis number" aria-hidden="true">
                <span>{say("film.start")}</span>
                <span>{say("film.axes")}</span>
                <span>{move || fill("film.end", &[("planned", &planned.get().to_string())])}</span>
            </div>
        </div>
    }
}
