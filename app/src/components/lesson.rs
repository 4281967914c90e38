//! A lesson in a panel beside the page: what the teacher says, what to do, and whether it is done. It can be left at any time.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icons::{CLOSE, Icon};
use crate::labs::store::Findings;
use crate::lessons::{Lesson, SHIPPED, is_name};
use crate::platform::{fetch, media};
use crate::run::Run;
use crate::settings::Settings;
use crate::texts::{fill, say};
use crate::window_api::brief;

/// The menu of lessons, which stands beside the tabs.
#[component]
pub fn LessonMenu() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let choose = move |name: String| settings.update(|s| s.lesson = name);
    // A teacher's own lesson, which only a link names.
    let is_own = |name: &String| !name.is_empty() && !SHIPPED.contains(&name.as_str());
    let own = Memo::new(move |_| settings.with(|s| Some(s.lesson.clone()).filter(is_own)));
    let options = SHIPPED.map(|name| view! { <option value=name>{title(name)}</option> });
    view! {
        <label class="lesson-menu">
            <span class="visually-hidden">{say("lessons.name")}</span>
            <select
                data-testid="lessons"
                prop:value=move || settings.with(|s| s.lesson.clone())
                on:change:target=move |event| choose(event.target().value())
            >
                <option value="">{say("lessons.name")}</option>
                {options.collect_view()}
                {move || own.get().map(|name| view! { <option value=name.clone() prop:selected=true>{name.clone()}</option> })}
            </select>
        </label>
    }
}

/// What visitors call a shipped lesson before its file is there.
fn title(name: &str) -> &'static str {
    match name {
        "what-is-a-diffusion-language-model" => say("lessons.what"),
        "the-marginal-trap" => say("lessons.trap"),
        "why-everything-becomes-the" => say("lessons.the"),
        _ => say("lessons.five"),
    }
}

/// The panel, while a lesson is open.
#[component]
pub fn LessonPanel() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let lesson = RwSignal::new(None::<Result<Lesson, String>>);
    let at = RwSignal::new(0_usize);
    let name = Memo::new(move |_| settings.with(|s| s.lesson.clone()));
    Effect::new(move |_| {
        let name = name.get();
        lesson.set(None);
        at.set(0);
        if !name.is_empty() {
            spawn_local(async move {
                let found = load(&name).await;
                if settings.with_untracked(|s| s.lesson == name) {
                    lesson.set(Some(found));
                }
            });
        }
    });
    show_step(settings, lesson, at);
    let close = move |_| settings.update(|s| s.lesson.clear());
    view! {
        {move || lesson.get().map(|found| {
            view! {
                <aside class="lesson" aria-label=say("lessons.panel") data-testid="lesson">
                    <div class="panel-head">
                        <h2>{found.as_ref().map_or_else(|_| say("lessons.name").to_owned(), |l| l.title.clone())}</h2>
                        <button class="icon-button plain" title=say("lessons.leave") data-testid="lesson-close" on:click=close>
                            <Icon path=CLOSE />
                            <span class="visually-hidden">{say("lessons.leave")}</span>
                        </button>
                    </div>
                    {match found {
                        Ok(lesson) => view! { <Steps lesson at /> }.into_any(),
                        Err(problem) => view! { <p class="warning">{problem}</p> }.into_any(),
                    }}
                </aside>
            }
        })}
    }
}

/// Fetches a lesson; the sentence that says why not.
async fn load(name: &str) -> Result<Lesson, String> {
    if !is_name(name) {
        return Err(say("lessons.no-name").into());
    }
    let path = format!("lessons/{name}.json");
    let bytes = fetch::bytes(&path, |_, _| {}).await;
    let bytes = bytes.map_err(|error| fill("lessons.missing", &[("reason", &error.to_string())]))?;
    Lesson::from_json(&bytes).map_err(|error| fill("lessons.broken", &[("reason", &error.to_string())]))
}

/// Puts the settings of the step that is shown, and points at its control.
fn show_step(
    settings: RwSignal<Settings>,
    lesson: RwSignal<Option<Result<Lesson, String>>>,
    at: RwSignal<usize>,
) {
    Effect::new(move |_| {
        let (found, at) = (lesson.get(), at.get());
        let step = found.and_then(Result::ok).and_then(|lesson| lesson.steps.get(at).cloned());
        if let Some(step) = &step {
            let wanted = settings.with_untracked(|now| step.settings(now));
            if settings.with_untracked(|now| *now != wanted) {
                settings.set(wanted);
            }
        }
        let point = step.and_then(|step| step.point);
        // The control may belong to a lab that this very step opens.
        spawn_local(async move {
            crate::platform::time::next_frame().await;
            media::point_at(point.as_deref());
        });
    });
}

/// The step that is shown, its task, and the way on.
#[component]
fn Steps(lesson: Lesson, at: RwSignal<usize>) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let findings = expect_context::<Findings>();
    let count = lesson.steps.len();
    let lesson = StoredValue::new(lesson);
    let step = Memo::new(move |_| lesson.with_value(|lesson| lesson.steps.get(at.get()).cloned()));
    let done = Memo::new(move |before: Option<&(usize, bool)>| {
        let task = step.get().and_then(|step| step.task);
        let phase = run.state.with(|state| state.phase.name());
        let is_done = task.is_none_or(|task| {
            let standing = findings.standing.read();
            task.is_done(&brief(&settings.read(), phase, run.cursor.get(), standing.as_ref()))
        });
        // What was done once stays done, whatever the visitor tries next.
        let stays = before.is_some_and(|(number, done)| *number == at.get() && *done);
        (at.get(), is_done || stays)
    });
    let last = move || at.get() + 1 >= count;
    let task = move || {
        step.get().and_then(|step| step.task).map(|task| {
            let text = if done.get().1 { task.done } else { task.say };
            view! { <p class="lesson-task" data-done=done.get().1.then_some("") data-testid="lesson-task">{text}</p> }
        })
    };
    let forward = move |_| {
        if last() { settings.update(|s| s.lesson.clear()) } else { at.update(|at| *at += 1) }
    };
    view! {
        <div class="lesson-text" aria-live="polite">
            {move || step.get().map(|step| step.say.into_iter().map(|text| view! { <p>{text}</p> }).collect_view())}
            {task}
        </div>
        <div class="lesson-foot">
            <span class="hint number">{move || format!("{} / {count}", at.get() + 1)}</span>
            <button
                class="button"
                data-testid="lesson-back"
                disabled=move || at.get() == 0
                on:click=move |_| at.update(|at| *at = at.saturating_sub(1))
            >
                {say("lessons.back")}
            </button>
            <button
                class="button"
                class:primary=move || done.get().1
                data-testid="lesson-next"
                on:click=forward
            >
                {move || if last() { say("lessons.end") } else if done.get().1 { say("lessons.next") } else { say("lessons.skip") }}
            </button>
        </div>
    }
}
