use serde_json::Value;
use tests::browser::Window;

use crate::{final_words, finished, in_browser, is_finished};

#[test]
fn unknown_words_are_named_and_the_run_goes_on() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=2").await?;
        browser.set("prompt", "The zyzzogeton slept.").await?;
        let named = |state: &Value| is_finished(state) && state["unknown"].to_string().contains("zyzzogeton");
        browser.wait_until("the unknown word named", named).await?;
        let slot = browser.wait_for("#slot-1[data-unknown]").await?;
        assert_eq!(slot.text().await?, "zyzzogeton", "it stands as it was typed");
        let label = slot.attr("aria-label").await?.unwrap_or_default();
        assert!(label.contains("does not know"), "{label}");
        Ok(())
    });
}

#[test]
fn a_prompt_longer_than_the_window_is_one_sentence_and_loses_nothing() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=2").await?;
        let before = final_words(browser).await?;
        browser.set("prompt", &"the dog ran . ".repeat(30)).await?;
        let refused = |state: &Value| state["problem"].as_str().is_some_and(|text| text.contains("120"));
        let state = browser.wait_until("a refusal that says both numbers", refused).await?;
        assert!(state["problem"].as_str().is_some_and(|text| text.contains("64")), "{state}");
        assert_eq!(crate::words(&state), before);
        Ok(())
    });
}

#[test]
fn damaged_and_unknown_settings_in_a_link_are_ignored() {
    in_browser(Window::default(), async |browser| {
        let state = finished(browser, "?backend=cpu&seed=9&temperature=abc&slots=-4&nonsense=1").await?;
        assert_eq!(state["settings"]["seed"], 9);
        assert_eq!(state["settings"]["slots"], 1);
        let temperature = state["settings"]["temperature"].as_f64().unwrap_or(f64::NAN);
        assert!((temperature - 0.8).abs() < 1e-6, "{state}");
        Ok(())
    });
}

#[test]
fn without_webgpu_the_cpu_writes_and_the_page_says_why() {
    in_browser(Window { webgpu: false, ..Window::default() }, async |browser| {
        let state = finished(browser, "?seed=3").await?;
        assert_eq!(state["backend"]["name"], "cpu", "{state}");
        assert!(state["backend"]["fallback"].as_str().is_some_and(|reason| !reason.is_empty()), "{state}");
        assert!(browser.element("backend").await?.text().await?.contains("no WebGPU"));
        Ok(())
    });
}

#[test]
fn webgpu_asked_for_and_missing_is_one_sentence_with_a_way_out() {
    in_browser(Window { webgpu: false, ..Window::default() }, async |browser| {
        browser.open("?backend=webgpu&seed=3").await?;
        let state = browser.wait_until("a refusal", |state| state["phase"] == "failed").await?;
        let problem = state["problem"].as_str().unwrap_or_default();
        assert!(problem.contains("WebGPU") && problem.contains("hardware acceleration"), "{state}");
        Ok(())
    });
}

#[test]
fn a_text_of_which_nothing_is_hidden_stands_as_it_is() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=2").await?;
        browser.set("own-text", "One day, Ivy met a dog.").await?;
        browser.set("knob-corruption", "0").await?;
        let untouched = |state: &Value| is_finished(state) && state["step_count"] == 0;
        let state = browser.wait_until("the text itself", untouched).await?;
        assert!(state["problem"].is_null(), "{state}");
        assert_eq!(crate::words(&state)[..3], ["one", "day", ","]);
        assert!(browser.element("status").await?.text().await?.contains("as it is"));
        browser.set("knob-corruption", "0.5").await?;
        browser.wait_until("a run again", |state| is_finished(state) && state["step_count"] != 0).await?;
        Ok(())
    });
}
