//! Copying text.

use wasm_bindgen_futures::JsFuture;

/// Puts `text` on the clipboard; tells whether the browser allowed it.
pub async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    // `navigator.clipboard` is undefined outside secure contexts: calling it there would throw.
    if !window.is_secure_context() {
        return false;
    }
    JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}
