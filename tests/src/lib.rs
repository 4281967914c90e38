//! The crates together: `suite/` holds what needs no browser, `page/` drives the built page.

#[cfg(feature = "browser")]
pub mod browser;
#[cfg(feature = "browser")]
pub mod host;
#[cfg(feature = "browser")]
pub mod tasks;
#[cfg(feature = "browser")]
pub mod window;
