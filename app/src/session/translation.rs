//! The translation that a link asks for, before anything is said.

use crate::lessons::is_name;
use crate::platform::{fetch, media, url};
use crate::settings::Settings;
use crate::texts::{fill, say, translate};

/// Fetches the texts of the language in the address; the sentence that says why there are none, where they were asked for.
pub async fn fetch() -> Option<String> {
    let language = Settings::from_query(&url::query()).language;
    if language.is_empty() {
        return None;
    }
    let found = texts(&language).await;
    if found.is_ok() {
        media::speak(&language);
    }
    found.err().map(|reason| fill("foot.untranslated", &[("reason", &reason)]))
}

async fn texts(language: &str) -> Result<(), String> {
    if !is_name(language) {
        return Err(say("foot.no-language").into());
    }
    let bytes = fetch::bytes(&format!("texts/{language}.json"), |_, _| {}).await;
    translate(&bytes.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}
