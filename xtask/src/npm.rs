//! Files of packages from the npm registry, for tests and comparisons; nothing of them is shipped.

use std::path::Path;

use anyhow::{Context, Result};

use crate::commands::{command, find, run};

/// Unpacks those files of `NAME@VERSION` that match into a folder, unless `witness` lies there already.
pub fn fetch(package: &str, files: &str, folder: &Path, witness: &str) -> Result<()> {
    if folder.join(witness).is_file() {
        return Ok(());
    }
    find(&["npm"]).with_context(|| format!("npm is needed to fetch {package}; install Node.js"))?;
    std::fs::create_dir_all(folder)?;
    run(command(&["npm", "pack", "--silent", package, "--pack-destination"]).arg(folder))?;
    let archive = folder.join(format!("{}.tgz", package.replace('@', "-")));
    let depth = files.matches('/').count();
    // The folder must come before the files that go there.
    run(command(&["tar", "xz", "--wildcards", "-f"])
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .arg(format!("--strip-components={depth}"))
        .arg(files))
}
