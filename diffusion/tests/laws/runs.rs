use std::slice::from_ref;

use diffusion::decode::{Asker, DecodeSettings, Decoder, Parallelism, Trajectory, run, run_batch};
use diffusion::{FullDenoiser, Sampling, Sequence, Slot, TokenId};
use pollster::block_on;

use crate::statistics::{Counts, LIMIT, Law, misfit};
use crate::systems::{MASK, Table, special};

/// Runs that are held against a law; `mask_laws::the_statistic_has_power` says what so many tell apart.
pub const RUNS: u32 = 4000;

pub const GREEDY: Sampling = Sampling { temperature: 0.0, top_k: 0, top_p: 1.0, suppress_end_of_text: false };

pub fn settings(parallelism: Parallelism) -> DecodeSettings {
    DecodeSettings { parallelism, ..DecodeSettings::default() }
}

pub fn decoder(settings: &DecodeSettings, start: &Sequence) -> Decoder {
    Decoder::new(settings.clone(), start.clone(), special()).unwrap()
}

/// A run from the start to its end.
pub fn whole_run<D: FullDenoiser>(
    denoiser: &mut D,
    settings: &DecodeSettings,
    start: &Sequence,
) -> Trajectory {
    block_on(run(denoiser, decoder(settings, start))).unwrap()
}

/// The documented loop by hand, cut off where it does not end: the decoder at the end, and the calls.
pub fn by_hand(denoiser: &mut impl FullDenoiser, mut decoder: Decoder, most: usize) -> (Decoder, usize) {
    let (mut asker, mut calls) = (Asker::default(), 0);
    while !decoder.is_finished() {
        assert!(calls < most, "not finished after {most} calls: {:?}", decoder.settings());
        let answers = block_on(asker.ask(denoiser, from_ref(&decoder))).unwrap();
        decoder.apply(&answers).unwrap();
        calls += 1;
    }
    (decoder, calls)
}

/// A text that was written, no slot of it given.
pub fn written(text: &[u32]) -> Sequence {
    Sequence { slots: text.iter().map(|id| Slot::committed(TokenId(*id))).collect() }
}

/// A text of given words; id 0 stands for a hidden one.
pub fn given(text: &[u32]) -> Sequence {
    let template: Vec<_> = text.iter().map(|&id| (id != MASK.0).then_some(TokenId(id))).collect();
    Sequence::infill(&template, MASK)
}

pub fn text(sequence: &Sequence) -> Vec<u32> {
    sequence.tokens().map(|token| token.0).collect()
}

/// The slots after the last call.
pub fn end(run: &Trajectory) -> Sequence {
    run.sequence_at(run.steps.len()).unwrap()
}

/// How often the runs of the first so many seeds, a multiple of 500, write every text.
pub fn counts<D: FullDenoiser>(
    denoiser: &mut D,
    start: &Sequence,
    base: &DecodeSettings,
    runs: u32,
) -> Counts {
    let mut found = Counts::new();
    for chunk in 0..runs / 500 {
        let seeds = chunk * 500..(chunk + 1) * 500;
        let decoders = seeds.map(|seed| decoder(&DecodeSettings { seed, ..base.clone() }, start)).collect();
        for run in block_on(run_batch(denoiser, decoders)).unwrap() {
            *found.entry(text(&end(&run))).or_default() += 1;
        }
    }
    found
}

/// Holds what is written from nothing but masks against a law.
pub fn check_law(table: &Table, base: &DecodeSettings, expected: &Law) {
    let start = Sequence::masked(table.length(), MASK);
    let found = counts(&mut table.clone(), &start, base, RUNS);
    let off = misfit(&found, expected);
    assert!(off < LIMIT, "{off} deviations with {base:?}\nfound {found:?}\nexpected {expected:?}");
}
