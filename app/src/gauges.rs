//! The five gauges of the stage, as plain values: each reads the run up to the step that is shown.

use diffusion::decode::{Checkpoint, Decoder, Trajectory};
use diffusion::measure::dependency::bits_at_stake;
use diffusion::measure::discreteness::symbol_share;
use diffusion::measure::information::{Jumps, open_bits};
use diffusion::measure::refinement::{reading_order_tau, slots_per_call};
use diffusion::measure::revision::TakenBack;
use diffusion::measure::scorecard::Property;
use diffusion::measure::tractability::Path;

use crate::texts::{fill, say};

/// Curves of a run, one value per state: index k is after k calls. A run that grows costs its new states only.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// Open bits as the next call will see them, known after it has.
    pub open_bits: Vec<f64>,
    /// On-path gap above chance of the states before k; none where it does not apply.
    pub gaps: Vec<Option<f64>>,
    /// Words that were revised up to here.
    pub revised: Vec<f64>,
    /// Share of slots that show one token.
    pub symbols: Vec<f64>,
    /// Bits at stake in call k; 0 for the start.
    pub stake: Vec<f64>,
    /// Words chosen in call k.
    chosen: Vec<usize>,
    /// Where the run stood at the last state.
    present: Checkpoint,
    path: Path,
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
    /// Of a whole run; nothing for a run that contradicts itself.
    pub fn of(run: &Trajectory) -> Option<Self> {
        let present = run.first_checkpoint().ok()?;
        let mut curves = Self {
            open_bits: Vec::new(),
            gaps: vec![None],
            revised: vec![0.0],
            symbols: vec![symbols(run, &present)?],
            stake: vec![0.0],
            chosen: vec![0],
            path: Path::from_start(&present.sequence, 0),
            present,
        };
        curves.extend(run)?;
        Some(curves)
    }

    /// Reads what has been added to the run since.
    pub fn extend(&mut self, run: &Trajectory) -> Option<()> {
        for (step, done) in run.steps.iter().enumerate().skip(self.states() - 1) {
            let taken_back = TakenBack::of(done, &self.present.sequence);
            let revised = (taken_back.replaced + taken_back.remasked) as f64;
            self.open_bits.push(open_bits(done, &self.present.sequence));
            if step > 0 {
                self.path.push(&self.present.sequence);
            }
            run.advance(&mut self.present, step).ok()?;
            self.gaps.push(self.path.gap().map(|gap| gap.above_chance()));
            self.revised.push(self.revised.last().unwrap_or(&0.0) + revised);
            self.symbols.push(symbols(run, &self.present)?);
            self.stake.push(bits_at_stake(done));
            self.chosen.push(done.commits.len());
        }
        Some(())
    }

    /// How many states are known: one more than steps.
    fn states(&self) -> usize {
        self.chosen.len()
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
        let value = self.gaps.get(cursor).copied().flatten();
        let says = match value {
            _ if !is_masked => say("gauge.d2.none"),
            Some(gap) if gap > 0.1 => say("gauge.d2.far"),
            _ => say("gauge.d2.says"),
        };
        let known = self.gaps.iter().enumerate().filter_map(|(calls, gap)| Some((calls as f64, (*gap)?)));
        Gauge { property: Property::D2, value: number(value, 2), says: says.into(), curve: known.collect() }
    }

    fn d3(&self, run: &Trajectory, cursor: usize) -> Gauge {
        let so_far = &run.steps[..cursor.min(run.steps.len())];
        let slots = number(slots_per_call(so_far), 1);
        let tau = number(reading_order_tau(so_far), 2);
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

/// Share of the slots that show one token when the run stands there.
fn symbols(run: &Trajectory, present: &Checkpoint) -> Option<f64> {
    let decoder = Decoder::resume(run.settings.clone(), present.clone(), run.special).ok()?;
    Some(symbol_share(&decoder.query()).unwrap_or(1.0))
}

/// A number with so many decimals, never minus zero; a dash for none.
pub fn number(value: Option<f64>, decimals: usize) -> String {
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
    use diffusion::decode::{DecodeSettings, Order, Parallelism, run};
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
    fn a_run_that_grows_reads_as_the_whole() {
        for run in [toy(1), toy(2)] {
            let mut curves = Curves::of(&run.truncated(0)).unwrap();
            for steps in 1..=run.steps.len() {
                let so_far = run.truncated(steps);
                curves.extend(&so_far).unwrap();
                assert_eq!(curves, Curves::of(&so_far).unwrap(), "{steps}");
            }
        }
    }

    #[test]
    fn a_run_that_has_just_begun_has_gauges_too() {
        let run = Trajectory { steps: vec![], ..toy(1) };
        assert_eq!(values(&run, 0), ["–", "–", "0", "100", "0.0"]);
    }
}
