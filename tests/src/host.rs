//! A static host for the built page: in a sub-path, with a network that can be cut and files that can be changed.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Runtime;

/// Where the page lies: neither the root nor one folder deep.
const PATH: &str = "/some/where/unmask/";

/// A running host. It ends when dropped.
pub struct Host {
    port: u16,
    files: Arc<Files>,
    runtime: Option<Runtime>,
}

/// What is served: a folder, and files that stand before it.
struct Files {
    folder: PathBuf,
    /// By path; none is a file that was taken away.
    changed: Mutex<HashMap<String, Option<String>>>,
}

impl Host {
    /// Serves the page that `cargo xtask` built, whose folder it tells in `UNMASK_DIST`.
    pub fn start() -> Result<Self> {
        let folder =
            std::env::var("UNMASK_DIST").context("UNMASK_DIST is not set; run this through `cargo xtask`")?;
        let files = Arc::new(Files { folder: folder.into(), changed: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let router = Router::new().fallback(answer).with_state(files.clone());
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await });
        Ok(Self { port, files, runtime: Some(runtime) })
    }

    /// The page's address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// The same host by another name: to a browser, another site.
    pub fn foreign_address(&self) -> String {
        format!("http://localhost:{}{PATH}", self.port)
    }

    /// The present text of a file.
    pub fn read(&self, path: &str) -> Result<String> {
        Ok(String::from_utf8(self.files.read(path)?)?)
    }

    /// Puts a text file before the folder's, or beside them.
    pub fn write(&self, path: &str, text: String) {
        self.change(path, Some(text));
    }

    /// Takes a file away.
    pub fn remove(&self, path: &str) {
        self.change(path, None);
    }

    fn change(&self, path: &str, text: Option<String>) {
        self.files.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), text);
    }

    /// Cuts the network: nobody listens any more, and open connections end.
    pub fn cut(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Files {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        match changed.get(path) {
            Some(text) => Ok(text.clone().context("the file was taken away")?.into_bytes()),
            None => Ok(std::fs::read(self.folder.join(path))?),
        }
    }
}

async fn answer(State(files): State<Arc<Files>>, uri: Uri) -> Response {
    let Some(path) = uri.path().strip_prefix(PATH).filter(|path| !path.contains("..")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let path = if path.is_empty() { "index.html" } else { path };
    match files.read(path) {
        Ok(bytes) => ([(header::CONTENT_TYPE, media_type(path))], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html",
        "js" => "text/javascript",
        "css" => "text/css",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
