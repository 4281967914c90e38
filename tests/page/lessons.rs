use tests::browser::Window;
use tests::host::Host;

use crate::in_browser;

#[test]
fn a_lesson_moves_the_controls_and_sees_what_the_visitor_does() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&seed=1").await?;
        browser.set("lessons", "the-marginal-trap").await?;
        browser.wait_until("the lab of the lesson", |state| state["settings"]["lab"] == "trap").await?;
        let next = async || browser.element("lesson-next").await?.click().await.map_err(anyhow::Error::from);
        next().await?;
        let task = browser.element("lesson-task").await?;
        assert_eq!(task.attr("data-done").await?, None);
        browser.set("knob-together", "3").await?;
        browser.wait_until("three words", |state| state["settings"]["together"] == 3).await?;
        assert!(browser.element("lesson-task").await?.text().await?.contains("0.750"));
        let pointed = browser.client.find(fantoccini::Locator::Css("[data-pointed]")).await?;
        assert_eq!(pointed.attr("data-testid").await?.as_deref(), Some("predicted"));
        next().await?;
        browser.element("lesson-close").await?.click().await?;
        browser.wait_until("no lesson", |state| state["settings"]["lesson"] == "").await?;
        Ok(())
    });
}

#[test]
fn a_translation_is_a_file() {
    in_browser(Window::default(), async |browser| {
        let host = Host::start()?;
        host.write("texts/x-test.json", r#"{"labs.corrupt": "Verderben"}"#.into());
        let open = async |query: &str| browser.client.goto(&format!("{}{query}", host.address())).await;
        open("?backend=cpu&language=x-test").await?;
        browser.wait_until("the page", |state| state["settings"]["language"] == "x-test").await?;
        assert_eq!(browser.element("lab-corrupt").await?.text().await?, "Verderben");
        assert_eq!(browser.element("lab-trap").await?.text().await?, "Trap", "what it lacks is in English");
        let speaks = browser.client.execute("return document.documentElement.lang", vec![]).await?;
        assert_eq!(speaks, "x-test");
        open("?backend=cpu&language=none").await?;
        let says = browser.element("untranslated").await?.text().await?;
        assert!(says.contains("in English") && says.contains("404"), "{says}");
        Ok(())
    });
}

#[test]
fn a_link_opens_a_lesson_and_says_so_if_there_is_none_of_that_name() {
    in_browser(Window::default(), async |browser| {
        browser.open("?backend=cpu&lesson=five-properties").await?;
        browser.wait_until("its lab", |state| state["settings"]["lab"] == "families").await?;
        browser.open("?backend=cpu&lesson=nobody-wrote-this").await?;
        let panel = browser.element("lesson").await?.text().await?;
        assert!(panel.contains("did not arrive"), "{panel}");
        Ok(())
    });
}
