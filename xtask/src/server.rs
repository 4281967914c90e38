//! A static file server for one folder, as plain as any host the page may be put on.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use tiny_http::{Header, Request, Response};

/// Serves the files of one folder on localhost.
#[derive(Clone)]
pub struct Server {
    http: Arc<tiny_http::Server>,
    folder: PathBuf,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 takes any free one.
    pub fn bind(folder: &Path, port: u16) -> Result<Self> {
        let http = tiny_http::Server::http(("127.0.0.1", port))
            .map_err(|error| anyhow!("port {port} cannot be listened on ({error}); try --port 0"))?;
        Ok(Self { http: Arc::new(http), folder: folder.canonicalize()? })
    }

    /// The address to open.
    pub fn address(&self) -> String {
        format!("http://{}/", self.http.server_addr())
    }

    /// Answers requests on four threads until the process ends.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Ok(request) = self.http.recv() {
                        self.answer(request);
                    }
                });
            }
        });
    }

    /// Answers requests in the background.
    pub fn spawn(&self) {
        let server = self.clone();
        std::thread::spawn(move || server.run());
    }

    fn answer(&self, request: Request) {
        // A client that has gone away is no concern of the server's.
        let _ = match self.read(request.url()) {
            Some((bytes, content_type)) => {
                let mut response = Response::from_data(bytes);
                if let Ok(header) = Header::from_bytes("Content-Type", content_type) {
                    response.add_header(header);
                }
                request.respond(response)
            }
            None => request.respond(Response::from_string("not found").with_status_code(404)),
        };
    }

    fn read(&self, url: &str) -> Option<(Vec<u8>, &'static str)> {
        let path = url.split(['?', '#']).next().unwrap_or("/").trim_start_matches('/');
        let relative = Path::new(if path.is_empty() { "index.html" } else { path });
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let bytes = std::fs::read(self.folder.join(relative)).ok()?;
        Some((bytes, content_type(relative)))
    }
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
