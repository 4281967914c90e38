//! `unmask diagnose`: a decoder under test - a schedule, alone, under guides or in a hybrid - beside one slot per call at the same
//! seeds.

pub mod collapse;
pub mod keep;
pub mod measures;
pub mod report;
pub mod runs;
pub mod schedule;
pub mod subject;
pub mod world;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::arguments::Diagnose;
use crate::failure::Failure;
use crate::guides::read_guides;
use crate::head::Head;
use crate::hybrid::Partner;
use crate::model::Model;
use crate::output;
use collapse::{Collapse, behind_prompts};
use keep::Keep;
use report::{Limits, Report};
use runs::{Engines, Runs, measure};
use schedule::Schedule;
use subject::Subject;
use world::World;

/// Runs the command. A limit that is passed is a failure of its own kind.
pub async fn diagnose(arguments: &Diagnose) -> Result<(), Failure> {
    let model = Model::load(&arguments.model.file)?;
    let schedule = Schedule::read(arguments.schedule.as_deref(), &model)?;
    let partner = Partner::load(&arguments.company, &model)?;
    let guides = arguments.company.guides.as_deref().map(read_guides).transpose()?;
    let hybrid = partner.as_ref().map(|partner| partner.hybrid);
    let subject = Subject::new(schedule, guides.clone(), hybrid, &model)?;
    let prompts = read_prompts(arguments.prompts.as_deref())?;
    let autoregressive = partner.as_ref().map(|partner| &partner.model);
    let (mut engines, backend) = Engines::open(&model, autoregressive, arguments.model.backend).await?;
    let kept_as = serde_json::to_value(&subject.schedule).map_err(Failure::run)?;
    let head = Head::new(&model.identity, &backend, &prompts, arguments.seeds, kept_as);
    let head = head.compared_with(&arguments.compared)?;
    let head = head.beside(guides.as_ref(), partner.as_ref());
    let keep = Keep::open(arguments.keep.as_deref(), &head)?;
    let world = World::new(&model.checkpoint, &arguments.compared)?;
    let runs = Runs {
        checkpoint: &model.checkpoint,
        prompts: &prompts,
        seeds: arguments.seeds,
        seed_stride: 1,
        batch: arguments.batch,
        world: &world,
    };
    let sequential = subject.sequential(&model);
    let mut parts = Vec::new();
    for (part, tested) in [("schedule", &subject), ("baseline", &sequential)] {
        let mut texts = keep.texts(part);
        measure(&mut engines, &runs, tested, part, texts.len(), |text| {
            // The baseline of a hybrid asks its second model nothing, which is a number too.
            let text = if subject.hybrid.is_some() { text.beside_second_model() } else { text };
            keep.push(part, &text)?;
            texts.push(text);
            Ok(())
        })
        .await?;
        parts.push(texts);
    }
    // What a call expects is the model's own word only where nothing changes it.
    let collapse = match &subject {
        Subject { schedule: Schedule::Tokens(settings), guiding: None, hybrid: None, .. } => {
            behind_prompts(&mut engines.own, &runs, settings).await?
        }
        _ => Collapse::default(),
    };
    let limits = Limits::of(arguments);
    let parts = [&parts[0][..], &parts[1]];
    let described = subject.description(autoregressive);
    let report = Report::new(model.identity, backend, described, parts, &world, collapse, &limits);
    if arguments.json {
        output::json(&report)?
    } else {
        output::result(&report.page())?
    }
    match report.broken().as_slice() {
        [] => Ok(()),
        broken => Err(Failure::Limit(anyhow!("{}", broken.join("; ")))),
    }
}

/// One prompt per line; without a file one empty prompt.
pub fn read_prompts(file: Option<&Path>) -> Result<Vec<String>, Failure> {
    let Some(file) = file else { return Ok(vec![String::new()]) };
    let lines: Vec<String> =
        read(file)?.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    match lines.is_empty() {
        true => Err(Failure::Input(anyhow!("{} has no prompt: found no line with text", file.display()))),
        false => Ok(lines),
    }
}

/// A text file.
pub fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(Failure::Input)
}

/// Adds to a file at once, so that a cut loses no finished line.
pub fn append(file: &Path, text: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
        .map_err(Failure::Run)
}
