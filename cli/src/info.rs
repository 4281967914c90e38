//! `unmask info`: what is in a model file.

use std::fmt::Write;

use model_loader::{ModelConfig, Origin, Tensor};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::arguments::Info;
use crate::failure::Failure;
use crate::model::{Identity, Model};
use crate::output;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    file: Identity,
    origin: Origin,
    config: ModelConfig,
    parameters: usize,
    tensors: Vec<TensorReport>,
}

/// One tensor without its values.
#[derive(Serialize)]
struct TensorReport {
    name: String,
    shape: String,
    format: &'static str,
    bytes: usize,
}

impl From<&Tensor> for TensorReport {
    fn from(tensor: &Tensor) -> Self {
        Self {
            name: tensor.name.clone(),
            shape: tensor.shape.to_string(),
            format: tensor.format.name(),
            bytes: tensor.bytes.len(),
        }
    }
}

/// Runs the command.
pub fn info(arguments: &Info) -> Result<(), Failure> {
    let Model { checkpoint, identity } = Model::load(&arguments.file)?;
    let report = Report {
        file: identity,
        parameters: checkpoint.parameters(),
        tensors: checkpoint.tensors().map(TensorReport::from).collect(),
        origin: checkpoint.origin,
        config: checkpoint.config,
    };
    if arguments.json { output::json(&report) } else { output::result(&page(&report)) }
}

/// The report for people: file, configuration, provenance, tensors.
fn page(report: &Report) -> String {
    let Report { file, origin, config, .. } = report;
    let mut page = String::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "{name:<20}{value}");
        }
    };
    row("file", format!("{} ({} bytes)", file.file, file.bytes));
    row("sha256", file.sha256.clone());
    row("name", origin.name.clone().unwrap_or_default());
    row("license", origin.license.clone().unwrap_or_default());
    row("description", origin.description.clone().unwrap_or_default());
    for (name, value) in fields(config) {
        row(&name, value);
    }
    row("parameters", report.parameters.to_string());
    let bits = report.tensors.iter().map(|tensor| tensor.bytes).sum::<usize>() as f64 * 8.0;
    row("bits per parameter", format!("{:.2}", bits / report.parameters as f64));
    for (name, value) in origin.provenance.iter().flat_map(fields) {
        row(&name, value);
    }
    page + "\n" + &table(&report.tensors)
}

/// The fields of a value that serialises as an object, each as one line of text. By way of text, in which a
/// float keeps the digits that it was written with.
fn fields(value: &impl Serialize) -> Vec<(String, String)> {
    let object = serde_json::to_string(value).and_then(|text| serde_json::from_str::<Map<_, _>>(&text));
    let fields = object.unwrap_or_default().into_iter();
    fields.map(|(name, value)| (name.replace('_', " "), plain(&value))).collect()
}

/// A JSON value without the quotation marks of a string.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn table(tensors: &[TensorReport]) -> String {
    let width =
        |column: fn(&TensorReport) -> &str| tensors.iter().map(|t| column(t).len()).max().unwrap_or(0);
    let (names, shapes) = (width(|tensor| &tensor.name), width(|tensor| &tensor.shape));
    let mut table = String::new();
    for TensorReport { name, shape, format, bytes } in tensors {
        let _ = writeln!(table, "{name:<names$}  {shape:<shapes$}  {format:<4}  {bytes:>9} bytes");
    }
    table
}
