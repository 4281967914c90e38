//! Builds the page with Trunk.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::{command, run};

/// Builds the release page into `dist/` and returns that folder.
pub fn build() -> Result<PathBuf> {
    // Trunk reads NO_COLOR as a boolean and fails on the usual "1".
    run(command(&["trunk", "build", "--cargo-profile", "page"]).env_remove("NO_COLOR"))?;
    Ok(Path::new("dist").to_path_buf())
}
