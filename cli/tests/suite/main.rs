//! The binary as people meet it: what it prints, what it says when something is wrong, and how it exits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

/// Running the binary, and files to run it on.
mod run;

/// Putting guides and hybrids under test.
mod beside;
/// Putting schedules under test.
mod diagnose;
/// Measuring a bound.
mod eval;
/// What is known exactly.
mod exact;
/// Bad input: one sentence, exit code 2.
mod faults;
/// Writing text.
mod generate;
/// Two models that write together.
mod hybrid;
/// Looking into model files.
mod info;
/// The five properties.
mod scorecard;
/// Grids of schedules.
mod sweep;
