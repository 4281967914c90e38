//! The worker's side: it opens the model that it is handed, and answers.

use diffusion::{Denoiser, FullDenoiser};
use engine::{BackendChoice, BackendReport, Engine, Error as EngineError, Progress};
use model_loader::Checkpoint;

use super::wire::{Answer, Ask, pack, unpack};
use crate::platform::worker::{Inside, Parcel};

/// Answers whatever the page asks, until it ends the worker.
pub async fn serve(mut page: Inside) {
    say(&page, &Answer::Ready, Vec::new());
    let mut engine = None;
    while let Ok(Parcel { message, freight }) = page.heard.recv().await {
        match unpack(&message) {
            Ok(Ask::LoseDevice) => lose(engine.as_ref()),
            Ok(ask) => {
                let mut told = |progress| say(&page, &Answer::Told(progress), Vec::new());
                let answered = answer(&mut engine, ask, freight, &mut told).await;
                let (answer, freight) = answered.unwrap_or_else(|error| (Answer::Failed(error), Vec::new()));
                say(&page, &answer, freight);
            }
            Err(error) => say(&page, &Answer::Failed(error), Vec::new()),
        }
    }
}

fn say(page: &Inside, answer: &Answer, freight: Vec<u8>) {
    page.post(&Parcel { message: pack(answer), freight });
}

fn lose(engine: Option<&Engine>) {
    if let Some(device) = engine.and_then(Engine::device) {
        device.destroy();
    }
}

async fn answer(
    engine: &mut Option<Engine>,
    ask: Ask,
    freight: Vec<u8>,
    told: &mut dyn FnMut(Progress),
) -> Result<(Answer, Vec<u8>), EngineError> {
    if let Ask::Open { choice } = ask {
        return open(engine, &freight, choice, told).await;
    }
    let engine = engine.as_mut().ok_or_else(|| EngineError::Ended { reason: "no model is open".into() })?;
    Ok(match ask {
        Ask::Predict(query) => (Answer::Predictions(engine.predict(&query).await?), Vec::new()),
        Ask::Distributions(query) => {
            let found = engine.distributions(&query).await?;
            (Answer::Distributions, bytemuck::cast_slice(&found).to_vec())
        }
        Ask::Prepare { batch, length } => {
            engine.prepare(batch, length, told).await?;
            (Answer::Prepared, Vec::new())
        }
        Ask::Reopen { choice } => (Answer::Reopened(engine.reopen(choice, told).await?), Vec::new()),
        Ask::Open { .. } | Ask::LoseDevice => unreachable!("both were served above"),
    })
}

async fn open(
    engine: &mut Option<Engine>,
    file: &[u8],
    choice: BackendChoice,
    told: &mut dyn FnMut(Progress),
) -> Result<(Answer, Vec<u8>), EngineError> {
    let checkpoint = match Checkpoint::from_bytes(file) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return Ok((Answer::NoModel { reason: error.to_string() }, Vec::new())),
    };
    let (opened, report): (Engine, BackendReport) = Engine::open(&checkpoint, choice, told).await?;
    let embeddings = opened.embeddings().map(|embeddings| bytemuck::cast_slice(embeddings).to_vec());
    *engine = Some(opened);
    let answer = Answer::Opened { report, has_embeddings: embeddings.is_some() };
    Ok((answer, embeddings.unwrap_or_default()))
}
