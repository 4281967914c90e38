//! `cargo xtask bench`: our kernels and calls beside onnxruntime-web's, in one run.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::{cargo, command, run};
use crate::npm;
use crate::server::Server;
use crate::setup::{self, TestTools};

/// The peer's version.
const ONNXRUNTIME_WEB: &str = "onnxruntime-web@1.30.0";
const MODEL: &str = "static/models/storyworld-mask/model.gguf";
const FOLDER: &str = "work/bench";

/// Native figures first, then the browser's. Nothing else should run meanwhile.
pub fn bench() -> Result<()> {
    let tools = setup::for_tests()?;
    let folder = Path::new(FOLDER);
    std::fs::create_dir_all(folder)?;
    build_page(folder)?;
    npm::fetch(ONNXRUNTIME_WEB, "package/dist/ort*", folder, "ort.webgpu.min.mjs")?;
    export_models(folder)?;
    println!("\nNative, CPU back end");
    run(cargo().args(["bench", "-p", "engine", "--bench", "cpu"]))?;
    println!("\nNative, Vulkan");
    run(cargo()
        .args(["bench", "-p", "engine", "--bench", "gpu", "--"])
        .arg(Path::new(MODEL).canonicalize()?))?;
    in_browser(folder, &tools)
}

/// Our side of the page: the engine's benchmark bodies as a WASM module.
fn build_page(folder: &Path) -> Result<()> {
    let target = ["--target", "wasm32-unknown-unknown"];
    run(cargo().args(["build", "--release", "-p", "engine", "--example", "web_bench"]).args(target))?;
    let module = target_folder().join("wasm32-unknown-unknown/release/examples/web_bench.wasm");
    run(command(&["wasm-bindgen", "--target", "web", "--out-dir", FOLDER]).arg(module))?;
    for file in ["index.html", "bench.js"] {
        std::fs::copy(Path::new("xtask/bench").join(file), folder.join(file))?;
    }
    std::fs::copy(MODEL, folder.join("model.gguf"))?;
    Ok(())
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// The same weights as ONNX, by `training/onnx_export.py` in an environment of its own.
fn export_models(folder: &Path) -> Result<()> {
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    if !python.is_file() {
        run(command(&["python3", "-m", "venv"]).arg(&environment))?;
        run(std::process::Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "-q",
            "-r",
            "training/requirements-bench.txt",
        ]))?;
    }
    run(std::process::Command::new(&python).args(["-m", "training.onnx_export", MODEL, FOLDER]))
}

fn in_browser(folder: &Path, tools: &TestTools) -> Result<()> {
    let address = Server::bind(folder, 0)?.spawn()?;
    run(cargo()
        .args(["run", "-q", "-p", "tests", "--features", "browser", "--bin", "bench"])
        .env("UNMASK_URL", address)
        .env("UNMASK_BROWSER", &tools.browser)
        .env("CHROMEDRIVER", &tools.chromedriver))
}
