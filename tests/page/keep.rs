use anyhow::{Context, Result};
use serde_json::Value;
use tests::browser::{Browser, Window};
use tests::host::Host;

use crate::{final_words, finished, in_browser, words};

const QUERY: &str = "?backend=cpu&seed=5&length=16&slots=4";

/// Catches the files that the page offers, instead of letting the browser write them to its folder.
const CATCH: &str = "window.caught = [];
    URL.createObjectURL = blob => { window.caught.push(blob); return 'data:,'; };
    HTMLAnchorElement.prototype.click = function () { window.caught.at(-1).download = this.download; };";

/// Chooses an item of the menu, and gives back the name and the text of the file that it makes.
async fn keep(browser: &Browser, item: &str) -> Result<(String, String)> {
    browser.element("keep").await?.click().await?;
    caught(browser, &format!("[data-testid={item}]")).await
}

/// Presses a button, and gives back the name and the text of the file that it makes.
async fn caught(browser: &Browser, button: &str) -> Result<(String, String)> {
    browser.wait_for(button).await?;
    browser.client.execute(CATCH, vec![]).await?;
    browser.client.execute("document.querySelector(arguments[0]).click()", vec![button.into()]).await?;
    let script = "const done = arguments[0];
        const wait = () => {
          const blob = window.caught.at(-1);
          blob?.download ? blob.text().then(text => done([blob.download, text])) : setTimeout(wait, 20);
        };
        wait();";
    Ok(serde_json::from_value(browser.client.execute_async(script, vec![]).await?)?)
}

/// Opens a file as a visitor would.
pub async fn open_run(browser: &Browser, name: &str, text: &str) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("unmask-keep-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    std::fs::write(&file, text)?;
    let path = file.to_str().context("the path is Unicode")?;
    Ok(browser.element("run-file").await?.send_keys(path).await?)
}

#[test]
fn a_saved_run_replays_where_there_is_no_model() {
    in_browser(Window::default(), async |browser| {
        finished(browser, QUERY).await?;
        let written = final_words(browser).await?;
        let (name, file) = keep(browser, "save-run").await?;
        assert_eq!(name, "unmask-storyworld-mask-seed5-run.json");

        let host = Host::start()?;
        host.remove("models/storyworld-mask/model.gguf");
        browser.client.goto(&host.address()).await?;
        browser.wait_until("a refusal", |state| state["phase"] == "failed").await?;
        open_run(browser, "mine.json", &file).await?;
        let is_open = |state: &Value| state["source"] == "recording" && state["step_count"] == 4;
        browser.wait_until("the saved run", is_open).await?;
        browser.element("to-end").await?.click().await?;
        let state = browser.wait_until("its end", |state| state["cursor"] == 4).await?;
        assert_eq!(words(&state), written);
        assert!(browser.element("status").await?.text().await?.contains("mine.json"));
        assert_eq!(state["settings"]["seed"], 5, "the controls show what made it");
        browser.set("scrubber", "1").await?;
        browser.wait_until("the past", |state| state["cursor"] == 1).await?;
        Ok(())
    });
}

#[test]
fn a_run_of_byte_pairs_comes_back_as_it_was() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&model=english-mask&length=16&slots=8&seed=2").await?;
        let written = final_words(browser).await?;
        let text = browser.element("prose").await?.text().await?;
        let (_, file) = keep(browser, "save-run").await?;
        browser.set("seed", "3").await?;
        let other = |state: &Value| crate::is_finished(state) && state["settings"]["seed"] == 3;
        browser.wait_until("another run", other).await?;
        open_run(browser, "english.json", &file).await?;
        browser.wait_until("the saved run", |state| state["source"] == "recording").await?;
        browser.element("to-end").await?.click().await?;
        let state = browser.wait_until("its end", |state| state["cursor"] == state["step_count"]).await?;
        assert_eq!(words(&state), written);
        assert_eq!(browser.element("prose").await?.text().await?, text);
        // A change of a setting is a wish for a live run.
        browser.set("seed", "4").await?;
        browser.wait_until("a live run", crate::is_finished).await?;
        Ok(())
    });
}

#[test]
fn a_run_that_is_dropped_on_the_page_is_opened() {
    in_browser(Window::default(), async |browser| {
        finished(browser, QUERY).await?;
        let written = final_words(browser).await?;
        keep(browser, "save-run").await?;
        let script = "const data = new DataTransfer();
            data.items.add(new File([window.caught.at(-1)], 'dropped.json'));
            const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
            document.querySelector('main').dispatchEvent(drop);
            return drop.defaultPrevented;";
        assert_eq!(
            browser.client.execute(script, vec![]).await?,
            true,
            "the browser must not leave the page"
        );
        browser.wait_until("the dropped run", |state| state["source"] == "recording").await?;
        browser.element("to-end").await?.click().await?;
        let state = browser.wait_until("its end", |state| state["cursor"] == 4).await?;
        assert_eq!(words(&state), written);
        Ok(())
    });
}

#[test]
fn a_file_that_is_no_run_is_one_sentence_and_changes_nothing() {
    in_browser(Window::default(), async |browser| {
        finished(browser, QUERY).await?;
        let written = final_words(browser).await?;
        for text in ["{\"vocabulary\": 3}", "GGUF", ""] {
            open_run(browser, "no-run.json", text).await?;
            let told = |state: &Value| {
                state["problem"].as_str().is_some_and(|problem| problem.contains("no saved run"))
            };
            let state = browser.wait_until("a sentence", told).await?;
            assert_eq!((words(&state), &state["source"]), (written.clone(), &Value::from("live")), "{state}");
            browser.set("seed", "6").await?;
            browser.wait_until("a run without a problem", |state| state["problem"].is_null()).await?;
            browser.set("seed", "5").await?;
            let back = |state: &Value| crate::is_finished(state) && state["settings"]["seed"] == 5;
            browser.wait_until("the run again", back).await?;
            final_words(browser).await?;
        }
        Ok(())
    });
}

#[test]
fn numbers_are_those_of_the_run() {
    in_browser(Window::default(), async |browser| {
        let state = finished(browser, QUERY).await?;
        let written = final_words(browser).await?;
        let (name, calls) = keep(browser, "save-steps").await?;
        assert_eq!(name, "unmask-storyworld-mask-seed5-calls.csv");
        assert_eq!(
            calls.lines().count() as u64,
            1 + state["step_count"].as_u64().unwrap_or_default(),
            "{calls}"
        );
        assert!(calls.lines().nth(1).is_some_and(|line| line.starts_with("1,16,4,0,")), "{calls}");

        let (_, slots) = keep(browser, "save-slots").await?;
        assert_eq!(slots.lines().count(), 1 + 16, "{slots}");
        let (_, candidates) = keep(browser, "save-candidates").await?;
        assert!(candidates.lines().count() > 16 + 12 + 8 + 4, "{candidates}");

        let (_, gauges) = keep(browser, "save-gauges").await?;
        assert_eq!(
            gauges.lines().count() as u64,
            2 + state["step_count"].as_u64().unwrap_or_default(),
            "{gauges}"
        );

        let (_, all) = keep(browser, "save-numbers").await?;
        let all: Value = serde_json::from_str(&all)?;
        let slots = all["slots"].as_array().context("slots are a list")?;
        let found: Vec<&str> = slots.iter().filter_map(|slot| slot["word"].as_str()).collect();
        assert_eq!(found, written);
        assert!(all["steps"][0]["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{}", all["steps"][0]);
        Ok(())
    });
}

#[test]
fn the_picture_shows_the_text_and_draws_as_a_bitmap() {
    in_browser(Window::default(), async |browser| {
        finished(browser, QUERY).await?;
        let written = final_words(browser).await?;
        let (_, svg) = keep(browser, "save-svg").await?;
        let word = written.iter().find(|word| word.len() > 2 && *word != "[EOS]").context("a word")?;
        assert!(svg.contains(&format!(">{word}</text>")), "{svg}");
        assert!(svg.contains("seed 5"), "{svg}");

        keep(browser, "save-png").await?;
        let script = "const done = arguments[0];
            createImageBitmap(window.caught.at(-1)).then(bitmap => done([bitmap.width, bitmap.height]));";
        let size = browser.client.execute_async(script, vec![]).await?;
        assert_eq!(size[0], 2 * 960, "{size}");
        Ok(())
    });
}

#[test]
fn charts_and_tables_of_the_labs_have_files_of_their_own() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&lab=trap&seed=5").await?;
        browser.element("trap-table").await?;
        let (name, svg) = caught(browser, "[data-testid=trap-chart] [data-testid=chart-svg]").await?;
        assert!(name.starts_with("unmask-") && name.ends_with(".svg"), "{name}");
        for there in ["P(unseen)", "2 at once", "stroke:", "xmlns"] {
            assert!(svg.contains(there), "no {there} in {svg}");
        }
        assert!(!svg.contains("class="), "style sheets are not in the file: {svg}");
        let (_, csv) = caught(browser, "[data-testid=trap-chart] [data-testid=chart-csv]").await?;
        assert!(csv.lines().count() > 10 && csv.starts_with("series,"), "{csv}");
        caught(browser, "[data-testid=trap-chart] [data-testid=chart-png]").await?;
        let script = "const done = arguments[0];
            createImageBitmap(window.caught.at(-1)).then(bitmap => done(bitmap.width));";
        let width = browser.client.execute_async(script, vec![]).await?;
        assert!(width.as_u64() > Some(1000), "{width}");

        let (name, table) = caught(browser, "[data-testid=save-trap]").await?;
        let rows = browser.client.find_all(fantoccini::Locator::Css("[data-testid=trap-table] tr")).await?;
        assert_eq!((name.as_str(), table.lines().count()), ("unmask-trap.csv", rows.len()), "{table}");

        // There is no run here: the menu offers what there is.
        browser.element("keep").await?.click().await?;
        browser.element("copy-link").await?;
        assert!(browser.client.find(fantoccini::Locator::Css("[data-testid=save-run]")).await.is_err());
        Ok(())
    });
}

#[test]
fn the_menu_works_by_keys_alone() {
    in_browser(Window::default(), async |browser| {
        finished(browser, QUERY).await?;
        let focused = async || -> Result<Value> {
            let script = "return document.activeElement.dataset.testid ?? null";
            Ok(browser.client.execute(script, vec![]).await?)
        };
        browser.element("keep").await?.send_keys("\u{E007}").await?;
        assert_eq!(focused().await?, "copy-link");
        browser.client.active_element().await?.send_keys("\u{E015}").await?;
        assert_eq!(focused().await?, "save-run");
        browser.client.active_element().await?.send_keys("\u{E00C}").await?;
        assert_eq!(focused().await?, "keep");
        let open = browser.client.find_all(fantoccini::Locator::Css(".menu")).await?;
        assert!(open.is_empty(), "Escape closes the menu");
        Ok(())
    });
}
