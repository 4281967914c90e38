//! `unmask eval`: what a text file costs under a model, and under storyworld where it is known.

pub mod bounds;
pub mod held_out;
pub mod passages;
mod truth;

use anyhow::anyhow;
use diffusion::measure::{Bound, BoundSettings, TextBound};
use serde::Serialize;

use crate::arguments::Eval;
use crate::failure::Failure;
use crate::model::{BackendName, Identity, Model};
use crate::output;
use bounds::Noise;
use truth::Truth;

/// What the bits are shared among.
const UNIT: &str = "bits of the whole window over the passage's tokens, its end counted as one";

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    model: Identity,
    backend: BackendName,
    text: String,
    estimator: &'static str,
    unit: &'static str,
    settings: BoundSettings,
    bound: Bound,
    /// The same bits over the bytes of the texts, their ends not counted: comparable between tokenizers.
    bits_per_byte: f64,
    /// Absent unless the model writes storyworld.
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<Truth>,
    too_long: usize,
    passages: Vec<PassageBound>,
}

/// The bound of one passage.
#[derive(Serialize)]
struct PassageBound {
    line: usize,
    #[serde(flatten)]
    bound: TextBound,
}

/// Runs the command.
pub async fn eval(arguments: &Eval) -> Result<(), Failure> {
    let model = Model::load(&arguments.model.file)?;
    let passages = passages::read(&model.checkpoint, &arguments.text, arguments.limit)?;
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let settings = BoundSettings { seed: arguments.seed, draws: arguments.samples, batch: arguments.batch };
    let noise = Noise::of(&engine, &model.checkpoint.origin)?;
    let bounds = bounds::measure(&mut engine, &noise, &passages.fitting, settings).await?;
    let bound = Bound::of(&bounds).ok_or_else(|| Failure::Run(anyhow!("no passage was measured")))?;
    let truth = Truth::of(&model.checkpoint.tokenizer, &passages.fitting, &bounds);
    let lines = passages.fitting.iter().map(|passage| passage.line);
    let bytes: usize = passages.fitting.iter().map(|passage| passage.bytes).sum();
    let bits_per_byte = bound.bits_per_token.value * bound.tokens as f64 / bytes as f64;
    let report = Report {
        model: model.identity,
        backend,
        text: arguments.text.display().to_string(),
        estimator: noise.estimator(),
        unit: UNIT,
        settings,
        bound,
        bits_per_byte,
        truth,
        too_long: passages.too_long,
        passages: lines.zip(bounds).map(|(line, bound)| PassageBound { line, bound }).collect(),
    };
    if arguments.json { output::json(&report) } else { output::result(&summary(&report)) }
}

fn summary(report: &Report) -> String {
    let Bound { bits_per_token, texts, tokens, .. } = report.bound;
    let mut text = format!(
        "{:.4} ± {:.4} bits per token\n{texts} passages, {tokens} tokens, {} draws on {}\n",
        bits_per_token.value, bits_per_token.standard_error, bits_per_token.samples, report.backend.name
    );
    text += &format!("{:.4} bits per byte of text\n", report.bits_per_byte);
    if let Some(error) = report.bound.over_texts {
        text += &format!("± {error:.4} if other texts might have been drawn\n");
    }
    if let Some(truth) = &report.truth {
        text += &line("under storyworld itself", &truth.exact);
        text += &line("gap to the truth", &truth.gap);
        if truth.outside > 0 {
            text += &format!("{} passages that storyworld never writes have no gap\n", truth.outside);
        }
    }
    if report.too_long > 0 {
        text += &format!("{} passages are longer than the window and were left out\n", report.too_long);
    }
    text + &format!("{}; {UNIT}; ± is the standard error over the draws\n", report.estimator)
}

/// A number over texts.
fn line(name: &str, bound: &Bound) -> String {
    let error = bound.over_texts.map_or(String::new(), |error| format!(" ± {error:.4} over texts"));
    format!("{:.4}{error} bits per token {name}\n", bound.bits_per_token.value)
}
