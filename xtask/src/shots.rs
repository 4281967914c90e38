//! `cargo xtask shots`: screenshots for people to look at.

use std::path::Path;

use anyhow::Result;

use crate::commands::{cargo, run};
use crate::server::Server;
use crate::{page, setup};

/// Builds and serves the page, and photographs it at three sizes in both themes.
pub fn shots(folder: &Path) -> Result<()> {
    let tools = setup::for_tests()?;
    let address = Server::bind(&page::build()?, 0)?.spawn()?;
    std::fs::create_dir_all(folder)?;
    run(cargo()
        .args(["run", "-p", "tests", "--features", "browser", "--bin", "shots", "--"])
        .arg(folder.canonicalize()?)
        .env("UNMASK_URL", address)
        .env("UNMASK_BROWSER", &tools.browser)
        .env("CHROMEDRIVER", &tools.chromedriver))
}
