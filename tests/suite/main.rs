//! The crates together, without a browser. One commented `mod` line per theme.

/// Who may know whom: the table of ARCHITECTURE.md, held against `cargo metadata`.
mod layers;
