//! A headless browser, driven through WebDriver: Chromium with WebGPU, or Firefox.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

pub use crate::window::{CLASSROOM, Program, Window};

/// How long the page may take for anything on a software adapter.
const PATIENCE: Duration = Duration::from_secs(180);

/// A window with the page in it. Ends its browser and driver when closed or dropped.
pub struct Browser {
    /// The WebDriver session.
    pub client: Client,
    address: String,
    driver: Child,
}

impl Browser {
    /// Starts a driver and a browser. The page's address comes from `UNMASK_URL`, set by `cargo xtask`.
    pub async fn start(window: Window) -> Result<Self> {
        let address = variable("UNMASK_URL")?;
        let port = free_port()?;
        let driver = Command::new(variable(window.program.driver())?)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the driver of {:?} cannot be started", window.program))?;
        let client = connect(port, window).await?;
        Ok(Self { client, address, driver })
    }

    /// Opens the page with this query string, without waiting for anything but the document.
    pub async fn open(&self, query: &str) -> Result<()> {
        Ok(self.client.goto(&format!("{}{query}", self.address)).await?)
    }

    /// `window.unmask.state()`, or null while the page has not put it there.
    pub async fn state(&self) -> Result<Value> {
        let script = "return window.unmask ? JSON.parse(window.unmask.state()) : null";
        Ok(self.client.execute(script, vec![]).await?)
    }

    /// Waits until the state satisfies a condition; the error shows the last state seen.
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Value> {
        let start = Instant::now();
        loop {
            let state = self.state().await?;
            if condition(&state) {
                return Ok(state);
            }
            if start.elapsed() > PATIENCE {
                bail!("waited {PATIENCE:?} for {what}; the last state was {state}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The element with this `data-testid`.
    pub async fn element(&self, test_id: &str) -> Result<fantoccini::elements::Element> {
        self.wait_for(&format!("[data-testid=\"{test_id}\"]")).await
    }

    /// The first element that a style sheet's selector finds, waited for.
    pub async fn wait_for(&self, selector: &str) -> Result<fantoccini::elements::Element> {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
        found.with_context(|| format!("the page has no {selector}"))
    }

    /// Sets an input as a hand would: the value, then `input` and `change` events.
    pub async fn set(&self, test_id: &str, value: &str) -> Result<()> {
        let element = serde_json::to_value(self.element(test_id).await?)?;
        let script = "const [e, v] = arguments; const proto = Object.getPrototypeOf(e);
            Object.getOwnPropertyDescriptor(proto, 'value').set.call(e, v);
            e.dispatchEvent(new Event('input', {bubbles: true}));
            e.dispatchEvent(new Event('change', {bubbles: true}));";
        self.client.execute(script, vec![element, json!(value)]).await?;
        Ok(())
    }

    /// Everything the page asked the network for, as addresses.
    pub async fn requests(&self) -> Result<Vec<String>> {
        let script = "return performance.getEntriesByType('resource').map(e => e.name)";
        Ok(serde_json::from_value(self.client.execute(script, vec![]).await?)?)
    }

    /// The origin that the page is served from.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the session, the browser and the driver.
    pub async fn close(mut self) -> Result<()> {
        self.client.clone().close().await?;
        Ok(self.driver.kill().await?)
    }
}

pub(crate) fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set; run this through `cargo xtask`"))
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Connects as soon as the driver listens.
async fn connect(port: u16, window: Window) -> Result<Client> {
    let address = format!("http://127.0.0.1:{port}");
    let mut last = None;
    for _ in 0..100 {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        match builder.capabilities(window.capabilities()?).connect(&address).await {
            Ok(client) => return Ok(client),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.context("no attempt was made")?).context("the browser does not start")
}
