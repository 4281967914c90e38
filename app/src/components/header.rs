//! Name, back end, what can be kept, theme.

use engine::BackendReport;
use leptos::prelude::*;

use super::icons::{Icon, THEME};
use super::keep::Keep;
use crate::draw::palette::Theme;
use crate::failure::{Failure, explain};
use crate::platform::{focus, media};
use crate::run::{Phase, Run};
use crate::texts::{fill, say};

/// The head of the page.
#[component]
pub fn Header(
    /// The theme that is shown.
    theme: RwSignal<Theme>,
) -> impl IntoView {
    view! {
        <header class="site-head">
            <SkipLink />
            <h1 aria-label="Unmask"><Wordmark /></h1>
            <p class="tagline">{say("header.tagline")}</p>
            <div class="site-tools">
                <Badge />
                <Keep theme />
                <ThemeButton theme />
            </div>
        </header>
    }
}

/// For the keyboard: past the head and the tabs, which are the same in every lab.
#[component]
fn SkipLink() -> impl IntoView {
    view! {
        <a
            class="skip button"
            href="#main"
            data-testid="skip"
            on:click=move |event| {
                // The address says what the page shows, not where the focus is.
                event.prevent_default();
                focus::move_to("main");
            }
        >
            {say("header.skip")}
        </a>
    }
}

/// The name, one letter of it masked.
#[component]
pub fn Wordmark() -> impl IntoView {
    view! { <span class="wordmark" aria-hidden="true">"Un"<span class="block"></span>"ask"</span> }
}

/// Which back end computes, and why.
#[component]
fn Badge() -> impl IntoView {
    let run = expect_context::<Run>();
    let report = Memo::new(move |_| run.state.with(|state| state.backend.clone()));
    let kind =
        move || report.with(|report| report.as_ref().map_or("none".into(), |report| report.name.clone()));
    let without = move || match run.state.with(|state| state.phase == Phase::Failed) {
        true => say("header.not-open"),
        false => say("header.starting"),
    };
    view! {
        <details class="with-note" data-testid="backend" data-kind=kind>
            <summary class="badge" data-kind=kind>
                {move || report.with(|report| report.as_ref().map_or_else(|| without().into(), |r| title(&r.name)))}
                <span class="detail">{move || report.with(|report| report.as_ref().and_then(detail))}</span>
            </summary>
            <p class="note wide">
                {move || report.with(|report| report.as_ref().map_or(say("header.none").into(), reason))}
            </p>
        </details>
    }
}

/// What visitors call a back end.
fn title(name: &str) -> String {
    match name {
        "webgpu" => "WebGPU",
        "cpu" => "CPU",
        "reference" => "Reference",
        other => other,
    }
    .into()
}

/// A few words behind the name.
fn detail(report: &BackendReport) -> Option<String> {
    match (&report.adapter, &report.fallback) {
        (Some(adapter), _) => Some(adapter.clone()),
        (None, Some(engine::Error::SoftwareAdapter { .. })) => Some(say("header.software").into()),
        (None, Some(engine::Error::SelfTest { .. })) => Some(say("header.self-test").into()),
        (None, Some(_)) => Some(say("header.no-webgpu").into()),
        (None, None) => Some(say("header.as-asked").into()),
    }
}

/// The whole sentence.
fn reason(report: &BackendReport) -> String {
    match &report.fallback {
        Some(error) => {
            format!("{} {}", say("header.on-cpu"), explain(&Failure::Engine(error.clone())))
        }
        None => fill("header.on", &[("name", report.adapter.as_deref().unwrap_or(&title(&report.name)))]),
    }
}

/// Changes between light and dark.
#[component]
fn ThemeButton(theme: RwSignal<Theme>) -> impl IntoView {
    let toggle = move |_| {
        let other = if theme.get_untracked() == Theme::Dark { Theme::Light } else { Theme::Dark };
        media::show_theme(other, true);
        theme.set(other);
    };
    view! {
        <button class="icon-button" data-testid="theme" title=say("header.theme") on:click=toggle>
            <Icon path=THEME />
            <span class="visually-hidden">{say("header.theme")}</span>
        </button>
    }
}
