//! What a visitor has to download, held to the promised size.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, ensure};

/// Page without model, brotli, in bytes.
const PAGE: usize = 1_000_000;
/// The model, as it lies on disk, in bytes.
const MODEL: usize = 6_000_000;

/// Checks the built page against its budget and prints both figures.
pub fn check(dist: &Path) -> Result<()> {
    let (mut page, mut largest_model) = (0, 0);
    for file in files(dist)? {
        let bytes = std::fs::read(&file)?;
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("gguf") => largest_model = largest_model.max(bytes.len()),
            Some("html" | "js" | "css" | "wasm" | "svg" | "json" | "webmanifest") => {
                page += brotli_size(&bytes)?
            }
            _ => page += bytes.len(),
        }
    }
    println!(
        "page without model: {page} bytes brotli (budget {PAGE}); largest model: {largest_model} (budget {MODEL})"
    );
    ensure!(page <= PAGE, "the page is {page} bytes brotli, its budget is {PAGE}");
    ensure!(largest_model <= MODEL, "the largest model is {largest_model} bytes, the budget is {MODEL}");
    ensure!(largest_model > 0, "the built page has no model in it");
    Ok(())
}

fn brotli_size(bytes: &[u8]) -> Result<usize> {
    let mut packed = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 9, 22);
    packed.write_all(bytes)?;
    packed.flush()?;
    Ok(packed.into_inner().len())
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}
