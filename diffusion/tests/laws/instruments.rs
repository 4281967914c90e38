use std::collections::HashSet;

use diffusion::decode::{Commit, DecodeSettings, Decoder, Order, Parallelism, Step};
use diffusion::guide::Causal;
use diffusion::measure::Moments;
use diffusion::measure::correlation::{self, CLIP_BITS, Direction};
use diffusion::measure::decay::kl_by_distance;
use diffusion::measure::dependency::bits_at_stake;
use diffusion::measure::discreteness::Symbols;
use diffusion::measure::heterogeneity::{Hiding, told};
use diffusion::measure::information::{Jumps, open_bits};
use diffusion::measure::judge::judge;
use diffusion::measure::refinement::{reading_order_tau, slots_per_call};
use diffusion::measure::revision::{Repair, revisions};
use diffusion::measure::surface::{adjacent_duplicates, distinct_share, grams, histogram_bits, unseen_share};
use diffusion::measure::tractability::on_path_gap;
use diffusion::{Sequence, SlotState, TokenId};
use pollster::block_on;

use crate::computed_laws::{law_of_sets, random_of};
use crate::drawn_settings::any_settings;
use crate::runs::{given, settings, whole_run, written};
use crate::statistics::{is_share, near};
use crate::systems::{MASK, Table, chain, hidden, ids, parity, special};

/// All four slots drawn in one call.
fn at_once(table: &Table, seed: u32) -> Step {
    let base = DecodeSettings { seed, ..settings(Parallelism::SlotsPerCall { slots: 4 }) };
    whole_run(&mut table.clone(), &base, &Sequence::masked(4, MASK)).steps.remove(0)
}

/// −pTC of the step in bits.
fn damage(table: &Table, step: &Step, direction: Direction) -> f64 {
    let base = settings(Parallelism::SlotsPerCall { slots: 4 });
    let seen = Decoder::new(base, Sequence::masked(4, MASK), special()).unwrap().query();
    let mut table = table.clone();
    let damage = correlation::chain(&mut table, step, &seen, direction);
    block_on(damage).unwrap().unwrap()
}

/// The mean of −pTC over draws at once is KL(product ‖ joint), its definition; of parity half of the draws are
/// impossible, and as many values at the clip.
#[test]
fn pointwise_total_correlation_is_a_divergence_in_the_mean() {
    let table = hidden();
    let product = law_of_sets(&table, &|_, masked| random_of(4, masked));
    let expected: f64 = product.iter().map(|(text, q)| q * (q / table.p(text)).log2()).sum();
    for direction in [Direction::Forward, Direction::Backward] {
        let values: Vec<f64> =
            (0..4000).map(|seed| damage(&table, &at_once(&table, seed), direction)).collect();
        let mean = values.into_iter().collect::<Moments>().estimate().unwrap();
        assert!(near(mean.value, expected, 4.0 * mean.standard_error), "{mean:?}, expected {expected}");
    }
    let (coins, start) = (at_once(&table, 1), Sequence::masked(4, special().mask));
    let open = open_bits(&coins, &start);
    assert!(near(bits_at_stake(&coins), 3.0, 1e-5) && near(open, 4.0, 1e-5), "four fair coins");
    let mut clipped = 0;
    for seed in 0..1000 {
        let found = damage(&parity(), &at_once(&parity(), seed), Direction::Forward);
        clipped += u32::from(found == CLIP_BITS);
        assert!(found == CLIP_BITS || near(found, -1.0, 1e-5), "{found}");
    }
    assert!(is_share(f64::from(clipped) / 1000.0, 0.5, 1000), "{clipped} of 1000 were clipped");
}

/// Steps that write these slots.
fn commits(calls: &[&[u32]]) -> Vec<Step> {
    let step = |(call, slots): (u32, &&[u32])| Step {
        call,
        step: call,
        edits: Vec::new(),
        predictions: Vec::new(),
        commits: slots.iter().map(|&slot| Commit { slot, token: TokenId(3) }).collect(),
        noisy: Vec::new(),
        remasks: Vec::new(),
    };
    (0..).zip(calls).map(step).collect()
}

/// Kendall's tau-b is (C − D) / sqrt(pairs that differ in call × pairs that differ in slot), counted by hand.
#[test]
fn commit_order_tau_by_hand() {
    assert_eq!(reading_order_tau(&commits(&[&[0], &[1], &[2]])), Some(1.0));
    assert_eq!(reading_order_tau(&commits(&[&[2], &[1], &[0]])), Some(-1.0));
    assert_eq!(reading_order_tau(&commits(&[&[0, 1, 2]])), None);
    // Slots 0 and 2, then 1 and 3: of the four pairs in two calls 0-1, 0-3 and 2-3 agree; all six differ in slot.
    let found = reading_order_tau(&commits(&[&[0, 2], &[1, 3]])).unwrap();
    assert!(near(found, 2.0 / 24.0_f64.sqrt(), 1e-12), "{found}");
    assert_eq!(slots_per_call(&commits(&[&[0, 2], &[1], &[3]])), Some(4.0 / 3.0));
}

/// KL to the unigram by distance is the mutual information of the hidden-state system with its first letter, as two
/// letters at distance d are the same with probability 1/2 + 1/2 (0.8)^2 (0.6)^d.
#[test]
fn collapse_by_distance_is_the_chains_own() {
    let unigram = [0.0, 0.0, 0.0, 0.5, 0.5];
    let found = block_on(kl_by_distance(&mut hidden(), &given(&[3, 0, 0, 0]), &unigram, special())).unwrap();
    for distance in 1..4_u32 {
        let same = 0.5 + 0.5 * 0.64 * 0.6_f64.powi(distance as i32);
        let expected = 1.0 + same * same.log2() + (1.0 - same) * (1.0 - same).log2();
        let found = found[&distance].0;
        assert!(near(found, expected, 1e-5), "{distance}: {found}, expected {expected}");
    }
}

/// By the definition of what the visible rest tells (`heterogeneity`), nothing visible tells nothing, and nothing is asked
/// where nothing is hidden.
#[test]
fn nothing_visible_tells_nothing() {
    let unigram = [0.0, 0.0, 0.0, 0.5, 0.5];
    let text = ids(&[3, 4, 4, 3]);
    let hiding = |t| Hiding { t, seed: 1, draws: 5 };
    let ask = |t| block_on(told(&mut hidden(), &text, 0, &unigram, special(), hiding(t))).unwrap();
    let found = ask(1.0);
    let is_nothing = found.iter().all(|told| near(told.bits, 0.0, 1e-6) && told.distance.is_none());
    assert!(found.len() == 20 && is_nothing, "{found:?}");
    assert!(ask(0.0).is_empty());
}

/// The gap between the runs of masks on the path and by chance, by hand for three slots from left to right: found are runs
/// of 2 and 1; by chance two masks of three are one run of 2 with 2/3 or two of 1, so 5/3 of 7/3 runs have length 1.
#[test]
fn on_path_gap_by_hand() {
    let base = DecodeSettings { order: Order::LeftToRight, ..DecodeSettings::default() };
    let mut table = Table::new(vec![(vec![3, 4, 5], 1.0), (vec![4, 5, 3], 1.0)]);
    let run = whole_run(&mut table, &base, &Sequence::masked(3, MASK));
    let gap = on_path_gap(&run, 0).unwrap().unwrap();
    assert!(near(gap.total_variation, 5.0 / 7.0 - 0.5, 1e-12), "{gap:?}");
}

/// Counts on finished texts (`surface`, `revision`, `information`, `discreteness`) are what they are by hand.
#[test]
fn surface_counts_by_hand() {
    let (a, b) = (ids(&[3, 3, 4, 4, 4]), ids(&[3, 4, 5]));
    assert_eq!((adjacent_duplicates(&a), adjacent_duplicates(&b)), (3, 0));
    // Pairs: 33, 34, 44, 44 and 34, 45, which are four of six.
    assert_eq!(distinct_share([&a[..], &b[..]], 2), Some(4.0 / 6.0));
    let reference: HashSet<&[TokenId]> = grams([&a[..]], 2).collect();
    assert_eq!(unseen_share([&b[..]], &reference, 2), Some(0.5));
    let bits = 0.4 * 2.5_f64.log2() + 0.6 * (5.0_f64 / 3.0).log2();
    assert!(near(histogram_bits(a.iter()), bits, 1e-12));
    assert_eq!((distinct_share([&b[..]], 4), distinct_share([&b[..]], 0)), (None, None));

    let repair = Repair::of(&ids(&[3, 4, 5, 6]), &ids(&[3, 3, 3, 6]), &ids(&[3, 4, 3, 3]));
    assert_eq!((repair.corrupted, repair.repaired, repair.intact, repair.damaged), (2, 1, 2, 1));
    assert_eq!(repair.net(), Some(0.0));

    let jumps = Jumps::of(&[4.0, 3.0, 3.5, 1.5]).unwrap();
    assert!(jumps.largest == 2.0 && near(jumps.participation, 9.0 / 5.0, 1e-12), "{jumps:?}");

    // The nearest other symbols are at 1, 2 and 1; the distances here 0.5, sqrt(1.25) to the third, and 1.5.
    let symbols = Symbols::new(vec![vec![0.0, 0.0], vec![2.0, 0.0], vec![0.0, 1.0]]).unwrap();
    let rounding = symbols.round(&[0.5, 0.0]).unwrap();
    assert!(rounding.nearest == 0 && near(rounding.gap, 0.5 / (4.0 / 3.0), 1e-12), "{rounding:?}");
    assert!(near(rounding.margin, (1.25_f64.sqrt() - 0.5) / 0.5, 1e-12), "{rounding:?}");
}

/// Shares of revised slots (`revision`) are those of a replay by hand, under remasking and under a correction.
#[test]
fn revisions_by_replay() {
    let (mut runs, mut revised) = (0, 0);
    for settings in (0..300).map(any_settings).filter(|settings| settings.validate().is_ok()) {
        let run = whole_run(&mut chain(), &settings, &Sequence::masked(4, MASK));
        let (mut replaced, mut remasked) = (0, 0);
        for (index, step) in run.steps.iter().enumerate() {
            let (before, after) = (run.sequence_at(index).unwrap(), run.sequence_at(index + 1).unwrap());
            let pairs = before.slots.iter().zip(&after.slots);
            for (before, after) in pairs.filter(|(before, _)| before.state != SlotState::Masked) {
                let is_masked = after.state == SlotState::Masked;
                remasked += u32::from(is_masked);
                replaced += u32::from(!is_masked && before.token != after.token);
            }
            let mut replay = before.clone();
            step.replay(&mut replay, MASK).unwrap();
            assert_eq!(replay, after, "{settings:?}");
        }
        let chances = (run.steps.len() * 4) as f64;
        let found = revisions(&run).unwrap().unwrap();
        assert!(near(found.replaced_share, f64::from(replaced) / chances, 1e-12), "{settings:?}");
        assert!(near(found.remasked_share, f64::from(remasked) / chances, 1e-12), "{settings:?}");
        runs += 1;
        revised += u32::from(replaced + remasked > 0);
    }
    assert!(runs > 250 && revised > 50, "{revised} of {runs} runs revised something");
}

/// A judge tells −log2 p per token, the mean over texts, and the entropy of their words, as computed by hand.
#[test]
fn a_judge_tells_bits_per_token() {
    let table = hidden();
    let texts = [[3, 3, 3, 3], [3, 4, 3, 4]];
    let mut causal = Causal::new(table.clone(), MASK);
    let texts_written = texts.map(|text| written(&text));
    let found = block_on(judge(&mut causal, &texts_written, special(), 2)).unwrap().unwrap();
    let expected = texts.iter().map(|text| -table.p(text).log2() / 4.0).sum::<f64>() / 2.0;
    assert!(near(found.bits_per_token.value, expected, 1e-5), "{found:?}, expected {expected}");
    assert!(near(found.perplexity().value, expected.exp2(), 1e-4), "{found:?}");
    assert!(near(found.entropy_bits.value, 0.5, 1e-12), "one text of one word, one of two: {found:?}");
    // Pairs 33 33 33 and 34 43 34: 3 of 6 are distinct, 2/3 or 1/3 without a text, and half their distance is the error.
    let distinct = found.distinct_share.unwrap();
    assert!(near(distinct.value, 0.5, 1e-12) && distinct.samples == 2, "{found:?}");
    assert!(near(distinct.standard_error, 1.0 / 6.0, 1e-12), "{found:?}");
}
