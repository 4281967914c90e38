//! Speculative decoding, both ways: one model drafts a window, the other accepts as much of it as is right.
//!
//! The result is exactly what the target alone would write from left to right: a draft token x is accepted with
//! probability min(1, p(x) / q(x)), p the target's and q the draft's distribution there; at the first refusal the
//! token is drawn from max(0, p − q), normalised (Leviathan et al., arXiv 2211.17192). With a diffusion model as
//! draft (all slots of the window at once, one call) and an autoregressive target this is diffusion drafts
//! accepted by AR; with an autoregressive draft (one call per slot) and
//! [`Causal`](crate::guide::Causal) around a diffusion model as target, AR drafts verified by diffusion.
//! Knobs: `window`, from 1 to 10⁶, default 8; `sequential_draft`, default false (a parallel draft); `seed`. Cost: one target call per window,
//! and one draft call per window or per slot. Known failure: the farther into the window, the less a parallel draft agrees, so long
//! windows are wasted. The lossy rule of APD is [`adaptive`](super::adaptive).

use serde::{Deserialize, Serialize};

use super::{HybridError, question, same_vocabulary};
use crate::decode::SettingsError;
use crate::decode::validation::within;
use crate::denoiser::FullDenoiser;
use crate::random::{Purpose, uniform, word};
use crate::sequence::{Sequence, Slot, SpecialTokens, TokenId};

/// Knobs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speculative {
    /// Seed of every random decision.
    pub seed: u32,
    /// Slots per window, from 1 to 10⁶; default 8.
    pub window: u32,
    /// Whether the draft writes one slot per call (autoregressive drafts) or the whole window in one (diffusion).
    pub sequential_draft: bool,
}

impl Default for Speculative {
    fn default() -> Self {
        Self { seed: 0, window: 8, sequential_draft: false }
    }
}

impl Speculative {
    /// Whether every knob is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        within("window", self.window.into(), 1.0, 1e6)
    }
}

/// A text and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Speculated {
    /// The text.
    pub sequence: Sequence,
    /// Calls of the draft.
    pub draft_calls: u32,
    /// Calls of the target, one per window.
    pub target_calls: u32,
    /// Draft tokens that were kept.
    pub accepted: u32,
}

/// Writes all masked slots from left to right. The target must look left only (an autoregressive model, or
/// [`Causal`](crate::guide::Causal)); nothing checks that, and another one would be told the drafted words to the right.
///
/// # Errors
/// [`HybridError`].
pub async fn speculate<D: FullDenoiser, A: FullDenoiser>(
    draft: &mut D,
    target: &mut A,
    knobs: Speculative,
    start: Sequence,
    special: SpecialTokens,
) -> Result<Speculated, HybridError<D::Error, A::Error>> {
    knobs.validate()?;
    same_vocabulary(draft, target)?;
    let mut run = Speculated { sequence: start, draft_calls: 0, target_calls: 0, accepted: 0 };
    loop {
        let slots: Vec<u32> =
            run.sequence.masked_slots().take(knobs.window as usize).map(|slot| slot as u32).collect();
        if slots.is_empty() {
            return Ok(run);
        }
        let window = Window { knobs, special, slots };
        let (drafted, drafts) = window.draft(draft, &mut run).await?;
        let asked = question(&drafted, &window.slots, knobs.seed, special);
        run.target_calls += 1;
        let targets = target.distributions(&asked).await.map_err(HybridError::Autoregressive)?;
        let rows = drafts.chunks(draft.vocabulary()).zip(targets.chunks(target.vocabulary()));
        for (&slot, (q, p)) in window.slots.iter().zip(rows) {
            let (token, is_kept) = window.accept(slot, drafted.slots[slot as usize].token, p, q);
            let token = token.ok_or(HybridError::NoToken { slot })?;
            run.sequence.slots[slot as usize] = Slot::committed(token);
            run.accepted += u32::from(is_kept);
            if !is_kept {
                break;
            }
        }
    }
}

/// The slots that are drafted together.
struct Window {
    knobs: Speculative,
    special: SpecialTokens,
    slots: Vec<u32>,
}

impl Window {
    /// Fills the window; gives back the filled sequence and the draft's log-probabilities. `// (window, vocabulary)`
    async fn draft<D: FullDenoiser, A: std::error::Error + 'static>(
        &self,
        draft: &mut D,
        run: &mut Speculated,
    ) -> Result<(Sequence, Vec<f32>), HybridError<D::Error, A>> {
        let mut filled = run.sequence.clone();
        let mut distributions = Vec::with_capacity(self.slots.len() * draft.vocabulary());
        let each = if self.knobs.sequential_draft { 1 } else { self.slots.len() };
        for slots in self.slots.chunks(each) {
            run.draft_calls += 1;
            let all = draft.distributions(&question(&filled, slots, self.knobs.seed, self.special)).await;
            let all = all.map_err(HybridError::Denoiser)?;
            for (&slot, q) in slots.iter().zip(all.chunks(draft.vocabulary())) {
                let u = uniform(word(self.knobs.seed, 0, slot, Purpose::Draft as u32));
                let token = pick(q.iter().map(|&q| f64::from(q).exp()), u);
                let token = token.ok_or(HybridError::NoToken { slot })?;
                filled.slots[slot as usize] = Slot::committed(token);
            }
            distributions.extend(all);
        }
        Ok((filled, distributions))
    }

    /// The token of a slot, and whether it is the drafted one by acceptance.
    fn accept(&self, slot: u32, drafted: TokenId, p: &[f32], q: &[f32]) -> (Option<TokenId>, bool) {
        let draws = |item: u32| uniform(word(self.knobs.seed, 1 + item, slot, Purpose::Draft as u32));
        let index = drafted.0 as usize;
        if draws(0) < f64::from(p[index] - q[index]).exp() {
            return (Some(drafted), true);
        }
        let rest = p.iter().zip(q).map(|(&p, &q)| (f64::from(p).exp() - f64::from(q).exp()).max(0.0));
        (pick(rest, draws(1)), false)
    }
}

/// The token at which the running sum of weights passes u times their total; `None` if all are zero.
fn pick(weights: impl Iterator<Item = f64> + Clone, u: f64) -> Option<TokenId> {
    let total: f64 = weights.clone().sum();
    let mut left = u * total;
    let passes = |weight: f64| {
        left -= weight;
        weight > 0.0 && left < 0.0
    };
    let last =
        || (0..).zip(weights.clone()).filter(|(_, weight)| *weight > 0.0).map(|(token, _)| token).last();
    let found = weights.clone().map(passes).position(|passed| passed).map(|index| index as u32);
    found.or_else(last).map(TokenId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Corpus;
    use crate::guide::Causal;
    use crate::testing::{LIMIT, misfit};

    const RUNS: u32 = 20_000;

    /// Four sentences of three words, dependent everywhere.
    fn sentences(weights: [f64; 4]) -> Corpus {
        let ids = [[3, 5, 7], [3, 6, 8], [4, 5, 8], [4, 6, 7]];
        let weighted = ids.into_iter().zip(weights).map(|(ids, p)| (ids.map(TokenId).to_vec(), p)).collect();
        Corpus::new(weighted, TokenId(0)).unwrap()
    }

    /// Misfit of what comes out with the target's joint, and the calls.
    fn check(
        knobs: Speculative,
        draft: &mut (impl FullDenoiser + Clone),
        target: &Corpus,
    ) -> (f64, u32, u32) {
        let special = SpecialTokens::default();
        let mut causal = Causal::new(target.clone(), special.mask);
        let mut counts = vec![0; 4];
        let (mut draft_calls, mut target_calls) = (0, 0);
        for seed in 0..RUNS {
            let start = Sequence::masked(3, special.mask);
            let run = speculate(draft, &mut causal, Speculative { seed, ..knobs }, start, special);
            let run = pollster::block_on(run).unwrap();
            let text: Vec<TokenId> = run.sequence.tokens().collect();
            let kind = target.sentences().position(|(sentence, _)| sentence == text);
            counts[kind.expect("the target never writes anything else")] += 1;
            (draft_calls, target_calls) = (draft_calls + run.draft_calls, target_calls + run.target_calls);
        }
        let weights: Vec<f64> = target.sentences().map(|(_, weight)| weight).collect();
        (misfit(&counts, &weights), draft_calls, target_calls)
    }

    #[test]
    fn diffusion_drafts_accepted_by_an_autoregressive_model_are_its_own_texts() {
        let target = sentences([0.4, 0.3, 0.2, 0.1]);
        let knobs = Speculative { window: 3, ..Speculative::default() };
        let (found, draft_calls, target_calls) = check(knobs, &mut target.clone(), &target);
        assert!(found < LIMIT, "{found}");
        assert!(
            draft_calls == target_calls && target_calls < 2 * RUNS,
            "{target_calls} calls for {RUNS} texts"
        );
    }

    #[test]
    fn autoregressive_drafts_verified_by_another_model_are_that_models_texts() {
        let target = sentences([0.4, 0.3, 0.2, 0.1]);
        let mut draft = Causal::new(sentences([0.1, 0.2, 0.3, 0.4]), TokenId(0));
        let knobs = Speculative { window: 3, sequential_draft: true, ..Speculative::default() };
        let (found, draft_calls, target_calls) = check(knobs, &mut draft, &target);
        assert!(found < LIMIT, "{found}");
        assert!(draft_calls > target_calls, "one draft call per slot");
        let wrong = [0.1, 0.2, 0.3, 0.4];
        assert!(
            misfit(&[8000, 6000, 4000, 2000], &wrong) > LIMIT,
            "power: the draft's joint would be noticed"
        );
    }

    #[test]
    fn a_draft_that_is_the_target_is_accepted_in_full() {
        let target = sentences([0.4, 0.3, 0.2, 0.1]);
        let mut draft = Causal::new(target.clone(), TokenId(0));
        let knobs = Speculative { window: 3, sequential_draft: true, ..Speculative::default() };
        let (_, draft_calls, target_calls) = check(knobs, &mut draft, &target);
        assert_eq!((draft_calls, target_calls), (3 * RUNS, RUNS));
    }
}
