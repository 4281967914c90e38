//! `unmask sweep`: a grid of schedules, guides and hybrids, one line of CSV each.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, anyhow};
use diffusion::guide::Guides;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arguments::Sweep;
use crate::diagnose::measures::{MEASURES, Text};
use crate::diagnose::runs::{Engines, Runs, measure, progress};
use crate::diagnose::schedule::Schedule;
use crate::diagnose::subject::Subject;
use crate::diagnose::world::World;
use crate::diagnose::{append, read, read_prompts};
use crate::failure::Failure;
use crate::guides::read_guides;
use crate::head::{Head, other};
use crate::hybrid::Partner;
use crate::model::Model;
use crate::output::{self, Progress};

/// What the file holds, in sentences about another one.
const SWEEP: &str = "sweep";

/// A grid: a schedule, and for some places in it (JSON pointers), or in the guides or the hybrid beside it, the values to put there. All combinations are run,
/// the last place varying fastest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grid {
    base: Value,
    vary: serde_json::Map<String, Value>,
}

/// One combination of a grid.
struct Cell {
    /// What was put into the places, as JSON.
    values: Vec<String>,
    subject: Subject,
}

/// Runs the command. Cells that the file already has are not run again.
pub async fn sweep(arguments: &Sweep) -> Result<(), Failure> {
    let grid: Grid = serde_json::from_str(&read(&arguments.grid)?)
        .with_context(|| format!("{} is no grid", arguments.grid.display()))
        .map_err(Failure::Input)?;
    let model = Model::load(&arguments.model.file)?;
    let partner = Partner::load(&arguments.company, &model)?;
    let guides = arguments.company.guides.as_deref().map(read_guides).transpose()?;
    let beside = Beside::new(guides.as_ref(), partner.as_ref())?;
    let cells = grid.cells(&model, &beside)?;
    let prompts = read_prompts(arguments.prompts.as_deref())?;
    let autoregressive = partner.as_ref().map(|partner| &partner.model);
    let (mut engines, backend) = Engines::open(&model, autoregressive, arguments.model.backend).await?;
    let head = Head::new(&model.identity, &backend, &prompts, arguments.seeds, grid.base.clone());
    let head = head.compared_with(&arguments.compared)?;
    let head = head.beside(guides.as_ref(), partner.as_ref());
    let done = finished(&arguments.out, &head, &columns(&grid), &cells)?;
    let world = World::new(&model.checkpoint, &arguments.compared)?;
    world.not_measured().into_iter().for_each(output::message);
    let runs = Runs {
        checkpoint: &model.checkpoint,
        prompts: &prompts,
        seeds: arguments.seeds,
        seed_stride: 1,
        batch: arguments.batch,
        world: &world,
    };
    let (mut line, began) = (Progress::new(), Instant::now());
    for (index, cell) in cells.iter().enumerate().skip(done) {
        line.show(&progress("cell", index - done, cells.len() - done, began));
        let label = format!("cell {} of {}", index + 1, cells.len());
        let mut texts = Vec::new();
        let take = |text| {
            texts.push(text);
            Ok(())
        };
        measure(&mut engines, &runs, &cell.subject, &label, 0, take).await?;
        append(&arguments.out, &row(cell, &texts, &world))?;
    }
    drop(line);
    output::message(&format!(
        "{} cells in {}, {done} of them from before",
        cells.len(),
        arguments.out.display()
    ));
    Ok(())
}

impl Grid {
    /// All combinations, refused before the first is run if one makes no sense.
    fn cells(&self, model: &Model, beside: &Beside) -> Result<Vec<Cell>, Failure> {
        let mut cells = vec![(Vec::new(), beside.put_into(self.base.clone())?)];
        for (place, values) in &self.vary {
            let values = values.as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| {
                Failure::Input(anyhow!("{place} of the grid: expected a list of at least one value"))
            })?;
            let mut next = Vec::new();
            for (labels, schedule) in &cells {
                for value in values {
                    let mut schedule = schedule.clone();
                    let slot = schedule.pointer_mut(place).ok_or_else(|| {
                        Failure::Input(anyhow!("{place} of the grid: the base has no such place"))
                    })?;
                    *slot = value.clone();
                    let labels: Vec<String> = labels.iter().cloned().chain([value.to_string()]).collect();
                    next.push((labels, schedule));
                }
            }
            cells = next;
        }
        let cell = |(values, mut schedule): (Vec<String>, Value)| {
            let wrong = |what| format!("cell {} of the grid is {what}", values.join(" "));
            let guides = taken(&mut schedule, GUIDES, &wrong("no guidance"))?;
            let hybrid = taken(&mut schedule, HYBRID, &wrong("no hybrid"))?;
            let schedule = Schedule::of(schedule, model, &wrong("no schedule"))?;
            Ok(Cell { subject: Subject::new(schedule, guides, hybrid, model)?, values })
        };
        cells.into_iter().map(cell).collect()
    }
}

/// What every cell has beside its schedule, under names that no decoding setting has, so that places in it can vary too.
struct Beside {
    guides: Option<Value>,
    hybrid: Option<Value>,
}

const GUIDES: &str = "guides";
const HYBRID: &str = "hybrid";

impl Beside {
    fn new(guides: Option<&Guides>, partner: Option<&Partner>) -> Result<Self, Failure> {
        let guides = guides.map(serde_json::to_value).transpose().map_err(Failure::run)?;
        let hybrid = partner.map(|partner| serde_json::to_value(partner.hybrid));
        Ok(Self { guides, hybrid: hybrid.transpose().map_err(Failure::run)? })
    }

    /// Refuses a base that says one of them itself, which is no setting of a schedule.
    fn put_into(&self, mut schedule: Value) -> Result<Value, Failure> {
        if let Value::Object(schedule) = &mut schedule {
            for (name, value) in [(GUIDES, &self.guides), (HYBRID, &self.hybrid)] {
                if schedule.contains_key(name) {
                    let message =
                        anyhow!("base of the grid: found {name} in it, expected them in --{name} FILE");
                    return Err(Failure::Input(message));
                }
                schedule.extend(value.clone().map(|value| (name.to_owned(), value)));
            }
        }
        Ok(schedule)
    }
}

/// Takes a part that was put beside the schedule out again.
fn taken<T: DeserializeOwned>(schedule: &mut Value, name: &str, wrong: &str) -> Result<Option<T>, Failure> {
    let part = schedule.as_object_mut().and_then(|schedule| schedule.remove(name));
    part.map(serde_json::from_value).transpose().with_context(|| wrong.to_owned()).map_err(Failure::Input)
}

/// The second line of the file, after the head.
fn columns(grid: &Grid) -> String {
    let places = grid.vary.keys().map(|place| quoted(place));
    let measures = MEASURES.iter().flat_map(|m| [m.name.to_owned(), format!("{}_standard_error", m.name)]);
    let columns: Vec<String> = places.chain(["texts".to_owned()]).chain(measures).collect();
    columns.join(",") + "\n"
}

/// Number of cells that the file holds already; makes the file if there is none. A half-written last line is
/// taken away.
fn finished(file: &Path, head: &Head, columns: &str, cells: &[Cell]) -> Result<usize, Failure> {
    let header = format!("# {}\n{columns}", head.line());
    if !file.exists() {
        append(file, &header)?;
        return Ok(0);
    }
    let text = read(file)?;
    let first = text.lines().next().unwrap_or_default();
    head.expect(first.trim_start_matches("# "), file, SWEEP)?;
    let rest = text.strip_prefix(&header).ok_or_else(|| other(file, SWEEP, "columns"))?;
    let whole = rest.rfind('\n').map_or(0, |end| end + 1);
    let lines: Vec<&str> = rest[..whole].lines().collect();
    let is_cell = |(line, cell): (&&str, &Cell)| line.starts_with(&key(cell));
    if lines.len() > cells.len() || !lines.iter().zip(cells).all(is_cell) {
        return Err(other(file, SWEEP, "cells"));
    }
    std::fs::write(file, format!("{header}{}", &rest[..whole])).map_err(Failure::run)?;
    Ok(lines.len())
}

/// The beginning of a cell's line.
fn key(cell: &Cell) -> String {
    cell.values.iter().map(|value| quoted(value) + ",").collect()
}

fn row(cell: &Cell, texts: &[Text], world: &World) -> String {
    let mut row = key(cell) + &texts.len().to_string();
    for measure in &MEASURES {
        let estimate = measure.estimate(texts.iter().filter_map(measure.of), world);
        row += &estimate.map_or(",,".to_owned(), |e| format!(",{},{}", e.value, e.standard_error));
    }
    row + "\n"
}

/// A field of CSV.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
