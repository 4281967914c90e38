use serde_json::Value;
use tests::browser::{Browser, Window};

use crate::{count, final_words, finished, in_browser, is_finished, words};

/// A finished run whose settings have this value.
async fn rerun(browser: &Browser, key: &str, value: f64) -> anyhow::Result<Value> {
    let is_there = |state: &Value| {
        let found = state["settings"][key].as_f64().unwrap_or(f64::NAN);
        (found - value).abs() < 1e-6 && is_finished(state)
    };
    browser.wait_until(&format!("a run with {key} = {value}"), is_there).await
}

#[test]
fn temperature_changes_the_text_and_its_own_number() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=5&temperature=0").await?;
        let cold = final_words(browser).await?;
        browser.set("knob-temperature", "1.5").await?;
        rerun(browser, "temperature", 1.5).await?;
        assert_ne!(final_words(browser).await?, cold);
        browser.set("knob-temperature", "0").await?;
        rerun(browser, "temperature", 0.0).await?;
        assert_eq!(final_words(browser).await?, cold);
        Ok(())
    });
}

#[test]
fn parallelism_sets_the_number_of_calls() {
    in_browser(Window::default(), async |browser| {
        let state = finished(browser, "?backend=cpu&slots=2").await?;
        assert_eq!(state["step_count"], 32, "{state}");
        browser.set("knob-parallelism", "16").await?;
        let state = rerun(browser, "slots", 16.0).await?;
        assert_eq!(state["step_count"], 4, "{state}");
        Ok(())
    });
}

#[test]
fn corruption_hides_a_share_of_the_visitors_text() {
    let text = "One cold day, Emma broke the spotted mirror. She did not know what to do. She was sorry.";
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&corruption=0.5").await?;
        browser.set("own-text", text).await?;
        let start = |state: &Value| is_finished(state) && state["settings"]["text"] == text;
        browser.wait_until("a run on the text", start).await?;
        let hidden = hidden_at_start(browser).await?;
        browser.set("knob-corruption", "0.9").await?;
        rerun(browser, "corruption", 0.9).await?;
        assert!(hidden_at_start(browser).await? > hidden, "more corruption hides more slots");
        Ok(())
    });
}

async fn hidden_at_start(browser: &Browser) -> anyhow::Result<usize> {
    browser.element("to-start").await?.click().await?;
    let state = browser.wait_until("the cursor at the start", |state| state["cursor"] == 0).await?;
    assert!(count(&state, "given") > 0, "{state}");
    Ok(count(&state, "masked"))
}

#[test]
fn scrubbing_moves_the_cursor_and_runs_nothing() {
    in_browser(Window::default(), async |browser| {
        let before = finished(browser, "?backend=cpu&slots=4").await?;
        for step in [3, 9, 0] {
            browser.set("scrubber", &step.to_string()).await?;
            let state = browser.wait_until("the cursor", |state| state["cursor"] == step).await?;
            assert_eq!((&state["phase"], &state["step_count"]), (&before["phase"], &before["step_count"]));
            assert_eq!(count(&state, "masked"), 64 - 4 * step, "at step {step}");
        }
        Ok(())
    });
}

#[test]
fn play_and_step_work_by_mouse_and_by_key() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&slots=4").await?;
        browser.set("scrubber", "2").await?;
        browser.wait_until("a pause at 2", |state| state["cursor"] == 2 && state["playing"] == false).await?;
        browser.element("step").await?.click().await?;
        browser.wait_until("one step on", |state| state["cursor"] == 3).await?;
        let body = browser.client.find(fantoccini::Locator::Css("body")).await?;
        body.send_keys("\u{E012}").await?;
        browser.wait_until("one step back", |state| state["cursor"] == 2).await?;
        body.send_keys("\u{E010}").await?;
        browser.wait_until("the end", |state| state["cursor"] == state["step_count"]).await?;
        body.send_keys("\u{E011}").await?;
        browser.wait_until("the start", |state| state["cursor"] == 0).await?;
        browser.element("play").await?.click().await?;
        browser.wait_until("the end by playing", |state| state["cursor"] == state["step_count"]).await?;
        Ok(())
    });
}

#[test]
fn a_prompt_is_kept_and_a_gap_in_it_is_filled() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=2").await?;
        browser.set("prompt", "One day, Tom _ the ball.").await?;
        let with_prompt = |state: &Value| is_finished(state) && state["settings"]["prompt"] != "";
        browser.wait_until("a run with the prompt", with_prompt).await?;
        let words = final_words(browser).await?;
        assert_eq!(&words[..4], ["one", "day", ",", "Tom"], "{words:?}");
        assert_eq!(&words[5..8], ["the", "ball", "."], "{words:?}");
        assert_ne!(words[4], "[MASK]");
        Ok(())
    });
}

#[test]
fn another_seed_writes_another_text() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=2").await?;
        let first = final_words(browser).await?;
        browser.set("seed", "3").await?;
        let state = rerun(browser, "seed", 3.0).await?;
        assert!(state["query"].as_str().is_some_and(|query| query.contains("seed=3")), "{state}");
        assert_ne!(final_words(browser).await?, first);
        assert_eq!(words(&browser.state().await?).len(), 64);
        Ok(())
    });
}

#[test]
fn every_model_writes_by_its_own_process() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=3&slots=4").await?;
        for (model, name) in [
            ("storyworld-ar", "Storyworld, autoregressive"),
            ("storyworld-uniform", "Storyworld, uniform"),
            ("storyworld-mask-uniform", "Storyworld, mask and uniform"),
        ] {
            browser.set("model-choice", model).await?;
            // By the name: until the new model is there, the old run still counts as finished.
            let is_written = |state: &Value| state["model"] == name && is_finished(state);
            let state = browser.wait_until(&format!("a run of {model}"), is_written).await?;
            assert_eq!(state["step_count"], 16, "{model}: {state}");
            browser.set("scrubber", "8").await?;
            let state = browser.wait_until("the middle", |state| state["cursor"] == 8).await?;
            let [noisy, masked] = ["noisy", "masked"].map(|slot_state| count(&state, slot_state));
            match model {
                "storyworld-ar" => assert_eq!((noisy, masked), (0, 32), "{state}"),
                "storyworld-uniform" => assert_eq!((noisy, masked), (64, 0), "{state}"),
                _ => assert!(noisy > 0 && masked > 0 && noisy + masked == 64, "{state}"),
            }
            let written = final_words(browser).await?;
            assert!(written.iter().filter(|word| word.chars().all(char::is_alphabetic)).count() > 20);
        }
        Ok(())
    });
}

#[test]
fn a_link_shows_its_model_in_the_menu_and_every_model_can_be_chosen() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&model=english-mask&length=16&slots=8").await?;
        let menu = browser.element("model-choice").await?;
        assert_eq!(menu.prop("value").await?.as_deref(), Some("english-mask"));
        let options = menu.find_all(fantoccini::Locator::Css("option")).await?;
        assert_eq!(options.len(), 9, "one for every model of the page");
        Ok(())
    });
}

#[test]
fn any_decoder_can_be_written_and_what_is_none_is_one_sentence() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&length=16&slots=4").await?;
        browser.set("decoder-json", r#"{"parallelism": {"rule": "slots_per_call", "slots": 8}}"#).await?;
        let in_calls = |count: u64| move |state: &Value| is_finished(state) && state["step_count"] == count;
        let state = browser.wait_until("two calls of eight", in_calls(2)).await?;
        let written = final_words(browser).await?;

        browser.set("decoder-json", "{").await?;
        let fault = browser.element("decoder-fault").await?;
        let html = fault.html(true).await?;
        assert!(html.contains("no decoder"), "{html}");
        assert_eq!(browser.state().await?["step_count"], 2, "what was there before stays");

        let query = state["query"].as_str().expect("a query");
        finished(browser, &format!("?{query}")).await?;
        assert_eq!(final_words(browser).await?, written, "{query}");

        // One of the menu: block after block.
        browser.set("decoder", "7").await?;
        let state = browser.wait_until("blocks", in_calls(4)).await?;
        assert!(
            state["settings"]["decoder"].as_str().is_some_and(|json| json.contains("block_length")),
            "{state}"
        );
        assert!(browser.element("order").await?.attr("disabled").await?.is_some(), "the decoder decides");
        assert!(browser.element("knob-parallelism").await?.attr("disabled").await?.is_none());
        browser.set("decoder", "").await?;
        let knobs = |state: &Value| is_finished(state) && state["settings"]["decoder"] == "";
        browser.wait_until("the knobs again", knobs).await?;
        Ok(())
    });
}

/// Whether a control rests, and why.
async fn reason(browser: &Browser, control: &str) -> anyhow::Result<Option<String>> {
    if browser.element(control).await?.attr("disabled").await?.is_none() {
        return Ok(None);
    }
    Ok(Some(browser.element(&format!("{control}-rests")).await?.html(true).await?))
}

#[test]
fn a_control_without_a_say_rests_and_tells_why() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&length=16&slots=8").await?;
        assert_eq!(reason(browser, "top-k").await?, None);
        let schedule = reason(browser, "schedule").await?;
        assert!(schedule.is_some_and(|why| why.contains("steps")), "the knob counts slots");
        browser.set("knob-temperature", "0").await?;
        rerun(browser, "temperature", 0.0).await?;
        for filter in ["top-k", "top-p"] {
            let why = reason(browser, filter).await?;
            assert!(why.is_some_and(|why| why.contains("temperature 0")), "{filter}");
        }
        browser.set("rule", "quota").await?;
        browser.wait_until("steps", |state| state["settings"]["rule"] == "quota").await?;
        assert_eq!(reason(browser, "schedule").await?, None);
        Ok(())
    });
}

#[test]
fn a_chosen_slot_opens_over_the_numbers_and_moves_nothing() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&length=16&slots=8").await?;
        let places = "return ['grid', 'gauges', 'play'].map(id => { \
            const box = document.querySelector(`[data-testid=${id}]`).getBoundingClientRect(); \
            return [box.top, box.bottom]; })";
        let before = browser.client.execute(places, vec![]).await?;
        browser.wait_for("#slot-3").await?.click().await?;
        browser.wait_for("[data-testid=close-inspector]").await?;
        assert_eq!(browser.client.execute(places, vec![]).await?, before);
        let seen = "const box = document.querySelector('[data-testid=inspector]').getBoundingClientRect(); \
            return document.elementFromPoint(box.left + 20, box.top + 60).closest('[data-testid=inspector]') !== null";
        assert_eq!(browser.client.execute(seen, vec![]).await?, true, "the slot is in sight");
        browser.element("close-inspector").await?.click().await?;
        let gauges = before[1][0].as_f64().unwrap_or(f64::NAN);
        assert!(gauges < 500.0, "gauges are in sight: {before}");
        Ok(())
    });
}

#[test]
fn the_first_tab_leads_past_the_head() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&length=16&slots=8").await?;
        let is_first = "const all = document.querySelectorAll('a[href], button, input, select, [tabindex=\"0\"]'); \
            return all[0].dataset.testid";
        assert_eq!(browser.client.execute(is_first, vec![]).await?, "skip");
        browser.client.execute("document.querySelector('[data-testid=skip]').focus()", vec![]).await?;
        browser.element("skip").await?.send_keys("\u{e007}").await?;
        let focused = browser.client.execute("return document.activeElement.tagName", vec![]).await?;
        assert_eq!(focused, "MAIN");
        assert!(
            !browser.client.current_url().await?.as_str().contains('#'),
            "the address says the state alone"
        );
        Ok(())
    });
}
