//! What a visitor has to download, held to the promised size.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::files;
use crate::worker::Kind;

/// Page without models, brotli, in bytes.
const PAGE: usize = 1_000_000;
/// The model that the page opens with, as it lies on disk, in bytes.
const FIRST_MODEL: usize = 6_000_000;
/// Any other model: fetched only when a visitor asks for it.
const MODEL: usize = 14_000_000;
/// The model that the page opens with.
const FIRST: &str = "models/storyworld-mask/model.gguf";

/// Checks the built page against its budget and prints both figures.
pub fn check(dist: &Path) -> Result<()> {
    let size = |file: &Path| -> Result<usize> { Ok(std::fs::metadata(file)?.len() as usize) };
    let first = size(&dist.join(FIRST))?;
    let (mut page, mut largest) = (0, 0);
    for file in files::below(dist)? {
        let path = files::address(dist, &file)?;
        match Kind::of(&path) {
            Kind::Model => largest = largest.max(size(&file)?),
            // Cards, curves, licences, examples: for readers, not for the page.
            Kind::Aside => {}
            Kind::Shell | Kind::Worker if path.ends_with(".png") => page += size(&file)?,
            Kind::Shell | Kind::Worker => page += brotli_size(&std::fs::read(&file)?)?,
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
