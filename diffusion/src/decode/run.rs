//! Drivers: decoders and a denoiser until all is written.

use super::{DecodeError, Decoder, Trajectory};
use crate::denoiser::{Denoiser, Query};

/// Why a run stopped early.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: std::error::Error + 'static> {
    /// The denoiser failed.
    #[error("denoiser")]
    Denoiser(#[source] E),
    /// The denoiser's answer does not fit.
    #[error("decoder")]
    Decode(#[from] DecodeError),
    /// Sequences of one batch have unequal lengths.
    #[error("length of sequence {sequence}: found {found}, expected {expected} as in the rest of the batch")]
    Length {
        /// Which decoder.
        sequence: usize,
        /// Its length.
        found: usize,
        /// Length of the first.
        expected: usize,
    },
}

/// Decodes one sequence to the end.
pub async fn run<D: Denoiser>(denoiser: &mut D, decoder: Decoder) -> Result<Trajectory, RunError<D::Error>> {
    let mut decoders = [decoder];
    let mut trajectories = [Trajectory::begin(&decoders[0])];
    while step_batch(denoiser, &mut decoders, &mut trajectories).await? {}
    let [trajectory] = trajectories;
    Ok(trajectory)
}

/// Decodes many sequences of one length side by side, one query per call for all of them.
pub async fn run_batch<D: Denoiser>(
    denoiser: &mut D,
    mut decoders: Vec<Decoder>,
) -> Result<Vec<Trajectory>, RunError<D::Error>> {
    let mut trajectories: Vec<Trajectory> = decoders.iter().map(Trajectory::begin).collect();
    while step_batch(denoiser, &mut decoders, &mut trajectories).await? {}
    Ok(trajectories)
}

/// One call for all; false if all had finished. The batch keeps its size, because programs are recorded per
/// size: a finished sequence stays in it and asks for no rows.
async fn step_batch<D: Denoiser>(
    denoiser: &mut D,
    decoders: &mut [Decoder],
    trajectories: &mut [Trajectory],
) -> Result<bool, RunError<D::Error>> {
    let query = batch(decoders)?;
    if query.rows.is_empty() {
        return Ok(false);
    }
    let mut rest = &denoiser.predict(&query).await.map_err(RunError::Denoiser)?[..];
    for (decoder, trajectory) in decoders.iter_mut().zip(trajectories).filter(|(d, _)| !d.is_finished()) {
        let asked = decoder.sequence().masked_count();
        let found = rest.len();
        let (own, others) =
            rest.split_at_checked(asked).ok_or(DecodeError::Count { found, expected: asked })?;
        trajectory.steps.push(decoder.apply(own)?);
        rest = others;
    }
    Ok(true)
}

/// The next call of all decoders together.
fn batch<E: std::error::Error>(decoders: &[Decoder]) -> Result<Query, RunError<E>> {
    let length = decoders.first().map_or(0, |decoder| decoder.sequence().len());
    let mut query = Query { length, tokens: Vec::with_capacity(length * decoders.len()), rows: Vec::new() };
    for (sequence, decoder) in decoders.iter().enumerate() {
        let found = decoder.sequence().len();
        if found != length {
            return Err(RunError::Length { sequence, found, expected: length });
        }
        query.tokens.extend(decoder.sequence().tokens());
        query.rows.extend(decoder.rows(sequence as u32));
    }
    Ok(query)
}
