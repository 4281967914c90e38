//! What a window is, and how a driver is asked for it.

use anyhow::Result;
use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

use crate::browser::variable;

/// A name of this machine as a class-room server would have it.
pub const CLASSROOM: &str = "classroom.test";

/// A browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Chromium or Chrome.
    Chromium,
    /// Firefox.
    Firefox,
}

impl Program {
    /// The environment variable that names its driver, set by `cargo xtask`.
    pub(crate) fn driver(self) -> &'static str {
        match self {
            Self::Chromium => "CHROMEDRIVER",
            Self::Firefox => "GECKODRIVER",
        }
    }
}

/// Browser, size and theme of a self.
#[derive(Clone, Copy)]
pub struct Window {
    /// Which browser shows it.
    pub program: Program,
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// What `prefers-color-scheme` says.
    pub dark: bool,
    /// Whether the browser may use a software adapter for WebGPU; without, it has none here.
    pub webgpu: bool,
    /// Whether the browser traces what its threads do, for `tasks`; of Chromium only.
    pub traced: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            program: Program::Chromium,
            width: 1366,
            height: 768,
            dark: false,
            webgpu: true,
            traced: false,
        }
    }
}

impl Window {
    /// What the driver is asked for.
    pub(crate) fn capabilities(self) -> Result<Capabilities> {
        Ok(serde_json::from_value(match self.program {
            Program::Chromium => self.chromium(),
            Program::Firefox => self.firefox()?,
        })?)
    }

    fn firefox(self) -> Result<Value> {
        let size = [format!("--width={}", self.width), format!("--height={}", self.height)];
        let preferences = json!({
            "ui.systemUsesDarkTheme": i32::from(self.dark),
            // Nothing asks the network behind the page's back.
            "app.update.enabled": false,
            "network.captive-portal-service.enabled": false,
            "network.connectivity-service.enabled": false,
        });
        let options = json!({
            "binary": variable("UNMASK_FIREFOX")?,
            "args": ["-headless", size[0], size[1]],
            "prefs": preferences,
        });
        Ok(json!({ "browserName": "firefox", "moz:firefoxOptions": options }))
    }

    fn chromium(self) -> Value {
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
            format!("--window-size={},{}", self.width, self.height),
        ];
        if self.webgpu {
            arguments.push("--enable-unsafe-webgpu".into());
        }
        if self.dark {
            arguments.push("--blink-settings=preferredColorScheme=0".into());
        }
        let mut options = json!({ "args": arguments });
        if let Ok(browser) = std::env::var("UNMASK_BROWSER") {
            options["binary"] = json!(browser);
        }
        // A phone is narrower than the narrowest window of a desktop browser.
        if self.width < 500 {
            let metrics = json!({"width": self.width, "height": self.height, "pixelRatio": 2.0});
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let mut logs = json!({ "browser": "ALL" });
        if self.traced {
            logs["performance"] = json!("ALL");
            options["perfLoggingPrefs"] = json!({ "enableNetwork": false, "enablePage": false, "traceCategories": "toplevel,blink.user_timing,__metadata" });
        }
        json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs })
    }
}
