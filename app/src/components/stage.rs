//! The stage: the text in the middle, time below it, numbers beside it.

use std::sync::Arc;

use leptos::prelude::*;

use super::facts::Facts;
use super::film_strip::FilmStrip;
use super::inspector::Inspector;
use super::legend::{ColourMenu, Legend};
use super::prose::Prose;
use super::status::Status;
use super::text_grid::TextGrid;
use super::transport::Transport;
use crate::draw::palette::Theme;
use crate::draw::slots::Scale;
use crate::run::Run;
use crate::settings::Settings;
use crate::view::{Cell, Mark, columns};

/// The stage and the panel beside it.
#[component]
pub fn Stage(
    /// Light or dark.
    theme: RwSignal<Theme>,
    /// How many slots stand side by side.
    side_by_side: RwSignal<usize>,
    /// Tries again after a failure.
    retry: Callback<()>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let columns = Memo::new(move |_| {
        Arc::new(run.state.with(|state| state.trajectory.as_ref().map(columns).unwrap_or_default()))
    });
    let cells = Memo::new(move |_| {
        let cursor = run.cursor.get();
        let empty = || vec![placeholder(); settings.with(|s| s.length)];
        columns.with(|columns| {
            columns.get(cursor.min(columns.len().saturating_sub(1))).cloned().unwrap_or_else(empty)
        })
    });
    let scale = Memo::new(move |_| {
        run.state.with(|state| Scale {
            most_nats: state.words.as_ref().map_or(1.0, |words| (words.vocab_size() as f32).ln()),
            calls: state.planned,
        })
    });
    view! {
        <section class="stage" aria-label="Stage">
            <p class="intro">
                "Every block hides a word. In each call the model reads all of the text at once, guesses every
                hidden word, and keeps a few."
            </p>
            <div class="stage-head">
                <Status retry />
                <ColourMenu />
            </div>
            <TextGrid cells scale columns=side_by_side />
            <Legend scale />
            <FilmStrip columns scale theme />
            <Transport />
            <Prose cells />
        </section>
        <aside class="facts">
            <Facts cells columns />
            <Inspector cells />
        </aside>
    }
}

/// What stands in every slot before there is any run.
fn placeholder() -> Cell {
    let token = diffusion::SpecialTokens::default().mask;
    Cell { token, mark: Mark::Masked, confidence: None, entropy_nats: None, call: None }
}
