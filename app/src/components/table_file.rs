//! The numbers of a table as a file.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::export::table::to_csv;
use crate::platform::{files, tables};
use crate::texts::say;

/// A small button below a table; it saves what stands right above it, as it is shown.
#[component]
pub fn TableFile(
    /// The file's name, without its ending.
    name: &'static str,
) -> impl IntoView {
    let save = move |event: leptos::ev::MouseEvent| {
        let button = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let above = button.and_then(|button| button.previous_element_sibling());
        if let Some(cells) = above.and_then(|above| tables::cells(&above)) {
            save_csv(name, &cells);
        }
    };
    button(name, say("table.save"), save)
}

/// The same for numbers that stand in no table: words in slots, cards.
#[component]
pub fn RowsFile(
    /// The file's name, without its ending.
    name: &'static str,
    /// What is saved, names first.
    #[prop(into)]
    rows: Callback<(), Vec<Vec<String>>>,
) -> impl IntoView {
    button(name, say("rows.save"), move |_| save_csv(name, &rows.run(())))
}

fn save_csv(name: &str, cells: &[Vec<String>]) {
    files::save(&format!("unmask-{name}.csv"), "text/csv", to_csv(cells).as_bytes());
}

fn button(
    name: &'static str,
    title: &'static str,
    save: impl Fn(leptos::ev::MouseEvent) + 'static,
) -> impl IntoView {
    view! {
        <button class="link table-file" data-testid=format!("save-{name}") title=title on:click=save>
            "CSV"
        </button>
    }
}
