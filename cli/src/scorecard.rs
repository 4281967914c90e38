//! `unmask scorecard`: what was measured of the five properties, the paper's mark beside it.

use anyhow::anyhow;
use diffusion::decode::{DecodeSettings, GaussianStep};
use diffusion::measure::scorecard::{
    Family, Instrument, Mark, Property, Reading, scorecard as of_runs, scorecard_of_vectors,
};
use diffusion::measure::smoothness::{Curve, estimate};
use diffusion::measure::{BoundSettings, Moments};
use diffusion::{SpecialTokens, TokenId, Trajectory};
use engine::Engine;
use model_loader::Process;
use serde::Serialize;
use serde_json::Value;

use crate::arguments::Scorecard;
use crate::continuous;
use crate::diagnose::measures::Text;
use crate::diagnose::runs::{Runs, each};
use crate::diagnose::world::World;
use crate::diagnose::{read_prompts, read_settings};
use crate::eval::{bounds, passages};
use crate::failure::Failure;
use crate::model::{BackendName, Identity, Model};
use crate::output;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    model: Identity,
    backend: BackendName,
    family: Family,
    /// Decoding settings, or those of Gaussian noise.
    schedule: Value,
    runs: usize,
    properties: Vec<Row>,
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
    let prompts = read_prompts(arguments.prompts.as_deref())?;
    let world = World::new(&model.checkpoint.tokenizer);
    let runs = Runs {
        checkpoint: &model.checkpoint,
        prompts: &prompts,
        seeds: arguments.seeds,
        batch: arguments.batch,
        world: &world,
    };
    let (report, engine) = match model.checkpoint.config.process {
        Process::Gaussian { .. } => of_vectors(&model, &runs, arguments).await?,
        _ => of_tokens(&model, &runs, arguments).await?,
    };
    let Measured { schedule, runs, readings } = report;
    let (mut engine, backend) = engine;
    let mut all = smoothness(&mut engine, &model, arguments).await?;
    all.extend(readings);
    let family = engine::family(&model.checkpoint.config);
    let properties = Property::ALL.map(|property| Row::of(property, family, &all)).into();
    let report = Report { model: model.identity, backend, family, schedule, runs, properties };
    if arguments.json { output::json(&report) } else { output::result(&page(&report)) }
}

/// What runs and their texts tell.
struct Measured {
    schedule: Value,
    runs: usize,
    readings: Vec<Reading>,
}

/// Of a model that writes tokens.
async fn of_tokens(
    model: &Model,
    runs: &Runs<'_>,
    arguments: &Scorecard,
) -> Result<(Measured, (Engine, BackendName)), Failure> {
    let schedule = read_settings(&arguments.schedule)?;
    model.expect_fit(&schedule)?;
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let (trajectories, texts) = written(&mut engine, runs, &schedule).await?;
    let mut readings = of_runs(&trajectories).map_err(Failure::run)?;
    readings.extend(of_texts(&texts));
    let schedule = serde_json::to_value(schedule).map_err(Failure::run)?;
    Ok((Measured { schedule, runs: trajectories.len(), readings }, (engine, backend)))
}

/// Of a model of Gaussian noise.
async fn of_vectors(
    model: &Model,
    runs: &Runs<'_>,
    arguments: &Scorecard,
) -> Result<(Measured, (Engine, BackendName)), Failure> {
    let schedule = continuous::read_settings(&arguments.schedule)?;
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let all = continuous::runs(&mut engine, runs, schedule).await?;
    let mut readings = scorecard_of_vectors(&all);
    let end = SpecialTokens::default().end_of_text;
    let text = |run: &Vec<GaussianStep>| {
        let tokens = run.last().map(|step| step.tokens.as_slice()).unwrap_or_default();
        tokens.iter().copied().take_while(|token| *token != end).collect::<Vec<TokenId>>()
    };
    let broken = all.iter().filter_map(|run| runs.world.violations(&text(run)));
    let estimate = broken.collect::<Moments>().estimate();
    readings.push(Reading { instrument: Instrument::Violations, estimate });
    let schedule = serde_json::to_value(schedule).map_err(Failure::run)?;
    Ok((Measured { schedule, runs: all.len(), readings }, (engine, backend)))
}

/// All runs, and what is measured on each.
async fn written(
    engine: &mut Engine,
    runs: &Runs<'_>,
    schedule: &DecodeSettings,
) -> Result<(Vec<Trajectory>, Vec<Text>), Failure> {
    let (mut trajectories, mut texts) = (Vec::new(), Vec::new());
    each(engine, runs, schedule, "runs", async |engine, trajectory| {
        texts.push(Text::of(engine, &trajectory, runs.world).await?);
        trajectories.push(trajectory);
        Ok(())
    })
    .await?;
    Ok((trajectories, texts))
}

/// How evenly the process takes held-out texts away, where there are any and the model has a token process.
async fn smoothness(
    engine: &mut Engine,
    model: &Model,
    arguments: &Scorecard,
) -> Result<Vec<Reading>, Failure> {
    let mut curves = None;
    if let Some(file) = &arguments.text {
        let passages = passages::read(&model.checkpoint, file, None)?.fitting;
        if passages.len() < 2 {
            let expected = "at least two, for an error";
            return Err(Failure::Input(anyhow!(
                "{}: found one passage, expected {expected}",
                file.display()
            )));
        }
        let settings = BoundSettings { draws: arguments.samples, ..BoundSettings::default() };
        curves = bounds::curves(engine, &passages, settings).await?;
    }
    let read = |of: fn(&Curve) -> f64| curves.as_deref().and_then(|curves| estimate(curves, of));
    Ok(vec![
        Reading { instrument: Instrument::PeakSpeed, estimate: read(Curve::peak_speed) },
        Reading { instrument: Instrument::Deviation, estimate: read(Curve::deviation) },
    ])
}

/// What the texts tell at the cost of further calls, or of knowing the language.
fn of_texts(texts: &[Text]) -> [Reading; 2] {
    let damage = texts.iter().filter_map(|text| text.damage_bits).collect::<Moments>().estimate();
    let violations = texts.iter().filter_map(|text| text.violations).collect::<Moments>().estimate();
    [
        Reading { instrument: Instrument::Damage, estimate: damage },
        Reading { instrument: Instrument::Violations, estimate: violations },
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
    page
}
