//! The crates together, without a browser. One commented `mod` line per theme.
#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

/// Who may know whom: the table of ARCHITECTURE.md, held against `cargo metadata`.
mod layers;
