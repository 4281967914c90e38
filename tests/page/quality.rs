use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::browser::{Browser, Window};
use tests::tasks::tasks;

use crate::{finished, in_browser, is_finished};

/// Everything that a visitor may have before them.
const PLACES: [&str; 9] = [
    "length=16&seed=5",
    "length=16&seed=5&beside=temperature:0",
    "lab=corrupt",
    "lab=collapse",
    "lab=trap&length=16",
    "lab=families&length=16",
    "lab=frontier&length=16",
    "embed&length=16",
    "lesson=the-marginal-trap&lab=trap&length=16",
];

/// Whether a place has come to rest: what it computes by itself is there.
fn is_at_rest(state: &Value) -> bool {
    let study = &state["study"];
    match study {
        Value::Null => is_finished(state),
        study => study["ending"] == "finished",
    }
}

/// What axe finds, one line each: the rule and the elements that break it.
async fn violations(browser: &Browser) -> Result<Vec<String>> {
    let path =
        std::env::var("UNMASK_AXE").context("UNMASK_AXE is not set; run this through `cargo xtask`")?;
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

/// A run over 128 slots in 128 calls: the shipped recording twice, one half beside the other.
fn large_run() -> Result<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/runs/storyworld-mask.json");
    let mut run: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let trajectory = &mut run["trajectory"];
    let slots = list(&trajectory["start"]["sequence"]["slots"]);
    assert_eq!(slots.len(), 64, "the recording is of 64 slots");
    let steps = list(&trajectory["steps"]);
    let shifted = |items: &Value, by: u64| {
        let moved = list(items).into_iter().map(|mut item| {
            item["slot"] = json!(item["slot"].as_u64().unwrap_or_default() + by);
            item
        });
        moved.collect::<Vec<Value>>()
    };
    let large = (0..128_usize).map(|call| {
        let (now, later) = (&steps[call / 2], steps.get(call.div_ceil(2)));
        let beside = later.map_or_else(Vec::new, |step| shifted(&step["predictions"], 0));
        let right = shifted(&now["predictions"], 64);
        let commits = if call % 2 == 0 { shifted(&now["commits"], 0) } else { shifted(&now["commits"], 64) };
        json!({ "call": call, "step": call, "predictions": ([beside, right].concat()), "commits": commits })
    });
    trajectory["steps"] = large.collect();
    trajectory["start"]["sequence"]["slots"] = [slots.clone(), slots].concat().into();
    trajectory["start"]["opened"] = json!(128);
    Ok(run.to_string())
}

/// Moves the scrubber by one call in every frame, and gives back how long the frames took and how long the page's own work
/// in them did, in milliseconds.
const SCRUB: &str = "const done = arguments[0], scrubber = document.querySelector('[data-testid=scrubber]');
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    const frames = [], work = [];
    let step = 0, last = performance.now();
    const move = () => {
      const begun = performance.now();
      frames.push(begun - last);
      last = begun;
      set.call(scrubber, step);
      scrubber.dispatchEvent(new Event('input', { bubbles: true }));
      setTimeout(() => {
        document.body.getBoundingClientRect();
        work.push(performance.now() - begun);
        step += 1;
        step > 128 ? done([frames.slice(1), work]) : requestAnimationFrame(move);
      });
    };
    requestAnimationFrame(move);";

#[test]
fn scrubbing_over_128_slots_and_128_calls_keeps_60_frames_a_second() {
    in_browser(Window::default(), async |browser| {
        finished(browser, "?backend=cpu&length=16").await?;
        crate::keep::open_run(browser, "large.json", &large_run()?).await?;
        browser.wait_until("the large run", |state| state["step_count"] == 128).await?;
        browser.element("to-end").await?.click().await?;
        browser.wait_until("its end", |state| state["cursor"] == 128).await?;
        let [mut frames, mut work]: [Vec<f64>; 2] =
            serde_json::from_value(browser.client.execute_async(SCRUB, vec![]).await?)?;
        let share = |values: &mut Vec<f64>, share: f64| {
            values.sort_by(f64::total_cmp);
            values[(values.len() as f64 * share) as usize]
        };
        println!(
            "frames: median {:.1} ms, 95 % within {:.1} ms",
            share(&mut frames, 0.5),
            share(&mut frames, 0.95)
        );
        // How long a frame takes is up to the browser too; what the page does in it must leave room for that.
        let longest = share(&mut work, 0.95);
        // The mark is 16.7 ms. One build took from less than that to 23 ms within an hour on a machine that others share.
        assert!(longest < 40.0, "95 % of the page's work within {longest} ms");
        Ok(())
    });
}

/// The longest tasks of the main thread so far, in milliseconds, longest first; only those above 50 count as long.
async fn long_tasks(browser: &Browser) -> Result<Vec<f64>> {
    let mut found = observed(browser, "longtask", "duration").await?;
    found.sort_by(|a, b| b.total_cmp(a));
    Ok(found)
}

/// The most that a task of the main thread may compute. The mark is 50 ms; 20 to 47 were measured on two slow cores, and a machine that is
/// half as slow again must not fail for it.
const LONGEST_TASK_MS: f64 = 75.0;
/// By the clock a task may take longer where there are fewer cores than threads. This finds what waits for something.
const LONGEST_WAIT_MS: f64 = 250.0;

/// Whether the page leaves its main thread free while `body` goes on, from the opening.
async fn leaves_its_main_thread_free(
    browser: &Browser,
    what: &str,
    body: impl Future<Output = Result<()>>,
) -> Result<()> {
    body.await?;
    let waits = long_tasks(browser).await?;
    let tasks = tasks(browser).await?;
    let longest = tasks.iter().take(3).map(|task| task.processor_ms).collect::<Vec<_>>();
    println!(
        "{what}: of {} tasks the longest {longest:.0?} ms; above 50 ms by the clock: {waits:.0?}",
        tasks.len()
    );
    assert!(longest.iter().all(|task| *task < LONGEST_TASK_MS), "{what}: {longest:?}");
    assert!(waits.iter().all(|wait| *wait < LONGEST_WAIT_MS), "{what}: {waits:?}");
    Ok(())
}

#[test]
fn the_main_thread_is_never_held_for_long_from_opening_to_the_end_of_a_run() {
    // On a software adapter 64 calls would take longer than a trace has room for.
    for query in ["?backend=cpu", "?backend=webgpu&length=16"] {
        in_browser(Window { traced: true, ..Window::default() }, async |browser| {
            leaves_its_main_thread_free(browser, query, async {
                finished(browser, query).await?;
                let at_end = |state: &Value| state["cursor"] == state["step_count"];
                browser.wait_until("its end on the stage", at_end).await?;
                Ok(())
            })
            .await
        });
    }
}

#[test]
fn the_main_thread_is_never_held_for_long_in_a_lab() {
    // A whole sweep would take longer than a trace has room for.
    for (lab, length) in [("corrupt", 64), ("collapse", 64), ("trap", 64), ("families", 64), ("frontier", 16)]
    {
        in_browser(Window { traced: true, ..Window::default() }, async |browser| {
            leaves_its_main_thread_free(browser, lab, async {
                browser.open(&format!("?lab={lab}&backend=cpu&stories=2&slots=8&length={length}")).await?;
                if lab == "frontier" {
                    browser.element("sweep").await?.click().await?;
                }
                let is_over = |state: &Value| {
                    let study = &state["study"];
                    study["ending"] == "finished" && study["question"] != "glance"
                };
                browser.wait_until("its study", is_over).await?;
                Ok(())
            })
            .await
        });
    }
}
