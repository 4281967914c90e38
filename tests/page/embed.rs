use anyhow::Result;
use fantoccini::Locator;
use fantoccini::elements::{Element, ElementRef};
use serde_json::Value;
use tests::browser::{Browser, Window};
use tests::host::Host;

use crate::{finished, in_browser};

const SETTINGS: &str = "backend=\"cpu\" seed=\"5\" length=\"16\" slots=\"4\"";

/// A page of another site around an embed.
async fn article(browser: &Browser, host: &Host, body: &str) -> Result<()> {
    let script = format!("{}embed.js", host.address());
    let text = format!(
        "<!doctype html><title>Foreign</title><body style='width: 680px; margin: 0 auto'><script src='{script}'></script>
         <script>window.heard = [];
           for (const name of ['unmask-ready', 'unmask-step', 'unmask-finished'])
             addEventListener(name, event => window.heard.push([name, event.detail]));</script>{body}"
    );
    host.write("foreign.html", text);
    Ok(browser.client.goto(&format!("{}foreign.html", host.foreign_address())).await?)
}

/// Awaits an expression in the article, where `playground` is the embed.
async fn ask(browser: &Browser, expression: &str) -> Result<Value> {
    let script = format!(
        "const done = arguments[0], playground = document.querySelector('unmask-playground');
         Promise.resolve({expression}).then(done);"
    );
    Ok(browser.client.execute_async(&script, vec![]).await?)
}

/// Waits until an expression in the article is true.
async fn until(browser: &Browser, what: &str, expression: &str) -> Result<()> {
    for _ in 0..1200 {
        if ask(browser, expression).await? == Value::Bool(true) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("waited in vain for {what}; heard {}", ask(browser, "window.heard.slice(-3)").await?)
}

/// Heights in the embed, in CSS pixels: of its page, of its frame, and of what could be scrolled through.
async fn heights(browser: &Browser) -> Result<[f64; 3]> {
    let found = ask(browser, "playground.shadowRoot.querySelector('iframe')").await?;
    let id = found.as_object().and_then(|object| object.values().next()?.as_str()).unwrap_or_default();
    Element::from_element_id(browser.client.clone(), ElementRef::from(id.to_owned())).enter_frame().await?;
    let script = "return [document.body.getBoundingClientRect().height, innerHeight, document.documentElement.scrollHeight]";
    let heights = serde_json::from_value(browser.client.execute(script, vec![]).await?)?;
    browser.client.clone().enter_parent_frame().await?;
    Ok(heights)
}

const FINISHED: &str = "window.heard.some(([name]) => name === 'unmask-finished')";

#[test]
fn an_embed_runs_in_a_foreign_page_and_takes_its_own_height() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        article(
            browser,
            &host,
            &format!("<unmask-playground {SETTINGS} hide='film,prompt,seed'></unmask-playground>"),
        )
        .await?;
        until(browser, "a finished run", FINISHED).await?;
        let state = ask(browser, "playground.state()").await?;
        assert_eq!((&state["settings"]["seed"], &state["step_count"]), (&5.into(), &4.into()), "{state}");

        // The text is what the page writes by itself from the same settings.
        let told = ask(browser, "window.heard.at(-1)[1].text").await?;
        let frame = ask(browser, "playground.shadowRoot.querySelector('iframe').src").await?;
        until(browser, "a frame as high as its page", "playground.getBoundingClientRect().height !== 480")
            .await?;
        let [inside, high, scrolls] = heights(browser).await?;
        assert!(
            (0.0..=1.0).contains(&(high - inside)) && scrolls <= high,
            "{inside} in {high}, {scrolls} to scroll"
        );
        browser.client.goto(frame.as_str().unwrap_or_default()).await?;
        browser.wait_until("the same alone", |state| state["phase"] == "finished").await?;
        let alone = "return document.querySelector('[data-testid=prose]').textContent";
        browser.element("to-end").await?.click().await?;
        browser.wait_until("its end", |state| state["cursor"] == 4).await?;
        assert_eq!(browser.client.execute(alone, vec![]).await?, told);
        for (part, shown) in [
            ("film", false),
            ("prompt", false),
            ("seed", false),
            ("model-choice", true),
            ("grid", true),
            ("knob-temperature", true),
        ] {
            let selector = format!("[data-testid=\"{part}\"]");
            let found = browser.client.find(Locator::Css(&selector)).await?.is_displayed().await?;
            assert_eq!(found, shown, "{part}");
        }
        Ok(())
    });
}

#[test]
fn an_embed_of_the_toy_alone_asks_the_model_nothing() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        let toy =
            "<unmask-playground lab='trap' backend='cpu' length='16' hide='on-model'></unmask-playground>";
        article(browser, &host, toy).await?;
        until(browser, "an open model", "playground.state().then(state => state.phase === 'ready')").await?;
        assert_eq!(ask(browser, "playground.state()").await?["study"], Value::Null);
        article(browser, &host, &toy.replace("on-model", "controls")).await?;
        until(browser, "a study", "playground.state().then(state => state.study?.ending === 'finished')")
            .await
    });
}

#[test]
fn a_slot_of_an_embed_opens_next_to_the_text() {
    in_browser(Window { width: 720, ..Window::default() }, async |browser| {
        finished(browser, "?embed&backend=cpu&length=16&slots=8").await?;
        browser.wait_for("#slot-3").await?.click().await?;
        browser.wait_for("[data-testid=close-inspector]").await?;
        let script = "const top = id => document.querySelector(id).getBoundingClientRect().top; \
            return [top('[data-testid=inspector]'), top('.knobs'), top('[data-testid=gauges]')]";
        let tops: [f64; 3] = serde_json::from_value(browser.client.execute(script, vec![]).await?)?;
        assert!(tops[0] < tops[1] && tops[0] <= tops[2], "inspector, knobs, gauges: {tops:?}");
        Ok(())
    });
}

#[test]
fn an_embed_that_is_moved_opens_anew_and_one_that_loses_an_attribute_is_as_a_fresh_page() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        let embed = format!("<unmask-playground {SETTINGS} temperature='0.3'></unmask-playground>");
        article(browser, &host, &format!("{embed}<section id='elsewhere'></section>")).await?;
        until(browser, "a finished run", FINISHED).await?;
        ask(browser, "(window.heard = [], document.querySelector('#elsewhere').append(playground))").await?;
        until(browser, "a finished run at the other place", FINISHED).await?;
        let state = ask(browser, "playground.state()").await?;
        assert_eq!(state["settings"]["seed"], 5, "{state}");
        ask(browser, "playground.removeAttribute('temperature')").await?;
        let usual = "playground.state().then(state => Math.abs(state.settings.temperature - 0.8) < 1e-6)";
        until(browser, "the temperature of a fresh page", usual).await
    });
}

#[test]
fn an_article_sets_plays_pauses_and_steps() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        article(browser, &host, &format!("<unmask-playground {SETTINGS}></unmask-playground>")).await?;
        until(browser, "a finished run", FINISHED).await?;
        let state = ask(browser, "playground.step(-3)").await?;
        assert_eq!((&state["cursor"], &state["playing"]), (&1.into(), &false.into()), "{state}");
        assert_eq!(ask(browser, "playground.step()").await?["cursor"], 2);
        assert_eq!(ask(browser, "playground.play()").await?["playing"], true);
        assert_eq!(ask(browser, "playground.pause()").await?["playing"], false);

        ask(browser, "(window.heard.length = 0, playground.set({ slots: 2, temperature: 0, nonsense: [] }))")
            .await?;
        until(browser, "a run with the new settings", FINISHED).await?;
        let state = ask(browser, "playground.state()").await?;
        assert_eq!(
            (&state["step_count"], &state["settings"]["temperature"]),
            (&8.into(), &0.into()),
            "{state}"
        );
        ask(browser, "(window.heard.length = 0, playground.setAttribute('slots', '8'))").await?;
        until(browser, "a run by an attribute", FINISHED).await?;
        assert_eq!(ask(browser, "playground.state()").await?["step_count"], 2);
        Ok(())
    });
}

#[test]
fn an_embed_waits_for_its_click_and_rests_out_of_sight() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        // Slow on purpose: 64 calls take seconds to play.
        let body = "<unmask-playground backend='cpu' seed='5' slots='1' start='click'></unmask-playground><p style='height: 3000px'>";
        article(browser, &host, body).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(ask(browser, "playground.shadowRoot.querySelector('iframe') === null").await?, true);
        ask(browser, "playground.shadowRoot.querySelector('button').click()").await?;
        let live = "window.heard.some(([, detail]) => detail.phase === 'finished' && detail.cursor > 2)";
        until(browser, "a run that plays", live).await?;
        ask(browser, "scrollTo(0, 3000)").await?;
        until(browser, "a pause", "playground.state().then(state => !state.playing)").await?;
        let there = ask(browser, "playground.state()").await?["cursor"].clone();
        assert_ne!(there, 64, "it rests before the end");
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert_eq!(ask(browser, "playground.state()").await?["cursor"], there);
        ask(browser, "scrollTo(0, 0)").await?;
        until(browser, "the end", "playground.state().then(state => state.cursor === 64)").await?;
        Ok(())
    });
}

#[test]
fn the_dialog_writes_a_snippet_that_works() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=8&length=16&slots=4&prompt=a+%22_%22").await?;
        browser.element("keep").await?.click().await?;
        browser.element("embed").await?.click().await?;
        browser.element("show-film").await?.click().await?;
        browser.set("embed-theme", "dark").await?;
        let snippet = browser.element("snippet").await?.prop("value").await?.unwrap_or_default();
        assert!(snippet.contains("film") && snippet.contains("&quot;_&quot;"), "{snippet}");

        let host = Host::start()?;
        article(browser, &host, &snippet).await?;
        until(browser, "a finished run", FINISHED).await?;
        let state = ask(browser, "playground.state()").await?;
        assert_eq!(
            (&state["settings"]["prompt"], &state["settings"]["seed"]),
            (&"a \"_\"".into(), &8.into())
        );
        Ok(())
    });
}

#[test]
fn the_article_of_the_examples_shows_three() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        browser.client.goto(&format!("{}examples/article.html", host.address())).await?;
        let embeds = browser.client.find_all(Locator::Css("unmask-playground")).await?;
        assert_eq!(embeds.len(), 3);
        browser
            .client
            .execute(
                "window.heard = [];
            addEventListener('unmask-finished', event => heard.push([event.type, event.target.id]));",
                vec![],
            )
            .await?;
        until(browser, "the first one", "playground.state().then(state => state.phase === 'finished')")
            .await?;
        browser.client.execute("document.querySelector('[data-slots=\"64\"]').click()", vec![]).await?;
        let all_at_once = "document.getElementById('hurry').state().then(state => state.step_count === 1)";
        until(browser, "the second one, all at once", all_at_once).await?;
        Ok(())
    });
}
