//! What every draw of a bound says of one window, for noise whose integrand needs the whole distribution of every slot.

use std::f64::consts::LN_2;

use super::strata::{BoundTerm, Draw, draws};
use super::{BoundError, BoundSettings};
use crate::denoiser::{FullDenoiser, Query, Row};
use crate::random::Stream;
use crate::sequence::{SpecialTokens, TokenId};

/// Distance of times from 0 and 1.
pub const EDGE: f64 = 1e-3;

/// Noise as a bound sees it.
pub(super) trait Integrand {
    /// What a slot shows at `t` of its clean token.
    fn shown(&self, clean: TokenId, t: f64, stream: &mut Stream) -> TokenId;

    /// A slot's part in nats per unit of time. `prediction` is the denoiser's posterior, to be changed at will. `// (vocabulary)`
    fn nats(&self, prediction: &mut [f64], clean: TokenId, shown: TokenId, t: f64) -> f64;
}

/// The terms of the bound of text number `index`, draw by draw.
///
/// # Errors
/// [`BoundError`].
pub(super) async fn terms<D: FullDenoiser>(
    denoiser: &mut D,
    noise: &impl Integrand,
    text: &[TokenId],
    index: u32,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<Vec<BoundTerm>, BoundError<D::Error>> {
    let draws = draws(text, index, settings)?;
    let vocabulary = denoiser.vocabulary();
    let (mut nats, mut prediction) = (Vec::with_capacity(draws.len()), vec![0.0; vocabulary]);
    for batch in draws.chunks(settings.batch as usize) {
        let query = query(noise, text, batch, special);
        let all = denoiser.distributions(&query).await.map_err(BoundError::Denoiser)?;
        let expected = query.rows.len() * vocabulary;
        if all.len() != expected {
            return Err(BoundError::Count { found: all.len(), expected });
        }
        let begin = nats.len();
        nats.resize(begin + batch.len(), 0.0);
        for (row, logs) in query.rows.iter().zip(all.chunks(vocabulary)) {
            prediction.iter_mut().zip(logs).for_each(|(p, &log)| *p = f64::from(log).exp());
            let (clean, time) = (text[row.slot as usize], query.times[row.sequence as usize]);
            nats[begin + row.sequence as usize] += noise.nats(&mut prediction, clean, row.target, time);
        }
    }
    let term = |(draw, nats): (&Draw, f64)| BoundTerm { time: draw.time, bits: nats / LN_2 };
    Ok(draws.iter().zip(nats).map(term).collect())
}

/// One sequence per draw, every slot asked.
fn query(noise: &impl Integrand, text: &[TokenId], draws: &[Draw], special: SpecialTokens) -> Query {
    let times: Vec<f64> = draws.iter().map(|draw| draw.time.clamp(EDGE, 1.0 - EDGE)).collect();
    let mut query = Query {
        length: text.len(),
        tokens: Vec::with_capacity(draws.len() * text.len()),
        times,
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::with_capacity(draws.len() * text.len()),
    };
    for (sequence, draw) in draws.iter().enumerate() {
        for (slot, &clean) in text.iter().enumerate() {
            let shown = noise.shown(clean, query.times[sequence], &mut draw.stream(slot));
            query.tokens.push(shown);
            query.rows.push(row(sequence as u32, slot as u32, special, shown));
        }
    }
    query
}

/// The target is the token present, which is all that networks of uniform noise can be asked.
pub(super) fn row(sequence: u32, slot: u32, special: SpecialTokens, target: TokenId) -> Row {
    Row::measured(sequence, slot, special.first_token(false), target)
}
