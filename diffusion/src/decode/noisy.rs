//! What hides the tokens of a run, and steps back along the processes whose tokens may all be noise.
//!
//! Where any token may be noise, every open slot is asked and drawn anew at every step, so a run of N steps costs N
//! calls; order and end-of-text filling have no part in it. `words` and `uniform_share` have no defaults.

use serde::{Deserialize, Serialize};

use super::validation::within;
use super::{Commit, SettingsError, SlotPrediction};
use crate::process::{ForwardProcess, MaskUniform, TokenProcess, Uniform, Words};
use crate::random::{Purpose, Stream};
use crate::schedule::Schedule;
use crate::sequence::{Sequence, Slot, SlotState, SpecialTokens};

/// The noise that a run takes away. It has to be that of the network's training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Noise {
    /// Masks ([`Mask`](crate::process::Mask); MDLM, arXiv 2406.07524): a hidden slot shows the mask symbol, a written
    /// one is taken to be right. The default. Known failure: a mistake is seen as truth by every later call.
    #[default]
    Mask,
    /// Random words ([`Uniform`]; D3PM, arXiv 2107.03006; UDLM, arXiv 2412.10193), with
    /// [`Parallelism::Ancestral`](super::Parallelism::Ancestral): every open slot is drawn anew at every step from
    /// Σ_v p(v | x_t) q(x_s | x_t, v). Plugging the leave-one-out prediction into Bayes' rule instead gives the same
    /// distribution; plugging in the posterior does not (arXiv 2605.22765). Cost: one call per step, all open slots
    /// asked. Known failures: right only with posteriors of a network that is told the time; and the slots of a step
    /// are still drawn independently, so that few steps mix texts.
    Uniform {
        /// The words that noise draws from, 1 to 4 · 10⁹ of them: those of the network's training.
        words: Words,
        /// Take the most probable word at the last step; off by default. Known failure: less diversity.
        #[serde(default)]
        greedy_tail: bool,
    },
    /// Masks and random words ([`MaskUniform`]; GIDD, arXiv 2503.04482); as above, on the process's own schedule,
    /// whatever that of the parallelism is. Known failures: as above; and with little uniform noise a written word is
    /// rarely doubted.
    MaskUniform {
        /// The words that noise draws from, 1 to 4 · 10⁹ of them: those of the network's training.
        words: Words,
        /// Share of uniform noise at t = 1/2, from 0 to 1 − 10⁻⁹; the paper's are .1 and .2. It has to be that
        /// of the network's training, hence no default; recommended for a new one .1.
        uniform_share: f64,
        /// Take the most probable word at the last step; off by default. Known failure: less diversity.
        #[serde(default)]
        greedy_tail: bool,
    },
}

impl Noise {
    /// Whether the last step takes the most probable word.
    pub(super) fn greedy_tail(self) -> bool {
        matches!(self, Self::Uniform { greedy_tail: true, .. } | Self::MaskUniform { greedy_tail: true, .. })
    }

    pub(super) fn validate(self) -> Result<(), SettingsError> {
        match self {
            Self::Mask => Ok(()),
            Self::Uniform { words, .. } => validate_words(words),
            Self::MaskUniform { words, uniform_share, .. } => {
                validate_words(words)?;
                within("uniform_share", uniform_share, 0.0, 1.0 - 1e-9)
            }
        }
    }

    /// The words that noise draws from.
    pub(super) fn words(self) -> Option<Words> {
        match self {
            Self::Mask => None,
            Self::Uniform { words, .. } | Self::MaskUniform { words, .. } => Some(words),
        }
    }

    /// Fills masked slots with what the process holds at the start time.
    pub(super) fn fill(self, sequence: &mut Sequence, special: SpecialTokens, seed: u32, call: u32) {
        let Self::Uniform { words, .. } = self else { return };
        let process = Uniform { schedule: Schedule::Linear, words };
        for (index, slot) in
            sequence.slots.iter_mut().enumerate().filter(|(_, s)| s.state == SlotState::Masked)
        {
            let mut stream = Stream::new(seed, call, index as u32, Purpose::Sample);
            *slot = Slot::noisy(process.sample(special.mask, 1.0, &mut stream));
        }
    }

    /// One step back from t to s: the slots whose token changes. At s = 0 every open slot is settled.
    pub(super) fn back(self, state: Back<'_>) -> Vec<Commit> {
        match self {
            Self::Mask => Vec::new(),
            Self::Uniform { words, .. } => state.by(&Uniform { schedule: state.schedule, words }),
            Self::MaskUniform { words, uniform_share, .. } => {
                state.by(&MaskUniform { mask: state.special.mask, words, uniform_share })
            }
        }
    }
}

fn validate_words(words: Words) -> Result<(), SettingsError> {
    within("words", words.count.into(), 1.0, 4e9)?;
    within("first word", words.first.into(), 0.0, f64::from(u32::MAX - words.count))
}

/// What a step back needs.
pub(super) struct Back<'a> {
    pub sequence: &'a Sequence,
    pub seen: &'a [SlotPrediction],
    pub special: SpecialTokens,
    pub schedule: Schedule,
    pub seed: u32,
    pub step: u32,
    /// From t to s.
    pub times: (f64, f64),
}

impl Back<'_> {
    fn by<P: TokenProcess>(&self, process: &P) -> Vec<Commit> {
        let (t, s) = self.times;
        let back = |p: &SlotPrediction| {
            let mut stream = Stream::new(self.seed, self.step, p.slot, Purpose::Reverse);
            let present = self.sequence.slots[p.slot as usize].token;
            let token = process.reverse(p.prediction.drawn.token, present, s, t, &mut stream);
            (s == 0.0 || token != present).then_some(Commit { slot: p.slot, token })
        };
        self.seen.iter().filter_map(back).collect()
    }
}
