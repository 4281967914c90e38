//! How long the main thread of a page worked on each of its tasks, by the clock and by the processor, from the browser's own trace.
//!
//! By the clock a task also lasts while it waits for a core, so on a busy machine with few of them that says more about the machine than
//! about the page. Where every thread has a core to itself, both are the same.

use anyhow::{Context, Result, ensure};
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::browser::Browser;

/// One task of the main thread, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task {
    /// From its beginning to its end.
    pub clock_ms: f64,
    /// What the thread computed in it.
    pub processor_ms: f64,
}

/// The least time from the opening on that a trace must hold.
const LEAST_MS: f64 = 8000.0;

/// What `chromedriver` has logged since it was last asked.
#[derive(Debug)]
struct TakeLog;

impl WebDriverCompatibleCommand for TakeLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "performance" }).to_string()))
    }
}

/// The tasks of the page's main thread since it was opened, those that computed longest first. The window must have been started with
/// `traced`, and the page opened once.
pub async fn tasks(browser: &Browser) -> Result<Vec<Task>> {
    let open_ms =
        browser.client.execute("return performance.now()", vec![]).await?.as_f64().unwrap_or(f64::NAN);
    let log = browser.client.issue_cmd(TakeLog).await?;
    let entries = log.as_array().context("a log is a list")?;
    let events = entries.iter().filter_map(event).collect::<Vec<Value>>();
    let opened = events.iter().rfind(|event| is_opening(event, browser.address()));
    let opened = opened.with_context(|| format!("none of {} traced events opens the page", events.len()))?;
    let since = |event: &Value| Some((event["ts"].as_f64()? - opened["ts"].as_f64()?) / 1000.0);
    let traced_ms = events.iter().filter(|e| task(e, opened).is_some()).filter_map(since).fold(0.0, f64::max);
    // A browser keeps so many events and no more: the opening at least must be whole.
    ensure!(
        traced_ms > (open_ms - 2000.0).min(LEAST_MS),
        "the trace ends at {traced_ms} ms of {open_ms}: it was cut"
    );
    let mut tasks: Vec<Task> = events.iter().filter_map(|event| task(event, opened)).collect();
    tasks.sort_by(|a, b| b.processor_ms.total_cmp(&a.processor_ms));
    ensure!(!tasks.is_empty(), "none of {} traced events is a task of the page", events.len());
    Ok(tasks)
}

/// The trace event in an entry of the log.
fn event(entry: &Value) -> Option<Value> {
    let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
    let message = &message["message"];
    (message["method"] == "Tracing.dataCollected").then(|| message["params"].clone())
}

/// Whether the event tells that a document at this address was asked for.
fn is_opening(event: &Value, address: &str) -> bool {
    let url = event["args"]["data"]["documentLoaderURL"].as_str();
    event["name"] == "navigationStart" && url.is_some_and(|url| url.starts_with(address))
}

/// The task that the event tells, if the thread that opened the page has done it since.
fn task(event: &Value, opened: &Value) -> Option<Task> {
    let is_of_page = event["name"] == "ThreadControllerImpl::RunTask"
        && event["pid"] == opened["pid"]
        && event["tid"] == opened["tid"]
        && event["ts"].as_f64()? >= opened["ts"].as_f64()?;
    // The trace counts microseconds.
    let milliseconds = |value: &Value| Some(value.as_f64()? / 1000.0);
    is_of_page.then_some(Task {
        clock_ms: milliseconds(&event["dur"])?,
        processor_ms: milliseconds(&event["tdur"])?,
    })
}
