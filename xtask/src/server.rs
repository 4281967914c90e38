//! A static file server for one folder, as plain as any host the page may be put on.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use axum::Router;
use tower_http::services::ServeDir;

/// Serves the files of one folder on localhost.
pub struct Server {
    listener: TcpListener,
    folder: PathBuf,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 takes any free one.
    pub fn bind(folder: &Path, port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("port {port} cannot be listened on; try --port 0"))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, folder: folder.canonicalize()? })
    }

    /// The address to open.
    pub fn address(&self) -> Result<String> {
        let address: SocketAddr = self.listener.local_addr()?;
        Ok(format!("http://{address}/"))
    }

    /// Answers requests until the process ends.
    pub fn run(self) -> Result<()> {
        tokio::runtime::Runtime::new()?.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let files = Router::new().fallback_service(ServeDir::new(self.folder));
            Ok(axum::serve(listener, files).await?)
        })
    }

    /// Answers requests in the background, and gives back the address.
    pub fn spawn(self) -> Result<String> {
        let address = self.address()?;
        std::thread::spawn(move || {
            if let Err(error) = self.run() {
                eprintln!("the server ended: {error}");
            }
        });
        Ok(address)
    }
}
