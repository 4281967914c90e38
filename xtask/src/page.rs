//! Builds the page with Trunk, and what Trunk cannot make.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::{command, run};
use crate::{names, worker};

/// What travels with the page for those who unpack it.
const BESIDE: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];
/// How to serve the folder.
const READ_ME: &str = "static/README.txt";

/// Builds the release page into `dist/` and returns that folder.
pub fn build() -> Result<PathBuf> {
    // Trunk reads NO_COLOR as a boolean and fails on the usual "1".
    run(command(&["trunk", "build", "--cargo-profile", "page"]).env_remove("NO_COLOR"))?;
    let dist = Path::new("dist").to_path_buf();
    for file in BESIDE {
        std::fs::copy(file, dist.join(file))?;
    }
    std::fs::copy(READ_ME, dist.join("README.txt"))?;
    names::remove(&dist)?;
    worker::write(&dist)?;
    Ok(dist)
}
