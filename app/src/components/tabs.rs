//! The labs as tabs.

use leptos::html;
use leptos::prelude::*;

use super::lesson::LessonMenu;
use crate::labs::Lab;
use crate::settings::Settings;
use crate::settings::query::Named;
use crate::texts::say;

/// One tab per lab. They are links, so that a lab can be opened in a window of its own.
#[component]
pub fn Tabs() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let tab = move |lab: Lab| {
        let current = Memo::new(move |_| settings.with(|s| s.lab) == lab);
        let address = move || settings.with(|s| format!("?{}", Settings { lab, ..s.clone() }.to_query()));
        let open = move |event: leptos::ev::MouseEvent| {
            if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                event.prevent_default();
                settings.update(|s| s.lab = lab);
            }
        };
        let link = NodeRef::<html::A>::new();
        // On a phone the row is wider than the screen.
        Effect::new(move |_| {
            let Some(tab) = link.get().filter(|_| current.get()) else { return };
            if let Some(row) = tab.parent_element() {
                row.set_scroll_left(tab.offset_left() - (row.client_width() - tab.offset_width()) / 2);
            }
        });
        view! {
            <a
                class="tab"
                node_ref=link
                href=address
                data-testid=format!("lab-{}", lab.name())
                aria-current=move || current.get().then_some("page")
                on:click=open
            >
                {title(lab)}
            </a>
        }
    };
    view! {
        <nav class="tabs" aria-label=say("labs.name")>
            {Lab::ALL.map(tab).into_iter().collect_view()}
            <LessonMenu />
        </nav>
    }
}

/// What visitors call a lab.
pub fn title(lab: Lab) -> &'static str {
    match lab {
        Lab::Generate => say("labs.generate"),
        Lab::Corrupt => say("labs.corrupt"),
        Lab::Collapse => say("labs.collapse"),
        Lab::Trap => say("labs.trap"),
        Lab::Families => say("labs.families"),
        Lab::Frontier => say("labs.frontier"),
    }
}
