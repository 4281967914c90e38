//! `cargo xtask wgsl`: the complete shaders as files.

use std::path::Path;

use anyhow::{Context, Result};

/// Writes every catalogue kernel to `folder/<name>.wgsl`.
pub fn write_all(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for kernel in shaders::kernels::CATALOGUE {
        std::fs::write(folder.join(kernel.name).with_extension("wgsl"), kernel.wgsl())?;
    }
    println!("{} shaders written to {}", shaders::kernels::CATALOGUE.len(), folder.display());
    Ok(())
}
