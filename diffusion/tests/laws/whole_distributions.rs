use std::collections::BTreeMap;
use std::slice::from_ref;

use diffusion::decode::{
    Asker, Checkpoint, Correction, DecodeError, DecodeSettings, Decoder, Order, Parallelism, Trajectory,
    TrajectoryError, run, run_batch,
};
use diffusion::draw::DrawError;
use diffusion::random::{exponential, word};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Sequence};
use pollster::block_on;

use crate::hashed::{Hashed, Seen, best, divergence, ranked, same_as_rule, slots};
use crate::runs::{decoder, settings, text, whole_run, written};
use crate::statistics::near;
use crate::systems::MASK;

/// Steady ones, ones that sharpen slowly, and ones that change their minds altogether, so that the best words of two calls are
/// others: (sharp, wobble, sharpens).
const CHARACTERS: [(f64, f64, f64); 6] = [
    (3.0, 0.02, 0.0),
    (8.0, 0.05, 0.0),
    (8.0, 0.02, 0.5),
    (20.0, 0.02, 0.2),
    (1.0, 6.0, 0.0),
    (2.0, 1.0, 3.0),
];

fn networks(words: u32, seeds: u32) -> impl Iterator<Item = Hashed> {
    let network = move |seed: u32| {
        let (sharp, wobble, sharpens) = CHARACTERS[seed as usize % CHARACTERS.len()];
        // Of many words the best must stand out as far as of few.
        let sharp = sharp * f64::from(words).ln() / 5_f64.ln();
        Hashed { seed, words, sharp, wobble, sharpens }
    };
    (0..seeds).map(network)
}

fn confidence(p: &[f64]) -> f64 {
    best(p).1
}

fn stable(probability: f64, drift_nats: f64, calls: u32) -> Parallelism {
    Parallelism::Stable { probability, drift_nats, calls, slots: 1 }
}

/// The released code of KLASS (arXiv 2511.05664): what is sure in the block and has moved by less than the threshold at each of the last
/// calls, also those of the block before, but not before call `calls` of this one; or else the surest.
fn klass(
    block: usize,
    (probability, drift_nats, calls): (f64, f64, usize),
    masked: &[Seen],
    past: &[BTreeMap<usize, Vec<f64>>],
) -> Vec<usize> {
    let now = masked[0].0 / block;
    let in_block = past.iter().filter(|call| call.keys().next().is_some_and(|slot| slot / block == now));
    let waits = in_block.count() + 1 < calls;
    let is_steady = |slot: usize, p: &Vec<f64>| {
        let mut seen: Vec<&Vec<f64>> = past.iter().rev().take(calls).map(|call| &call[&slot]).collect();
        seen.insert(0, p);
        seen.len() == calls + 1 && seen.windows(2).all(|two| divergence(two[0], two[1]) < drift_nats)
    };
    let inside: Vec<Seen> = masked.iter().filter(|(slot, _)| slot / block == now).cloned().collect();
    let ready = inside.iter().filter(|(slot, p)| confidence(p) > probability && is_steady(*slot, p));
    let ready: Vec<usize> = ready.map(|(slot, _)| *slot).collect();
    if waits || ready.is_empty() { slots(&ranked(&inside, confidence)[..1]) } else { ready }
}

#[test]
fn klass_commits_what_is_sure_and_steady() {
    let length = 16;
    for (words, seeds, sure) in [(5, 60, 1.0), (50, 60, 1.0), (1000, 12, 0.1)] {
        let (mut several, mut one_by_one) = (0, 0);
        for network in networks(words, seeds) {
            for (block, probability, drift_nats, calls) in
                [(16, 0.05, 0.01, 2), (16, 0.02, 0.05, 1), (4, 0.1, 0.02, 2), (8, 0.02, 0.1, 3)]
            {
                let probability = sure * probability;
                let parallelism = stable(probability, drift_nats, calls as u32);
                let block_length = if block == length { 0 } else { block as u32 };
                let base = DecodeSettings { order: Order::Confidence, block_length, ..settings(parallelism) };
                let made = same_as_rule(&network, length, base, &|_, masked, past| {
                    klass(block, (probability, drift_nats, calls), masked, past)
                });
                several += usize::from(made < length);
                one_by_one += usize::from(made == length);
            }
        }
        assert!(
            several > 10 && one_by_one > 10,
            "{words} words: {several} runs wrote several, {one_by_one} one"
        );
    }
}

/// The drift is the KL of whole distributions, also where the best words of two calls have none in common.
#[test]
fn the_drift_is_that_of_whole_distributions() {
    let mut disjoint = 0;
    for network in networks(50, 12) {
        let run =
            whole_run(&mut network.clone(), &settings(stable(0.9, 0.01, 2)), &Sequence::masked(10, MASK));
        assert!(
            run.steps[0].predictions.iter().all(|p| p.prediction.drift_nats.is_none()),
            "nothing went before"
        );
        let states: Vec<Vec<u32>> = (0..10).map(|step| text(&run.sequence_at(step).unwrap())).collect();
        for (index, steps) in run.steps.windows(2).enumerate() {
            for p in &steps[1].predictions {
                let [before, now] = [index, index + 1].map(|at| network.p(&states[at], p.slot as usize));
                let (found, expected) =
                    (f64::from(p.prediction.drift_nats.unwrap()), divergence(&now, &before));
                assert!(near(found, expected, 1e-6 + 1e-6 * expected), "{found}, expected {expected}");
                let old = steps[0].predictions.iter().find(|old| old.slot == p.slot).unwrap().prediction;
                let is_new = |token| old.top.iter().all(|old| old.token != token);
                let all_new = p.prediction.top.iter().all(|now| is_new(now.token));
                disjoint += usize::from(all_new && expected > 0.5);
            }
        }
    }
    assert!(disjoint > 20, "only {disjoint} complete changes of mind");
}

/// The released code of GIDD (arXiv 2503.04482): of the words drawn at the temperature the likeliest other one, until the text stays,
/// or its self-accuracy has not risen for too long, whose last change is thrown away.
fn gidd(
    network: &Hashed,
    mut text: Vec<u32>,
    temperature: f32,
    patience: usize,
    calls: u32,
) -> Vec<BTreeMap<usize, u32>> {
    let (mut made, mut best_accuracy, mut stalled) = (Vec::new(), 0.0, 0);
    for call in 0..calls {
        let all: Vec<Vec<f64>> = (0..text.len()).map(|slot| network.p(&text, slot)).collect();
        let drawn = all.iter().enumerate().map(|(slot, p)| draw(p, temperature, slot as u32, call));
        let drawn: Vec<(u32, f64)> = drawn.collect();
        let others = (0..text.len()).filter(|slot| drawn[*slot].0 != text[*slot]);
        let Some(change) = others.min_by(|a, b| drawn[*a].1.total_cmp(&drawn[*b].1)) else {
            made.push(BTreeMap::new());
            break;
        };
        let mut next = text.clone();
        next[change] = drawn[change].0;
        let accuracy = all.iter().zip(&next).filter(|(p, token)| best(p).0 == **token).count() as f64;
        stalled = if accuracy > best_accuracy { 0 } else { stalled + 1 };
        best_accuracy = accuracy.max(best_accuracy);
        if stalled > patience {
            made.push(BTreeMap::new());
            break;
        }
        made.push(BTreeMap::from([(change, next[change])]));
        text = next;
    }
    made
}

/// The winner of the race of tempered words, and what all others weigh against it: the less, the likelier it is.
fn draw(p: &[f64], temperature: f32, slot: u32, call: u32) -> (u32, f64) {
    if temperature == 0.0 {
        let (token, p) = best(p);
        return (token, 1.0 / p);
    }
    let temperature = f64::from(temperature);
    let finish =
        |v: u32| f64::from(exponential(word(0, call, slot, v))).ln() - p[v as usize].ln() / temperature;
    let words = 3..p.len() as u32;
    let token = words.clone().min_by(|a, b| finish(*a).total_cmp(&finish(*b))).unwrap();
    let weight = |v: u32| (p[v as usize] / p[token as usize]).powf(1.0 / temperature);
    (token, words.filter(|v| *v != token).map(weight).sum())
}

#[test]
fn gidd_changes_the_likeliest_other_word_of_its_temperature() {
    for (words, seeds) in [(5, 60), (50, 60), (1000, 12)] {
        let (mut changes, mut given_up) = (0, 0);
        for network in networks(words, seeds) {
            for (temperature, patience) in [(0.1, 3), (0.5, 2), (1.0, 4), (3.0, 3), (0.0, 2)] {
                let correction =
                    Correction::OneByOne { temperature, time: 0.01, patience: patience as u32, calls: 20 };
                let base = DecodeSettings { correction: Some(correction), ..DecodeSettings::default() };
                let start: Vec<u32> = (0..10).map(|slot| 3 + slot % words).collect();
                let run = whole_run(&mut network.clone(), &base, &written(&start));
                let commits = |step: &diffusion::Step| {
                    step.commits.iter().map(|commit| (commit.slot as usize, commit.token.0)).collect()
                };
                let found: Vec<BTreeMap<usize, u32>> = run.steps.iter().map(commits).collect();
                let expected = gidd(&network, start, temperature, patience, 20);
                assert_eq!(found, expected, "{network:?} at temperature {temperature}");
                changes += found.iter().flatten().count();
                given_up += usize::from(found.last().unwrap().is_empty());
            }
        }
        assert!(changes > 100 && given_up > 10, "{words} words: {changes} changes, {given_up} runs gave up");
    }
}

/// Counts its forward passes.
struct Counted {
    network: Hashed,
    summaries: usize,
    wholes: usize,
}

impl Denoiser for Counted {
    type Error = DrawError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, DrawError> {
        self.summaries += 1;
        self.network.predict(query).await
    }
}

impl FullDenoiser for Counted {
    fn vocabulary(&self) -> usize {
        self.network.vocabulary()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, DrawError> {
        self.wholes += 1;
        self.network.distributions(query).await
    }
}

/// Settings of both rules, drawing at random, in blocks too.
fn both_rules(seed: u32) -> [DecodeSettings; 3] {
    let correction = Correction::OneByOne { temperature: 0.5, time: 0.01, patience: 3, calls: 9 };
    let base = DecodeSettings { seed, order: Order::Confidence, ..settings(stable(0.02, 0.05, 2)) };
    [
        base.clone(),
        DecodeSettings { block_length: 5, soft_feedback: Some(Default::default()), ..base.clone() },
        DecodeSettings { correction: Some(correction), ..base },
    ]
}

#[test]
fn a_run_that_is_taken_up_decides_as_the_uninterrupted_one() {
    let start = Sequence::masked(12, MASK);
    let mut several = 0;
    for network in networks(50, 12) {
        for base in both_rules(network.seed) {
            let mut counted = Counted { network: network.clone(), summaries: 0, wholes: 0 };
            let whole = whole_run(&mut counted, &base, &start);
            assert_eq!(
                (counted.summaries, counted.wholes),
                (0, whole.steps.len()),
                "one forward pass per call"
            );
            several += usize::from(whole.steps.iter().any(|step| step.commits.len() > 1));
            assert_eq!(whole.verify(), Ok(()));
            let json = serde_json::to_string(&whole).unwrap();
            let read: Trajectory = serde_json::from_str(&json).unwrap();
            assert_eq!(read, whole);
            for step in 0..=read.steps.len() {
                counted.wholes = 0;
                let fork = read.fork(step).unwrap();
                let Checkpoint { before, correcting, .. } = fork.checkpoint();
                let compares = before.is_some() && correcting.is_none() && !fork.is_finished();
                let rest = block_on(run(&mut counted, fork)).unwrap();
                assert_eq!(rest.steps, whole.steps[step..], "{base:?} from step {step}");
                assert_eq!(
                    counted.wholes,
                    rest.steps.len() + usize::from(compares),
                    "{base:?} from step {step}"
                );
            }
        }
    }
    assert!(several > 10, "only {several} runs wrote several slots in a call");
}

/// Runs of a batch end at different calls, and some need whole distributions where others do not.
#[test]
fn a_batch_decides_as_each_run_alone() {
    let start = Sequence::masked(12, MASK);
    let network = Hashed { seed: 8, words: 50, sharp: 20.0, wobble: 0.02, sharpens: 0.5 };
    let decoders: Vec<Decoder> = (0..8).flat_map(both_rules).map(|base| decoder(&base, &start)).collect();
    let alone: Vec<Trajectory> = decoders
        .iter()
        .map(|decoder| block_on(run(&mut network.clone(), decoder.clone())).unwrap())
        .collect();
    let lengths = alone.iter().map(|run| run.steps.len());
    assert!(lengths.clone().min() < lengths.max(), "all runs end at one call");
    let mut counted = Counted { network, summaries: 0, wholes: 0 };
    let together = block_on(run_batch(&mut counted, decoders)).unwrap();
    assert_eq!(together, alone);
    let longest = alone.iter().map(|run| run.steps.len()).max().unwrap();
    assert_eq!(counted.wholes, longest, "one forward pass per call");
}

#[test]
fn a_decoder_that_gets_no_more_than_summaries_says_so() {
    let mut network = networks(50, 1).next().unwrap();
    let [stable, _, corrected] = both_rules(1);
    let mut decoder = decoder(&stable, &Sequence::masked(6, MASK));
    let answers = block_on(network.predict(&decoder.query())).unwrap();
    decoder.apply(&answers).unwrap();
    let answers = block_on(network.predict(&decoder.query())).unwrap();
    let before = decoder.clone();
    let missing = |slot, quantity| Err(DecodeError::Missing { slot, quantity });
    let first = decoder.rows(0).next().unwrap().slot;
    assert_eq!(decoder.apply(&answers), missing(first, "drift since the call before"));
    assert_eq!(decoder, before, "nothing has changed");
    let answers = block_on(Asker::default().ask(&mut network, from_ref(&decoder))).unwrap();
    decoder.apply(&answers).unwrap();

    let mut decoder = crate::runs::decoder(&corrected, &written(&[3, 4, 5]));
    let answers = block_on(network.predict(&decoder.query())).unwrap();
    assert_eq!(decoder.apply(&answers), missing(0, "tempered log-probability"));
}

/// Traces of before the drift was kept are read; what they show is as it was, and what they lack is said.
#[test]
fn older_traces_are_still_read() {
    let network = networks(50, 4).last().unwrap();
    let [stable, ..] = both_rules(2);
    for (base, lacks) in [(DecodeSettings::default(), false), (stable, true)] {
        let whole = whole_run(&mut network.clone(), &base, &Sequence::masked(8, MASK));
        let mut json = serde_json::to_value(&whole).unwrap();
        for prediction in json["steps"].as_array_mut().unwrap().iter_mut().flat_map(|step| {
            step["predictions"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .map(|p| p["prediction"].as_object_mut().unwrap())
        }) {
            prediction.remove("drift_nats").unwrap();
            prediction.remove("tempered_log_probability").unwrap();
        }
        let old: Trajectory = serde_json::from_value(json).unwrap();
        let end = old.steps.len();
        assert_eq!(old.sequence_at(end).unwrap(), whole.sequence_at(end).unwrap());
        let verified = old.verify();
        assert_eq!(verified.is_err(), lacks, "{verified:?}");
        if lacks {
            assert!(matches!(verified, Err(TrajectoryError::Predictions(DecodeError::Missing { .. }))));
        }
    }
}
