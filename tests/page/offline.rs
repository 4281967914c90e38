use anyhow::Result;
use serde_json::Value;
use tests::browser::{Browser, Window};
use tests::host::Host;

use crate::{final_words, in_browser, is_finished};

const QUERY: &str = "?backend=cpu&seed=7&length=16&slots=4";

/// Opens the page at a host of its own, and waits until it says that it works offline.
async fn visit(browser: &Browser, host: &Host) -> Result<()> {
    browser.client.goto(&format!("{}{QUERY}", host.address())).await?;
    browser.wait_until("a finished run", is_finished).await?;
    browser.wait_for("[data-testid=offline][data-kept]").await?;
    Ok(())
}

#[test]
fn after_the_first_visit_the_page_runs_without_a_network_from_a_sub_path() {
    in_browser(Window::default(), async |browser| {
        let mut host = Host::start()?;
        visit(browser, &host).await?;
        let online = final_words(browser).await?;
        host.cut();
        browser.client.refresh().await?;
        let state = browser.wait_until("a run without a network", is_finished).await?;
        assert_eq!(state["problem"], Value::Null, "{state}");
        assert_eq!(final_words(browser).await?, online);

        // A model that nobody chose was never fetched: that is one sentence, and the page stays.
        browser.set("model-choice", "storyworld-ar").await?;
        let state = browser.wait_until("a refusal", |state| state["phase"] == "failed").await?;
        assert!(state["problem"].as_str().is_some_and(|problem| problem.contains("connection")), "{state}");

        // Nor do the labs keep silent about it, and they measure what is there.
        for _ in 0..2 {
            browser.element("lab-families").await?.click().await?;
            browser.wait_until("a refusal", |state| state["study"]["ending"] == "failed").await?;
            assert!(browser.element("study-says").await?.text().await?.contains("connection"));
            assert_eq!(browser.element("study-again").await?.text().await?, "Try again");
            browser.element("study-again").await?.click().await?;
        }
        Ok(())
    });
}

#[test]
fn all_models_can_be_kept_and_then_every_lab_works_without_a_network() {
    in_browser(Window::default(), async |browser| {
        let mut host = Host::start()?;
        visit(browser, &host).await?;
        browser.element("keep-models").await?.click().await?;
        browser.wait_for("[data-testid=offline][data-kept=all]").await?;
        host.cut();
        browser.client.refresh().await?;
        browser.wait_until("a run without a network", is_finished).await?;
        browser.wait_for("[data-testid=offline][data-kept=all]").await?;
        browser.element("lab-families").await?.click().await?;
        let state = browser.wait_until("all families", |state| state["study"]["ending"].is_string()).await?;
        assert_eq!(state["study"]["ending"], "finished", "{state}");
        Ok(())
    });
}

#[test]
fn kept_models_can_be_removed_and_the_page_stays() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        visit(browser, &host).await?;
        let models = async || {
            let script = "const done = arguments[0]; caches.keys().then(async names => {
                const model = names.find(name => name.endsWith('models'));
                done(model ? (await (await caches.open(model)).keys()).length : 0);
            })";
            browser.client.execute_async(script, vec![]).await
        };
        assert_eq!(models().await?, 1);
        browser.element("forget-models").await?.click().await?;
        browser.wait_for("[data-testid=offline]:not([data-kept])").await?;
        assert_eq!(models().await?, 0);
        assert!(browser.element("offline").await?.text().await?.contains("removed"));
        browser.wait_until("the run that was there", is_finished).await?;
        Ok(())
    });
}

#[test]
fn a_new_version_waits_for_the_visitor_and_then_comes_whole() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        visit(browser, &host).await?;
        let worker = host.read("sw.js")?;
        let version = worker.split("\"version\":\"").nth(1).and_then(|rest| rest.get(..16));
        let version = version.expect("the worker says its version");
        host.write("sw.js", worker.replace(version, "0123456789abcdef"));
        host.write("index.html", host.read("index.html")?.replace("<title>", "<title>New: "));

        browser.client.refresh().await?;
        browser.wait_for("[data-testid=take-new-version]").await?;
        let title = async || browser.client.title().await;
        assert!(!title().await?.starts_with("New: "), "an open page keeps its version");
        browser.element("take-new-version").await?.click().await?;
        browser.wait_for("head").await?;
        while !title().await?.starts_with("New: ") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let caches = browser.client.execute_async("caches.keys().then(arguments[0])", vec![]).await?;
        let caches: Vec<String> = serde_json::from_value(caches)?;
        assert!(caches.iter().any(|name| name.ends_with("0123456789abcdef")), "{caches:?}");
        assert!(!caches.iter().any(|name| name.ends_with(version)), "the old version is gone: {caches:?}");
        Ok(())
    });
}

#[test]
fn the_page_can_be_installed() {
    in_browser(Window::default(), async |browser| {
        browser.open(QUERY).await?;
        let script = "const done = arguments[0];
            const link = document.querySelector('link[rel=manifest]');
            fetch(link.href).then(answer => answer.json()).then(async manifest => {
              const at = icon => new URL(icon.src, link.href);
              const bitmaps = await Promise.all(manifest.icons.filter(icon => icon.type === 'image/png').map(async icon => {
                const bitmap = await createImageBitmap(await (await fetch(at(icon))).blob());
                return [icon.sizes, `${bitmap.width}x${bitmap.height}`];
              }));
              done({ start: new URL(manifest.start_url, link.href).href, display: manifest.display, bitmaps });
            });";
        let found = browser.client.execute_async(script, vec![]).await?;
        assert_eq!((&found["start"], &found["display"]), (&browser.address().into(), &"standalone".into()));
        let bitmaps = found["bitmaps"].as_array().expect("icons are a list");
        assert_eq!(bitmaps.len(), 3, "{found}");
        assert!(bitmaps.iter().all(|pair| pair[0] == pair[1]), "{found}");
        Ok(())
    });
}
