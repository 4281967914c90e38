//! How fast the engine is on the Vulkan adapter here: `cargo bench -p engine --bench gpu -- MODEL.gguf`. Medians of
//! interleaved runs, best in brackets. On a software adapter the figures say nothing about a real GPU.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "work/gpu.rs"]
mod work;

use std::time::Instant;

use engine::{BackendChoice, Error};
use pollster::block_on;
use shaders::packing::Format;
use work::{Call, GpuProduct};

const SHAPES: [[usize; 3]; 2] = [[256, 512, 512], [128, 3072, 768]];
const SAMPLES: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for shape in SHAPES {
        for (name, format) in [("f32", Format::F32), ("int4", Format::Q4)] {
            for (design, tiled) in [("tiled", true), ("direct", false)] {
                let mut product = block_on(GpuProduct::new(shape, format, tiled))?;
                let seconds = seconds(|| block_on(product.run()))?;
                let speed = seconds.map(|seconds| product.operations() / seconds / 1e9);
                println!("product {shape:?} {name} {design}: {:.1} GFLOP/s ({:.1})", speed[0], speed[1]);
            }
        }
    }
    // Cargo adds `--bench` to whatever was asked.
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        return Ok(());
    };
    let model = std::fs::read(path)?;
    for choice in [BackendChoice::WebGpu, BackendChoice::Cpu] {
        let mut call = block_on(Call::open(&model, choice))?;
        let [median, best] = seconds(|| block_on(call.run()))?.map(|seconds| seconds * 1e3);
        println!("whole call, {choice:?} {}: {median:.1} ms ({best:.1})", call.adapter());
    }
    Ok(())
}

/// Median and best time of one run.
fn seconds<T>(mut run: impl FnMut() -> Result<T, Error>) -> Result<[f64; 2], Error> {
    run()?;
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let start = Instant::now();
        run()?;
        samples.push(start.elapsed().as_secs_f64());
    }
    samples.sort_by(f64::total_cmp);
    Ok([samples[SAMPLES / 2], samples[0]])
}
