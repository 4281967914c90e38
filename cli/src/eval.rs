//! `unmask eval`: the bound of a text file under a model.

use std::path::Path;

use anyhow::{Context, anyhow};
use diffusion::measure::{Bound, BoundSettings, TextBound, text_bound};
use diffusion::{Denoiser, SpecialTokens, TokenId};
use model_loader::Checkpoint;
use serde::Serialize;

use crate::arguments::Eval;
use crate::failure::Failure;
use crate::model::{BackendName, Identity, Model};
use crate::output::{self, Progress};
use crate::prompt;

/// How the number comes about, in words that go with it everywhere.
const ESTIMATOR: &str = "NELBO by Monte Carlo: k of n slots hidden, k uniform in 1..n, weight n/k; \
    bits of the whole window over the passage's tokens, its end counted as one";

/// One passage as a window of tokens.
#[derive(Debug, PartialEq)]
struct Passage {
    /// Its line in the file, from 1.
    line: usize,
    /// The passage, then end-of-text to the end of the window.
    window: Vec<TokenId>,
    /// Tokens up to and including the first end-of-text.
    tokens: u32,
}

/// The passages of a file that fit into a model's window.
#[derive(Debug, Default, PartialEq)]
struct Passages {
    fitting: Vec<Passage>,
    /// Passages left out because they are longer than the window.
    too_long: usize,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    model: Identity,
    backend: BackendName,
    text: String,
    estimator: &'static str,
    settings: BoundSettings,
    bound: Bound,
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
    model.expect_masks()?;
    let passages = read(&model.checkpoint, &arguments.text, arguments.limit)?;
    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let settings = BoundSettings { seed: arguments.seed, draws: arguments.samples, batch: arguments.batch };
    let bounds = measure(&mut engine, &passages.fitting, settings).await?;
    let bound = Bound::of(&bounds).ok_or_else(|| Failure::Run(anyhow!("no passage was measured")))?;
    let lines = passages.fitting.iter().map(|passage| passage.line);
    let report = Report {
        model: model.identity,
        backend,
        text: arguments.text.display().to_string(),
        estimator: ESTIMATOR,
        settings,
        bound,
        too_long: passages.too_long,
        passages: lines.zip(bounds).map(|(line, bound)| PassageBound { line, bound }).collect(),
    };
    if arguments.json { output::json(&report) } else { output::result(&summary(&report)) }
}

/// The passages of a text file.
fn read(checkpoint: &Checkpoint, file: &Path, limit: Option<usize>) -> Result<Passages, Failure> {
    let path = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {path}"))
        .map_err(Failure::Input)?;
    let window = checkpoint.config.context_length;
    let mut passages = Passages::default();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in lines.take(limit.unwrap_or(usize::MAX)) {
        match passage(checkpoint, index + 1, line)? {
            Some(passage) => passages.fitting.push(passage),
            None => passages.too_long += 1,
        }
    }
    if passages.fitting.is_empty() {
        let found = passages.too_long;
        let expected = format!("at least one of at most {} tokens", window - 1);
        let message =
            anyhow!("{path} has no passage to measure: found {found} too long ones, expected {expected}");
        return Err(Failure::Input(message));
    }
    Ok(passages)
}

/// One line as a window, or nothing if it does not fit with its end.
fn passage(checkpoint: &Checkpoint, line: usize, text: &str) -> Result<Option<Passage>, Failure> {
    let special = SpecialTokens::default();
    let words = prompt::known_tokens(checkpoint.tokenizer.encode(text), &format!("line {line}"))?;
    if let Some(token) = words.iter().find(|token| token.0 < special.first_token(true)) {
        let found = checkpoint.tokenizer.word(token.0).unwrap_or_default();
        return Err(Failure::Input(anyhow!(
            "line {line} is no plain text: found {found}, expected words only"
        )));
    }
    let (tokens, length) = (words.len() + 1, checkpoint.config.context_length);
    if tokens > length {
        return Ok(None);
    }
    Ok(Some(Passage { line, window: prompt::padded(words, length, special), tokens: tokens as u32 }))
}

/// The bound of every passage.
async fn measure<D: Denoiser>(
    denoiser: &mut D,
    passages: &[Passage],
    settings: BoundSettings,
) -> Result<Vec<TextBound>, Failure> {
    let special = SpecialTokens::default();
    let mut line = Progress::new();
    let mut bounds = Vec::new();
    for (index, Passage { window, tokens, .. }) in passages.iter().enumerate() {
        line.show(&format!("passage {} of {}", index + 1, passages.len()));
        let bound = text_bound(denoiser, window, *tokens, index as u32, special, settings).await;
        bounds.push(bound.map_err(|error| Failure::Run(anyhow!("{}", sentence(&error))))?);
    }
    Ok(bounds)
}

/// An error and its causes, for errors that may not cross threads.
fn sentence(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn summary(report: &Report) -> String {
    let Bound { bits_per_token, texts, tokens, .. } = report.bound;
    let mut text = format!(
        "{:.4} ± {:.4} bits per token\n{texts} passages, {tokens} tokens, {} draws on {}\n",
        bits_per_token.value, bits_per_token.standard_error, bits_per_token.samples, report.backend.name
    );
    if report.too_long > 0 {
        text += &format!("{} passages are longer than the window and were left out\n", report.too_long);
    }
    text + &format!("{ESTIMATOR}; ± is the standard error over the drawn masks\n")
}
