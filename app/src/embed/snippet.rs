//! What an author copies into an article.

use super::parts::{Part, hidden_at_first};
use crate::settings::percent::decode;

/// How the embed begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Names of the parts that are not shown.
    pub hide: Vec<&'static str>,
    /// Whether it waits for a click; else it begins when it comes into view.
    pub on_click: bool,
    /// `light` or `dark`; none follows the reader's system.
    pub theme: Option<&'static str>,
}

impl Default for Choices {
    fn default() -> Self {
        Self { hide: hidden_at_first(), on_click: false, theme: None }
    }
}

/// The HTML for an embed of the page at `base` (ends in a slash) with the settings of `query`, whose lab has these `parts`.
pub fn snippet(base: &str, query: &str, parts: &[Part], choices: &Choices) -> String {
    // Which back end computes is for the reader's machine to say.
    let settings =
        query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key != "backend");
    let mut attributes: Vec<(&str, String)> = settings.map(|(key, value)| (key, decode(value))).collect();
    let hide =
        parts.iter().map(|part| part.name).filter(|name| choices.hide.contains(name)).collect::<Vec<_>>();
    if !hide.is_empty() {
        attributes.push(("hide", hide.join(",")));
    }
    attributes.extend(choices.theme.map(|theme| ("theme", theme.to_owned())));
    if choices.on_click {
        attributes.push(("start", "click".into()));
    }
    let attributes: String =
        attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escape(value))).collect();
    let source = escape(&format!("{base}embed.js"));
    format!("<script src=\"{source}\"></script>\n<unmask-playground{attributes}></unmask-playground>")
}

/// Text inside an attribute in double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::parts;
    use super::*;
    use crate::labs::Lab;

    #[test]
    fn every_setting_of_a_link_becomes_an_attribute() {
        let choices = Choices { hide: vec!["prompt", "film"], on_click: true, theme: Some("dark") };
        let html = snippet(
            "https://a.example/b/",
            "prompt=%22Hi%22+%26+bye&seed=4&backend=cpu",
            parts::of(Lab::Generate),
            &choices,
        );
        let elsewhere = snippet("./", "lab=trap&seed=4", parts::of(Lab::Trap), &choices);
        assert!(!elsewhere.contains("hide="), "another lab has other parts: {elsewhere}");
        let lines: Vec<&str> = html.lines().collect();
        assert_eq!(
            lines,
            [
                "<script src=\"https://a.example/b/embed.js\"></script>",
                "<unmask-playground prompt=\"&quot;Hi&quot; &amp; bye\" seed=\"4\" hide=\"film,prompt\" theme=\"dark\" \
                 start=\"click\"></unmask-playground>",
            ]
        );
    }

    #[test]
    fn a_new_snippet_shows_what_an_article_needs() {
        let hidden = Choices::default().hide;
        assert!(hidden.contains(&"settings") && !hidden.contains(&"transport"), "{hidden:?}");
    }
}
