//! Photographs the page at phone, laptop and projector size, light and dark, once a run has finished.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tests::browser::{Browser, Window};

const SIZES: [(&str, u32, u32); 3] = [("phone", 390, 844), ("laptop", 1366, 768), ("projector", 1920, 1080)];

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("usage: shots FOLDER")?);
    for (size, width, height) in SIZES {
        for (theme, dark) in [("light", false), ("dark", true)] {
            let browser = Browser::start(Window { width, height, dark, ..Window::default() }).await?;
            browser.open("?backend=cpu&seed=7").await?;
            browser.wait_until("a finished run", |state| state["phase"] == "finished").await?;
            let file = folder.join(format!("generate-{size}-{theme}.png"));
            std::fs::write(&file, browser.client.screenshot().await?)?;
            println!("{}", file.display());
            browser.close().await?;
        }
    }
    Ok(())
}
