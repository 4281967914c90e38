//! Opens the benchmark page that `cargo xtask bench` serves, waits for its result and prints it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tests::browser::{Browser, Window};

/// Software adapters are slow, the peer's most of all.
const PATIENCE: Duration = Duration::from_secs(900);

#[tokio::main]
async fn main() -> Result<()> {
    let browser = Browser::start(Window::default()).await?;
    browser.open("").await?;
    let result = result(&browser).await;
    browser.close().await?;
    print(&result?)
}

async fn result(browser: &Browser) -> Result<Value> {
    let start = Instant::now();
    loop {
        let result = browser.client.execute("return window.result ?? null", vec![]).await?;
        if let Some(error) = result["error"].as_str() {
            bail!("the benchmark page failed: {error}");
        }
        if !result.is_null() {
            return Ok(result);
        }
        if start.elapsed() > PATIENCE {
            bail!("the benchmark page took longer than {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn print(result: &Value) -> Result<()> {
    println!("\nIn one Chromium, medians of interleaved rounds; adapter: {}", result["adapter"]);
    for group in result["groups"].as_array().context("the result has no groups")? {
        println!("{}", group["title"].as_str().unwrap_or_default());
        for row in group["rows"].as_array().context("a group has no rows")? {
            let seconds = row["seconds"].as_f64().context("a row has no seconds")?;
            let speed = row["operations"].as_f64().map(|operations| operations / seconds / 1e9);
            let speed = speed.map(|speed| format!("{speed:8.2} GFLOP/s")).unwrap_or_default();
            println!("  {:24} {:9.2} ms {speed}", row["name"].as_str().unwrap_or_default(), seconds * 1e3);
        }
        println!(
            "  unmask is {:.2} times as fast as the fastest other",
            group["ratio"].as_f64().unwrap_or(f64::NAN)
        );
    }
    Ok(())
}
