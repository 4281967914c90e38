//! `cargo xtask serve`.

use anyhow::Result;

use crate::{page, server::Server, setup};

/// Sets up, builds the page and serves it until interrupted.
pub fn serve(port: u16) -> Result<()> {
    setup::for_page()?;
    let folder = page::build()?;
    let server = Server::bind(&folder, port)?;
    println!("\nUnmask is at {}  (Ctrl-C ends it)", server.address()?);
    server.run()
}
