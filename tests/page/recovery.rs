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
