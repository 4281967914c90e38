use diffusion::decode::{DecodeSettings, Order, Span};
use diffusion::draw::DrawError;
use diffusion::guide::{
    AllowedWords, Causal, Constrained, Constraint, Guided, LeaveOneOut, Pattern, Room, Spelling,
};
use diffusion::measure::judge::log_probabilities;
use diffusion::process::{Uniform, Words};
use diffusion::{Denoiser, FullDenoiser, Prediction, Query, Row, Schedule, Sequence};
use pollster::block_on;

use crate::noisy::{Masses, Noisy, uniform};
use crate::runs::{RUNS, counts, given, written};
use crate::statistics::{LIMIT, Law, misfit, near, normalised, unit};
use crate::systems::{MASK, chain, hidden, ids, seen, special, systems, words};

/// A question about some slots of one text.
fn question(tokens: &[u32], slots: &[u32], time: f64) -> Query {
    Query {
        length: tokens.len(),
        tokens: ids(tokens),
        times: vec![time],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: slots.iter().map(|slot| Row::measured(0, *slot, 2, MASK)).collect(),
    }
}

/// The answers as probabilities, a row per slot. `// (slots, vocabulary)`
fn distributions(of: &mut impl FullDenoiser, query: &Query) -> Vec<Vec<f64>> {
    let logs = block_on(of.distributions(query)).unwrap();
    logs.chunks(of.vocabulary()).map(|row| row.iter().map(|log| f64::from(*log).exp()).collect()).collect()
}

/// Guidance without a classifier gives p_with^(1 + s) p_without^(−s), normalised (Ho and Salimans, arXiv 2207.12598; the
/// code of LLaDA, arXiv 2502.09992).
#[test]
fn guidance_extrapolates_in_log_space() {
    let table = hidden();
    let start = given(&[3, 0, 0, 0]);
    for scale in [0.0, 0.5, 2.0, 10.0] {
        let mut guided = Guided::new(table.clone(), scale, &start, MASK).unwrap();
        let found = distributions(&mut guided, &question(&[3, 0, 4, 0], &[1, 3], 0.5));
        for (row, slot) in found.iter().zip([1, 3]) {
            let with = table.conditional(&[3, 0, 4, 0], slot);
            let without = table.conditional(&[0, 0, 4, 0], slot);
            let scale = f64::from(scale);
            let weight = |(with, without): (&f64, &f64)| {
                if *with == 0.0 { 0.0 } else { with.powf(1.0 + scale) * without.powf(-scale) }
            };
            let expected = normalised(with.iter().zip(&without).map(weight));
            let close = row.iter().zip(&expected).all(|(found, expected)| near(*found, *expected, 1e-5));
            assert!(close && row.len() == expected.len(), "scale {scale}: {row:?}, expected {expected:?}");
        }
    }
}

/// p(x_i | all of x_t but slot i), as networks of uniform noise are taught it.
struct WithoutOne<F>(Noisy<F>);

impl<F: Fn(f64) -> Masses> Denoiser for WithoutOne<F> {
    type Error = DrawError;

    async fn predict(&mut self, _: &Query) -> Result<Vec<Prediction>, DrawError> {
        Ok(Vec::new())
    }
}

impl<F: Fn(f64) -> Masses> FullDenoiser for WithoutOne<F> {
    fn vocabulary(&self) -> usize {
        self.0.table.vocabulary
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, DrawError> {
        let without = |row: &Row| {
            let (shown, slot, time) = (seen(query, row), row.slot as usize, query.times[0]);
            let weight = |(clean, p): (u32, f64)| {
                if p > 0.0 { p / self.0.likelihood(clean, shown[slot], time) } else { 0.0 }
            };
            normalised((0..).zip(self.0.posterior(&shown, slot, time)).map(weight))
        };
        Ok(query.rows.iter().flat_map(without).map(|p| p.ln() as f32).collect())
    }
}

/// A leave-one-out prediction times the likelihood of what its slot shows is the posterior (Gourevitch et al., arXiv
/// 2605.22765).
#[test]
fn leave_one_out_becomes_the_posterior() {
    let exact = Noisy { table: hidden(), masses: uniform(Schedule::Linear), count: 2 };
    let process = Uniform { schedule: Schedule::Linear, words: Words { first: 3, count: 2 } };
    let mut guide = LeaveOneOut::new(WithoutOne(exact.clone()), process);
    let shown = [3, 4, 4, 3];
    for time in [0.1, 0.5, 0.9] {
        let found = distributions(&mut guide, &question(&shown, &[0, 1, 2, 3], time));
        for (slot, row) in found.iter().enumerate() {
            let expected = exact.posterior(&shown, slot, time);
            let close = row.iter().zip(&expected).all(|(found, expected)| near(*found, *expected, 1e-5));
            assert!(
                close && row.len() == expected.len(),
                "{time}, slot {slot}: {row:?}, expected {expected:?}"
            );
        }
    }
}

/// An exact denoiser that looks left only is the chain rule: its logarithms sum to that of the text's probability.
#[test]
fn a_causal_view_is_the_chain_rule() {
    for table in systems() {
        let mut causal = Causal::new(table.clone(), MASK);
        for (text, p) in &table.texts {
            let found = block_on(log_probabilities(&mut causal, &[written(text)], special())).unwrap();
            assert!(near(found[0], p.ln(), 1e-5), "{text:?}: {found:?}, expected {}", p.ln());
        }
    }
}

/// A pattern allows a word exactly where some completion of its span matches, held against all completions.
#[test]
fn patterns_allow_what_can_be_completed() {
    let texts = ["", "", "", "a", "b", "ab", "ba"].map(String::from);
    let spelled = |text: &[u32]| text.iter().map(|id| texts[*id as usize].as_str()).collect::<String>();
    type Accepts = fn(&str) -> bool;
    let rules: [(&str, Accepts); 3] = [
        ("a*b*", |text| text.trim_end_matches('b').chars().all(|letter| letter == 'a')),
        ("([ab]{2})*", |text| text.len().is_multiple_of(2)),
        ("a([ab]*a)?", |text| text.starts_with('a') && text.ends_with('a')),
    ];
    for (expression, accepts) in rules {
        let spelling = Spelling { texts: &texts, between: "", mask: MASK, first_word: 3 };
        let pattern = Pattern::new(Span { start: 1, end: 4 }, expression, spelling).unwrap();
        for case in 0..200 {
            let draw =
                |slot: u32| if unit(case, slot) < 0.5 { 0 } else { 3 + (unit(case, 10 + slot) * 4.0) as u32 };
            let mut shown: Vec<u32> = (0..5).map(draw).collect();
            let slot = 1 + (unit(case, 20) * 3.0) as usize;
            shown[slot] = MASK.0;
            let mut allowed = [true; 7];
            pattern.limit(&ids(&shown), slot as u32, &[0.0; 7], &mut allowed, &mut Room::default());
            let fits = |full: &[u32], word: u32| {
                let keeps = |at: usize| shown[at] == MASK.0 || shown[at] == full[at - 1];
                full[slot - 1] == word && (1..4).all(keeps) && accepts(&spelled(full))
            };
            let expected: [bool; 7] = std::array::from_fn(|word| {
                word >= 3 && words(4, 3).iter().any(|full| fits(full, word as u32))
            });
            assert_eq!(allowed, expected, "{expression}, {shown:?}, slot {slot}");
        }
    }
}

/// A word list for the first slot alone, written first, conditions the joint on that slot (Bayes' rule).
#[test]
fn allowed_words_condition() {
    let table = chain();
    let rule = AllowedWords { span: Span { start: 0, end: 1 }, words: ids(&[3, 5]) };
    let mut limited = Constrained::new(table.clone(), rule);
    let fits: Law = table.joint().into_iter().filter(|(text, _)| text[0] != 4).collect();
    let total: f64 = fits.values().sum();
    let expected: Law = fits.into_iter().map(|(text, p)| (text, p / total)).collect();
    let base = DecodeSettings { order: Order::LeftToRight, ..DecodeSettings::default() };
    let found = counts(&mut limited, &Sequence::masked(4, MASK), &base, RUNS);
    assert!(misfit(&found, &expected) < LIMIT, "found {found:?}\nexpected {expected:?}");
}
