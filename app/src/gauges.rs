//! The five gauges of the stage, as plain values: each reads the run up to the step that is shown.

use diffusion::decode::Trajectory;
use diffusion::measure::dependency::bits_at_stake;
use diffusion::measure::discreteness::symbol_share;
use diffusion::measure::information::{Jumps, open_bits};
use diffusion::measure::refinement::{reading_order_tau, slots_per_call};
use diffusion::measure::revision::TakenBack;
use diffusion::measure::scorecard::Property;
use diffusion::measure::tractability::on_path_gap;

use crate::texts::{fill, say};

/// Prefixes of the run at which the costly gauge is read for its curve.
const GAP_POINTS: usize = 12;

/// Curves of a whole run, one value per state: index k is after k calls. `// (steps + 1)`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Open bits as the next call will see them, known after it has.
    pub open_bits: Vec<f64>,
    /// On-path gap above chance of the states up to here, at some k; `None` where it does not apply.
    pub gaps: Vec<(usize, Option<f64>)>,
    /// Words that were revised up to here.
    pub revised: Vec<f64>,
    /// Share of slots that show one token.
    pub symbols: Vec<f64>,
    /// Bits at stake in call k; 0 for the start.
    pub stake: Vec<f64>,
    /// Words chosen in call k.
    chosen: Vec<usize>,
}

/// One gauge at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    /// What it measures.
    pub property: Property,
    /// The number with its digits; a dash where there is none.
    pub value: String,
    /// What the number means right now.
    pub says: String,
    /// Points over calls.
    pub curve: Vec<(f64, f64)>,
}

impl Curves {
    /// Reads the whole run once; nothing for a run that contradicts itself.
    pub fn of(run: &Trajectory) -> Option<Self> {
        let mut curves = Self::default();
        let steps = run.steps.len();
        let mut revised = 0;
        for step in 0..=steps {
            let before = run.sequence_at(step.saturating_sub(1)).ok()?;
            let done = step.checked_sub(1).map(|index| &run.steps[index]);
            let taken_back = done.map(|done| TakenBack::of(done, &before)).unwrap_or_default();
            revised += taken_back.replaced + taken_back.remasked;
            curves.revised.push(revised as f64);
            curves.stake.push(done.map_or(0.0, bits_at_stake));
            curves.chosen.push(done.map_or(0, |done| done.commits.len()));
            curves.open_bits.extend(run.steps.get(step).map(open_bits));
            curves.symbols.push(symbol_share(&run.fork(step).ok()?.query()).unwrap_or(1.0));
        }
        let every = steps.div_ceil(GAP_POINTS).max(1);
        for length in (2..=steps).filter(|length| length % every == 0 || *length == steps) {
            let gap = on_path_gap(&run.truncated(length), 0).ok()?;
            curves.gaps.push((length, gap.map(|gap| gap.above_chance())));
        }
        Some(curves)
    }

    /// All five at a step.
    pub fn gauges(&self, run: &Trajectory, cursor: usize) -> [Gauge; 5] {
        [self.d1(cursor), self.d2(run, cursor), self.d3(run, cursor), self.l1(cursor), self.l2(cursor)]
    }

    fn d1(&self, cursor: usize) -> Gauge {
        let seen = &self.open_bits[..self.open_bits.len().min(cursor + 1)];
        let largest = Jumps::of(seen).map_or(0.0, |jumps| jumps.largest);
        // After the last call nothing is open; before the next one has asked, nobody knows.
        let finished = cursor == self.open_bits.len() && cursor > 0;
        let value = self.open_bits.get(cursor).copied().or(finished.then_some(0.0));
        Gauge {
            property: Property::D1,
            value: number(value, 1),
            says: fill("gauge.d1.says", &[("largest", &format!("{largest:.1}"))]),
            curve: points(&self.open_bits),
        }
    }

    fn d2(&self, run: &Trajectory, cursor: usize) -> Gauge {
        let is_masked = run.start.sequence.masked_count() > 0;
        let here = self.gaps.iter().rev().find(|(length, _)| *length <= cursor.max(2));
        let value = here.and_then(|(_, gap)| *gap).filter(|_| cursor >= 2);
        let says = match value {
            _ if !is_masked => say("gauge.d2.none"),
            Some(gap) if gap > 0.1 => say("gauge.d2.far"),
            _ => say("gauge.d2.says"),
        };
        let known = self.gaps.iter().filter_map(|(length, gap)| Some((*length as f64, (*gap)?)));
        Gauge { property: Property::D2, value: number(value, 2), says: says.into(), curve: known.collect() }
    }

    fn d3(&self, run: &Trajectory, cursor: usize) -> Gauge {
        let so_far = run.truncated(cursor);
        let slots = number(slots_per_call(&so_far), 1);
        let tau = number(reading_order_tau(&so_far), 2);
        Gauge {
            property: Property::D3,
            value: number(self.revised.get(cursor).copied(), 0),
            says: fill("gauge.d3.says", &[("slots", &slots), ("tau", &tau)]),
            curve: points(&self.revised),
        }
    }

    fn l1(&self, cursor: usize) -> Gauge {
        let share = self.symbols.get(cursor).copied();
        let whole = share.is_none_or(|share| share >= 1.0);
        Gauge {
            property: Property::L1,
            value: number(share.map(|share| share * 100.0), 0),
            says: if whole { say("gauge.l1.says") } else { say("gauge.l1.soft") }.into(),
            curve: points(&self.symbols),
        }
    }

    fn l2(&self, cursor: usize) -> Gauge {
        let chosen = self.chosen.get(cursor).copied().unwrap_or(0);
        let says = match chosen {
            1 => say("gauge.l2.one").to_owned(),
            count => fill("gauge.l2.says", &[("count", &count.to_string())]),
        };
        Gauge {
            property: Property::L2,
            value: number(self.stake.get(cursor).copied(), 1),
            says,
            curve: points(&self.stake),
        }
    }
}

/// A number with so many decimals, never minus zero; a dash for none.
fn number(value: Option<f64>, decimals: usize) -> String {
    let scale = 10.0_f64.powi(decimals as i32);
    value.map_or("–".into(), |value| {
        format!("{:.decimals$}", (value * scale).round() / scale + 0.0).replace('-', "−")
    })
}

fn points(values: &[f64]) -> Vec<(f64, f64)> {
    values.iter().enumerate().map(|(index, value)| (index as f64, *value)).collect()
}

#[cfg(test)]
mod tests {
    use diffusion::decode::{DecodeSettings, Decoder, Order, Parallelism, run};
    use diffusion::exact::two_sentences;
    use diffusion::{Sequence, SpecialTokens};

    use super::*;
    use crate::session::decode::tests::now;

    fn toy(slots: u32) -> Trajectory {
        let special = SpecialTokens::default();
        let parallelism = Parallelism::SlotsPerCall { slots };
        let settings = DecodeSettings { parallelism, order: Order::LeftToRight, ..DecodeSettings::default() };
        let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
        now(run(&mut two_sentences::corpus(0.5).unwrap(), decoder)).unwrap()
    }

    fn values(run: &Trajectory, cursor: usize) -> Vec<String> {
        let curves = Curves::of(run).unwrap();
        curves.gauges(run, cursor).into_iter().map(|gauge| gauge.value).collect()
    }

    #[test]
    fn three_coins_that_agree_are_settled_by_the_first() {
        let run = toy(1);
        assert_eq!(values(&run, 0), ["3.0", "–", "0", "100", "0.0"]);
        assert_eq!(values(&run, 1)[0], "0.0", "the second call sees no doubt any more");
        assert_eq!(values(&run, 3)[0], "0.0");
        let says = Curves::of(&run).unwrap().gauges(&run, 3);
        assert!(says[0].says.contains("3.0 bits"), "{}", says[0].says);
        assert!(says[2].says.contains("1.0 slots") && says[2].says.contains("1.00"), "{}", says[2].says);
    }

    #[test]
    fn words_chosen_together_are_at_stake() {
        let run = toy(3);
        assert_eq!(values(&run, 1)[4], "2.0");
        assert!(Curves::of(&run).unwrap().gauges(&run, 1)[4].says.contains('3'));
    }

    #[test]
    fn a_run_that_has_just_begun_has_gauges_too() {
        let run = Trajectory { steps: vec![], ..toy(1) };
        assert_eq!(values(&run, 0), ["–", "–", "0", "100", "0.0"]);
    }
}
