//! The built page in headless Chromium, end to end. One commented `mod` line per theme.
