//! The crates together: see `suite/`.
