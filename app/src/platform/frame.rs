//! The page inside another page: telling the outer page something, hearing what it says, and whether it shows us.

use js_sys::{Array, JSON};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{
    Element, IntersectionObserver, IntersectionObserverEntry, MessageEvent, ResizeObserver, Window,
};

use super::forever;

/// Whether the address asks for the layout of an embed; `static/prelude.js` has noted it.
pub fn is_embed() -> bool {
    root().is_some_and(|root| root.has_attribute("data-embed"))
}

/// Whether the author of an article does without this part; `static/prelude.js` has noted that too.
pub fn does_without(part: &str) -> bool {
    let hidden = root().and_then(|root| root.get_attribute("data-hide")).unwrap_or_default();
    hidden.split_whitespace().any(|name| name == part)
}

/// Tells the outer page something; the text is JSON. Says nothing secret, so any page may hear it.
pub fn tell(json: &str) {
    let (Some(parent), Ok(message)) = (parent(), JSON::parse(json)) else { return };
    drop(parent.post_message(&message, "*"));
}

/// Hears what the outer page says, as JSON. Messages of anybody else are not heard.
pub fn listen(heard: impl Fn(&str) + 'static) {
    let handler = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let is_parent = parent().is_some_and(|parent| event.source().as_deref() == Some(parent.as_ref()));
        if let (true, Ok(text)) = (is_parent, JSON::stringify(&event.data())) {
            heard(&String::from(text));
        }
    });
    if let Some(window) = web_sys::window() {
        drop(window.add_event_listener_with_callback("message", &forever(handler)));
    }
}

/// Calls with the height of the page, in CSS pixels, now and whenever it changes.
pub fn watch_height(changed: impl Fn(f64) + 'static) {
    let handler = Closure::<dyn Fn()>::new(move || {
        if let Some(body) = body() {
            changed(body.get_bounding_client_rect().height().ceil());
        }
    });
    if let (Some(body), Ok(observer)) = (body(), ResizeObserver::new(&forever(handler))) {
        observer.observe(&body);
    }
}

/// Calls when the reader scrolls the page into view or out of it.
pub fn watch_visibility(changed: impl Fn(bool) + 'static) {
    let handler = Closure::<dyn Fn(Array)>::new(move |entries: Array| {
        if let Ok(entry) = entries.pop().dyn_into::<IntersectionObserverEntry>() {
            changed(entry.is_intersecting());
        }
    });
    if let (Some(body), Ok(observer)) = (body(), IntersectionObserver::new(&forever(handler))) {
        observer.observe(&body);
    }
}

/// The window of the outer page; none if there is none.
fn parent() -> Option<Window> {
    let window = web_sys::window()?;
    let parent = window.parent().ok()??;
    (parent != window).then_some(parent)
}

fn root() -> Option<Element> {
    web_sys::window()?.document()?.document_element()
}

fn body() -> Option<Element> {
    Some(web_sys::window()?.document()?.body()?.into())
}
