//! `cargo xtask test`: every test there is, and one plain line of counts.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::commands::{cargo, show};
use crate::server::Server;
use crate::setup::{self, TestTools};
use crate::{budget, page};

const WASM: [&str; 2] = ["--target", "wasm32-unknown-unknown"];

/// Tests counted so far; a check such as formatting counts as one.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
}

/// Runs everything, even after a failure, and fails at the end if anything did.
pub fn test() -> Result<()> {
    let tools = setup::for_tests()?;
    let mut counts = Counts::default();
    checks(&mut counts);
    native_tests(&mut counts);
    browser_tests(&mut counts, &tools);
    page_tests(&mut counts, &tools);
    for failure in &counts.failures {
        println!("failed: {failure}");
    }
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.failed > 0 { bail!("{} failed", counts.failed) } else { Ok(()) }
}

fn checks(counts: &mut Counts) {
    counts.check("formatting", cargo().args(["fmt", "--all", "--check"]));
    let deny_warnings = ["--", "-D", "warnings"];
    counts.check(
        "clippy, native",
        cargo().args(["clippy", "--workspace", "--all-targets", "--all-features"]).args(deny_warnings),
    );
    let wasm_crates = ["-p", "app", "-p", "engine"];
    counts.check(
        "clippy, wasm32",
        cargo().arg("clippy").args(wasm_crates).arg("--all-targets").args(WASM).args(deny_warnings),
    );
}

/// Unit, reference, CPU back end, and the native GPU on whatever Vulkan adapter there is.
fn native_tests(counts: &mut Counts) {
    counts.tests(cargo().args(["test", "--workspace", "--no-fail-fast"]));
}

/// `wasm-bindgen-test` on WebGPU in headless Chromium.
fn browser_tests(counts: &mut Counts, tools: &TestTools) {
    counts.tests(
        cargo()
            .args(["test", "--release", "-p", "engine", "--no-fail-fast"])
            .args(WASM)
            .env("CHROMEDRIVER", &tools.chromedriver)
            .env("WASM_BINDGEN_TEST_TIMEOUT", "600"),
    );
}

/// The built page, end to end.
fn page_tests(counts: &mut Counts, tools: &TestTools) {
    let served = (|| -> Result<(String, PathBuf)> {
        let dist = page::build()?;
        budget::check(&dist)?;
        Ok((Server::bind(&dist, 0)?.spawn()?, dist.canonicalize()?))
    })();
    counts.result("the page builds within its budget", served.as_ref().map(|_| ()));
    let Ok((address, dist)) = served else { return };
    counts.tests(
        cargo()
            .args([
                "test",
                "-p",
                "tests",
                "--features",
                "browser",
                "--test",
                "page",
                "--",
                "--test-threads=1",
            ])
            .env("UNMASK_URL", address)
            .env("UNMASK_DIST", dist)
            .env("UNMASK_BROWSER", &tools.browser)
            .env("CHROMEDRIVER", &tools.chromedriver)
            .env("UNMASK_FIREFOX", &tools.firefox)
            .env("GECKODRIVER", &tools.geckodriver)
            .env("UNMASK_AXE", &tools.axe),
    );
}

impl Counts {
    fn result<E: std::fmt::Display>(&mut self, name: &str, result: Result<(), E>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                self.failed += 1;
                self.failures.push(format!("{name}: {error}"));
            }
        }
    }

    fn check(&mut self, name: &str, command: &mut Command) {
        self.result(name, crate::commands::run(command));
    }

    /// Runs a test command, passes its output through and adds up its `test result:` lines.
    fn tests(&mut self, command: &mut Command) {
        let before = (self.passed, self.failed);
        let run = self.run_and_count(command);
        let counted = (self.passed, self.failed) != before;
        match run {
            Ok(_) if !counted => self.result(&show(command), Err("ran no test")),
            Ok(true) if self.failed > before.1 => {
                self.failures.push(format!("{}: a test is ignored", show(command)))
            }
            Ok(true) => {}
            Ok(false) if self.failed > before.1 => self.failures.push(show(command)),
            Ok(false) => self.result(&show(command), Err("failed before its tests ran")),
            Err(error) => self.result(&show(command), Err(error)),
        }
    }

    fn run_and_count(&mut self, command: &mut Command) -> Result<bool> {
        println!("> {}", show(command));
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot be started")?;
        let output = child.stdout.take().context("has no output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            if let Some((passed, failed)) = parse_result(&line) {
                self.passed += passed;
                self.failed += failed;
            }
        }
        Ok(child.wait()?.success())
    }
}

/// Passed and failed of a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; …`. A test that is ignored counts as
/// failed: there are no silent skips.
fn parse_result(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        counts.split(';').find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<usize>().ok())
    };
    Some((count("passed")?, count("failed")? + count("ignored")?))
}

#[cfg(test)]
mod tests {
    use super::parse_result;

    #[test]
    fn result_lines_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert_eq!(parse_result(line), Some((12, 3)));
        let line = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 filtered out; finished in 0.10s";
        assert_eq!(parse_result(line), Some((2, 1)), "an ignored test is a failure");
        assert_eq!(parse_result("test tests::x ... ok"), None);
    }
}
