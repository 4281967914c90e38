//! What a visitor has to download, held to the promised size.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::files;

/// Page without models, brotli, in bytes.
const PAGE: usize = 1_000_000;
/// The model that the page opens with, as it lies on disk, in bytes.
const FIRST_MODEL: usize = 6_000_000;
/// Any other model: fetched only when a visitor asks for it.
const MODEL: usize = 14_000_000;
/// Where the models lie; cards, curves and samples beside them are for readers, not for the page.
const MODELS: &str = "models";
/// Pages for readers, which the page itself does not fetch.
const EXAMPLES: &str = "examples";
/// The folder of the model that the page opens with.
const FIRST: &str = "storyworld-mask";

/// Checks the built page against its budget and prints both figures.
pub fn check(dist: &Path) -> Result<()> {
    let models = dist.join(MODELS);
    let first = std::fs::metadata(models.join(FIRST).join("model.gguf"))?.len() as usize;
    let (mut page, mut largest) = (0, 0);
    for file in files::below(dist)? {
        let extension = file.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("gguf") => largest = largest.max(std::fs::metadata(&file)?.len() as usize),
            _ if file.starts_with(&models) || file.starts_with(dist.join(EXAMPLES)) => {}
            Some("html" | "js" | "css" | "wasm" | "svg" | "json" | "webmanifest") => {
                page += brotli_size(&std::fs::read(&file)?)?
            }
            _ => page += std::fs::metadata(&file)?.len() as usize,
        }
    }
    println!("page without models: {page} bytes brotli (budget {PAGE})");
    println!("first model: {first} bytes (budget {FIRST_MODEL}); largest: {largest} (budget {MODEL})");
    ensure!(page <= PAGE, "the page is {page} bytes brotli, its budget is {PAGE}");
    ensure!(first <= FIRST_MODEL, "the first model is {first} bytes, the budget is {FIRST_MODEL}");
    ensure!(largest <= MODEL, "the largest model is {largest} bytes, the budget is {MODEL}");
    Ok(())
}

fn brotli_size(bytes: &[u8]) -> Result<usize> {
    let mut packed = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 9, 22);
    packed.write_all(bytes)?;
    packed.flush()?;
    Ok(packed.into_inner().len())
}
