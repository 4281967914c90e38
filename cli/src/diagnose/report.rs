//! What `unmask diagnose` says, and which limits were passed.

use diffusion::measure::Estimate;
use serde::Serialize;

use super::collapse::{AtDistance, Collapse, FITTED};
use super::measures::{MEASURES, Measure, Text};
use super::subject::Description;
use super::world::World;
use crate::arguments::Diagnose;
use crate::model::{BackendName, Identity};

/// Standard errors on either side of a mean that hold it in 95 of 100 cases, if many texts were drawn.
const SIDE: f64 = 1.96;

/// What `--json` prints.
#[derive(Serialize)]
pub struct Report {
    model: Identity,
    backend: BackendName,
    #[serde(flatten)]
    subject: Description,
    texts: usize,
    measures: Vec<Line>,
    /// What is missing among them for want of texts, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_measured: Vec<&'static str>,
    #[serde(flatten)]
    collapse: Collapse,
    limits: Vec<Verdict>,
}

/// One measure of the schedule and of the baseline.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    unit: &'static str,
    schedule: Interval,
    /// One slot per call, the same seeds.
    baseline: Interval,
    /// Schedule minus baseline, text by text.
    difference: Interval,
}

/// A mean or median over texts.
#[derive(Clone, Copy, Serialize)]
pub struct Interval {
    #[serde(flatten)]
    estimate: Estimate,
    /// Half the width of the 95 % confidence interval (normal approximation).
    half_width: f64,
}

/// A limit and whether it was kept.
#[derive(Serialize)]
struct Verdict {
    measure: &'static str,
    /// `at most` or `at least`.
    bound: &'static str,
    limit: f64,
    /// The measured value; absent if the model's language does not allow the measure, which breaks the limit.
    found: Option<f64>,
    kept: bool,
}

/// The limits that were asked for: measure, whether it is an upper one, bound.
pub struct Limits(Vec<(&'static str, bool, f64)>);

impl Limits {
    /// From the command line.
    pub fn of(arguments: &Diagnose) -> Self {
        let upper = [
            ("violations", arguments.max_violations),
            ("unseen", arguments.max_unseen),
            ("duplicates", arguments.max_duplicates),
            ("stake", arguments.max_stake),
            ("damage", arguments.max_damage),
            ("collapse", arguments.max_collapse),
            ("calls", arguments.max_calls),
            ("sequences", arguments.max_sequences),
            ("ar_sequences", arguments.max_ar_sequences),
        ];
        let lower = [("distinct", arguments.min_distinct), ("entropy", arguments.min_entropy)];
        let upper = upper.into_iter().filter_map(|(name, limit)| Some((name, true, limit?)));
        let lower = lower.into_iter().filter_map(|(name, limit)| Some((name, false, limit?)));
        Self(upper.chain(lower).collect())
    }
}

impl Report {
    /// Puts both parts, the runs and the baseline, and limits together.
    pub fn new(
        model: Identity,
        backend: BackendName,
        subject: impl Into<Description>,
        parts: [&[Text]; 2],
        world: &World,
        collapse: Collapse,
        limits: &Limits,
    ) -> Self {
        let line = |measure: &Measure| Line::new(measure, parts[0], parts[1], world);
        let measures: Vec<Line> = MEASURES.iter().filter_map(line).collect();
        let verdict = |&(measure, is_upper, limit): &(&'static str, bool, f64)| {
            let found =
                measures.iter().find(|line| line.name == measure).map(|line| line.schedule.estimate.value);
            // Comparisons that NaN fails.
            let kept = found.is_some_and(|found| if is_upper { found <= limit } else { found >= limit });
            Verdict { measure, bound: if is_upper { "at most" } else { "at least" }, limit, found, kept }
        };
        let limits = limits.0.iter().map(verdict).collect();
        let not_measured = world.not_measured();
        let (subject, texts) = (subject.into(), parts[0].len());
        Self { model, backend, subject, texts, measures, not_measured, collapse, limits }
    }

    /// The limits that were passed, a clause each.
    pub fn broken(&self) -> Vec<String> {
        let clause = |verdict: &Verdict| {
            let found = verdict.found.map_or("nothing measurable".to_owned(), |found| format!("{found:.4}"));
            format!("{}: found {found}, expected {} {}", verdict.measure, verdict.bound, verdict.limit)
        };
        self.limits.iter().filter(|verdict| !verdict.kept).map(clause).collect()
    }

    /// Frequency collapse at distances of powers of two.
    fn collapse_page(&self) -> String {
        let shown = self.collapse.collapse.iter().filter(|line| line.distance.is_power_of_two());
        let line = |AtDistance { distance, entropy_bits, collapsed, kl_bits }: &AtDistance| {
            let cells = [entropy_bits, collapsed, kl_bits].map(Interval::cell);
            format!("{distance:<13} {:>18} {:>18} {:>18}\n", cells[0], cells[1], cells[2])
        };
        let lines: String = shown.map(line).collect();
        if lines.is_empty() {
            return lines;
        }
        let falls = self.collapse.e_folding_slots.as_ref().map(|slots| {
            format!("the KL falls to 1/e over {} slots, fitted up to distance {FITTED}\n", slots.cell())
        });
        format!(
            "{:<13} {:>18} {:>18} {:>18}  over the prompts\n{lines}{}",
            "distance",
            "entropy, bits",
            "collapsed",
            "KL, bits",
            falls.unwrap_or_default()
        )
    }

    /// As a table for people.
    pub fn page(&self) -> String {
        let mut page = format!("{:<13} {:>18} {:>18} {:>18}\n", "", "schedule", "one per call", "difference");
        for Line { name, unit, schedule, baseline, difference } in &self.measures {
            let cells = [schedule, baseline, difference].map(Interval::cell);
            page += &format!("{name:<13} {:>18} {:>18} {:>18}  {unit}\n", cells[0], cells[1], cells[2]);
        }
        page +=
            &format!("means over {} texts on {}; ± is half a 95 % interval\n", self.texts, self.backend.name);
        page += &self.subject.page();
        self.not_measured.iter().for_each(|sentence| page += &format!("{sentence}\n"));
        page += &self.collapse_page();
        for Verdict { measure, bound, limit, kept, .. } in &self.limits {
            page += &format!("{} {measure} {bound} {limit}\n", if *kept { "kept:  " } else { "passed:" });
        }
        page
    }
}

impl Line {
    /// `None` if the measure does not apply, or fewer than two texts have it.
    fn new(measure: &Measure, texts: &[Text], baseline: &[Text], world: &World) -> Option<Self> {
        let pairs = || texts.iter().map(measure.of).zip(baseline.iter().map(measure.of));
        let both = pairs().filter_map(|(a, b)| Some(a? - b?));
        Some(Self {
            name: measure.name,
            unit: measure.unit,
            schedule: Interval::of(measure.estimate(pairs().filter_map(|(a, _)| a), world)?),
            baseline: Interval::of(measure.estimate(pairs().filter_map(|(_, b)| b), world)?),
            difference: Interval::of(measure.difference(both)?),
        })
    }
}

impl Interval {
    /// Around an estimate.
    pub fn of(estimate: Estimate) -> Self {
        Self { estimate, half_width: SIDE * estimate.standard_error }
    }

    fn cell(&self) -> String {
        format!("{:.3} ± {:.3}", self.estimate.value, self.half_width)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use diffusion::measure::correlation::Damage;

    use super::*;
    use crate::arguments::{Arguments, Command};
    use crate::diagnose::schedule::Schedule;

    fn report(texts: &[Text], limit: (&'static str, bool, f64)) -> Report {
        let model = Identity { file: String::new(), name: None, bytes: 0, sha256: String::new() };
        let backend = BackendName { name: "cpu".into(), adapter: None };
        let schedule = Schedule::Tokens(Box::default());
        let (world, limits) = (World::unknown(), Limits(vec![limit]));
        Report::new(model, backend, schedule, [texts, texts], &world, Collapse::default(), &limits)
    }

    fn text(violations: Option<f64>, duplicates: f64) -> Text {
        Text {
            calls: 1.0,
            sequences: None,
            autoregressive_calls: None,
            autoregressive_sequences: None,
            words: 1.0,
            violations,
            unseen_share: None,
            duplicates,
            stake_bits: Some(0.0),
            damage: None,
            pair_damage_bits: None,
            order_gap_bits: Some(0.0),
            common_share: None,
            entropy_bits: 0.0,
            distinct_share: None,
        }
    }

    #[test]
    fn what_cannot_be_measured_breaks_its_limit() {
        let texts = [text(None, 0.0), text(None, 0.0)];
        let broken = report(&texts, ("violations", true, 100.0)).broken();
        assert_eq!(broken, ["violations: found nothing measurable, expected at most 100"]);
        let broken = report(&[text(None, f64::NAN), text(None, 0.0)], ("duplicates", true, 100.0)).broken();
        assert_eq!(broken, ["duplicates: found NaN, expected at most 100"]);
    }

    #[test]
    fn what_was_not_measured_for_want_of_texts_is_said_with_the_way_to_get_it() {
        let report = report(&[text(None, 0.0), text(None, 0.0)], ("calls", true, 9.0));
        let page = report.page();
        for part in
            ["collapse was not measured: --reference FILE", "unseen was not measured: --reference FILE"]
        {
            assert!(page.lines().any(|line| line.starts_with(part)), "{page}");
        }
        assert_eq!(serde_json::to_value(&report).unwrap()["not_measured"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn limits_hold_for_means_from_both_sides() {
        let texts = [text(Some(1.0), 2.0), text(Some(3.0), 2.0)];
        assert!(report(&texts, ("violations", true, 2.0)).broken().is_empty());
        assert_eq!(report(&texts, ("violations", true, 1.9)).broken().len(), 1);
        assert!(report(&texts, ("duplicates", false, 2.0)).broken().is_empty());
        assert_eq!(report(&texts, ("duplicates", false, 2.1)).broken().len(), 1);
    }

    /// Name, the argument of its limit, whether that is an upper one, and where a text has the measure.
    type Wiring = (&'static str, &'static str, bool, fn(&mut Text, f64));

    const WIRING: [Wiring; 11] = [
        ("violations", "--max-violations", true, |text, value| text.violations = Some(value)),
        ("unseen", "--max-unseen", true, |text, value| text.unseen_share = Some(value)),
        ("duplicates", "--max-duplicates", true, |text, value| text.duplicates = value),
        ("stake", "--max-stake", true, |text, value| text.stake_bits = Some(value)),
        ("damage", "--max-damage", true, |text, bits| {
            text.damage = Some(Damage { bits, clipped_share: 0.0, heavy_share: 0.0 });
        }),
        ("collapse", "--max-collapse", true, |text, value| text.common_share = Some(value)),
        ("calls", "--max-calls", true, |text, value| text.calls = value),
        ("sequences", "--max-sequences", true, |text, value| text.sequences = Some(value)),
        ("ar_sequences", "--max-ar-sequences", true, |text, value| {
            text.autoregressive_sequences = Some(value);
        }),
        ("distinct", "--min-distinct", false, |text, value| text.distinct_share = Some(value)),
        ("entropy", "--min-entropy", false, |text, value| text.entropy_bits = value),
    ];

    /// What is broken of one limit given on the command line, for two texts like this one.
    fn broken(argument: &str, limit: f64, text: &Text) -> Vec<String> {
        let line = ["unmask", "diagnose", "--model", "m", "--schedule", "s", argument, &limit.to_string()];
        let Command::Diagnose(arguments) = Arguments::try_parse_from(line).unwrap().command else {
            unreachable!("the line says diagnose")
        };
        let model = Identity { file: String::new(), name: None, bytes: 0, sha256: String::new() };
        let backend = BackendName { name: "cpu".into(), adapter: None };
        let texts = [text.clone(), text.clone()];
        let schedule = Schedule::Tokens(Box::default());
        // Where right stories have nothing unseen, so that the excess is the whole.
        let (world, limits) = (World::without_unseen(), Limits::of(&arguments));
        Report::new(model, backend, schedule, [&texts, &texts], &world, Collapse::default(), &limits).broken()
    }

    #[test]
    fn every_limit_reads_its_own_measure_and_fails_on_nan() {
        // Every measure has another value, so that a limit on a neighbour's is noticed.
        let mut text = text(None, 0.0);
        (10..).zip(WIRING).for_each(|(value, (.., set))| set(&mut text, f64::from(value)));
        for (value, (name, argument, is_upper, set)) in (10..).zip(WIRING) {
            let value = f64::from(value);
            let (bound, tighter) =
                if is_upper { ("at most", value - 0.5) } else { ("at least", value + 0.5) };
            assert!(broken(argument, value, &text).is_empty(), "{argument} {value}");
            let expected = format!("{name}: found {value:.4}, expected {bound} {tighter}");
            assert_eq!(broken(argument, tighter, &text), [expected]);
            let mut without = text.clone();
            set(&mut without, f64::NAN);
            let expected = format!("{name}: found NaN, expected {bound} {value}");
            assert_eq!(broken(argument, value, &without), [expected]);
        }
    }
}
