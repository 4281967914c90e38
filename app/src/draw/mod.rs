//! Pictures as pure functions: values in, pixels out. Nothing here knows the DOM.

pub mod heatmap;
pub mod palette;
pub mod plot;
pub mod slots;
