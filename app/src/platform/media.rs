//! What the visitor's system prefers, the theme that they chose here, and the width of the window.

use super::frame::is_embed;
use crate::draw::palette::Theme;

/// Charts are drawn for this width; in a wider place they grow as a whole.
const WIDEST_PLOT: f64 = 720.0;

const THEME_KEY: &str = "unmask.theme";

/// Whether a media query holds now.
pub fn matches(query: &str) -> bool {
    let list = web_sys::window().and_then(|window| window.match_media(query).ok().flatten());
    list.is_some_and(|list| list.matches())
}

/// Whether the visitor asked their system for less motion.
pub fn reduced_motion() -> bool {
    matches("(prefers-reduced-motion: reduce)")
}

/// The theme that `static/prelude.js` chose before anything was drawn: the address's, the one chosen here before, the system's.
pub fn theme() -> Theme {
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    match root.and_then(|root| root.get_attribute("data-theme")).as_deref() {
        Some("dark") => Theme::Dark,
        _ => Theme::Light,
    }
}

/// Shows `theme`, and remembers it when the visitor chose it.
pub fn show_theme(theme: Theme, chosen: bool) {
    let name = match theme {
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    if let Some(root) = root {
        drop(root.set_attribute("data-theme", name));
    }
    if let Some(storage) = storage().filter(|_| chosen) {
        drop(storage.set_item(THEME_KEY, name));
    }
}

/// Tells browser and screen reader which language the page speaks.
pub fn speak(language: &str) {
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    if let Some(root) = root {
        drop(root.set_attribute("lang", language));
    }
}

/// Takes away the recorded run that plays until the page has started.
pub fn end_prelude() {
    let prelude = web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("prelude"));
    if let Some(prelude) = prelude {
        prelude.remove();
    }
}

/// How many slots stand side by side at the window's present width. `stage.css` and `embed.css` have the same widths, for
/// the recorded run that plays before this code is there.
pub fn columns() -> usize {
    if is_embed() {
        return if matches("(max-width: 420px)") {
            4
        } else if matches("(max-width: 600px)") {
            6
        } else {
            8
        };
    }
    if matches("(max-width: 760px)") {
        4
    } else if matches("(max-width: 1000px)") {
        6
    } else {
        8
    }
}

/// Width of a chart in the window as it is, in CSS pixels.
pub fn plot_width() -> f64 {
    let window = web_sys::window().and_then(|window| window.inner_width().ok()?.as_f64());
    (window.unwrap_or(WIDEST_PLOT) - 32.0).clamp(280.0, WIDEST_PLOT)
}

/// Marks the element with this `data-testid` and brings it into view; whatever was marked before is not any more.
pub fn point_at(test_id: Option<&str>) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if let Ok(Some(before)) = document.query_selector("[data-pointed]") {
        drop(before.remove_attribute("data-pointed"));
    }
    let selector = test_id.map(|id| format!("[data-testid=\"{id}\"]"));
    if let Some(Ok(Some(element))) = selector.map(|selector| document.query_selector(&selector)) {
        drop(element.set_attribute("data-pointed", ""));
        element.scroll_into_view_with_bool(true);
    }
}

/// The browser's own store; absent in private windows and sandboxed frames.
fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
