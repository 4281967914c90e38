//! The dialog that writes the snippet for an article.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icons::{CLOSE, Icon};
use crate::embed::parts::{self, Part};
use crate::embed::snippet::{Choices, snippet};
use crate::platform::{clipboard, url};
use crate::settings::Settings;
use crate::texts::say;

/// The dialog; it shows itself whenever `open` becomes true.
#[component]
pub fn EmbedDialog(
    /// Whether it is wanted.
    open: RwSignal<bool>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let choices = RwSignal::new(Choices::default());
    let copied = RwSignal::new(false);
    let dialog = NodeRef::<html::Dialog>::new();
    let html = Memo::new(move |_| {
        let (query, lab) = settings.with(|s| (s.to_query(), s.lab));
        choices.with(|choices| snippet(&url::base(), &query, parts::of(lab), choices))
    });
    Effect::new(move |_| {
        html.track();
        copied.set(false);
    });
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get().filter(|_| open.get()) {
            // Fails only if it is shown already.
            drop(dialog.show_modal());
        }
    });
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let copy = move |_| {
        spawn_local(async move { copied.set(clipboard::copy(&html.get_untracked()).await) });
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="embed-title" on:close=move |_| open.set(false)>
            <div class="panel-head">
                <h2 id="embed-title">{say("keep.embed")}</h2>
                <button class="icon-button plain" title=say("embed.close") on:click=move |_| close()>
                    <Icon path=CLOSE />
                    <span class="visually-hidden">{say("embed.close")}</span>
                </button>
            </div>
            <p class="hint">{say("embed.about")}</p>
            <Parts choices />
            <Choice
                id="embed-start"
                label=say("embed.begins")
                options=[("visible", say("embed.in-view")), ("click", say("embed.on-click"))]
                write=Callback::new(move |value: String| choices.update(|c| c.on_click = value == "click"))
            />
            <Choice
                id="embed-theme"
                label=say("embed.theme")
                options=[("", say("embed.system")), ("light", say("embed.light")), ("dark", say("embed.dark"))]
                write=Callback::new(move |value: String| {
                    choices.update(|c| c.theme = ["light", "dark"].into_iter().find(|theme| *theme == value));
                })
            />
            <textarea
                class="field code"
                rows="6"
                readonly
                aria-label=say("embed.snippet")
                data-testid="snippet"
                prop:value=html
                on:focus:target=move |event| event.target().select()
            ></textarea>
            <div class="dialog-foot">
                <button class="button primary" data-testid="copy-snippet" on:click=copy>
                    {move || if copied.get() { say("embed.copied") } else { say("embed.copy") }}
                </button>
                <a href="examples/article.html" target="_blank" rel="noopener">{say("embed.example")}</a>
            </div>
        </dialog>
    }
}

/// A check box for every part of the page.
#[component]
fn Parts(choices: RwSignal<Choices>) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let change = move |name: &'static str, show: bool| {
        choices.update(|choices| {
            choices.hide.retain(|hidden| *hidden != name);
            if !show {
                choices.hide.push(name);
            }
        });
    };
    let part = move |part: &'static Part| {
        view! {
            <label class="row-check">
                <input
                    type="checkbox"
                    data-testid=format!("show-{}", part.name)
                    prop:checked=move || choices.with(|choices| !choices.hide.contains(&part.name))
                    on:change:target=move |event| change(part.name, event.target().checked())
                />
                {part.says()}
            </label>
        }
    };
    view! {
        <fieldset>
            <legend>{say("embed.parts")}</legend>
            <div class="parts">
                {move || parts::of(settings.with(|s| s.lab)).iter().map(part).collect_view()}
            </div>
        </fieldset>
    }
}

/// A menu whose first option is the present one.
#[component]
fn Choice<const N: usize>(
    id: &'static str,
    label: &'static str,
    /// Values and what authors call them.
    options: [(&'static str, &'static str); N],
    write: Callback<String>,
) -> impl IntoView {
    let options = options.into_iter().map(|(value, says)| view! { <option value=value>{says}</option> });
    view! {
        <div class="row">
            <label for=id>{label}</label>
            <select id=id data-testid=id on:change:target=move |event| write.run(event.target().value())>
                {options.collect_view()}
            </select>
        </div>
    }
}
