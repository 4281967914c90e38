//! The files of a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every file below a folder, sorted by path, so that what is made of them does not depend on the file system.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() { found.extend(below(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

/// The path of a file within a folder as an address has it, with slashes on every system.
pub fn address(folder: &Path, file: &Path) -> Result<String> {
    let inside = file.strip_prefix(folder)?;
    let parts = inside.iter().map(|part| part.to_str().context("a file name is not Unicode"));
    Ok(parts.collect::<Result<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A folder with these files, made anew.
    pub fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("unmask-xtask-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        for (path, content) in files {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().expect("a file lies in a folder"))
                .expect("a folder is made");
            std::fs::write(file, content).expect("a file is written");
        }
        folder
    }

    #[test]
    fn files_are_found_at_every_depth_and_named_by_addresses() {
        let folder = folder("walk", &[("b/c/d.txt", ""), ("a.txt", "")]);
        let found = below(&folder).expect("the folder is read");
        let found: Vec<_> =
            found.iter().map(|file| address(&folder, file).expect("it lies inside")).collect();
        assert_eq!(found, ["a.txt", "b/c/d.txt"]);
    }
}
