use std::collections::BTreeMap;

use fantoccini::Locator;
use tests::browser::{Browser, Window};

use crate::in_browser;

/// Opens a lab on the CPU back end and waits until its study is over.
async fn lab(browser: &Browser, query: &str) -> anyhow::Result<()> {
    browser.open(&format!("?backend=cpu&{query}")).await?;
    measured(browser).await
}

/// Waits until a study has begun and ended.
async fn measured(browser: &Browser) -> anyhow::Result<()> {
    let ended = |state: &serde_json::Value| state["study"]["ending"] == "finished";
    browser.wait_until("a finished study", ended).await?;
    Ok(())
}

/// Waits until the whole sweep has ended.
async fn swept(browser: &Browser) -> anyhow::Result<()> {
    let ended = |state: &serde_json::Value| {
        state["study"]["question"] == "sweep" && state["study"]["ending"] == "finished"
    };
    browser.wait_until("a finished sweep", ended).await?;
    Ok(())
}

/// The rows of Frontier's table.
async fn points(browser: &Browser) -> anyhow::Result<usize> {
    let rows = Locator::Css("[data-testid=frontier-table] tbody tr");
    Ok(browser.client.find_all(rows).await?.len())
}

async fn text(browser: &Browser, test_id: &str) -> anyhow::Result<String> {
    Ok(browser.element(test_id).await?.text().await?)
}

/// How many slots of a row are in each state.
async fn states(browser: &Browser, test_id: &str, nth: usize) -> anyhow::Result<BTreeMap<String, usize>> {
    let rows = browser.client.find_all(Locator::Css(&format!("[data-testid=\"{test_id}\"]"))).await?;
    let mut counts = BTreeMap::new();
    for slot in rows[nth].find_all(Locator::Css(".slot")).await? {
        *counts.entry(slot.attr("data-state").await?.unwrap_or_default()).or_default() += 1;
    }
    Ok(counts)
}

#[test]
fn tabs_open_labs_and_the_address_keeps_them() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu").await?;
        for name in ["corrupt", "collapse", "trap", "families", "frontier", "generate"] {
            browser.element(&format!("lab-{name}")).await?.click().await?;
            let state = browser.wait_until(name, |state| state["settings"]["lab"] == name).await?;
            let kept = state["query"].as_str().is_some_and(|query| query.contains(&format!("lab={name}")));
            assert_eq!(kept, name != "generate", "{state}");
        }
        browser.wait_until("a run after all", crate::is_finished).await?;
        Ok(())
    });
}

#[test]
fn corrupting_shows_an_own_text_with_its_unknown_words_and_the_chain_agrees() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=corrupt&t=0.5").await?;
        browser.set("own-text", "One day, Ivy met a zebu. It was very loud.").await?;
        browser.wait_until("a new study", |state| state["study"]["total"] == 13).await?;
        measured(browser).await?;
        assert!(text(browser, "corrupt-notice").await?.contains("zebu"));
        assert_eq!(states(browser, "corrupt-original", 0).await?["unknown"], 1);
        browser.set("knob-level", "1").await?;
        browser.wait_until("noise", |state| state["settings"]["t"] == 1.0).await?;
        assert_eq!(states(browser, "corrupt-row", 0).await?["masked"], 13, "masks hide all at 1");
        assert_eq!(text(browser, "left-mask").await?, "0.0 bits left");
        browser.set("knob-level", "0").await?;
        browser.wait_until("clean text", |state| state["settings"]["t"] == 0.0).await?;
        assert_eq!(states(browser, "corrupt-row", 3).await?["committed"], 12, "all but the unknown word");
        browser.set("knob-level", "0.4").await?;
        browser.element("trace-uniform").await?.click().await?;
        browser.element("run-chain").await?.click().await?;
        assert!(text(browser, "chain-verdict").await?.starts_with("They agree"));
        of_vectors(browser).await
    });
}

/// Noise on vectors keeps every word for long, then takes it bit by bit; its chain agrees too.
async fn of_vectors(browser: &Browser) -> anyhow::Result<()> {
    browser.element("trace-gaussian").await?.click().await?;
    for _ in 0..400 {
        if text(browser, "jumps").await?.starts_with("Noise on vectors") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let left = |text: String| text.split(' ').next().and_then(|bits| bits.parse::<f64>().ok());
    let [vectors, masks] =
        [text(browser, "left-gaussian").await?, text(browser, "left-mask").await?].map(left);
    assert!(vectors.zip(masks).is_some_and(|(vectors, masks)| vectors > masks), "{vectors:?}, {masks:?}");
    assert!(text(browser, "jumps").await?.starts_with("Noise on vectors"));
    browser.element("run-chain").await?.click().await?;
    assert!(text(browser, "chain-verdict").await?.starts_with("They agree"));
    Ok(())
}

#[test]
fn collapse_shows_the_model_beside_the_truth_and_says_where_there_is_none() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=collapse").await?;
        let cards = browser.element("collapse-cards").await?.find_all(Locator::Css(".card")).await?;
        assert_eq!(cards.len(), 64 - 9, "the rest of the window");
        assert!(text(browser, "collapse-says").await?.contains("In truth"));
        browser.set("prompt", "the the the").await?;
        browser.wait_until("another prompt", |state| state["settings"]["prompt"] == "the the the").await?;
        measured(browser).await?;
        assert!(text(browser, "collapse-says").await?.contains("not known"));
        Ok(())
    });
}

#[test]
fn the_trap_springs_on_the_toy_as_predicted_and_on_the_model() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=trap&together=3&weight=0.7&temperature=0.5&jointly=16").await?;
        assert_eq!(text(browser, "predicted").await?, "0.393");
        let sampled = text(browser, "sampled").await?;
        let share: f64 = sampled.split_whitespace().next().unwrap_or_default().parse()?;
        assert!((share - 0.393).abs() < 0.05, "{sampled}");
        let table = text(browser, "trap-table").await?;
        assert!(table.contains("calls 64 4"), "{table}");
        browser.set("knob-together", "1").await?;
        browser.wait_until("one word", |state| state["settings"]["together"] == 1).await?;
        assert_eq!(text(browser, "predicted").await?, "0.000");
        Ok(())
    });
}

#[test]
fn families_write_on_one_prompt_and_every_reading_opens_its_instrument() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=families&slots=16&prompt=One+day,+Tom").await?;
        let families = browser.client.find_all(Locator::Css("[data-testid=\"family\"]")).await?;
        assert_eq!(families.len(), 5);
        assert!(text(browser, "film-legend").await?.contains("just committed"));
        for family in &families {
            assert!(family.text().await?.contains("Tom"), "the prompt is kept");
        }
        let readings = browser.client.find_all(Locator::Css(".reading")).await?;
        assert_eq!(readings.len(), 4 * 10 + 6, "noise on vectors has fewer");
        readings[0].click().await?;
        assert!(text(browser, "instrument").await?.contains("largest jump"));
        Ok(())
    });
}

#[test]
fn a_sweep_can_be_stopped_and_keeps_what_it_found() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&lab=frontier&stories=2&slots=8").await?;
        browser.element("sweep").await?.click().await?;
        let some = |state: &serde_json::Value| {
            state["study"]["question"] == "sweep" && state["study"]["done"].as_u64() > Some(80)
        };
        browser.wait_until("some points", some).await?;
        browser.element("study-cancel").await?.click().await?;
        browser.wait_until("the end", |state| state["study"]["ending"] == "cancelled").await?;
        let before = points(browser).await?;
        assert!(before >= 3, "points stay");

        // It goes on where it stopped: what is measured is not measured again.
        browser.element("study-again").await?.click().await?;
        browser.wait_until("a sweep that goes on", |state| state["study"]["ending"].is_null()).await?;
        browser.wait_until("its first call", |state| state["study"]["done"].as_u64() > Some(0)).await?;
        assert!(points(browser).await? >= before, "points are taken up");
        Ok(())
    });
}

#[test]
fn frontier_opens_with_a_quick_look_that_no_knob_puts_in_place_of_a_sweep() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=frontier&length=8&slots=2&stories=2").await?;
        assert_eq!(browser.state().await?["study"]["question"], "glance");
        assert_eq!(
            points(browser).await?,
            3,
            "two orders with four slots per call, and the visitor's setting"
        );
        assert!(text(browser, "frontier-extent").await?.starts_with("A quick look: 2 texts each at 3 of 3"));

        // The visitor's setting is moved: only that one is measured anew.
        browser.set("knob-slots", "8").await?;
        browser.wait_until("another look", |state| state["study"]["total"] == 2 * 2).await?;
        measured(browser).await?;

        browser.element("sweep").await?.click().await?;
        swept(browser).await?;
        assert!(text(browser, "frontier-extent").await?.starts_with("The sweep: 2 texts each"));
        browser.set("seed", "4").await?;
        browser.wait_until("another seed", |state| state["settings"]["seed"] == 4).await?;
        assert!(text(browser, "frontier-extent").await?.contains("Something else has changed"));
        assert_eq!(browser.state().await?["study"]["question"], "sweep", "minutes are not thrown away");
        Ok(())
    });
}

#[test]
fn the_temperature_at_which_frontier_is_looked_at_is_in_the_link() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=frontier&length=8&slots=8&stories=2&at=0.5").await?;
        browser.element("sweep").await?.click().await?;
        swept(browser).await?;
        let pressed = ".choice:last-child [aria-pressed=true]";
        assert_eq!(browser.wait_for(pressed).await?.text().await?, "0.50");
        browser.wait_for(".choice:last-child button:last-child").await?.click().await?;
        let state = browser.wait_until("another", |state| state["settings"]["at"] == 1.0).await?;
        assert!(state["query"].as_str().is_some_and(|query| query.contains("at=1")), "{state}");
        Ok(())
    });
}

#[test]
fn what_is_wrong_with_a_word_is_told_by_key_and_by_click() {
    in_browser(Window::default(), async |browser| {
        lab(browser, "lab=trap&jointly=32").await?;
        let faults =
            browser.client.find_all(Locator::Css("[data-testid=trap-together] .slot[data-state=fault]"));
        let faults = faults.await?;
        assert!(faults.len() > 1, "32 words at once break rules");
        let reached = Locator::Css("[data-testid=trap-together] .slot[tabindex=\"0\"]");
        assert_eq!(
            browser.client.find_all(reached).await?.len(),
            1,
            "one of them is in the order of the Tab key"
        );
        faults[0].send_keys("\u{E014}").await?;
        let second = text(browser, "trap-together-note").await?;
        let focused = browser.client.active_element().await?.text().await?;
        assert!(
            second.len() > 5 && focused.contains(second.split('”').nth(1).unwrap_or("?")),
            "{focused}: {second}"
        );
        faults[0].click().await?;
        assert!(text(browser, "trap-together-note").await?.len() > 5);
        Ok(())
    });
}

#[test]
fn every_lab_finds_on_webgpu_what_it_finds_on_the_cpu() {
    // A place, and where its lab shows what its texts or numbers are.
    let places = [
        ("lab=corrupt", "left-mask"),
        ("lab=collapse", "collapse-says"),
        ("lab=trap&length=16&jointly=8", "trap-table"),
        ("lab=families&length=8&slots=8", "family-text"),
    ];
    in_browser(Window::default(), async |browser| {
        for (place, shown) in places {
            let mut found = Vec::new();
            for back_end in ["cpu", "webgpu"] {
                browser.open(&format!("?backend={back_end}&{place}")).await?;
                measured(browser).await?;
                assert_eq!(browser.state().await?["backend"]["name"], back_end);
                found.push(text(browser, shown).await?);
            }
            assert!(found[0].len() > 10 && found[0] == found[1], "{place}: {found:?}");
        }
        Ok(())
    });
}

#[test]
fn a_small_sweep_runs_to_its_end_on_webgpu() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=webgpu&lab=frontier&stories=2&slots=8&length=8").await?;
        browser.element("sweep").await?.click().await?;
        swept(browser).await?;
        let rows = points(browser).await?;
        assert!(rows >= 8, "{rows} points");
        Ok(())
    });
}

#[test]
fn corrupting_asks_every_kind_of_model() {
    in_browser(Window::default(), async |browser| {
        for model in
            ["storyworld-uniform", "storyworld-mask-uniform", "storyworld-ar", "english-mask-uniform"]
        {
            lab(browser, &format!("lab=corrupt&t=0.5&model={model}")).await?;
            let left = text(browser, "left-mask").await?;
            let bits = left.split(' ').next().and_then(|bits| bits.parse::<f64>().ok());
            assert!(bits.is_some_and(|bits| bits > 1.0 && bits < 200.0), "{model}: {left}");
        }
        Ok(())
    });
}

#[test]
fn going_back_leads_to_the_lab_before_and_forward_again() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&seed=4").await?;
        // What is changed just before the visitor leaves is not lost.
        browser.set("seed", "5").await?;
        for name in ["collapse", "trap"] {
            browser.element(&format!("lab-{name}")).await?.click().await?;
            browser.wait_until(name, |state| state["settings"]["lab"] == name).await?;
        }
        for name in ["collapse", "generate"] {
            browser.client.back().await?;
            let state = browser.wait_until(name, |state| state["settings"]["lab"] == name).await?;
            assert_eq!(state["settings"]["seed"], 5, "{state}");
        }
        browser.client.execute("history.forward()", vec![]).await?;
        browser.wait_until("forward", |state| state["settings"]["lab"] == "collapse").await?;
        Ok(())
    });
}

#[test]
fn the_families_have_their_columns_before_anything_is_measured() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&lab=families&slots=16&length=16").await?;
        let table = browser.element("properties").await?;
        assert_eq!(table.find_all(Locator::Css("thead th")).await?.len(), 1 + 5);
        assert!(!table.text().await?.contains("no model of this kind"));
        measured(browser).await?;
        assert!(!text(browser, "properties").await?.contains("not measured yet"));
        Ok(())
    });
}
