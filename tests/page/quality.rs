use anyhow::{Context, Result};
use serde_json::Value;
use tests::browser::{Browser, Window};

use crate::{in_browser, is_finished};

/// Everything that a visitor may have before them.
const PLACES: [&str; 9] = [
    "length=16&seed=5",
    "length=16&seed=5&beside=temperature:0",
    "lab=corrupt",
    "lab=collapse",
    "lab=trap&length=16",
    "lab=families&length=16",
    "lab=frontier",
    "embed&length=16",
    "lesson=the-marginal-trap&lab=trap&length=16",
];

/// Whether a place has come to rest: what it computes by itself is there.
fn is_at_rest(state: &Value) -> bool {
    let study = &state["study"];
    match study {
        Value::Null => is_finished(state) || (state["settings"]["lab"] == "frontier" && state["phase"] == "ready"),
        study => study["ending"] == "finished",
    }
}

/// What axe finds, one line each: the rule and the elements that break it.
async fn violations(browser: &Browser) -> Result<Vec<String>> {
    let path = std::env::var("UNMASK_AXE").context("UNMASK_AXE is not set; run this through `cargo xtask`")?;
    browser.client.execute(&std::fs::read_to_string(path)?, vec![]).await?;
    let script = "const done = arguments[0];
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        axe.run(document, { runOnly: tags }).then(found => done({
          rules: found.passes.length,
          violations: found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.target.join(' ')).join(', ')}`),
        }));";
    let found = browser.client.execute_async(script, vec![]).await?;
    assert!(found["rules"].as_u64() > Some(10), "axe hardly looked: {found}");
    Ok(serde_json::from_value(found["violations"].clone())?)
}

fn nobody_is_kept_out(window: Window) {
    in_browser(window, async |browser| {
        for place in PLACES {
            browser.open(&format!("?backend=cpu&{place}")).await?;
            browser.wait_until(&format!("{place} at rest"), is_at_rest).await?;
            if place.starts_with("length") {
                browser.wait_for("#slot-3").await?.click().await?;
                browser.element("candidate").await?;
            }
            assert_eq!(violations(browser).await?, Vec::<String>::new(), "{place}");
        }
        Ok(())
    });
}

#[test]
fn nobody_is_kept_out_in_the_light() {
    nobody_is_kept_out(Window::default());
}

#[test]
fn nobody_is_kept_out_in_the_dark() {
    nobody_is_kept_out(Window { dark: true, ..Window::default() });
}

#[test]
fn axe_sees_what_is_wrong() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&length=16").await?;
        browser.wait_until("a run", is_finished).await?;
        let script = "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: #999; background: #aaa\">pale</p><input>')";
        browser.client.execute(script, vec![]).await?;
        let found = violations(browser).await?;
        let names = |rule: &str| found.iter().any(|line| line.starts_with(rule));
        assert!(names("color-contrast") && names("label"), "{found:?}");
        Ok(())
    });
}

/// What an observer of this type has seen since the page was opened, as a list of numbers.
async fn observed(browser: &Browser, kind: &str, read: &str) -> Result<Vec<f64>> {
    let script = format!(
        "const done = arguments[0], seen = [];
         new PerformanceObserver(list => seen.push(...list.getEntries())).observe({{ type: '{kind}', buffered: true }});
         setTimeout(() => done(seen.filter(entry => !entry.hadRecentInput).map(entry => entry.{read})), 200)"
    );
    Ok(serde_json::from_value(browser.client.execute_async(&script, vec![]).await?)?)
}

#[test]
fn nothing_moves_about_while_a_run_goes_on() {
    for window in [Window::default(), Window { width: 390, height: 844, ..Window::default() }] {
        in_browser(window, async |browser| {
            browser.open("?backend=cpu").await?;
            browser.wait_until("a run", is_finished).await?;
            let at_end = |state: &Value| state["cursor"] == state["step_count"];
            browser.wait_until("its end on the stage", at_end).await?;
            let shifts: f64 = observed(browser, "layout-shift", "value").await?.iter().sum();
            assert!(shifts < 0.01, "{shifts}");
            Ok(())
        });
    }
}
