use diffusion::decode::{Correction, DecodeSettings, Order, Parallelism, Sampling, Span};
use diffusion::{Schedule, Sequence};

use crate::computed_laws::{first_of, law_of_sets, random_of, subsets};
use crate::runs::{RUNS, check_law, counts, settings};
use crate::statistics::{LIMIT, Law, misfit, near, normalised};
use crate::systems::{MASK, Table, hidden, parity, systems};

/// One slot per call in any order that does not look at the text draws from the joint itself, by the chain rule:
/// random, left to right, Halton, dilated, first hitting, a quota of as many steps as slots, blocks, spans.
#[test]
fn one_slot_per_call_draws_from_the_joint() {
    let schedule = Schedule::Cosine;
    let ordered = |order| DecodeSettings { order, ..DecodeSettings::default() };
    let spans = vec![Span { start: 0, end: 4 }];
    let all = [
        ordered(Order::Random),
        ordered(Order::LeftToRight),
        ordered(Order::Halton),
        ordered(Order::Dilated),
        settings(Parallelism::FirstHitting { schedule }),
        settings(Parallelism::Quota { steps: 4, schedule: Schedule::Linear }),
        DecodeSettings { block_length: 2, ..DecodeSettings::default() },
        DecodeSettings { sequential: spans, ..settings(Parallelism::SlotsPerCall { slots: 4 }) },
    ];
    for table in systems() {
        all.iter().for_each(|base| check_law(&table, base, &table.joint()));
    }
}

/// Orders by entropy or margin look at distributions but not at draws, so one slot per call is exact too, and so is an
/// entropy bound of 0 (Ben-Hamu et al., arXiv 2505.24857: one token, or those without entropy).
#[test]
fn orders_by_distribution_and_a_zero_entropy_bound_are_exact_too() {
    let bounded = settings(Parallelism::EntropyBounded { nats: 0.0 });
    for table in systems() {
        for base in [
            DecodeSettings { order: Order::Entropy, ..DecodeSettings::default() },
            DecodeSettings { order: Order::Margin, ..DecodeSettings::default() },
            DecodeSettings { order: Order::Entropy, ..bounded.clone() },
        ] {
            check_law(&table, &base, &table.joint());
        }
    }
}

/// Several slots per call draw from the mixture of products over the sets of slots, and not from the joint (the marginal
/// trap, Jin et al., arXiv 2512.22630).
#[test]
fn several_slots_per_call_draw_from_products() {
    for table in systems() {
        for count in [2, 3, 4] {
            let expected = law_of_sets(&table, &|_, masked| random_of(count, masked));
            check_law(&table, &settings(Parallelism::SlotsPerCall { slots: count as u32 }), &expected);
        }
        let expected = law_of_sets(&table, &|_, masked| first_of(2, masked));
        let pairs = settings(Parallelism::SlotsPerCall { slots: 2 });
        check_law(&table, &DecodeSettings { order: Order::LeftToRight, ..pairs }, &expected);
    }
    let at_once = law_of_sets(&parity(), &|_, masked| random_of(4, masked));
    let impossible: f64 = at_once.iter().filter(|(text, _)| parity().p(text) == 0.0).map(|(_, p)| p).sum();
    assert!(near(impossible, 0.5, 1e-12), "the computed law itself: {impossible}");
}

/// Ancestral sampling reveals every masked slot with (alpha_s − alpha_t) / (1 − alpha_t) in a step (MDLM, arXiv
/// 2406.07524), with every schedule, from a start below 1 too.
#[test]
fn ancestral_sampling_has_its_computed_law() {
    for table in systems() {
        for (schedule, steps, start_time) in [
            (Schedule::Linear, 3, 1.0),
            (Schedule::Cosine, 3, 1.0),
            (Schedule::LogLinear, 5, 1.0),
            (Schedule::Geometric, 6, 1.0),
            (Schedule::Cosine, 2, 0.6),
        ] {
            let alpha = |step: usize| schedule.alpha(start_time * (1.0 - step as f64 / f64::from(steps)));
            let reveals = |step: usize| {
                let is_last = step + 1 >= steps as usize;
                if is_last { 1.0 } else { (alpha(step + 1) - alpha(step)) / (1.0 - alpha(step)) }
            };
            let policy = |step: usize, masked: &[usize]| {
                let p: f64 = reveals(step);
                let share = |set: &[usize]| {
                    p.powi(set.len() as i32) * (1.0 - p).powi((masked.len() - set.len()) as i32)
                };
                let sets = subsets(masked).into_iter().map(|set| (share(&set), set));
                sets.filter(|(share, _)| *share > 0.0).map(|(share, set)| (set, share)).collect()
            };
            let expected = law_of_sets(&table, &policy);
            let base = settings(Parallelism::Ancestral { steps, schedule });
            check_law(&table, &DecodeSettings { start_time, ..base }, &expected);
        }
    }
}

/// Gibbs sampling of one slot per call from exact conditionals leaves the joint as it is.
#[test]
fn gibbs_leaves_the_joint_alone() {
    let correction = Some(Correction::Gibbs { slots: 1, calls: 5 });
    let base = DecodeSettings { correction, ..DecodeSettings::default() };
    systems().iter().for_each(|table| check_law(table, &base, &table.joint()));
}

/// A draw is by p^(1 / temperature), then cut to the top k and to the nucleus p, each renormalised (Holtzman et al.,
/// arXiv 1904.09751).
#[test]
fn draws_are_tempered_then_cut() {
    let p: [f64; 5] = [0.4, 0.3, 0.15, 0.1, 0.05];
    let table = Table::new((3..).zip(p).map(|(word, p)| (vec![word], p)).collect());
    for (temperature, top_k, top_p) in
        [(1.0, 0, 1.0), (0.5, 0, 1.0), (2.0, 3, 1.0), (1.0, 0, 0.75), (0.5, 0, 0.6), (2.0, 4, 0.5)]
    {
        let tempered = normalised(p.map(|p| p.powf(1.0 / f64::from(temperature))));
        let mut above = 0.0;
        let kept = normalised(tempered.iter().enumerate().map(|(rank, &p)| {
            let is_kept = (top_k == 0 || rank < top_k as usize) && above < f64::from(top_p);
            above += p;
            if is_kept { p } else { 0.0 }
        }));
        let expected: Law = (3..).zip(kept).map(|(word, p)| (vec![word], p)).collect();
        let sampling = Sampling { temperature, top_k, top_p, suppress_end_of_text: false };
        check_law(&table, &DecodeSettings { sampling, ..DecodeSettings::default() }, &expected);
    }
}

/// What so many runs tell apart: two slots per call from the joint, and two ancestral steps from one.
#[test]
fn the_statistic_has_power() {
    let table = hidden();
    let start = Sequence::masked(4, MASK);
    let runs = |parallelism| counts(&mut table.clone(), &start, &settings(parallelism), RUNS);
    let pairs = misfit(&runs(Parallelism::SlotsPerCall { slots: 2 }), &table.joint());
    assert!(pairs > 2.0 * LIMIT, "two slots are not one: {pairs}");
    let one_step = law_of_sets(&table, &|_, masked| random_of(masked.len(), masked));
    let two_steps = runs(Parallelism::Ancestral { steps: 2, schedule: Schedule::Linear });
    let two_steps = misfit(&two_steps, &one_step);
    assert!(two_steps > LIMIT, "two steps are not one: {two_steps}");
}
