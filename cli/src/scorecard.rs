//! `unmask scorecard`: what was measured of the five properties, the paper's mark beside it.

use anyhow::anyhow;
use diffusion::Trajectory;
use diffusion::decode::DecodeSettings;
use diffusion::measure::scorecard::{Family, Instrument, Mark, Property, Reading, scorecard as of_runs};
use diffusion::measure::smoothness::{Curve, estimate};
use diffusion::measure::{BoundSettings, Moments};
use engine::Engine;
use serde::Serialize;

use crate::arguments::Scorecard;
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
    schedule: DecodeSettings,
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
    let schedule = read_settings(&arguments.schedule)?;
    let model = Model::load(&arguments.model.file)?;
    model.expect_fit(&schedule)?;
    let prompts = read_prompts(arguments.prompts.as_deref())?;
    let world = World::new(&model.checkpoint.tokenizer);
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let runs = Runs {
        checkpoint: &model.checkpoint,
        prompts: &prompts,
        seeds: arguments.seeds,
        batch: arguments.batch,
        world: &world,
    };
    let (trajectories, texts) = written(&mut engine, &runs, &schedule).await?;
    let mut readings = smoothness(&mut engine, &model, arguments).await?;
    readings.extend(of_runs(&trajectories).map_err(Failure::run)?);
    readings.extend(of_texts(&texts));
    let family = engine::family(&model.checkpoint.config);
    let properties = Property::ALL.map(|property| Row::of(property, family, &readings)).into();
    let runs = trajectories.len();
    let report = Report { model: model.identity, backend, family, schedule, runs, properties };
    if arguments.json { output::json(&report) } else { output::result(&page(&report)) }
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
