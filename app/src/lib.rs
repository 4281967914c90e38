//! The page of Unmask: wiring and drawing. Data goes round in one direction: settings, session, steps, views.
//!
//! [`settings`] is what the visitor wants, [`run`] is what has happened, [`session`] is the bridge between them,
//! [`components`] show both. Everything that can be a plain function is one, and is tested on the host.

pub mod branch;
pub mod components;
pub mod draw;
pub mod embed;
pub mod export;
pub mod failure;
pub mod gauges;
pub mod history;
pub mod keys;
pub mod labs;
pub mod lessons;
pub mod page;
pub mod platform;
pub mod playback;
pub mod recording;
pub mod run;
pub mod session;
pub mod settings;
pub mod texts;
pub mod view;
pub mod window_api;
