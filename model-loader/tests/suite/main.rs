//! What the loader does with whole files: good ones, damaged ones, and text.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

/// A complete small model file, made in memory, with every part open to change.
mod fixture;

/// Byte pairs against the library's whole pipeline.
mod byte_pairs;
/// Good files: what comes out of them.
mod checkpoint;
/// Any damage at all: an error perhaps, a panic never.
mod damage;
/// Bad files: one typed error and one sentence for each kind of fault.
mod faults;
/// The language of the shipped models, there and back.
mod stories;
/// Text to tokens and back.
mod text;
