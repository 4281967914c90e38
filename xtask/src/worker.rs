//! Writes the page's service worker into the built folder: what was built, and `static/worker.js` behind it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::files;

const SOURCE: &str = "static/worker.js";
/// Hexadecimal digits of a hash: 64 bits tell any two builds apart.
const DIGITS: usize = 16;

/// What was built, as the worker reads it.
#[derive(Debug, Default, PartialEq)]
struct Build {
    /// Everything that the page needs besides a model. `// (files)`
    shell: Vec<String>,
    /// Models by path, with the hash of their content.
    models: BTreeMap<String, String>,
    /// A hash over the shell: names and contents.
    version: String,
}

/// Writes `sw.js`; to be called once all other files are there.
pub fn write(dist: &Path) -> Result<()> {
    let build = look_at(dist)?;
    let Build { shell, models, version } = &build;
    let built = json!({ "version": version, "shell": shell, "models": models });
    let source = std::fs::read_to_string(SOURCE).with_context(|| format!("{SOURCE} cannot be read"))?;
    std::fs::write(dist.join("sw.js"), format!("const BUILD = {built};\n{source}"))?;
    println!("service worker: version {version}, {} files, {} models", shell.len(), models.len());
    Ok(())
}

fn look_at(dist: &Path) -> Result<Build> {
    let mut build = Build::default();
    let mut whole = Sha256::new();
    for file in files::below(dist)? {
        let path = files::address(dist, &file)?;
        let content = std::fs::read(&file)?;
        match Kind::of(&path) {
            Kind::Shell => {
                // A separator, so that no two lists of files give one text.
                whole.update(path.as_bytes());
                whole.update([0]);
                whole.update(Sha256::digest(&content));
                // The page is opened by its folder; some hosts answer its file name by a redirect.
                build.shell.push(if path == "index.html" { "./".into() } else { path });
            }
            Kind::Model => drop(build.models.insert(path, hexadecimal(&Sha256::digest(&content)))),
            Kind::Worker | Kind::Aside => {}
        }
    }
    build.version = hexadecimal(&whole.finalize());
    Ok(build)
}

/// What the worker does with a file.
pub enum Kind {
    /// Kept at once.
    Shell,
    /// Kept when it was fetched.
    Model,
    /// Itself.
    Worker,
    /// Left to the network: for readers, not for the page.
    Aside,
}

impl Kind {
    /// By the path within the page's folder.
    pub fn of(path: &str) -> Self {
        let is_text = !path.contains('/') && (path.ends_with(".txt") || path.starts_with("LICENSE"));
        match path {
            "sw.js" => Self::Worker,
            _ if path.starts_with("models/") && path.ends_with(".gguf") => Self::Model,
            _ if path.starts_with("models/") || path.starts_with("examples/") || is_text => Self::Aside,
            _ => Self::Shell,
        }
    }
}

fn hexadecimal(hash: &[u8]) -> String {
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::folder;

    fn build(name: &str, files: &[(&str, &str)]) -> Build {
        let folder = folder(name, files);
        look_at(&folder).expect("the folder is read")
    }

    const PAGE: [(&str, &str); 4] = [
        ("index.html", "<html>"),
        ("app-1.js", "code"),
        ("models/a/model.gguf", "weights"),
        ("models/a/MODEL.md", "card"),
    ];

    #[test]
    fn the_page_is_kept_at_once_and_models_when_they_are_fetched() {
        let build = build("kinds", &PAGE);
        assert_eq!(build.shell, ["app-1.js", "./"]);
        assert_eq!(build.models.keys().collect::<Vec<_>>(), ["models/a/model.gguf"]);
        assert_eq!(build.version.len(), DIGITS);
    }

    #[test]
    fn the_version_changes_with_the_page_and_a_models_key_with_its_weights() {
        let before = build("before", &PAGE);
        assert_eq!(build("same", &PAGE), before);
        let mut files = PAGE;
        files[1].1 = "other code";
        let other = build("code", &files);
        assert_ne!(other.version, before.version);
        assert_eq!(other.models, before.models, "an unchanged model stays in the cache");
        files = PAGE;
        files[2].1 = "other weights";
        let other = build("weights", &files);
        assert_ne!(other.models, before.models);
        assert_eq!(other.version, before.version);
    }
}
