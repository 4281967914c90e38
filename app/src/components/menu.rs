//! The keyboard of a menu: arrows walk over its items.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Moves the focus to the first item.
pub fn focus_first(menu: Option<&HtmlElement>) {
    focus_item(menu, |_, _| 0);
}

/// Arrow keys walk over the items.
pub fn walk(event: &KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let menu = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let next = |at: isize, count: usize| (at + step).rem_euclid(count as isize) as usize;
    // Where no menu is open, arrows keep their own meaning.
    if focus_item(menu.as_ref(), next) {
        event.prevent_default();
    }
}

/// Moves the focus to the item that `next` chooses, given the present one (-1: none) and how many there are; tells whether
/// there are any.
fn focus_item(menu: Option<&HtmlElement>, next: impl Fn(isize, usize) -> usize) -> bool {
    let items = menu.and_then(|menu| menu.query_selector_all("[role=menuitem]").ok());
    let Some(items) = items.filter(|items| items.length() > 0) else { return false };
    let item = |index: u32| items.get(index).and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let focused = document().active_element();
    let is_focused = |index: &u32| item(*index).is_some_and(|item| focused.as_ref() == Some(item.as_ref()));
    let at = (0..items.length()).find(is_focused).map_or(-1, |index| index as isize);
    if let Some(item) = item(next(at, items.length() as usize) as u32) {
        drop(item.focus());
    }
    true
}
