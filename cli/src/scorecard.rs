//! `unmask scorecard`: what was measured of the five properties, the paper's mark beside it.

mod left;
mod quality;

use anyhow::anyhow;
use diffusion::SpecialTokens;
use diffusion::decode::{DecodeSettings, GaussianSettings};
use diffusion::measure::path_surprise::path_gap_bits;
use diffusion::measure::scorecard::{
    Family, Instrument, Mark, Property, Reading, rounding_gap, scorecard as of_runs, scorecard_of_vectors,
};
use diffusion::measure::smoothness::{Curve, estimate};
use diffusion::measure::{BoundSettings, Moments};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;

use crate::arguments::{Compared, Scorecard};
use crate::continuous;
use crate::diagnose::measures::Text;
use crate::diagnose::read_prompts;
use crate::diagnose::runs::{Runs, VectorRun, each, each_of_vectors};
use crate::diagnose::schedule::Schedule;
use crate::diagnose::world::World;
use crate::eval::bounds::{self, Noise};
use crate::eval::held_out::{self, unread};
use crate::eval::passages::{self, Passage};
use crate::failure::Failure;
use crate::model::{BackendName, Identity, Model};
use crate::output;
use left::Left;
use quality::Quality;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    model: Identity,
    backend: BackendName,
    family: Family,
    /// Decoding settings, or those of Gaussian noise.
    schedule: Schedule,
    runs: usize,
    properties: Vec<Row>,
    /// What is left of held-out texts under every process, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_left: Option<Left>,
    /// Quality per call, if there is a judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
}

/// One property.
#[derive(Serialize)]
struct Row {
    property: Property,
    /// The paper's mark for the family.
    mark: Mark,
    readings: Vec<Line>,
}

/// One reading with its unit.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    reading: Reading,
    unit: &'static str,
}

/// Runs the command.
pub async fn scorecard(arguments: &Scorecard) -> Result<(), Failure> {
    let model = Model::load(&arguments.model.file)?;
    let schedule = Schedule::read(Some(&arguments.schedule), &model)?;
    let prompts = read_prompts(arguments.prompts.as_deref())?;
    let passages = read_passages(&model, arguments)?;
    let judging =
        arguments.judge.as_deref().map(|file| model.autoregressive_twin(file, "--judge")).transpose()?;
    if judging.is_some() {
        quality::expect_calls(&schedule, &model)?;
    }
    let has_process = model.checkpoint.config.process != Process::Autoregressive;
    model.expect(has_process || !arguments.processes, "a model with a process, for --processes")?;
    let compared = Compared { reference: None, held_out: None, distinct: arguments.distinct };
    let world = World::new(&model.checkpoint, &compared)?;
    let runs = Runs {
        checkpoint: &model.checkpoint,
        prompts: &prompts,
        seeds: arguments.seeds,
        seed_stride: 1,
        batch: arguments.batch,
        world: &world,
    };
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let family = engine::family(&model.checkpoint.config);
    let mut all = match &passages {
        Some(passages) => of_held_out(&mut engine, &model, passages, &schedule, arguments).await?,
        None => unread(OF_HELD_OUT).collect(),
    };
    all.extend(match &schedule {
        Schedule::Tokens(settings) => of_tokens(&mut engine, &runs, settings, family).await?,
        Schedule::Vectors(settings) => of_vectors(&mut engine, &runs, *settings).await?,
    });
    let quality = match judging {
        Some(judging) => Some(quality::of_schedule(&mut engine, &runs, &schedule, judging, arguments).await?),
        None => None,
    };
    match &quality {
        Some(quality) => all.push(quality.reading()),
        None => all.extend(unread([Instrument::Quality])),
    }
    let bits_left = match &passages {
        Some(passages) if arguments.processes => {
            let noise = Noise::of(&engine, &model.checkpoint.origin)?;
            let settings = BoundSettings { draws: arguments.samples, ..BoundSettings::default() };
            left::of_texts(&mut engine, &model.checkpoint, &noise, passages, settings).await?
        }
        _ => None,
    };
    let properties = Property::ALL.map(|property| Row::of(property, family, &all)).into();
    let runs = prompts.len() * arguments.seeds as usize;
    let report =
        Report { model: model.identity, backend, family, schedule, runs, properties, bits_left, quality };
    if arguments.json { output::json(&report) } else { output::result(&page(&report)) }
}

/// What held-out texts tell.
const OF_HELD_OUT: [Instrument; 6] = [
    Instrument::PeakSpeed,
    Instrument::Deviation,
    Instrument::Heterogeneity,
    Instrument::ByDistance,
    Instrument::ChainGap,
    Instrument::Repair,
];

/// The held-out texts, if there are any: at least two, for an error.
fn read_passages(model: &Model, arguments: &Scorecard) -> Result<Option<Vec<Passage>>, Failure> {
    let Some(file) = &arguments.text else { return Ok(None) };
    let passages = passages::read_all(&model.checkpoint, file)?;
    if passages.len() < 2 {
        let expected = "at least two, for an error";
        return Err(Failure::Input(anyhow!("{}: found one passage, expected {expected}", file.display())));
    }
    Ok(Some(passages))
}

/// How evenly the process takes held-out texts away, whether its chain goes where its draws go, and what the schedule mends in them.
async fn of_held_out(
    engine: &mut Engine,
    model: &Model,
    passages: &[Passage],
    schedule: &Schedule,
    arguments: &Scorecard,
) -> Result<Vec<Reading>, Failure> {
    let settings = BoundSettings { draws: arguments.samples, ..BoundSettings::default() };
    let noise = Noise::of(engine, &model.checkpoint.origin)?;
    let curves = bounds::curves(engine, &noise, passages, settings).await?;
    let read = |of: fn(&Curve) -> f64| curves.as_deref().and_then(|curves| estimate(curves, of));
    let mut readings = vec![
        Reading { instrument: Instrument::PeakSpeed, estimate: read(Curve::peak_speed) },
        Reading { instrument: Instrument::Deviation, estimate: read(Curve::deviation) },
    ];
    readings.extend(held_out::heterogeneity(engine, &model.checkpoint, passages).await?);
    readings.push(held_out::chain_gap(&noise, passages));
    match schedule {
        Schedule::Tokens(settings) => readings.push(held_out::repairs(engine, settings, passages).await?),
        Schedule::Vectors(_) => readings.extend(unread([Instrument::Repair])),
    }
    Ok(readings)
}

/// What runs of a model that writes tokens tell.
async fn of_tokens(
    engine: &mut Engine,
    runs: &Runs<'_>,
    settings: &DecodeSettings,
    family: Family,
) -> Result<Vec<Reading>, Failure> {
    let (mut trajectories, mut texts) = (Vec::new(), Vec::new());
    each(engine, runs, settings, "runs", 0, async |engine, trajectory| {
        texts.push(Text::of(engine, &trajectory, runs.world).await?);
        trajectories.push(trajectory);
        Ok(())
    })
    .await?;
    let mut readings = of_runs(&trajectories, family).map_err(Failure::run)?;
    readings.extend(of_texts(&texts));
    Ok(readings)
}

/// What runs of a model of Gaussian noise tell, prompt by prompt: slots that are given differ between them.
async fn of_vectors(
    engine: &mut Engine,
    runs: &Runs<'_>,
    settings: GaussianSettings,
) -> Result<Vec<Reading>, Failure> {
    let process = continuous::process(engine)?;
    let (mut all, mut texts, mut gaps) = (Vec::new(), Vec::new(), Moments::default());
    each_of_vectors(engine, runs, settings, "runs", 0, async |engine, run| {
        let VectorRun { start, settings, steps } = run;
        texts.push(Text::of_vectors(&steps, start, runs.world));
        let gap = path_gap_bits(engine, &process, start, settings, SpecialTokens::default(), &steps).await;
        gap.map_err(|error| Failure::of_causes(&error))?.into_iter().for_each(|gap| gaps.push(gap));
        all.push((start.clone(), steps));
        Ok(())
    })
    .await?;
    let mut readings = scorecard_of_vectors(&all);
    readings.push(Reading { instrument: Instrument::PathSurprise, estimate: gaps.estimate() });
    readings.push(rounding_gap(&all, &process));
    readings.extend(of_texts(&texts));
    Ok(readings)
}

/// What the texts tell at the cost of further calls, or of knowing the language.
fn of_texts(texts: &[Text]) -> [Reading; 3] {
    let read = |instrument, of: fn(&Text) -> Option<f64>| Reading {
        instrument,
        estimate: texts.iter().filter_map(of).collect::<Moments>().estimate(),
    };
    [
        read(Instrument::Damage, |text| Some(text.damage?.bits)),
        read(Instrument::OrderGap, |text| text.order_gap_bits),
        read(Instrument::Violations, |text| text.violations),
    ]
}

impl Row {
    fn of(property: Property, family: Family, readings: &[Reading]) -> Self {
        let own = readings.iter().filter(|reading| reading.instrument.property() == property);
        let line = |&reading: &Reading| Line { reading, unit: reading.instrument.unit() };
        Self { property, mark: family.mark(property), readings: own.map(line).collect() }
    }
}

/// As a table for people.
fn page(report: &Report) -> String {
    let mut page = format!("{:<4} {:<8} {:<15} {:>18}\n", "", "paper", "instrument", "measured");
    for Row { property, mark, readings } in &report.properties {
        let mark = format!("{mark:?}").to_lowercase();
        for (index, Line { reading, unit }) in readings.iter().enumerate() {
            let head =
                if index == 0 { (format!("{property:?}"), mark.as_str()) } else { (String::new(), "") };
            let measured = reading
                .estimate
                .map_or("-".into(), |found| format!("{:.3} ± {:.3}", found.value, found.standard_error));
            let name = reading.instrument.name();
            page += &format!("{:<4} {:<8} {name:<15} {measured:>18}  {unit}\n", head.0, head.1);
        }
    }
    let kind = format!("{:?}", report.family).to_lowercase();
    page += &format!(
        "{kind} model, means over {} runs on {}; ± is a standard error\n",
        report.runs, report.backend.name
    );
    let more = [report.bits_left.as_ref().map(Left::page), report.quality.as_ref().map(Quality::page)];
    more.into_iter().flatten().for_each(|table| page += &format!("\n{table}"));
    page
}
