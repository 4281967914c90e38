//! `cargo xtask dist`: the page as a folder and as an archive, for any static server.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::{budget, files, page, setup};

/// The archive, beside the folder.
const ARCHIVE: &str = "unmask.zip";
/// The one folder inside the archive.
const INSIDE: &str = "unmask";
/// Packing these again saves nothing and takes long.
const PACKED: [&str; 2] = ["gguf", "png"];

/// Builds the page and packs it.
pub fn dist() -> Result<()> {
    setup::for_page()?;
    let folder = page::build()?;
    budget::check(&folder)?;
    let file = File::create(ARCHIVE).with_context(|| format!("{ARCHIVE} cannot be written"))?;
    let bytes = pack(&folder, file)?;
    println!("\n{} is the page; {ARCHIVE} ({:.1} MB) holds the same.", folder.display(), bytes as f64 / 1e6);
    println!("Any static server can serve it, from any path. It does not run from file://.");
    Ok(())
}

/// Packs a folder, and tells the size of the archive. The same files give the same archive, byte for byte.
fn pack<W: Write + Seek>(folder: &Path, to: W) -> Result<u64> {
    let mut archive = ZipWriter::new(to);
    for file in files::below(folder)? {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let packed = PACKED.contains(&extension);
        let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        // The default time is a fixed one.
        let options = SimpleFileOptions::default().compression_method(method).unix_permissions(0o644);
        archive.start_file(format!("{INSIDE}/{}", files::address(folder, &file)?), options)?;
        std::io::copy(&mut File::open(&file)?, &mut archive)?;
    }
    Ok(archive.finish()?.stream_position()?)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::files::tests::folder;

    #[test]
    fn the_archive_holds_every_file_and_is_the_same_each_time() {
        let text = "call ".repeat(1000);
        let files = [("index.html", text.as_str()), ("models/a/model.gguf", &text)];
        let folder = folder("pack", &files);
        let packed = || {
            let mut bytes = Cursor::new(Vec::new());
            let size = pack(&folder, &mut bytes).expect("the folder is packed");
            assert_eq!(size, bytes.get_ref().len() as u64);
            bytes.into_inner()
        };
        let bytes = packed();
        assert_eq!(packed(), bytes);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("it is an archive");
        for (path, content) in files {
            let mut file = archive.by_name(&format!("unmask/{path}")).expect("the file is there");
            let mut found = String::new();
            file.read_to_string(&mut found).expect("it unpacks");
            assert_eq!(found, content);
            assert_eq!(file.compressed_size() < 1000, path == "index.html", "weights are stored as they are");
        }
        assert_eq!(archive.len(), 2);
    }
}
