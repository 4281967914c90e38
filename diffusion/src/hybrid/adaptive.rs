//! Adaptive parallel decoding (APD): a diffusion model drafts from left to right, and an autoregressive model says how far to trust it.
//!
//! Rule (Israel et al., arXiv 2506.00413): of the next `window` masked slots, one call of the diffusion model gives the marginals q_i,
//! from which a draft x is drawn; one call of the autoregressive model gives p_i(· | x left of i). A second text y is drawn from
//! q_i^R p_i^(1−R), normalised, **with the same Gumbels**, and x is kept up to the first slot where the two differ. The first slot is
//! kept in any case: alone, its marginal is no approximation. Knobs: `share` R in [0, 1] (the source's .6 to .7; 1 keeps every draft,
//! 0 asks the autoregressive model alone), default .7; `window`, from 1 to 10⁶ (16 to 32 in the source), default 16; `seed`. The
//! source also limits how many masks the diffusion model is shown, to save work; this leaves that out. Cost: one call of each model
//! per kept stretch. Known failure: unlike [`speculative`](super::speculative) it is lossy: what comes out is neither model's text
//! but the diffusion model's, cut off sooner where the other disagrees, and mixtures that both find possible pass.

use serde::{Deserialize, Serialize};

use super::{HybridError, question, same_vocabulary};
use crate::decode::SettingsError;
use crate::decode::validation::within;
use crate::denoiser::FullDenoiser;
use crate::random::{Purpose, Stream, exponential};
use crate::sequence::{Sequence, Slot, SpecialTokens, TokenId};

/// Knobs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adaptive {
    /// Seed of every draw.
    pub seed: u32,
    /// Slots that are drafted at once, from 1 to 10⁶; default 16.
    pub window: u32,
    /// The diffusion model's share R, from 0 to 1; default .7.
    pub share: f64,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { seed: 0, window: 16, share: 0.7 }
    }
}

impl Adaptive {
    /// Whether every knob is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        within("window", self.window.into(), 1.0, 1e6)?;
        within("share", self.share, 0.0, 1.0)
    }
}

/// A text and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapted {
    /// The text.
    pub sequence: Sequence,
    /// Slots kept by each pair of calls, one of either model.
    pub kept: Vec<u32>,
}

/// Writes all masked slots from left to right. The autoregressive model must look left only, as in
/// [`speculate`](super::speculative::speculate).
///
/// # Errors
/// [`HybridError`].
pub async fn adaptive<D: FullDenoiser, A: FullDenoiser>(
    denoiser: &mut D,
    autoregressive: &mut A,
    knobs: Adaptive,
    start: Sequence,
    special: SpecialTokens,
) -> Result<Adapted, HybridError<D::Error, A::Error>> {
    knobs.validate()?;
    same_vocabulary(denoiser, autoregressive)?;
    let mut run = Adapted { sequence: start, kept: Vec::new() };
    loop {
        let slots: Vec<u32> =
            run.sequence.masked_slots().take(knobs.window as usize).map(|slot| slot as u32).collect();
        if slots.is_empty() {
            return Ok(run);
        }
        let call = run.kept.len() as u32;
        let noise = |slot| Gumbels { seed: knobs.seed, call, slot };
        let asked = question(&run.sequence, &slots, knobs.seed, special);
        let marginals = denoiser.distributions(&asked).await.map_err(HybridError::Denoiser)?;
        let mut drafted = run.sequence.clone();
        for (&slot, q) in slots.iter().zip(marginals.chunks(denoiser.vocabulary())) {
            let token = noise(slot).best(q.iter().map(|&q| f64::from(q)));
            drafted.slots[slot as usize] = Slot::committed(token.ok_or(HybridError::NoToken { slot })?);
        }
        let asked = question(&drafted, &slots, knobs.seed, special);
        let joint = autoregressive.distributions(&asked).await.map_err(HybridError::Autoregressive)?;
        let rows = marginals.chunks(denoiser.vocabulary()).zip(joint.chunks(autoregressive.vocabulary()));
        let agrees = |(&slot, (q, p)): (&u32, (&[f32], &[f32]))| {
            let mixed = q.iter().zip(p).map(|(&q, &p)| mixed(knobs.share, q.into(), p.into()));
            noise(slot).best(mixed) == Some(drafted.slots[slot as usize].token)
        };
        let kept = slots.iter().zip(rows).take_while(|pair| agrees(*pair)).count().max(1);
        for &slot in &slots[..kept] {
            run.sequence.slots[slot as usize] = drafted.slots[slot as usize];
        }
        run.kept.push(kept as u32);
    }
}

/// R ln q + (1 − R) ln p; what has no share says nothing, even where it finds a token impossible.
fn mixed(share: f64, q: f64, p: f64) -> f64 {
    let part = |weight: f64, log: f64| if weight > 0.0 { weight * log } else { 0.0 };
    // The draft is one of q in any case.
    if q == f64::NEG_INFINITY { q } else { part(share, q) + part(1.0 - share, p) }
}

/// The noise of one slot in one call: one Gumbel per token, the same for whoever asks.
#[derive(Clone, Copy)]
struct Gumbels {
    seed: u32,
    call: u32,
    slot: u32,
}

impl Gumbels {
    /// The token where log-probability plus noise is largest: a draw. `None` if none is possible.
    fn best(self, logs: impl Iterator<Item = f64>) -> Option<TokenId> {
        let mut stream = Stream::new(self.seed, self.call, self.slot, Purpose::Draft);
        let noisy = logs.map(|log| log - f64::from(exponential(stream.word())).ln());
        let best = (0..).zip(noisy).filter(|(_, value)| *value > f64::NEG_INFINITY);
        best.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(token, _)| TokenId(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Corpus, two_sentences};
    use crate::guide::Causal;
    use crate::testing::share_fits;

    const RUNS: u32 = 8000;

    /// How many texts nobody wrote, and how many took one pair of calls.
    fn written(share: f64, autoregressive: &Corpus) -> (u64, u64) {
        let special = SpecialTokens::default();
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let mut causal = Causal::new(autoregressive.clone(), special.mask);
        let (mut unseen, mut at_once) = (0, 0);
        for seed in 0..RUNS {
            let knobs = Adaptive { seed, window: 3, share };
            let start = Sequence::masked(3, special.mask);
            let run = pollster::block_on(adaptive(&mut corpus, &mut causal, knobs, start, special)).unwrap();
            assert_eq!(run.kept.iter().sum::<u32>(), 3);
            let text: Vec<TokenId> = run.sequence.tokens().collect();
            unseen += u64::from(corpus.probability(&text) == 0.0);
            at_once += u64::from(run.kept.len() == 1);
        }
        (unseen, at_once)
    }

    #[test]
    fn with_all_the_share_every_draft_is_kept_and_three_of_four_are_mixtures() {
        let (unseen, at_once) = written(1.0, &two_sentences::corpus(0.5).unwrap());
        assert_eq!(at_once, u64::from(RUNS));
        assert!(share_fits(unseen, RUNS.into(), 0.75), "{unseen} of {RUNS}");
    }

    #[test]
    fn a_model_that_knows_the_joint_cuts_every_mixture_off() {
        // After the first word the joint allows one continuation; the draft has it in both other slots with 1/4.
        for share in [0.0, 0.5, 0.9] {
            let (unseen, at_once) = written(share, &two_sentences::corpus(0.5).unwrap());
            assert_eq!(unseen, 0, "share {share}");
            assert!(share_fits(at_once, RUNS.into(), 0.25), "share {share}: {at_once} of {RUNS}");
        }
    }

    #[test]
    fn one_gumbel_noise_makes_like_distributions_draw_alike() {
        let logs = |p: f64| [p.ln(), (1.0 - p).ln()].into_iter();
        let equal = |seed: u32, q: f64| {
            let noise = Gumbels { seed, call: 0, slot: 0 };
            u64::from(noise.best(logs(0.5)) == noise.best(logs(q)))
        };
        let agree = |q: f64| (0..RUNS).map(|seed| equal(seed, q)).sum::<u64>();
        assert_eq!(agree(0.5), u64::from(RUNS));
        // The first token wins with p and q for one and the same noise: they differ with |p − q|.
        assert!(share_fits(agree(0.8), RUNS.into(), 0.7), "{}", agree(0.8));
    }

    #[test]
    fn knobs_out_of_range_are_refused_and_have_their_json() {
        let special = SpecialTokens::default();
        let corpus = two_sentences::corpus(0.5).unwrap();
        for wrong in
            [Adaptive { window: 0, ..Adaptive::default() }, Adaptive { share: 1.1, ..Adaptive::default() }]
        {
            let start = Sequence::masked(3, special.mask);
            let mut causal = Causal::new(corpus.clone(), special.mask);
            let mut draft = corpus.clone();
            let run = adaptive(&mut draft, &mut causal, wrong, start, special);
            assert!(matches!(pollster::block_on(run), Err(HybridError::Settings(_))), "{wrong:?}");
        }
        assert_eq!(serde_json::from_str::<Adaptive>("{}").unwrap(), Adaptive::default());
    }
}
