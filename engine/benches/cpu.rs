//! How fast the CPU back end is here: `cargo bench -p engine --bench cpu`. One thread; medians of interleaved
//! runs, best in brackets.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

mod work;

use std::hint::black_box;
use std::time::Instant;

use work::{Product, Step};

/// Rows, outputs, inputs: two shapes for comparing with others, then the products of the shipped model.
const PRODUCTS: [[usize; 3]; 7] = [
    [256, 512, 512],
    [128, 3072, 768],
    [64, 768, 256],
    [64, 256, 256],
    [64, 1408, 256],
    [64, 256, 704],
    [64, 900, 256],
];

const SAMPLES: usize = 15;

fn main() -> Result<(), engine::Error> {
    for shape in PRODUCTS {
        let [rows, outputs, inputs] = shape;
        let mut product = Product::new(rows, outputs, inputs);
        let (median, best) = seconds(|| {
            black_box(product.run());
        });
        let speed = |seconds: f64| product.operations() / seconds / 1e9;
        println!("product {rows} x {outputs} x {inputs}: {:.1} GFLOP/s ({:.1})", speed(median), speed(best));
    }
    for batch in [1, 8] {
        let start = Instant::now();
        let mut step = Step::new(batch)?;
        let opened = start.elapsed().as_secs_f64();
        step.run()?;
        let (median, best) = seconds(|| {
            black_box(step.run().is_ok());
        });
        println!(
            "call of {batch} x 64 slots: {:.2} ms ({:.2}), {:.1} GFLOP/s; made ready in {:.0} ms",
            median * 1e3,
            best * 1e3,
            step.operations() / median / 1e9,
            opened * 1e3,
        );
    }
    Ok(())
}

/// Median and best time of one run; each sample repeats it for at least 10 ms.
fn seconds(mut run: impl FnMut()) -> (f64, f64) {
    let start = Instant::now();
    run();
    let repeats = (0.01 / start.elapsed().as_secs_f64()).ceil().max(1.0);
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            (0..repeats as usize).for_each(|_| run());
            start.elapsed().as_secs_f64() / repeats
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    (samples[SAMPLES / 2], samples[0])
}
