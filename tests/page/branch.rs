use anyhow::Result;
use fantoccini::Locator;
use serde_json::Value;
use tests::browser::{Browser, Window};

use crate::{finished, in_browser, is_finished, words};

const START: &str = "?backend=cpu&length=16&seed=5&order=left_to_right";

/// Chooses a slot after so many calls.
async fn choose(browser: &Browser, slot: usize, calls: usize) -> Result<Value> {
    browser.set("scrubber", &calls.to_string()).await?;
    let state = browser.wait_until("the cursor", |state| state["cursor"] == calls).await?;
    browser.wait_for(&format!("#slot-{slot}")).await?.click().await?;
    browser.wait_for("[data-testid=slot-editor] input").await?;
    Ok(state)
}

/// A finished run with these changes, shown at its end.
async fn changed(browser: &Browser, edits: &str) -> Result<Value> {
    let done = |state: &Value| {
        is_finished(state) && state["settings"]["edits"] == edits && state["cursor"] == state["step_count"]
    };
    browser.wait_until(&format!("a run with {edits}"), done).await
}

async fn put(browser: &Browser, word: &str) -> Result<()> {
    browser.set("edit-word", word).await?;
    browser.element("put-word").await?.click().await?;
    Ok(())
}

#[test]
fn a_word_of_the_visitors_own_makes_the_run_branch_off_and_a_link_brings_it_back() {
    in_browser(Window::default(), async |browser| {
        finished(browser, START).await?;
        let before = words(&choose(browser, 9, 6).await?);
        put(browser, "dog").await?;
        let dog = browser.wait_until("a change", |state| state["settings"]["edits"] != "").await?;
        let edits = dog["settings"]["edits"].as_str().unwrap_or_default().to_owned();
        assert!(edits.starts_with("6.9."), "{edits}");
        let state = changed(browser, &edits).await?;
        let text = words(&state);
        assert_eq!((&text[..6], text[9].as_str()), (&before[..6], "dog"), "what was written by then stays");
        assert_eq!(state["step_count"], 15, "one slot less to write");

        browser.open(&format!("?{}", state["query"].as_str().unwrap_or_default())).await?;
        assert_eq!(words(&changed(browser, &edits).await?), text, "computed anew, from nothing");

        browser.element("undo-change").await?.click().await?;
        changed(browser, "").await?;
        finished(browser, START).await?;
        Ok(())
    });
}

#[test]
fn a_candidate_is_picked_before_the_call_that_chose_another() {
    in_browser(Window::default(), async |browser| {
        finished(browser, START).await?;
        let first = words(&choose(browser, 4, 16).await?);
        let list =
            browser.client.find_all(Locator::Css("[data-testid=candidate]:not([data-chosen])")).await?;
        let candidate = list.first().expect("there are other candidates");
        let word = candidate.find(Locator::Css(".token")).await?.text().await?;
        candidate.click().await?;
        browser.wait_until("a change", |state| state["settings"]["edits"] != "").await?;
        let state = browser
            .wait_until("the branch", |state| {
                is_finished(state) && state["step_count"] == 15 && state["cursor"] == 15
            })
            .await?;
        let edits = state["settings"]["edits"].as_str().unwrap_or_default();
        assert!(edits.starts_with("4.4."), "slot 5 was chosen by call 5: {edits}");
        let text = words(&state);
        assert_eq!((&text[..4], text[4].trim()), (&first[..4], word.trim()));
        Ok(())
    });
}

#[test]
fn a_slot_is_hidden_and_written_again_and_what_fits_no_slot_is_one_sentence() {
    in_browser(Window::default(), async |browser| {
        finished(browser, START).await?;
        choose(browser, 3, 16).await?;
        for (typed, says) in [("xylophone", "does not know"), ("the dog", "2 tokens"), (" ", "Write a word")]
        {
            put(browser, typed).await?;
            let told = browser.element("edit-problem").await?.text().await?;
            assert!(told.contains(says), "{typed}: {told}");
        }
        assert_eq!(browser.state().await?["settings"]["edits"], "", "nothing was changed");
        browser.element("hide-slot").await?.click().await?;
        let state = changed(browser, "16.3.-").await?;
        assert_eq!(state["step_count"], 17, "one call more");
        browser.set("scrubber", "16").await?;
        let hidden = browser.wait_until("the cursor", |state| state["cursor"] == 16).await?;
        assert_eq!(
            (&hidden["tokens"][3]["state"], &hidden["tokens"][4]["state"]),
            (&"masked".into(), &"committed".into())
        );
        let history = browser.element("slot-history").await?.text().await?;
        assert!(history.contains("you hid it"), "{history}");
        Ok(())
    });
}

/// What a run and one at temperature 0 have written, side by side.
async fn two_texts(browser: &Browser) -> Result<Shown> {
    finished(browser, &format!("{START}&beside=temperature:0")).await?;
    browser.wait_until("the second run", |state| state["study"]["ending"] == "finished").await?;
    browser.element("to-end").await?.click().await?;
    browser.wait_until("the end", |state| state["cursor"] == 16).await?;
    shown(browser).await
}

#[test]
fn a_second_run_stands_beside_the_first_with_differences_marked() {
    in_browser(Window::default(), async |browser| {
        let shown = two_texts(browser).await?;
        let differing = (0..16).filter(|&slot| shown.first[slot] != shown.second[slot]).collect::<Vec<_>>();
        assert!(!differing.is_empty() && shown.marked == differing, "{shown:?}");
        let says = browser.element("pair-says").await?.text().await?;
        assert!(says.contains(&format!("{} of 16 words differ", differing.len())), "{says}");

        // It is the run that the page would write by itself.
        finished(browser, &format!("{START}&temperature=0")).await?;
        assert_eq!(crate::final_words(browser).await?, shown.second);
        Ok(())
    });
}

#[test]
fn the_value_of_the_second_run_can_be_changed_and_the_second_run_put_away() {
    in_browser(Window::default(), async |browser| {
        finished(browser, START).await?;
        browser.set("beside", "parallelism").await?;
        let is_there = |slots: &'static str| {
            move |state: &Value| {
                state["study"]["ending"] == "finished" && state["settings"]["beside"] == slots
            }
        };
        browser.wait_until("eight at once", is_there("parallelism:8")).await?;
        browser.set("beside-value", "4").await?;
        browser.wait_until("four at once", is_there("parallelism:4")).await?;
        let says = browser.element("pair-says").await?.text().await?;
        assert!(says.starts_with("16 calls here, 4 beside it"), "{says}");
        browser.set("beside", "").await?;
        browser.wait_until("one run", |state| state["settings"]["beside"].is_null()).await?;
        assert!(browser.client.find_all(Locator::Css("[data-testid=second]")).await?.is_empty());
        Ok(())
    });
}

/// Which of these parts are not wholly in sight.
async fn out_of_sight(browser: &Browser, parts: &[&str]) -> Result<Value> {
    let script = "return arguments[0].filter(name => {
        const box = document.querySelector(`[data-testid=${name}]`).getBoundingClientRect();
        return box.top < 0 || box.bottom > innerHeight;
    })";
    Ok(browser.client.execute(script, vec![serde_json::json!(parts)]).await?)
}

#[test]
fn two_texts_what_differs_the_film_and_time_are_in_sight_on_a_laptop() {
    // The frame of the window takes 143: one window is low, and in the other the page is as high as a laptop's screen.
    let parts = ["pair-says", "film", "scrubber", "play", "grid", "second-grid"];
    for (height, parts) in [(768, &parts[..4]), (768 + 143, &parts[..])] {
        in_browser(Window { height, ..Window::default() }, async |browser| {
            finished(browser, "?backend=cpu&slots=8&beside=temperature:0").await?;
            browser.wait_until("the second run", |state| state["study"]["ending"] == "finished").await?;
            assert_eq!(out_of_sight(browser, parts).await?, serde_json::json!([]), "in a window of {height}");
            Ok(())
        });
    }
}

#[test]
fn a_slot_of_the_second_text_is_opened_by_key_and_left_where_it_was() {
    in_browser(Window::default(), async |browser| {
        let shown = two_texts(browser).await?;
        let slot = shown.marked[0];
        let element = browser.wait_for(&format!("#second-slot-{slot}")).await?;
        let label = element.attr("aria-label").await?.unwrap_or_default();
        assert!(label.contains(&format!("the other text, which has “{}”", shown.first[slot])), "{label}");

        element.send_keys("\u{E007}").await?;
        let close = browser.element("close-inspector").await?;
        let word = browser.wait_for("[data-testid=inspector] .word").await?.text().await?;
        assert_eq!(word, shown.second[slot], "the glass is over the second text");
        close.send_keys("\u{E007}").await?;
        let focused = browser.client.active_element().await?.attr("id").await?;
        assert_eq!(focused, Some(format!("second-slot-{slot}")));
        Ok(())
    });
}

/// What both grids show, and the slots that are marked in both.
#[derive(Debug)]
struct Shown {
    first: Vec<String>,
    second: Vec<String>,
    marked: Vec<usize>,
}

async fn shown(browser: &Browser) -> Result<Shown> {
    let script = "const all = name => [...document.querySelectorAll(`[data-testid=${name}]`)];
        const marks = name => all(name).flatMap((slot, at) => 'differs' in slot.dataset ? [at] : []).join();
        if (marks('slot') !== marks('second-slot')) throw new Error('marked on one side only');
        const words = name => all(name).map(slot => slot.textContent);
        return [words('slot'), words('second-slot'), marks('slot').split(',').filter(Boolean).map(Number)]";
    let (first, second, marked) = serde_json::from_value(browser.client.execute(script, vec![]).await?)?;
    Ok(Shown { first, second, marked })
}
