//! The built page in headless Chromium, end to end. One commented `mod` line per theme.
#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

/// Words, damage and missing parts that a visitor or the world may bring.
mod bad_input;
/// Changes by hand, and two runs side by side.
mod branch;
/// Every control does what it says.
mod controls;
/// Inside a page of another site.
mod embed;
/// Files out and in: runs, numbers, pictures.
mod keep;
/// Every lab beside the stage.
mod labs;
/// Guided tours.
mod lessons;
/// Without a network, in a sub-path, across versions.
mod offline;
/// What the page promises: a back end, a link that reproduces, nothing from elsewhere.
mod promises;
/// Readable and operable by everyone, and never in the way of the hand.
mod quality;
/// A lost graphics device.
mod recovery;

use serde_json::Value;
use tests::browser::{Browser, Window};

/// Runs a test body in a browser of its own, which ends even when the body fails.
fn in_browser(window: Window, body: impl AsyncFnOnce(&Browser) -> anyhow::Result<()>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let browser = Browser::start(window).await.expect("the browser starts");
        let result = body(&browser).await;
        // Before the driver ends: a browser outlives a driver that is killed.
        let closed = browser.close().await;
        result.expect("the page does as it should");
        closed.expect("the browser closes");
    });
}

/// A run on the CPU back end, finished.
async fn finished(browser: &Browser, query: &str) -> anyhow::Result<Value> {
    browser.open(query).await?;
    browser.wait_until("a finished run", is_finished).await
}

fn is_finished(state: &Value) -> bool {
    state["phase"] == "finished" && state["source"] == "live"
}

/// The words of the text at the cursor.
fn words(state: &Value) -> Vec<String> {
    let tokens = state["tokens"].as_array().expect("tokens are a list");
    tokens.iter().map(|token| token["word"].as_str().unwrap_or_default().to_owned()).collect()
}

/// How many slots are in this state at the cursor.
fn count(state: &Value, slot_state: &str) -> usize {
    let tokens = state["tokens"].as_array().expect("tokens are a list");
    tokens.iter().filter(|token| token["state"] == slot_state).count()
}

/// Tokens of the whole text once the cursor stands at the end.
async fn final_words(browser: &Browser) -> anyhow::Result<Vec<String>> {
    browser.element("to-end").await?.click().await?;
    let at_end = |state: &Value| is_finished(state) && state["cursor"] == state["step_count"];
    Ok(words(&browser.wait_until("the cursor at the end", at_end).await?))
}
