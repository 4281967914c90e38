//! One commented `mod` line per theme.
