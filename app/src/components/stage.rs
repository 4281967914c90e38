//! The stage: the text in the middle, time below it, numbers beside it.

use std::sync::Arc;

use leptos::prelude::*;

use super::facts::{AboutModel, Facts};
use super::film_strip::FilmStrip;
use super::gauges::Gauges;
use super::inspector::Inspector;
use super::later::{Built, Later};
use super::legend::{ColourMenu, Legend};
use super::pair::{BesideMenu, Pair};
use super::prose::Prose;
use super::status::Status;
use super::transport::Transport;
use crate::draw::palette::Theme;
use crate::draw::slots::Scale;
use crate::run::Run;
use crate::session::models::ShippedModel;
use crate::settings::Settings;
use crate::texts::say;
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
    let scale = Memo::new(move |_| columns.with(|columns| run.state.with(|state| Scale::of(state, columns))));
    view! {
        <section class="stage" aria-label=say("stage.name")>
            <p class="intro">
                {move || settings.with(|s| match s.model {
                    ShippedModel::Uniform => say("stage.intro.uniform"),
                    _ => say("stage.intro"),
                })}
            </p>
            <div class="stage-head">
                <Status retry />
                <BesideMenu />
                <ColourMenu />
            </div>
            <Pair cells scale side_by_side />
            <Legend scale />
            <FilmStrip columns scale theme />
            <Transport />
            <Prose cells />
            <About />
        </section>
        <aside class="facts">
            <Facts cells columns />
            <Later turn=Built::Gauges>
                <Gauges />
                <Inspector cells />
                <AboutModel />
            </Later>
        </aside>
    }
}

/// For newcomers.
#[component]
fn About() -> impl IntoView {
    view! {
        <details class="about" data-testid="about">
            <summary>{say("about.title")}</summary>
            <p>{say("about.model")}</p>
            <p>{say("about.strip")}</p>
            <p>{say("about.small")}</p>
        </details>
    }
}

/// What stands in every slot before there is any run.
fn placeholder() -> Cell {
    let token = diffusion::SpecialTokens::default().mask;
    Cell { token, mark: Mark::Masked, confidence: None, entropy_nats: None, call: None, revisions: 0 }
}
