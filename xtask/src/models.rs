//! `cargo xtask models`: every shipped model is what its card says, and computes what PyTorch computes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::commands::{cargo, output, run};

const FOLDER: &str = "static/models";

/// Checks hash and configuration of every file against its card, the goldens of the engine, and prints the README's table.
pub fn models() -> Result<()> {
    let mut rows = Vec::new();
    for folder in folders()? {
        rows.push(row(&folder).with_context(|| format!("{} is not as its card says", folder.display()))?);
    }
    run(cargo().args(["test", "--quiet", "-p", "engine", "--test", "suite", "--", "shipped", "families"]))?;
    println!(
        "| model | family | parameters | int4 file | bound on held-out texts | samples without a fault |"
    );
    println!("|---|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{row}"));
    println!("{} models are as their cards say", rows.len());
    Ok(())
}

/// Folders that hold a model, by name.
fn folders() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(FOLDER).with_context(|| format!("{FOLDER} cannot be read"))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|folder| folder.join("model.gguf").is_file());
    folders.sort();
    ensure!(!folders.is_empty(), "{FOLDER} holds no model");
    Ok(folders)
}

/// One model, checked, as a row of the table.
fn row(folder: &Path) -> Result<String> {
    let file = folder.join("model.gguf").display().to_string();
    let words = ["cargo", "run", "--quiet", "--release", "-p", "cli", "--", "info", "--json", &file];
    let report = output(&words).with_context(|| format!("`{}` failed", words.join(" ")))?;
    let info: Value = serde_json::from_str(&report)?;
    let card = std::fs::read_to_string(folder.join("MODEL.md")).context("there is no MODEL.md")?;
    let text = |pointer: &str| info.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let number = |pointer: &str| info.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);

    let hash = text("/file/sha256");
    ensure!(card.contains(hash), "sha256: found {hash}, the card has another");
    let parameters = number("/parameters");
    let stated = entry(&card, "parameters")?.replace(',', "");
    ensure!(stated.parse() == Ok(parameters), "parameters: found {parameters}, the card says {stated}");
    let bound = number("/origin/provenance/bound/quantized/bits");
    let stated = entry(&card, "bound, as shipped")?;
    ensure!(stated.starts_with(&format!("{bound:.3} ")), "bound: the file says {bound}, the card {stated}");

    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let family = entry(&card, "family")?.split('`').nth(1).unwrap_or_default().to_owned();
    let clean = entry(&card, "samples in the language")
        .map_or("-".into(), |found| found.split(" have").next().unwrap_or_default().to_owned());
    let (millions, megabytes) = (parameters / 1e6, number("/file/bytes") / 1e6);
    Ok(format!(
        "| [{name}]({FOLDER}/{name}/MODEL.md) | {family} | {millions:.1} M | {megabytes:.1} MB | {stated} | {clean} |"
    ))
}

/// What the card's table says about something.
fn entry(card: &str, name: &str) -> Result<String> {
    let line = card.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
    let value = line.and_then(|line| line.strip_suffix(" |"));
    value.map(str::to_owned).with_context(|| format!("the card has no entry `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn entries_are_found_by_their_whole_name() {
        let card = "| bound, f32 | 1 |\n| bound, as shipped | 2 ± 1 |\n";
        assert_eq!(entry(card, "bound, as shipped").ok().as_deref(), Some("2 ± 1"));
        assert!(entry(card, "bound").is_err());
    }
}
