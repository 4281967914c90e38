use serde_json::Value;
use tests::browser::Window;

use crate::{final_words, finished, in_browser, is_finished};

const QUERY: &str = "?backend=webgpu&seed=4&length=16&slots=1";

#[test]
fn a_lost_device_resumes_the_run_at_its_step() {
    in_browser(Window::default(), async |browser| {
        finished(browser, QUERY).await?;
        let undisturbed = final_words(browser).await?;

        browser.open(QUERY).await?;
        let underway = |state: &Value| state["source"] == "live" && state["step_count"].as_u64() >= Some(3);
        let before = browser.wait_until("a run under way", underway).await?;
        assert_eq!(before["phase"], "running", "the device must be lost during the run: {before}");
        browser.client.execute("window.unmask.loseDevice()", vec![]).await?;
        let resumed = |state: &Value| is_finished(state) && state["resumed"].as_u64() > Some(0);
        let after = browser.wait_until("the run resumed and finished", resumed).await?;
        assert_eq!(after["step_count"], 16, "{after}");
        assert_eq!(final_words(browser).await?, undisturbed);
        Ok(())
    });
}

/// Lets the page's next workers be reached, and has the newest fail as if it had run out of memory.
const KEEP_WORKERS: &str = "window.Worker = class extends Worker {
    constructor(...all) { super(...all); window.newest = this; }
}";
const FAIL: &str = "window.newest.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }))";

#[test]
fn a_worker_that_dies_is_one_sentence_and_trying_again_writes_the_text() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&seed=4&length=16").await?;
        let undisturbed = final_words(browser).await?;
        browser.client.execute(KEEP_WORKERS, vec![]).await?;
        // Another model is another worker; by its name, because until it is there the old run still counts as finished.
        browser.set("model-choice", "storyworld-uniform").await?;
        let other = |state: &Value| is_finished(state) && state["model"] == "Storyworld, uniform";
        browser.wait_until("the other model's run", other).await?;
        browser.client.execute(FAIL, vec![]).await?;
        browser.set("model-choice", "storyworld-mask").await?;
        let back = |state: &Value| is_finished(state) && state["model"] != "Storyworld, uniform";
        browser.wait_until("the first model again", back).await?;
        assert_eq!(final_words(browser).await?, undisturbed);

        // Now while nothing changes but the seed: the next question finds the worker dead.
        browser.client.execute(FAIL, vec![]).await?;
        browser.set("seed", "5").await?;
        let state = browser.wait_until("the fault", |state| state["phase"] == "failed").await?;
        let problem = state["problem"].as_str().unwrap_or_default();
        assert!(problem.contains("out of memory"), "{state}");
        browser.element("retry").await?.click().await?;
        let again = |state: &Value| is_finished(state) && state["settings"]["seed"] == 5;
        let state = browser.wait_until("a run by a new worker", again).await?;
        assert!(state["problem"].is_null(), "{state}");
        Ok(())
    });
}
