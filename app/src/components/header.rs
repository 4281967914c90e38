//! Name, back end, link, theme.

use engine::BackendReport;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icons::{Icon, LINK, THEME};
use crate::draw::palette::Theme;
use crate::failure::{Failure, explain};
use crate::platform::{clipboard, media, time, url};
use crate::run::Run;

/// How long "Link copied" stays.
const NOTE_MS: u32 = 2200;

/// The head of the page.
#[component]
pub fn Header(
    /// The theme that is shown.
    theme: RwSignal<Theme>,
) -> impl IntoView {
    view! {
        <header class="site-head">
            <h1 class="wordmark" aria-label="Unmask">
                <span aria-hidden="true">"Un"<span class="block"></span>"ask"</span>
            </h1>
            <p class="tagline">"A diffusion language model at work, inside this page"</p>
            <div class="site-tools">
                <Badge />
                <Share />
                <ThemeButton theme />
            </div>
        </header>
    }
}

/// Which back end computes, and why.
#[component]
fn Badge() -> impl IntoView {
    let run = expect_context::<Run>();
    let report = Memo::new(move |_| run.state.with(|state| state.backend.clone()));
    let kind = move || report.with(|report| report.as_ref().map_or("none", |report| report.name));
    view! {
        <details class="with-note" data-testid="backend" data-kind=kind>
            <summary class="badge" data-kind=kind>
                {move || report.with(|report| report.as_ref().map_or("Starting", |r| title(r.name)))}
                <span class="detail">{move || report.with(|report| report.as_ref().and_then(detail))}</span>
            </summary>
            <p class="note wide">
                {move || report.with(|report| report.as_ref().map_or("No back end is open yet.".into(), reason))}
            </p>
        </details>
    }
}

/// What visitors call a back end.
fn title(name: &'static str) -> &'static str {
    match name {
        "webgpu" => "WebGPU",
        "cpu" => "CPU",
        "reference" => "Reference",
        other => other,
    }
}

/// A few words behind the name.
fn detail(report: &BackendReport) -> Option<String> {
    match (&report.adapter, &report.fallback) {
        (Some(adapter), _) => Some(adapter.clone()),
        (None, Some(engine::Error::SoftwareAdapter { .. })) => Some("no graphics hardware".into()),
        (None, Some(engine::Error::SelfTest { .. })) => Some("WebGPU failed its self-test".into()),
        (None, Some(_)) => Some("no WebGPU".into()),
        (None, None) => Some("as asked".into()),
    }
}

/// The whole sentence.
fn reason(report: &BackendReport) -> String {
    match &report.fallback {
        Some(error) => format!("Computing on the CPU. {}", explain(&Failure::Engine(error.clone()))),
        None => format!("Computing on {}.", report.adapter.as_deref().unwrap_or(title(report.name))),
    }
}

/// Copies the link to this very state of the page.
#[component]
fn Share() -> impl IntoView {
    let note = RwSignal::new("");
    let share = move |_| {
        spawn_local(async move {
            let copied = clipboard::copy(&url::address()).await;
            note.set(if copied { "Link copied" } else { "Copy it from the address bar" });
            time::sleep_ms(NOTE_MS).await;
            note.set("");
        });
    };
    view! {
        <span class="with-note">
            <button class="icon-button" data-testid="share" title="Copy a link to this" on:click=share>
                <Icon path=LINK />
                <span class="visually-hidden">"Copy a link to this"</span>
            </button>
            <span class="note" role="status">{note}</span>
        </span>
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
        <button class="icon-button" data-testid="theme" title="Light or dark" on:click=toggle>
            <Icon path=THEME />
            <span class="visually-hidden">"Light or dark"</span>
        </button>
    }
}
