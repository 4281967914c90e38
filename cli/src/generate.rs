//! `unmask generate`: from a prompt to a text, step by step.

use std::time::Instant;

use anyhow::anyhow;
use diffusion::decode::{Asker, Noise, RunError};
use diffusion::guide::{Constrained, Guided, Guides};
use diffusion::{Decoder, FullDenoiser, Sequence, SpecialTokens, Trajectory};
use model_loader::{Process, Tokenizer};
use serde::Serialize;

use crate::arguments::Generate;
use crate::continuous;
use crate::diagnose::schedule::read_decoding;
use crate::failure::Failure;
use crate::guides::{read_guides, rules};
use crate::hybrid::{self, Pair, read_hybrid};
use crate::model::{BackendName, Identity, Model};
use crate::output::{self, Progress};
use crate::prompt;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: Identity,
    backend: BackendName,
    prompt: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    guides: Option<&'a Guides>,
    /// Every word of the model by token id, so that the trajectory can be read without the model.
    vocabulary: Vec<&'a str>,
    trajectory: &'a Trajectory,
}

/// Runs the command.
pub async fn generate(arguments: &Generate) -> Result<(), Failure> {
    let settings = match &arguments.decoding.settings {
        Some(file) => read_decoding(file)?,
        None => arguments.decoding.single_settings(),
    };
    settings.validate().map_err(Failure::input)?;
    let model = Model::load(&arguments.model.file)?;
    if matches!(model.checkpoint.config.process, Process::Gaussian { .. }) {
        return continuous::generate(arguments, model).await;
    }
    model.expect_fit(&settings)?;
    let corruption = arguments.decoding.corrupt.map(|_| arguments.decoding.schedule.into());
    let start = prompt::start(&model.checkpoint, &arguments.prompt, arguments.length, &settings, corruption)?;
    if let (Some(file), Some(autoregressive)) = (&arguments.hybrid, &arguments.autoregressive) {
        let pair = Pair::load(read_hybrid(file)?, model, autoregressive, &settings)?;
        return hybrid::generate(arguments, pair, settings, start).await;
    }
    let guides = arguments.guides.as_deref().map(read_guides).transpose()?;
    if guides.is_some() && settings.noise != Noise::Mask {
        let file = &model.identity.file;
        return Err(Failure::Input(anyhow!(
            "guides need masks: found noise of words for {file}, expected none"
        )));
    }
    let rules = match &guides {
        Some(guides) => rules(guides, &model.checkpoint.tokenizer, start.len())?,
        None => Vec::new(),
    };
    let decoder = Decoder::new(settings, start.clone(), SpecialTokens::default()).map_err(Failure::input)?;

    let (mut engine, backend) = model.open(arguments.model.backend).await?;
    let tokenizer = &model.checkpoint.tokenizer;
    let began = Instant::now();
    let mut line = Progress::new();
    let watch = |sequence: &Sequence| line.show(&text_of(tokenizer, sequence));
    let trajectory = match &guides {
        None => decode(&mut engine, decoder, watch).await?,
        Some(guides) if guides.scale > 0.0 => {
            let guided = Guided::new(engine, guides.scale, &start, SpecialTokens::default().mask);
            let guided = guided.map_err(Failure::input)?;
            decode(&mut Constrained::new(guided, rules), decoder, watch).await?
        }
        Some(_) => decode(&mut Constrained::new(engine, rules), decoder, watch).await?,
    };
    drop(line);
    let end = trajectory.sequence_at(trajectory.steps.len()).map_err(Failure::run)?;
    let text = text_of(tokenizer, &end);
    let (calls, seconds) = (trajectory.steps.len(), began.elapsed().as_secs_f64());
    output::message(&format!("{calls} calls on {} in {seconds:.2} s", backend.name));
    if arguments.json {
        let (model, prompt) = (model.identity, arguments.prompt.as_str());
        let vocabulary = vocabulary(tokenizer);
        return output::json(&Report {
            model,
            backend,
            prompt,
            text: &text,
            guides: guides.as_ref(),
            vocabulary,
            trajectory: &trajectory,
        });
    }
    output::result(&(text + "\n"))
}

/// All words of a model by token id.
pub fn vocabulary(tokenizer: &Tokenizer) -> Vec<&str> {
    (0..tokenizer.vocab_size() as u32).filter_map(|token| tokenizer.word(token)).collect()
}

/// Decodes to the end; `watch` sees the slots before every call.
async fn decode<D: FullDenoiser>(
    denoiser: &mut D,
    mut decoder: Decoder,
    mut watch: impl FnMut(&Sequence),
) -> Result<Trajectory, Failure> {
    let (mut asker, mut trajectory) = (Asker::default(), Trajectory::begin(&decoder));
    while !decoder.is_finished() {
        watch(decoder.sequence());
        let predictions = asker.ask(denoiser, std::slice::from_ref(&decoder)).await;
        let predictions = predictions.map_err(|error| match error {
            RunError::Denoiser(error) => Failure::Run(anyhow!("{error}")),
            RunError::Decode(error) => Failure::run(error),
            error => Failure::Run(anyhow!("{error}")),
        })?;
        trajectory.push(decoder.apply(&predictions).map_err(Failure::run)?);
    }
    Ok(trajectory)
}

/// The words of a sequence.
pub fn text_of(tokenizer: &Tokenizer, sequence: &Sequence) -> String {
    tokenizer.decode(&sequence.tokens().map(|token| token.0).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use diffusion::DecodeSettings;
    use diffusion::decode::run;
    use diffusion::exact::two_sentences;

    #[test]
    fn decoding_is_the_run_of_the_core_and_shows_every_state() {
        let special = SpecialTokens::default();
        let start = Sequence::masked(3, special.mask);
        let decoder = Decoder::new(DecodeSettings::default(), start, special).unwrap();
        let mut denoiser = two_sentences::corpus(0.5).unwrap();
        let mut masked = Vec::new();
        let watch = |sequence: &Sequence| masked.push(sequence.masked_count());
        let found = pollster::block_on(decode(&mut denoiser, decoder.clone(), watch)).unwrap();
        assert_eq!(found, pollster::block_on(run(&mut denoiser, decoder)).unwrap());
        assert_eq!(masked, [3, 2, 1]);
    }
}
