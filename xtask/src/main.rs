//! `cargo xtask`: what cargo alone cannot say. Set up, serve, test, measure.

mod bench;
mod budget;
mod commands;
mod deny;
mod dist;
mod files;
mod models;
mod names;
mod npm;
mod page;
mod serve;
mod server;
mod setup;
mod shots;
mod test;
mod wgsl;
mod worker;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, serve, test and measure Unmask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build the page and serve it on localhost.
    Serve {
        /// Port to listen on; 0 takes any free one.
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Install what is missing and run every test; ends with one line of counts.
    Test,
    /// Build the page as a folder and a zip that work from any static server, in any path.
    Dist,
    /// Measure our kernels and steps beside onnxruntime-web, in one run.
    Bench,
    /// Write every complete shader to a folder, exactly as a browser receives it.
    Wgsl {
        /// Folder to write to; made if missing.
        folder: PathBuf,
    },
    /// Build the page and write screenshots at three sizes in both themes.
    Shots {
        /// Folder to write to; made if missing.
        folder: PathBuf,
    },
    /// Check every shipped model against its card and the goldens, and print the README's table.
    Models,
    /// Check licences, sources and duplicates of all dependencies with cargo-deny.
    Deny,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(commands::root())?;
    match Arguments::parse().task {
        Task::Serve { port } => serve::serve(port),
        Task::Test => test::test(),
        Task::Dist => dist::dist(),
        Task::Bench => bench::bench(),
        Task::Wgsl { folder } => wgsl::write_all(&folder),
        Task::Shots { folder } => shots::shots(&folder),
        Task::Models => models::models(),
        Task::Deny => deny::deny(),
    }
}
