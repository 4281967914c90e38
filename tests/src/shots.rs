//! Photographs the page with each of its labs, and an article with a piece of it, at phone, laptop and projector size, light and dark, once a run
//! has finished.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tests::browser::{Browser, Window};

const SIZES: [(&str, u32, u32); 3] = [("phone", 390, 844), ("laptop", 1366, 768), ("projector", 1920, 1080)];

/// Brings the article's first embed into view and waits until its run is shown to the end.
const FIRST_EMBED: &str = "const playground = document.querySelector('unmask-playground');
    playground.addEventListener('unmask-finished', arguments[0], { once: true });
    playground.scrollIntoView({ block: 'center' });
    playground.start();";

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("usage: shots FOLDER")?);
    for (size, width, height) in SIZES {
        for (theme, dark) in [("light", false), ("dark", true)] {
            let browser = Browser::start(Window { width, height, dark, ..Window::default() }).await?;
            let photograph = async |name: &str| -> Result<()> {
                let file = folder.join(format!("{name}-{size}-{theme}.png"));
                std::fs::write(&file, browser.client.screenshot().await?)?;
                println!("{}", file.display());
                Ok(())
            };
            browser.open("?backend=cpu&seed=7").await?;
            browser.wait_until("a finished run", |state| state["phase"] == "finished").await?;
            photograph("generate").await?;
            for lab in ["corrupt", "collapse", "trap", "families", "frontier"] {
                browser.open(&format!("?backend=cpu&lab={lab}&slots=16&stories=2")).await?;
                browser
                    .wait_until("a finished study", |state| state["study"]["ending"] == "finished")
                    .await?;
                photograph(lab).await?;
            }
            browser.open("examples/article.html").await?;
            browser.client.execute_async(FIRST_EMBED, vec![]).await?;
            photograph("article").await?;
            browser.close().await?;
        }
    }
    Ok(())
}
