use std::cell::Cell;
use std::collections::BTreeMap;

use diffusion::decode::{Believed, DecodeSettings, Order, Parallelism, Remasking};
use diffusion::random::{Purpose, exponential, word};
use diffusion::{Denoiser, Schedule, Sequence};

use crate::hashed::{Seen, best, entropy, margin, networks, ranked, same_as_rule, slots};
use crate::runs::{GREEDY, decoder, settings, text, whole_run};
use crate::statistics::{LIMIT, misfit};
use crate::systems::MASK;

fn confidence(p: &[f64]) -> f64 {
    best(p).1
}

fn ordered(order: Order, parallelism: Parallelism) -> DecodeSettings {
    DecodeSettings { order, ..settings(parallelism) }
}

fn equal_shares(steps: u32) -> Parallelism {
    Parallelism::Quota { steps, schedule: Schedule::Linear }
}

/// LLaDA's `generate` (arXiv 2502.09992): blocks from left to right, equal shares per step, the surest words stay.
#[test]
fn llada_low_confidence_in_blocks() {
    for network in networks() {
        let base = DecodeSettings { block_length: 8, ..ordered(Order::Confidence, equal_shares(4)) };
        same_as_rule(&network, 24, base, &|_, masked, _| {
            let block = masked[0].0 / 8;
            let inside: Vec<Seen> = masked.iter().filter(|(slot, _)| slot / 8 == block).cloned().collect();
            slots(&ranked(&inside, confidence)[..2])
        });
    }
}

/// Dream's `topk_margin` and `entropy` (arXiv 2508.15487) with equal shares per step.
#[test]
fn dream_orders() {
    for network in networks() {
        let base = ordered(Order::Margin, equal_shares(4));
        same_as_rule(&network, 12, base, &|_, masked, _| slots(&ranked(masked, margin)[..3]));
        let base = ordered(Order::Entropy, equal_shares(4));
        same_as_rule(&network, 12, base, &|_, masked, _| slots(&ranked(masked, |p| -entropy(p))[..3]));
    }
}

/// Dream's `alg_temp` (its released code): positions drawn without replacement from softmax(score / temperature), where the score is
/// the best probability, the margin or minus the entropy; here by the Gumbel numbers of the run's seed.
#[test]
fn dream_samples_its_order() {
    type Score<'a> = &'a dyn Fn(&[f64]) -> f64;
    let scores: [(Order, Score<'_>); 3] =
        [(Order::Confidence, &confidence), (Order::Margin, &margin), (Order::Entropy, &|p| -entropy(p))];
    let moved = Cell::new(0);
    for network in networks() {
        for (order, score) in scores {
            for order_temperature in [0.01, 0.1, 2.0] {
                let base = DecodeSettings { order_temperature, ..ordered(order, equal_shares(4)) };
                same_as_rule(&network, 12, base, &|call, masked, _| {
                    let noisy = |(slot, p): &Seen| {
                        let noise = exponential(word(0, call as u32, *slot as u32, Purpose::Order as u32));
                        score(p) / order_temperature - f64::from(noise).ln()
                    };
                    let mut sampled = masked.to_vec();
                    sampled.sort_by(|a, b| noisy(b).total_cmp(&noisy(a)));
                    let (first, greedy) = (slots(&sampled[..3]), slots(&ranked(masked, score)[..3]));
                    moved.set(moved.get() + usize::from(first != greedy));
                    first
                });
            }
        }
    }
    assert!(moved.get() > 300, "only {} calls wrote other slots than without a temperature", moved.get());
}

/// The law of two of four slots, drawn one after the other with probability ∝ exp(score / temperature).
#[test]
fn a_sampled_order_has_the_law_of_draws_without_replacement() {
    let mut network = networks().next().unwrap();
    let temperature = 0.2;
    let start = Sequence::masked(4, MASK);
    let weight = |slot| (confidence(&network.p(&[MASK.0; 4], slot)) / temperature).exp();
    let weights: Vec<f64> = (0..4).map(weight).collect();
    let total: f64 = weights.iter().sum();
    let pairs = (0..4).flat_map(|first| (0..4).map(move |second| (first, second)));
    let law: BTreeMap<(usize, usize), f64> = pairs
        .filter(|(first, second)| first != second)
        .map(|(first, second)| {
            let p = weights[first] / total * weights[second] / (total - weights[first]);
            ((first, second), p)
        })
        .collect();
    let mut found: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let parallelism = Parallelism::SlotsPerCall { slots: 2 };
    for seed in 0..20_000 {
        let base = DecodeSettings {
            seed,
            order_temperature: temperature,
            ..ordered(Order::Confidence, parallelism)
        };
        let mut decoder = decoder(&DecodeSettings { sampling: GREEDY, ..base }, &start);
        let answers = pollster::block_on(network.predict(&decoder.query())).unwrap();
        let step = decoder.apply(&answers).unwrap();
        let slot = |index: usize| step.commits[index].slot as usize;
        *found.entry((slot(0), slot(1))).or_default() += 1;
    }
    let off = misfit(&found, &law);
    assert!(off < LIMIT, "{off} deviations: {found:?}, expected {law:?}");
    let even = law.keys().map(|pair| (*pair, 1.0 / 12.0)).collect();
    assert!(misfit(&found, &even) > LIMIT, "the law is told from a random order");
}

/// Fast-dLLM (arXiv 2505.22618): all that reach the threshold, or the largest k with (k + 1)(1 − c_k) < f; at least one.
#[test]
fn fast_dllm_threshold_and_factor() {
    let mut calls = 0;
    for network in networks() {
        for probability in [0.3, 0.6, 0.9] {
            let base = ordered(Order::Confidence, Parallelism::Threshold { probability });
            calls += same_as_rule(&network, 16, base, &|_, masked, _| {
                let sorted = ranked(masked, confidence);
                let count = sorted.iter().filter(|(_, p)| confidence(p) >= probability).count();
                slots(&sorted[..count.max(1)])
            });
        }
        for factor in [0.7, 1.0, 1.9, 4.0] {
            calls += same_as_rule(&network, 16, settings(Parallelism::Factor { factor }), &|_, masked, _| {
                let sorted = ranked(masked, confidence);
                let fits = |k: &usize| (*k as f64 + 1.0) * (1.0 - confidence(&sorted[k - 1].1)) < factor;
                slots(&sorted[..(1..=sorted.len()).filter(fits).max().unwrap_or(1)])
            });
        }
    }
    assert!(calls < 20 * 7 * 16, "no call wrote several slots");
}

/// The entropy-bounded sampler (arXiv 2505.24857): the largest prefix with sum H − max H at most the bound, by each of
/// its three proxies.
#[test]
fn entropy_bounded_prefixes() {
    type Score<'a> = &'a dyn Fn(&[f64]) -> f64;
    let proxies: [(Order, Score<'_>); 3] =
        [(Order::Entropy, &|p| -entropy(p)), (Order::Confidence, &confidence), (Order::Margin, &margin)];
    for network in networks() {
        for nats in [0.1, 0.5, 1.5] {
            for (order, score) in proxies {
                let base = ordered(order, Parallelism::EntropyBounded { nats });
                same_as_rule(&network, 12, base, &|_, masked, _| {
                    let sorted = ranked(masked, score);
                    let cost = |k: usize| {
                        let entropies = || sorted[..k].iter().map(|(_, p)| entropy(p));
                        entropies().sum::<f64>() - entropies().fold(0.0, f64::max)
                    };
                    let most = (1..=sorted.len()).filter(|k| cost(*k) <= nats).max().unwrap();
                    slots(&sorted[..most])
                });
            }
        }
    }
}

/// DUS (arXiv 2506.19037): round r takes the slots k of a block, from 1 on, with (k − 1) mod floor(B / 2^r) = 0.
#[test]
fn dilated_rounds() {
    let network = networks().next().unwrap();
    for block in [4_usize, 8, 16] {
        let rounds = block.ilog2() as usize;
        let base = ordered(Order::Dilated, Parallelism::Rounds);
        let base = DecodeSettings { block_length: block as u32, ..base };
        let calls = same_as_rule(&network, 16, base, &|step, masked, _| {
            let (now, width) = (masked[0].0 / block, block >> (1 + step % rounds));
            let is_due = |slot: &usize| slot / block == now && (slot % block).is_multiple_of(width);
            slots(masked).into_iter().filter(is_due).collect()
        });
        assert_eq!(calls, 16 / block * rounds);
    }
}

/// RCR (arXiv 2508.13148): after every call the whole quota stands, by the confidence, and the rest is hidden again. By the
/// paper that is the largest so far; by its released code that of the word which stands there, or would now.
#[test]
fn running_confidence_fills_the_total_quota() {
    let (mut opened, mut other) = (0, 0);
    for network in networks() {
        let texts = [Believed::Largest, Believed::Latest].map(|believed| {
            let remasking = Remasking::RunningConfidence { believed };
            let base = DecodeSettings { remasking, sampling: GREEDY, ..settings(equal_shares(6)) };
            let run = whole_run(&mut network.clone(), &base, &Sequence::masked(12, MASK));
            let (mut state, mut running) = ([MASK.0; 12], [0.0_f64; 12]);
            for (index, step) in run.steps.iter().enumerate() {
                let drawn: [_; 12] = std::array::from_fn(|slot| best(&network.p(&state, slot)));
                for slot in (0..12).filter(|slot| state[*slot] == MASK.0) {
                    // Predictions hold logarithms in f32.
                    let now = f64::from(drawn[slot].1.ln() as f32).exp();
                    running[slot] = if believed == Believed::Latest { now } else { running[slot].max(now) };
                }
                let mut order: Vec<usize> = (0..12).collect();
                order.sort_by(|a, b| running[*b].total_cmp(&running[*a]));
                let (standing, hidden) = order.split_at(2 * (index + 1));
                for &slot in standing.iter().filter(|slot| state[**slot] == MASK.0).collect::<Vec<_>>() {
                    state[slot] = drawn[slot].0;
                }
                hidden.iter().for_each(|slot| state[*slot] = MASK.0);
                opened += step.remasks.len();
                assert_eq!(text(&run.sequence_at(index + 1).unwrap()), state, "step {index} of {network:?}");
            }
            state
        });
        other += usize::from(texts[0] != texts[1]);
    }
    assert!(opened > 0, "nothing was hidden again");
    assert!(other > 0, "the two never differ");
}
