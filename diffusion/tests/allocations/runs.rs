use allocation_counter::measure;
use diffusion::decode::{Decoder, GaussianSettings, Parallelism, run_gaussian};
use diffusion::hybrid::adaptive::{Adaptive, adaptive};
use diffusion::hybrid::edlm::{Edlm, edlm};
use diffusion::hybrid::rerank::{Rerank, rerank};
use diffusion::hybrid::speculative::{Speculative, speculate};
use diffusion::process::Gaussian;
use diffusion::{DecodeSettings, Schedule, Sequence, SpecialTokens};
use pollster::block_on;

use crate::check;
use crate::table::{Table, WORDS};

fn special() -> SpecialTokens {
    SpecialTokens::default()
}

fn open(slots: usize) -> Sequence {
    Sequence::masked(slots, special().mask)
}

#[test]
fn no_step_back_from_gaussian_noise_allocates_for_each_slot() {
    let embeddings = (0..WORDS.len() * 4).map(|x| (x as f64).sin()).collect();
    let process = Gaussian::new(Schedule::Linear, embeddings, 4);
    check("gaussian", |slots| {
        let (start, settings) = (open(slots), GaussianSettings { seed: 1, steps: 3 });
        measure(|| {
            let run = block_on(run_gaussian(&mut Table, &process, &start, settings, special()));
            assert_eq!(run.unwrap().len(), 4);
        })
        .count_total
    });
}

/// Everything in one call, so that what is counted is that of a call: both models say the same, and all that is drafted is kept.
#[test]
fn no_hybrid_allocates_for_each_slot() {
    let at_once = Parallelism::SlotsPerCall { slots: 65_536 };
    let settings = DecodeSettings { parallelism: at_once, ..DecodeSettings::default() };
    check("speculative", |slots| {
        let (start, knobs) = (open(slots), Speculative { window: 65_536, ..Speculative::default() });
        measure(|| {
            let run = block_on(speculate(&mut Table, &mut Table, knobs, start, special())).unwrap();
            assert_eq!((run.target_calls, run.accepted), (1, slots as u32));
        })
        .count_total
    });
    check("adaptive", |slots| {
        let (start, knobs) = (open(slots), Adaptive { window: 65_536, ..Adaptive::default() });
        measure(|| {
            let run = block_on(adaptive(&mut Table, &mut Table, knobs, start, special())).unwrap();
            assert_eq!(run.kept, [slots as u32]);
        })
        .count_total
    });
    check("rerank", |slots| {
        let (start, knobs) = (open(slots), Rerank { candidates: 2, ..Rerank::default() });
        measure(|| {
            let run = block_on(rerank(&mut Table, &mut Table, knobs, &settings, &start, special()));
            assert_eq!(run.unwrap().denoiser_calls, 2);
        })
        .count_total
    });
    check("edlm", |slots| {
        let decoder = Decoder::new(settings.clone(), open(slots), special()).unwrap();
        let knobs = Edlm { candidates: 2, window: 1.0 };
        measure(|| {
            let run = block_on(edlm(&mut Table, &mut Table, knobs, decoder));
            assert_eq!(run.unwrap().denoiser_calls, 1);
        })
        .count_total
    });
}
