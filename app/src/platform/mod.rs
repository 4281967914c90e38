//! What only a browser has, each behind a small function. Nothing here knows the model or the page's state.

pub mod canvas;
pub mod clipboard;
pub mod fetch;
pub mod media;
pub mod time;
pub mod url;
