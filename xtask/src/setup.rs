//! Installs what is missing, or says in one sentence what to install.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::commands::{command, find, output, run};
use crate::npm;

/// Trunk's version; newer ones need a newer compiler.
const TRUNK: &str = "0.21.14";
/// Must equal the `wasm-bindgen` crate's version in the root Cargo.toml.
const WASM_BINDGEN: &str = "0.2.130";
const CARGO_DENY: &str = "0.20.2";
const GECKODRIVER: &str = "0.37.1";
/// Finds what keeps people out of a page.
const AXE: &str = "axe-core@4.14.1";

/// All that building the page needs.
pub fn for_page() -> Result<()> {
    wasm_target()?;
    tool("wasm-bindgen", "wasm-bindgen-cli", WASM_BINDGEN, false)?;
    tool("trunk", "trunk", TRUNK, true)
}

/// All that the dependency check needs.
pub fn for_deny() -> Result<()> {
    tool("cargo-deny", "cargo-deny", CARGO_DENY, true)
}

/// What the tests need on top of the page.
pub struct TestTools {
    /// The WebDriver server of `browser`.
    pub chromedriver: PathBuf,
    /// Chromium or Chrome.
    pub browser: PathBuf,
    /// The WebDriver server of Firefox.
    pub geckodriver: PathBuf,
    /// Firefox.
    pub firefox: PathBuf,
    /// The script of axe-core.
    pub axe: PathBuf,
}

/// All that the tests need: the page's tools, Chromium and Firefox with their drivers, and a Vulkan adapter.
pub fn for_tests() -> Result<TestTools> {
    for_page()?;
    if !vulkan_is_there() {
        install_packages(
            &["mesa-vulkan-drivers", "libvulkan1"],
            "a Vulkan driver (software will do: lavapipe)",
        )?;
    }
    if chromedriver().is_none() || browser().is_none() {
        install_packages(&["chromium", "chromium-driver"], "Chromium and its chromedriver")?;
    }
    if firefox().is_none() {
        install_packages(&["firefox-esr"], "Firefox")?;
    }
    tool("geckodriver", "geckodriver", GECKODRIVER, true)?;
    let folder = PathBuf::from("work/axe");
    npm::fetch(AXE, "package/axe.min.js", &folder, "axe.min.js")?;
    Ok(TestTools {
        chromedriver: chromedriver().context("chromedriver is not on PATH after installing it")?,
        browser: browser().context("chromium is not on PATH after installing it")?,
        geckodriver: find(&["geckodriver"]).context("geckodriver is not on PATH after installing it")?,
        firefox: firefox().context("firefox is not on PATH after installing it")?,
        axe: folder.join("axe.min.js").canonicalize().context("axe-core has no axe.min.js")?,
    })
}

/// Chromium or Chrome, whichever is on PATH.
pub fn browser() -> Option<PathBuf> {
    find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
}

fn firefox() -> Option<PathBuf> {
    find(&["firefox", "firefox-esr"])
}

fn chromedriver() -> Option<PathBuf> {
    find(&["chromedriver"])
}

fn vulkan_is_there() -> bool {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
    let has_driver =
        folders.iter().any(|folder| std::fs::read_dir(folder).is_ok_and(|mut f| f.next().is_some()));
    has_driver || std::env::var_os("VK_DRIVER_FILES").is_some() || !cfg!(target_os = "linux")
}

fn wasm_target() -> Result<()> {
    let target = "wasm32-unknown-unknown";
    let sysroot = output(&["rustc", "--print", "sysroot"]).context("rustc cannot be run")?;
    if PathBuf::from(sysroot.trim()).join("lib/rustlib").join(target).is_dir() {
        return Ok(());
    }
    run(&mut command(&["rustup", "target", "add", target]))
        .context("the compiler target wasm32-unknown-unknown is missing and rustup could not add it")
}

/// A cargo-installed tool at exactly this version.
fn tool(program: &str, package: &str, version: &str, locked: bool) -> Result<()> {
    let found = output(&[program, "--version"]).unwrap_or_default();
    if found.split_whitespace().any(|word| word == version) {
        return Ok(());
    }
    println!("{program} {version} is missing; installing it takes some minutes");
    let mut install = crate::commands::cargo();
    install.args(["install", package, "--version", version]);
    if locked {
        install.arg("--locked");
    }
    run(&mut install)
}

/// System packages through apt where we may; elsewhere a sentence that says what is needed.
fn install_packages(packages: &[&str], what: &str) -> Result<()> {
    let root = output(&["id", "-u"]).is_some_and(|id| id.trim() == "0");
    if !root || find(&["apt-get"]).is_none() {
        bail!("the tests need {what}; on Debian: sudo apt-get install {}", packages.join(" "));
    }
    run(&mut command(&["apt-get", "update", "-qq"]))?;
    let mut install = command(&["apt-get", "install", "-y", "-qq", "--no-install-recommends"]);
    run(install.args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
}
