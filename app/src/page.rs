//! The page: its two stores, its session, and what ties them together.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use crate::components::chart::PlotWidth;
use crate::components::header::{Header, Wordmark};
use crate::components::knobs::Knobs;
use crate::components::later::{Building, Built, Later};
use crate::components::lesson::LessonPanel;
use crate::components::more::More;
use crate::components::offline::Offline;
use crate::components::prompt_box::PromptBox;
use crate::components::stage::Stage;
use crate::components::tabs::Tabs;
use crate::embed;
use crate::keys::{Focus, command};
use crate::labs::collapse::CollapseLab;
use crate::labs::corrupt::Corrupt;
use crate::labs::families::FamiliesLab;
use crate::labs::frontier::FrontierLab;
use crate::labs::store::Findings;
use crate::labs::trap::Trap;
use crate::labs::{Lab, ask};
use crate::platform::{frame, media, time, url};
use crate::playback::{interval_ms, tick};
use crate::run::{Run, RunState};
use crate::session::link::Session;
use crate::session::studies::Study;
use crate::session::{Event, Request};
use crate::settings::Settings;
use crate::texts::say;
use crate::window_api;

/// The address is rewritten this long after the last change; browsers limit how often it may be.
const ADDRESS_DELAY_MS: u32 = 200;

/// The whole page.
#[component]
pub fn Page(
    /// Why the texts are in English although the link asks for another language.
    untranslated: Option<String>,
) -> impl IntoView {
    let settings = RwSignal::new(Settings::from_query(&url::query()));
    let run = Run::new();
    let findings = Findings::new();
    provide_context(settings);
    provide_context(run);
    provide_context(findings);
    provide_context(Building::begin());
    let theme = RwSignal::new(media::theme());
    media::show_theme(theme.get_untracked(), false);
    let columns = RwSignal::new(media::columns());
    let plot_width = RwSignal::new(media::plot_width());
    provide_context(PlotWidth(plot_width));
    window_event_listener(leptos::ev::resize, move |_| {
        set_if_new(columns, media::columns());
        set_if_new(plot_width, media::plot_width());
    });

    let receive = move |event| match event {
        Event::Study(event) => findings.receive(event),
        event => run.receive(event, media::reduced_motion()),
    };
    let session = settings.with_untracked(|s| Session::start(s, receive));
    provide_context(session);
    window_api::install(settings, run, findings, session);
    run_on_change(settings, run, session);
    study_on_change(settings, findings, session);
    if !frame::is_embed() {
        keep_address(settings);
    }
    embed::link::install(settings, run, findings);
    play(run);
    listen(settings, run);
    let retry = Callback::new(move |()| {
        run.state.update(RunState::let_go);
        session.post(Request::Retry);
        session.post(Request::Run(Box::new(settings.get_untracked())));
    });

    let again = Callback::new(move |()| ask_again(settings, session));
    let lab = Memo::new(move |_| settings.with(|s| s.lab));

    view! {
        <div class="page">
            <Header theme />
            <Tabs />
            <Later turn=Built::Lab>
                {move || match lab.get() {
                    Lab::Corrupt => view! { <main><Corrupt again /></main> }.into_any(),
                    Lab::Collapse => view! { <main><CollapseLab again /></main> }.into_any(),
                    Lab::Trap => view! { <main><Trap again /></main> }.into_any(),
                    Lab::Families => view! { <main><FamiliesLab theme again /></main> }.into_any(),
                    Lab::Frontier => view! { <main><FrontierLab again /></main> }.into_any(),
                    Lab::Generate => view! {
                        <main class="layout">
                            <section class="controls" aria-label=say("settings.name")>
                                <PromptBox />
                                <Knobs />
                                <Later turn=Built::More>
                                    <More />
                                </Later>
                            </section>
                            <Stage theme side_by_side=columns retry />
                        </main>
                    }.into_any(),
                }}
            </Later>
            <Later turn=Built::Foot>
                <LessonPanel />
                {frame::is_embed().then(|| view! { <EmbedFoot /> })}
                <footer class="site-foot">
                    <span>{say("foot.nothing-leaves")}</span>
                    {untranslated.clone().map(|says| view! { <span data-testid="untranslated">{says}</span> })}
                    <Offline />
                    <Show when=move || lab.get() == Lab::Generate>
                        <span>{say("foot.keys")}</span>
                    </Show>
                </footer>
            </Later>
        </div>
    }
}

/// The foot of an embed: where it comes from, and the way to the whole page.
#[component]
fn EmbedFoot() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <footer class="embed-foot">
            <h1 class="visually-hidden">"Unmask"</h1>
            <Wordmark />
            <a
                target="_blank"
                rel="noopener"
                data-testid="whole-page"
                href=move || format!("?{}", settings.with(Settings::to_query))
            >
                {say("embed.whole-page")}
            </a>
        </footer>
    }
}

/// Sets a signal if the value differs.
fn set_if_new<T: PartialEq + Send + Sync + Clone + 'static>(signal: RwSignal<T>, value: T) {
    if signal.get_untracked() != value {
        signal.set(value);
    }
}

/// Asks for a run when the stage is first in sight, and whenever a setting that decides it has changed.
fn run_on_change(settings: RwSignal<Settings>, run: Run, session: Session) {
    Effect::new(move |asked: Option<Option<Settings>>| {
        let (asked, now) = (asked.flatten(), settings.get());
        if now.lab != Lab::Generate || asked.as_ref().is_some_and(|asked| asked.same_run(&now)) {
            return asked;
        }
        if run.adopted.with_value(|adopted| adopted.as_ref().is_some_and(|adopted| adopted.same_run(&now))) {
            return Some(now);
        }
        run.adopted.set_value(None);
        run.state.update(RunState::let_go);
        session.post(Request::Run(Box::new(now.clone())));
        Some(now)
    });
}

/// Asks the question of the open lab, and again whenever it changes; a lab that is left stops its study.
fn study_on_change(settings: RwSignal<Settings>, findings: Findings, session: Session) {
    Effect::new(move |asked: Option<Option<Study>>| {
        // Where an article does without the model's side of the Trap lab, there is nothing to ask the model.
        let is_idle = settings.with(|s| s.lab == Lab::Trap) && frame::does_without("on-model");
        let wanted = if is_idle { None } else { settings.with(ask::study) };
        let asked = asked.flatten();
        if let Some(request) = ask::request(asked.as_ref(), wanted.as_ref(), findings.is_swept()) {
            session.post(request);
        }
        wanted
    });
}

/// Asks the question of the open lab again; where the model itself is missing, that comes first.
fn ask_again(settings: RwSignal<Settings>, session: Session) {
    session.post(Request::Retry);
    if let Some(study) = settings.with_untracked(ask::study) {
        session.post(Request::Study(study));
    }
}

/// Keeps the address at the settings, a moment after the last change, and the settings at the address where the visitor goes back or
/// forward. Another lab or lesson is a new entry in the history, at once; a knob only changes the present one, and so does a lesson that
/// leads to another lab.
fn keep_address(settings: RwSignal<Settings>) {
    let newest = StoredValue::new(0_u32);
    let shown = StoredValue::new(settings.get_untracked());
    window_event_listener(leptos::ev::popstate, move |_| {
        let found = Settings::from_query(&url::query());
        shown.set_value(found.clone());
        set_if_new(settings, found);
    });
    Effect::new(move |_| {
        let now = settings.get();
        let before = shown.get_value();
        shown.set_value(now.clone());
        newest.update_value(|number| *number += 1);
        if is_elsewhere(&before, &now) {
            // What was changed just now belongs to the place that is left.
            url::write_query(&before.to_query(), false);
            return url::write_query(&now.to_query(), true);
        }
        let number = newest.get_value();
        spawn_local(async move {
            time::sleep_ms(ADDRESS_DELAY_MS).await;
            if newest.get_value() == number {
                url::write_query(&now.to_query(), false);
            }
        });
    });
}

/// Whether the visitor went to another lab or lesson; where a lesson goes on, it is the lesson that leads.
fn is_elsewhere(before: &Settings, now: &Settings) -> bool {
    before.lesson != now.lesson || (now.lesson.is_empty() && before.lab != now.lab)
}

/// Moves the cursor while time goes on by itself.
fn play(run: Run) {
    let turning = StoredValue::new(false);
    Effect::new(move |_| {
        if !run.playback.get().moves() || turning.get_value() {
            return;
        }
        turning.set_value(true);
        spawn_local(async move {
            while run.playback.get_untracked().moves() {
                let (steps, growing, planned) =
                    run.state.with_untracked(|state| (state.steps(), state.growing, state.planned));
                time::sleep_ms(interval_ms(planned)).await;
                time::next_frame().await;
                advance(run, steps, growing);
            }
            turning.set_value(false);
        });
    });
}

/// One tick of time.
fn advance(run: Run, steps: usize, growing: bool) {
    let (cursor, playback) = tick(run.cursor.get_untracked(), run.playback.get_untracked(), steps, growing);
    if cursor != run.cursor.get_untracked() {
        run.cursor.set(cursor);
    }
    if playback != run.playback.get_untracked() {
        run.playback.set(playback);
    }
}

/// The keys of the stage, wherever the focus is.
fn listen(settings: RwSignal<Settings>, run: Run) {
    window_event_listener(leptos::ev::keydown, move |event| {
        if settings.with_untracked(|s| s.lab) != Lab::Generate {
            return;
        }
        if event.default_prevented() || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let focus = element.map_or(Focus::Page, |element| {
            let attribute = |name: &str| element.get_attribute(name).unwrap_or_default();
            Focus::of(&element.tag_name().to_lowercase(), &attribute("type"), &attribute("role"))
        });
        if let Some(command) = command(&event.key(), focus) {
            event.prevent_default();
            run.command(command);
        }
    });
}
