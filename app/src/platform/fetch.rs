//! Downloads from the page's own origin, with progress.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Response};

/// Why a file did not arrive whole.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// No connection, or the server went away.
    #[error("file {path} cannot be reached: {reason}")]
    Unreachable {
        /// Which file.
        path: String,
        /// What the browser said.
        reason: String,
    },
    /// The server answered, but not with the file.
    #[error("file {path} is not there: found status {found}, expected 200")]
    Status {
        /// Which file.
        path: String,
        /// The HTTP status.
        found: u16,
    },
    /// The connection broke off before the end.
    #[error("download of {path} broke off: found {found} bytes, expected {expected}")]
    Cut {
        /// Which file.
        path: String,
        /// Bytes that arrived.
        found: u64,
        /// Bytes that were announced (0 if the server announced none).
        expected: u64,
    },
}

/// Downloads `path` (relative to the page). `progress` hears bytes so far and, where the server says it, of how many.
///
/// # Errors
/// [`FetchError`], whichever of its three kinds fits.
pub async fn bytes(path: &str, mut progress: impl FnMut(u64, Option<u64>)) -> Result<Vec<u8>, FetchError> {
    let response = open(path).await?;
    let total = announced(&response);
    let cut = |found: usize| FetchError::Cut {
        path: path.to_owned(),
        found: found as u64,
        expected: total.unwrap_or(0),
    };
    let body = response.body().ok_or_else(|| cut(0))?;
    let reader = body.get_reader().dyn_into::<ReadableStreamDefaultReader>().map_err(|_| cut(0))?;
    let mut bytes = Vec::with_capacity(total.unwrap_or(0) as usize);
    progress(0, total);
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(|_| cut(bytes.len()))?;
        let Some(part) = value_of(&chunk) else { break };
        let start = bytes.len();
        bytes.resize(start + part.length() as usize, 0);
        part.copy_to(&mut bytes[start..]);
        progress(bytes.len() as u64, total);
    }
    match total {
        Some(expected) if expected != bytes.len() as u64 => Err(cut(bytes.len())),
        _ => Ok(bytes),
    }
}

/// Sends the request and checks the status.
async fn open(path: &str) -> Result<Response, FetchError> {
    let unreachable = |reason: String| FetchError::Unreachable { path: path.to_owned(), reason };
    let window = web_sys::window().ok_or_else(|| unreachable("there is no window".into()))?;
    let answer = JsFuture::from(window.fetch_with_str(path)).await.map_err(|e| unreachable(describe(&e)))?;
    let response: Response = answer.dyn_into().map_err(|e: JsValue| unreachable(describe(&e)))?;
    if response.ok() {
        Ok(response)
    } else {
        Err(FetchError::Status { path: path.to_owned(), found: response.status() })
    }
}

/// The announced size. A compressed transfer announces its compressed size, which says nothing about the bytes
/// that the page receives.
fn announced(response: &Response) -> Option<u64> {
    let header = |name: &str| response.headers().get(name).ok().flatten();
    if header("content-encoding").is_some_and(|encoding| encoding != "identity") {
        return None;
    }
    header("content-length")?.parse().ok()
}

/// The bytes of one `{ done, value }` of a stream; `None` at its end.
fn value_of(chunk: &JsValue) -> Option<Uint8Array> {
    Reflect::get(chunk, &JsValue::from_str("value")).ok()?.dyn_into().ok()
}

/// The message of a thrown value.
fn describe(error: &JsValue) -> String {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    message.unwrap_or_else(|| format!("{error:?}"))
}
