//! Takes the names of functions out of the page's WebAssembly: an eighth of the download, and nobody there reads them.
//!
//! `strip = "symbols"` in the profile would take the `target_features` section too, by which wasm-bindgen knows what it may use.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::files;

/// What every module begins with: magic number and version.
const HEADER: &[u8] = b"\0asm\x01\0\0\0";
/// The number of a section that says its name itself.
const CUSTOM: u8 = 0;
/// The custom section that holds the names, its own name's length before it.
const NAME: &[u8] = b"\x04name";

/// Rewrites every module in the folder.
pub fn remove(dist: &Path) -> Result<()> {
    for file in
        files::below(dist)?.iter().filter(|file| file.extension().is_some_and(|ending| ending == "wasm"))
    {
        let module = std::fs::read(file)?;
        let without = without_names(&module).with_context(|| format!("{} is no module", file.display()))?;
        std::fs::write(file, without)?;
    }
    Ok(())
}

/// The module without its section of names.
fn without_names(module: &[u8]) -> Result<Vec<u8>> {
    let mut rest = module.strip_prefix(HEADER).context("the header is missing")?;
    let mut kept = HEADER.to_vec();
    while let Some((&number, after)) = rest.split_first() {
        let (length, read) = unsigned(after).context("a length is cut off")?;
        let section = 1 + read + length;
        ensure!(section <= rest.len(), "a section is cut off");
        let is_names = number == CUSTOM && rest[1 + read..section].starts_with(NAME);
        if !is_names {
            kept.extend_from_slice(&rest[..section]);
        }
        rest = &rest[section..];
    }
    Ok(kept)
}

/// An unsigned LEB128 number of up to 32 bits, and how many bytes it takes.
fn unsigned(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let value = (0..=end).rev().fold(0, |value, at| (value << 7) | usize::from(bytes[at] & 0x7f));
    Some((value, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section with a content of this length.
    fn section(number: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut bytes = vec![number, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8];
        bytes.extend_from_slice(content);
        bytes
    }

    fn module(sections: &[Vec<u8>]) -> Vec<u8> {
        [HEADER.to_vec(), sections.concat()].concat()
    }

    #[test]
    fn only_the_names_go() {
        let code = section(10, &[7; 300]);
        let features = section(CUSTOM, b"\x0ftarget_features+simd128");
        let names = section(CUSTOM, &[NAME, &[1; 500]].concat());
        let whole = module(&[code.clone(), names, features.clone()]);
        assert_eq!(without_names(&whole).expect("it is a module"), module(&[code, features]));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(without_names(b"<html>").is_err());
        let cut = module(&[section(10, &[7; 300])]);
        assert!(without_names(&cut[..cut.len() - 1]).is_err());
        assert!(without_names(&[HEADER, &[10, 0x80]].concat()).is_err());
    }

    #[test]
    fn lengths_are_little_endian_in_sevens() {
        assert_eq!(unsigned(&[0xe5, 0x8e, 0x26]), Some((624_485, 3)));
        assert_eq!(unsigned(&[0x80; 5]), None);
    }
}
