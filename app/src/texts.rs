//! What the page says, kept apart from the code: `static/texts/en.json` holds every sentence under a key, so a translation is a file
//! beside it, which a link with `language=NAME` asks for. What a translation lacks is said in English.

use std::collections::HashMap;
use std::sync::OnceLock;

/// English. Keys are `lab.what`; `{name}` is filled in by [`fill`].
const ENGLISH: &str = include_str!("../../static/texts/en.json");

/// The translation that was asked for, if it came.
static TRANSLATION: OnceLock<HashMap<String, String>> = OnceLock::new();

/// Takes a translation: a JSON object of keys and texts. Of the first that is whole, before anything is said.
///
/// # Errors
/// What the parser says.
pub fn translate(json: &[u8]) -> Result<(), serde_json::Error> {
    let texts = serde_json::from_slice(json)?;
    TRANSLATION.get_or_init(|| texts);
    Ok(())
}

fn all() -> &'static HashMap<String, String> {
    static TEXTS: OnceLock<HashMap<String, String>> = OnceLock::new();
    // A test reads the file, so it cannot be broken here.
    TEXTS.get_or_init(|| serde_json::from_str(ENGLISH).unwrap_or_default())
}

/// Reads the file: on its own, so that nothing that is drawn waits for it.
pub fn read() {
    all();
}

/// The text under a key; the key itself if there is none, which a test rules out.
pub fn say(key: &'static str) -> &'static str {
    let translated = TRANSLATION.get().and_then(|texts| texts.get(key));
    translated.or_else(|| all().get(key)).map_or(key, String::as_str)
}

/// A key that stands in a table and is looked up later by [`say`]; marked, so that the test below finds it.
pub const fn key(key: &'static str) -> &'static str {
    key
}

/// The text under a key with every `{name}` replaced by its value.
pub fn fill(key: &'static str, values: &[(&str, &str)]) -> String {
    let filled = |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{{name}}}"), value);
    values.iter().fold(say(key).to_owned(), filled)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every `"lab.what"` between quotes in the sources of the page.
    fn keys_in_sources(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                keys_in_sources(&path, found);
            } else if path.file_name().is_some_and(|name| name != "texts.rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                for call in ["say(", "fill(", "key("] {
                    let keys = source.split(call).skip(1).filter_map(|rest| {
                        rest.trim_start().strip_prefix('"')?.split_once('"').map(|(key, _)| key)
                    });
                    found.extend(keys.map(String::from));
                }
            }
        }
    }

    #[test]
    fn every_key_has_a_text_and_every_text_is_used() {
        let file: HashMap<String, String> = serde_json::from_str(ENGLISH).unwrap();
        let mut used = BTreeSet::new();
        keys_in_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        let there: BTreeSet<String> = file.into_keys().collect();
        assert!(used.len() > 20, "found only {used:?}");
        assert_eq!(used.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "keys without a text");
        assert_eq!(
            there.difference(&used).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "texts that nobody says"
        );
    }

    #[test]
    fn values_take_the_place_of_their_names() {
        assert_eq!(fill("no such {key}", &[("key", "1")]), "no such 1");
    }
}
