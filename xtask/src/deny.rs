//! `cargo xtask deny`.

use anyhow::Result;

use crate::{commands, setup};

/// Licences, sources and bans of all dependencies. Advisories need a database from the network and are left
/// to `cargo deny check advisories`.
pub fn deny() -> Result<()> {
    setup::for_deny()?;
    commands::run(commands::cargo().args(["deny", "--all-features", "check", "licenses", "bans", "sources"]))
}
