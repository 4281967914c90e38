//! What can be taken along: a link, the run as a file and back, its picture, its numbers.

mod files;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use super::embed_dialog::EmbedDialog;
use super::icons::{Icon, KEEP};
use super::menu::{focus_first, walk};
use crate::draw::palette::Theme;
use crate::labs::Lab;
use crate::platform::{clipboard, time, url};
use crate::run::Run;
use crate::settings::Settings;
use crate::texts::say;

/// How long a note such as "Link copied" stays.
const NOTE_MS: u32 = 2200;

/// What the menu offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Link,
    SaveRun,
    OpenRun,
    Embed,
    Svg,
    Png,
    Steps,
    Slots,
    Candidates,
    Gauges,
    Numbers,
}

/// An item and its test id.
type Entry = (Item, &'static str);

/// Groups of items.
const GROUPS: [&[Entry]; 3] = [
    &[
        (Item::Link, "copy-link"),
        (Item::SaveRun, "save-run"),
        (Item::OpenRun, "open-run"),
        (Item::Embed, "embed"),
    ],
    &[(Item::Svg, "save-svg"), (Item::Png, "save-png")],
    &[
        (Item::Steps, "save-steps"),
        (Item::Slots, "save-slots"),
        (Item::Candidates, "save-candidates"),
        (Item::Gauges, "save-gauges"),
        (Item::Numbers, "save-numbers"),
    ],
];

/// What visitors call the group that an item is in.
fn heading(item: Item) -> &'static str {
    match item {
        Item::Link | Item::SaveRun | Item::OpenRun | Item::Embed => say("keep.as-it-is"),
        Item::Svg | Item::Png => say("keep.picture"),
        Item::Steps | Item::Slots | Item::Candidates | Item::Gauges | Item::Numbers => say("keep.numbers"),
    }
}

/// What visitors call an item.
fn title(item: Item) -> &'static str {
    match item {
        Item::Link => say("keep.link"),
        Item::SaveRun => say("keep.save-run"),
        Item::OpenRun => say("keep.open-run"),
        Item::Embed => say("keep.embed"),
        Item::Svg => say("keep.svg"),
        Item::Png => say("keep.png"),
        Item::Steps => say("keep.calls"),
        Item::Slots => say("keep.slots"),
        Item::Candidates => say("keep.candidates"),
        Item::Gauges => say("keep.gauges"),
        Item::Numbers => say("keep.all-numbers"),
    }
}

/// What there is to keep in a lab. Only the stage shows a run; charts and tables of the others have files of their own.
fn groups(lab: Lab) -> Vec<Vec<Entry>> {
    let is_there = |entry: &Entry| lab == Lab::Generate || matches!(entry.0, Item::Link | Item::Embed);
    let groups = GROUPS.iter().map(|items| items.iter().copied().filter(is_there).collect::<Vec<_>>());
    groups.filter(|items| !items.is_empty()).collect()
}

/// The menu in the head of the page. Files may also be dropped anywhere.
#[component]
pub fn Keep(
    /// Light or dark.
    theme: RwSignal<Theme>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let open = RwSignal::new(false);
    let note = RwSignal::new("");
    let embed = RwSignal::new(false);
    let menu = NodeRef::<html::Div>::new();
    let file = NodeRef::<html::Input>::new();
    let button = NodeRef::<html::Button>::new();
    let choose = move |item: Item| {
        open.set(false);
        match item {
            Item::Link => spawn_local(copy_link(note)),
            Item::Embed => embed.set(true),
            Item::OpenRun => {
                if let Some(file) = file.get_untracked() {
                    file.click();
                }
            }
            _ => {
                settings.with_untracked(|settings| {
                    run.state.with_untracked(|state| {
                        files::save(item, settings, state, run.cursor.get_untracked(), theme.get_untracked());
                    });
                });
            }
        }
    };
    files::accept_drops(settings, run);
    close_outside(menu, open);
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            open.set(false);
            if let Some(button) = button.get_untracked() {
                drop(button.focus());
            }
        }
        walk(&event);
    };
    Effect::new(move |_| {
        if open.get() {
            focus_first(menu.get().as_deref());
        }
    });
    view! {
        <div class="with-note" node_ref=menu on:keydown=keys>
            <button
                class="button"
                node_ref=button
                data-testid="keep"
                title=say("keep.title")
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Icon path=KEEP />
                {say("keep.name")}
            </button>
            <Show when=move || open.get()>
                <div class="menu" role="menu" aria-label=say("keep.name")>
                    {groups(settings.with(|s| s.lab))
                        .into_iter()
                        .map(|items| view! { <Group items choose=Callback::new(choose) /> })
                        .collect_view()}
                </div>
            </Show>
            <span class="note" role="status">{note}</span>
            <EmbedDialog open=embed />
            <RunFile input=file />
        </div>
    }
}

/// A press anywhere else closes the menu.
fn close_outside(menu: NodeRef<html::Div>, open: RwSignal<bool>) {
    window_event_listener(leptos::ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let is_inside = |menu: web_sys::HtmlDivElement| menu.contains(target.as_ref());
        if open.get_untracked() && !menu.get_untracked().is_some_and(is_inside) {
            open.set(false);
        }
    });
}

/// The file dialog; the menu opens it.
#[component]
fn RunFile(input: NodeRef<html::Input>) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    view! {
        <input
            type="file"
            class="visually-hidden"
            tabindex="-1"
            aria-hidden="true"
            accept=".json,application/json"
            data-testid="run-file"
            node_ref=input
            on:change:target=move |event| {
                let chosen = event.target().files().and_then(|files| files.get(0));
                if let Some(file) = chosen {
                    spawn_local(files::open(settings, run, file));
                }
                // So that choosing the same file again is a change.
                event.target().set_value("");
            }
        />
    }
}

/// Items under a heading.
#[component]
fn Group(items: Vec<Entry>, choose: Callback<Item>) -> impl IntoView {
    let heading = items.first().map(|(item, _)| heading(*item));
    let item = move |(item, id): Entry| {
        view! {
            <button role="menuitem" tabindex="-1" data-testid=id on:click=move |_| choose.run(item)>
                {title(item)}
            </button>
        }
    };
    view! {
        <div role="group" aria-label=heading>
            <h2>{heading}</h2>
            {items.into_iter().map(item).collect_view()}
        </div>
    }
}

async fn copy_link(note: RwSignal<&'static str>) {
    let copied = clipboard::copy(&url::address()).await;
    note.set(if copied { say("keep.link-copied") } else { say("keep.link-by-hand") });
    time::sleep_ms(NOTE_MS).await;
    note.set("");
}
