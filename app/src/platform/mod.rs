//! What only a browser has, each behind a small function. Nothing here knows the model or the page's state.

pub mod canvas;
pub mod clipboard;
pub mod fetch;
pub mod files;
pub mod focus;
pub mod frame;
pub mod media;
pub mod offline;
pub mod svg;
pub mod tables;
pub mod time;
pub mod url;
pub mod worker;

use js_sys::Function;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::{Closure, WasmClosure};

/// A handler that lives as long as the page.
fn forever<T: WasmClosure + ?Sized>(handler: Closure<T>) -> Function {
    handler.into_js_value().unchecked_into()
}
