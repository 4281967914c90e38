//! The address of the page: its query carries every setting, so that a link reproduces the page.

use wasm_bindgen::JsValue;

/// The query of the address, without the question mark; empty if there is none.
pub fn query() -> String {
    let search = web_sys::window().and_then(|window| window.location().search().ok());
    search.map(|text| text.trim_start_matches('?').to_owned()).unwrap_or_default()
}

/// Writes the query into the address, with a new entry in the history or in the place of the present one. Does nothing where the
/// address cannot be written (a sandboxed frame).
pub fn write_query(query: &str, new_entry: bool) {
    let Some(window) = web_sys::window() else { return };
    let path = window.location().pathname().unwrap_or_default();
    let address = if query.is_empty() { path } else { format!("?{query}") };
    if let Ok(history) = window.history() {
        drop(if new_entry {
            history.push_state_with_url(&JsValue::NULL, "", Some(&address))
        } else {
            history.replace_state_with_url(&JsValue::NULL, "", Some(&address))
        });
    }
}

/// The folder that the page lies in, with a slash at its end.
pub fn base() -> String {
    let address = address();
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default()
}

/// The whole address, to be shared.
pub fn address() -> String {
    web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default()
}
