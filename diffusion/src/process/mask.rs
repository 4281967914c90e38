//! Absorbing mask: a token survives with probability α(t), otherwise the mask symbol takes its place for good.
//!
//! Austin et al. (D3PM, arXiv 2107.03006); Sahoo et al. (MDLM, arXiv 2406.07524); Shi et al. (MD4, arXiv 2406.04329).

use super::{ForwardProcess, TokenProcess};
use crate::random::{Purpose, Stream, bernoulli};
use crate::schedule::Schedule;
use crate::sequence::{Sequence, Slot, TokenId};

/// The absorbing-mask process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    /// Signal kept over time.
    pub schedule: Schedule,
    /// The mask symbol.
    pub mask: TokenId,
}

impl Mask {
    /// Corrupts a text at time `t`: survivors are given, the others masked. With one seed the masks grow with
    /// `t`: what is hidden at some time is hidden at every later one.
    pub fn corrupt(&self, text: &[TokenId], t: f64, seed: u32) -> Sequence {
        let slot = |(index, &token): (usize, &TokenId)| {
            let mut stream = Stream::new(seed, 0, index as u32, Purpose::Sample);
            match self.sample(token, t, &mut stream) {
                hidden if hidden == self.mask => Slot::masked(self.mask),
                kept => Slot::given(kept),
            }
        };
        Sequence { slots: text.iter().enumerate().map(slot).collect() }
    }

    /// Probability that a survivor at `s` survives until `t`: α(t) / α(s).
    fn survival(&self, s: f64, t: f64) -> f64 {
        if s >= t { 1.0 } else { self.schedule.alpha(t) / self.schedule.alpha(s) }
    }
}

impl ForwardProcess for Mask {
    type State = TokenId;

    fn sample(&self, clean: TokenId, t: f64, stream: &mut Stream) -> TokenId {
        if bernoulli(stream.word(), self.schedule.alpha(t)) { clean } else { self.mask }
    }

    fn step(&self, present: TokenId, s: f64, t: f64, stream: &mut Stream) -> TokenId {
        if bernoulli(stream.word(), self.survival(s, t)) { present } else { self.mask }
    }

    fn signal_left(&self, t: f64) -> f64 {
        self.schedule.alpha(t)
    }
}

impl TokenProcess for Mask {
    fn marginal(&self, clean: TokenId, token: TokenId, t: f64) -> f64 {
        self.transition(clean, token, 0.0, t)
    }

    fn transition(&self, from: TokenId, to: TokenId, s: f64, t: f64) -> f64 {
        let survival = self.survival(s, t);
        match (from == self.mask, to == self.mask) {
            (true, at_mask) => f64::from(u8::from(at_mask)),
            (false, true) => 1.0 - survival,
            (false, false) => survival * f64::from(u8::from(from == to)),
        }
    }

    /// A visible token stays; a masked one is revealed with probability (α(s) − α(t)) / (1 − α(t)).
    fn posterior(&self, clean: TokenId, noisy: TokenId, token: TokenId, s: f64, t: f64) -> f64 {
        if noisy != self.mask {
            return f64::from(u8::from(token == noisy));
        }
        let reveal = self.schedule.reveal_probability(s, t);
        match token {
            token if token == self.mask => 1.0 - reveal,
            token if token == clean => reveal,
            _ => 0.0,
        }
    }
}
