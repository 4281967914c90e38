//! Times and sums that the bounds of timed noise share.
//!
//! Each of two to eight independent passes takes one time from each of so many equal parts of (0, 1], far less scattered
//! than free times; a pass is one estimate of the bound, and their scatter tells the error. There are as many passes as leave
//! four parts to each: of few draws the error itself is known badly.

use super::{BoundError, BoundSettings, TextBound};
use crate::measure::{Estimate, Moments};
use crate::random::{Purpose, Stream, uniform, word};
use crate::sequence::TokenId;

/// Passes over the parts of time, out of so many draws. What does not fill a pass is left out; the same comes out of what is left.
fn passes(draws: u32) -> u32 {
    (draws / PARTS).clamp(LEAST_PASSES, 8)
}

/// Parts that every pass has at least, where there are draws enough.
const PARTS: u32 = 4;
const LEAST_PASSES: u32 = 2;

/// One draw: its time in (0, 1] and the random words of its noise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    seed: u32,
    number: u32,
    /// Time in (0, 1].
    pub time: f64,
}

impl Draw {
    /// The words of a slot's noise.
    pub fn stream(&self, slot: usize) -> Stream {
        Stream::new(self.seed, self.number, slot as u32, Purpose::Bound)
    }
}

/// The draws of text number `index`, pass after pass.
///
/// # Errors
/// If there is no text, or the settings ask for too little.
pub(super) fn draws<E: std::error::Error>(
    text: &[TokenId],
    index: u32,
    settings: BoundSettings,
) -> Result<Vec<Draw>, BoundError<E>> {
    settings.check(text)?;
    let BoundSettings { seed, draws, .. } = settings;
    let (parts, seed) = (draws / passes(draws), word(seed, index, 0, Purpose::Bound as u32));
    let draw = |number: u32| {
        let place = uniform(Stream::new(seed, number, u32::MAX, Purpose::Bound).word());
        Draw { seed, number, time: (f64::from(number % parts) + place) / f64::from(parts) }
    };
    Ok((0..parts * passes(draws)).map(draw).collect())
}

/// What one draw of a bound says: its integrand at a time. The bound is the mean of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundTerm {
    /// Time in (0, 1].
    pub time: f64,
    /// Bits of the whole window.
    pub bits: f64,
}

/// The bound from the bits of every draw, in the order of [`draws`].
pub(super) fn together<E: std::error::Error>(
    bits: impl ExactSizeIterator<Item = f64>,
    counted: u32,
) -> Result<TextBound, BoundError<E>> {
    let bits: Vec<f64> = bits.collect();
    let parts = bits.len() / passes(bits.len() as u32) as usize;
    let passes = bits.chunks(parts.max(1)).map(|pass| pass.iter().sum::<f64>() / parts as f64);
    let bits: Option<Estimate> = passes.collect::<Moments>().estimate();
    let bits = bits.filter(|bits| bits.value.is_finite()).ok_or(BoundError::Infinite)?;
    Ok(TextBound { bits, tokens: counted })
}
