//! A headless Chromium with WebGPU, driven through WebDriver.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// How long the page may take for anything on a software adapter.
const PATIENCE: Duration = Duration::from_secs(180);

/// A name of this machine as a class-room server would have it.
pub const CLASSROOM: &str = "classroom.test";

/// A window with the page in it. Ends its browser and driver when closed or dropped.
pub struct Browser {
    /// The WebDriver session.
    pub client: Client,
    address: String,
    driver: Child,
}

/// Size and theme of a window.
#[derive(Clone, Copy)]
pub struct Window {
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// What `prefers-color-scheme` says.
    pub dark: bool,
    /// Whether the browser may use a software adapter for WebGPU; without, it has none here.
    pub webgpu: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self { width: 1366, height: 768, dark: false, webgpu: true }
    }
}

impl Browser {
    /// Starts a driver and a browser. The page's address comes from `UNMASK_URL`, set by `cargo xtask`.
    pub async fn start(window: Window) -> Result<Self> {
        let address = variable("UNMASK_URL")?;
        let port = free_port()?;
        let driver = Command::new(variable("CHROMEDRIVER")?)
            .arg(format!("--port={port}"))
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver cannot be started")?;
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

fn variable(name: &str) -> Result<String> {
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
        match builder.capabilities(capabilities(window)?).connect(&address).await {
            Ok(client) => return Ok(client),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.context("no attempt was made")?).context("the browser does not start")
}

fn capabilities(window: Window) -> Result<fantoccini::wd::Capabilities> {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--no-first-run".into(),
        "--disable-quic".into(),
        "--hide-scrollbars".into(),
        // A name that is not this machine's own: browsers do not trust plain http there.
        format!("--host-resolver-rules=MAP {CLASSROOM} 127.0.0.1"),
        format!("--window-size={},{}", window.width, window.height),
    ];
    if window.webgpu {
        arguments.push("--enable-unsafe-webgpu".into());
    }
    if window.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".into());
    }
    let mut options = json!({ "args": arguments });
    if let Ok(browser) = std::env::var("UNMASK_BROWSER") {
        options["binary"] = json!(browser);
    }
    // A phone is narrower than the narrowest window of a desktop browser.
    if window.width < 500 {
        let metrics = json!({"width": window.width, "height": window.height, "pixelRatio": 2.0});
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    let all = json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"} });
    Ok(serde_json::from_value(all)?)
}
