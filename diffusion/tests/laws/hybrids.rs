use diffusion::decode::{DecodeSettings, Parallelism};
use diffusion::guide::Causal;
use diffusion::hybrid::adaptive::{Adapted, Adaptive, adaptive};
use diffusion::hybrid::edlm::{Edlm, edlm};
use diffusion::hybrid::rerank::{Rerank, rerank};
use diffusion::hybrid::speculative::{Speculative, speculate};
use diffusion::{Schedule, Sequence};
use pollster::block_on;

use crate::computed_laws::{first_of, law_of_sets};
use crate::runs::{RUNS, decoder, end, settings, text, whole_run};
use crate::statistics::{Counts, LIMIT, is_share, misfit, near, normalised};
use crate::systems::{MASK, Table, chain, copy, hidden, parity, special};

fn start() -> Sequence {
    Sequence::masked(4, MASK)
}

/// Speculative decoding draws from the target whatever drafts, in parallel or one by one, and be it of another language
/// (Leviathan et al., arXiv 2211.17192).
#[test]
fn speculation_draws_from_the_target() {
    for (draft, target) in
        [(parity(), parity()), (hidden(), copy()), (hidden(), hidden()), (copy(), hidden())]
    {
        for (window, sequential_draft) in [(1, false), (2, false), (4, false), (3, true)] {
            let (mut draft, mut causal) = (draft.clone(), Causal::new(target.clone(), MASK));
            let mut found = Counts::new();
            for seed in 0..RUNS {
                let knobs = Speculative { seed, window, sequential_draft };
                let run = block_on(speculate(&mut draft, &mut causal, knobs, start(), special())).unwrap();
                let calls = 4_u32.div_ceil(window)..=4;
                assert!(calls.contains(&run.target_calls), "window {window}: {} calls", run.target_calls);
                *found.entry(text(&run.sequence)).or_default() += 1;
            }
            assert!(misfit(&found, &target.joint()) < LIMIT, "window {window}: {found:?}");
        }
    }
}

fn adapted(table: &Table, share: f64, window: u32, seed: u32) -> Adapted {
    let mut causal = Causal::new(table.clone(), MASK);
    let knobs = Adaptive { seed, window, share };
    block_on(adaptive(&mut table.clone(), &mut causal, knobs, start(), special())).unwrap()
}

/// How often two draws with shared Gumbels agree: the sum over v of 1 / sum over w of max(p_w / p_v, q_w / q_v).
fn agreement(p: &[f64], q: &[f64]) -> f64 {
    let possible: Vec<usize> = (0..p.len()).filter(|v| p[*v] > 0.0 && q[*v] > 0.0).collect();
    let times = |v: usize| possible.iter().map(|&w| (p[w] / p[v]).max(q[w] / q[v])).sum::<f64>();
    possible.iter().map(|&v| 1.0 / times(v)).sum()
}

/// Adaptive parallel decoding (Israel et al., arXiv 2506.00413): share 1 keeps whole windows of products, share 0 in windows
/// of one is the joint, and in between a draft is kept as often as shared Gumbels agree.
#[test]
fn adaptive_drafts_are_kept_as_shared_gumbels_say() {
    let table = hidden();
    let counts = |share, window| {
        let mut found = Counts::new();
        let mut note =
            |seed| *found.entry(text(&adapted(&table, share, window, seed).sequence)).or_default() += 1;
        (0..RUNS).for_each(&mut note);
        found
    };
    let pairs = law_of_sets(&table, &|_, masked| first_of(2, masked));
    assert!(misfit(&counts(1.0, 2), &pairs) < LIMIT, "share 1");
    assert_eq!(adapted(&table, 1.0, 3, 5).kept, [3, 1]);
    assert!(misfit(&counts(0.0, 1), &table.joint()) < LIMIT, "windows of one");
    for share in [0.0, 0.4] {
        // Of the first window of two: how often is the second slot kept?
        let q = table.conditional(&[MASK.0; 4], 1);
        let kept_after = |first: u32| {
            let p = table.conditional(&[first, 0, 0, 0], 1);
            let mixed =
                |(p, q): (&f64, &f64)| if *q == 0.0 { 0.0 } else { q.powf(share) * p.powf(1.0 - share) };
            agreement(&normalised(p.iter().zip(&q).map(mixed)), &q)
        };
        let first = table.conditional(&[MASK.0; 4], 0);
        let expected: f64 = (3..5).map(|word| first[word] * kept_after(word as u32)).sum();
        let kept = (0..8000).filter(|&seed| adapted(&table, share, 2, seed).kept[0] == 2).count();
        let kept = kept as f64 / 8000.0;
        assert!(is_share(kept, expected, 8000), "share {share}: {kept}, expected {expected}");
    }
}

/// EDLM (arXiv 2410.21357) on parity in one step, where half of the candidates are impossible, chooses an impossible one
/// only if all k are: with probability 2^(−k).
#[test]
fn resampling_avoids_impossible_candidates() {
    let table = parity();
    let base = settings(Parallelism::Quota { steps: 1, schedule: Schedule::Linear });
    for candidates in [1, 2, 3] {
        let (mut denoiser, mut causal) = (table.clone(), Causal::new(table.clone(), MASK));
        let is_broken = |seed: &u32| {
            let decoder = decoder(&DecodeSettings { seed: *seed, ..base.clone() }, &start());
            let knobs = Edlm { candidates, window: 0.5 };
            let run = block_on(edlm(&mut denoiser, &mut causal, knobs, decoder)).unwrap();
            table.p(&text(&end(&run.trajectory))) == 0.0
        };
        let broken = (0..6000).filter(is_broken).count() as f64 / 6000.0;
        assert!(is_share(broken, 0.5_f64.powi(candidates as i32), 6000), "{candidates} candidates: {broken}");
    }
}

/// The best of n, as `rerank` documents it, is the likeliest of the n runs that the same seeds give one by one.
#[test]
fn the_best_of_n_is_the_likeliest_run() {
    let mut table = chain();
    let base = DecodeSettings { seed: 40, ..settings(Parallelism::SlotsPerCall { slots: 2 }) };
    let mut causal = Causal::new(table.clone(), MASK);
    let knobs = Rerank { candidates: 6, least_entropy_bits: 0.0 };
    let best = block_on(rerank(&mut table, &mut causal, knobs, &base, &start(), special())).unwrap();
    let p = |seed| {
        let run = whole_run(&mut table, &DecodeSettings { seed, ..base.clone() }, &start());
        table.p(&text(&end(&run)))
    };
    let most = (40..46).map(p).fold(0.0, f64::max);
    assert!(near(best.log_probability, most.ln(), 1e-5), "{}, expected {}", best.log_probability, most.ln());
    assert_eq!(best.autoregressive_calls, 6);
}
