//! What choosing words together does on the real model: the same start and the same seed, one slot per call and several.

use std::sync::Arc;

use diffusion::decode::{Decoder, Step, Trajectory, run};
use diffusion::measure::correlation::{Direction, chain, product_bits};
use diffusion::measure::surface::adjacent_duplicates;
use diffusion::{FullDenoiser, SlotState, TokenId};
use model_loader::Tokenizer;
use storyworld::Violation;

use super::runs::{Trouble, state_at};
use crate::session::language::Language;

/// Both texts.
#[derive(Clone, Debug)]
pub struct Together {
    /// One slot per call.
    pub apart: Written,
    /// Several, once they are written.
    pub together: Option<Written>,
    /// Slots per call of the second.
    pub slots: u32,
    /// Names of tokens.
    pub words: Arc<Tokenizer>,
    /// Words of the prompt that the model does not know.
    pub unknown: Vec<String>,
}

/// One finished text.
#[derive(Clone, Debug)]
pub struct Written {
    /// How it came about.
    pub trajectory: Trajectory,
    /// Its tokens up to the end.
    pub text: Vec<TokenId>,
    /// Words that follow themselves.
    pub duplicates: usize,
    /// Broken rules, where the language is known.
    pub violations: Option<Vec<Violation>>,
    /// The calls that committed several slots.
    pub calls: Vec<JointCall>,
}

/// A call that committed several slots.
#[derive(Clone, Debug, PartialEq)]
pub struct JointCall {
    /// Its number, from 1.
    pub call: usize,
    /// What it committed, in the order of slots.
    pub commits: Vec<(u32, TokenId)>,
    /// log2 of the product of the words' probabilities.
    pub product_bits: f64,
    /// log2 of their probability one after the other.
    pub chain_bits: f64,
}

impl JointCall {
    /// Of a step and what its commits lost against the chain.
    fn of(call: usize, step: &Step, damage_bits: f64) -> Self {
        let mut commits: Vec<_> = step.commits.iter().map(|c| (c.slot, c.token)).collect();
        commits.sort_unstable_by_key(|(slot, _)| *slot);
        let product_bits = product_bits(step);
        Self { call, commits, product_bits, chain_bits: product_bits - damage_bits }
    }

    /// How much less likely the words are together than one by one, in bits; below 0 if more.
    pub fn damage_bits(&self) -> f64 {
        self.product_bits - self.chain_bits
    }
}

impl Written {
    /// Sum of [`JointCall::damage_bits`].
    pub fn damage_bits(&self) -> f64 {
        self.calls.iter().map(JointCall::damage_bits).sum()
    }
}

/// Sequences that the study will ask about, for the progress bar: both runs, and the chains of the second.
pub fn planned(open: usize, slots: usize) -> usize {
    let calls = open.div_ceil(slots.max(1));
    open + calls + open.saturating_sub(calls)
}

/// Decodes to the end and measures what came of joint commits.
///
/// # Errors
/// If the denoiser fails or is overtaken.
pub async fn write<D: FullDenoiser>(
    denoiser: &mut D,
    language: &Language,
    decoder: Decoder,
) -> Result<Written, Trouble<D::Error>> {
    let special = decoder.special();
    let trajectory = run(denoiser, decoder).await.map_err(Trouble::of)?;
    let mut calls = Vec::new();
    for (index, step) in trajectory.steps.iter().enumerate() {
        let before = trajectory.fork(index).map_err(|error| Trouble::Other(error.into()))?;
        // The last step of noisy words commits what stood there all along: nothing was chosen together.
        if step.commits.len() > 1 && before.sequence().slots.iter().all(|slot| slot.state != SlotState::Noisy)
        {
            let damage = chain(denoiser, step, &before.query(), Direction::Forward).await;
            let damage = damage.map_err(Trouble::Denoiser)?;
            calls.extend(damage.map(|bits| JointCall::of(index + 1, step, bits)));
        }
    }
    let end = state_at(&trajectory, trajectory.steps.len()).map_err(Trouble::Other)?;
    let text: Vec<TokenId> = end.tokens().take(end.text_length(special.end_of_text)).collect();
    let (duplicates, violations) = (adjacent_duplicates(&text), language.violations(&text));
    Ok(Written { trajectory, text, duplicates, violations, calls })
}

#[cfg(test)]
mod tests {
    use diffusion::decode::{DecodeSettings, Parallelism};
    use diffusion::exact::two_sentences;
    use diffusion::{Sequence, SpecialTokens};

    use super::*;
    use crate::session::decode::tests::now;
    use crate::session::language::tests::storyworld;

    fn toy(slots: u32, seed: u32) -> Written {
        let special = SpecialTokens::default();
        let settings =
            DecodeSettings { parallelism: Parallelism::SlotsPerCall { slots }, seed, ..Default::default() };
        let decoder = Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap();
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        now(write(&mut corpus, &storyworld(), decoder)).unwrap()
    }

    #[test]
    fn words_of_one_sentence_gain_by_the_chain_and_mixtures_lose_all() {
        let special = [two_sentences::FIRST, two_sentences::SECOND];
        let (mut seen, mut unseen) = (0, 0);
        for seed in 0..40 {
            let written = toy(3, seed);
            let [call] = &written.calls[..] else { panic!("one call commits three words") };
            assert!((call.product_bits + 3.0).abs() < 1e-5, "three fair coins");
            if special.iter().any(|sentence| written.text == sentence) {
                seen += 1;
                assert!((call.damage_bits() + 2.0).abs() < 1e-5, "the first word decides the others");
            } else {
                unseen += 1;
                assert!(call.damage_bits() > 15.0, "the chain would never say this");
            }
        }
        assert!(seen > 2 && unseen > 15, "{seen} seen, {unseen} unseen");
    }

    #[test]
    fn one_word_at_a_time_commits_nothing_together() {
        let written = toy(1, 3);
        assert!(written.calls.is_empty() && written.damage_bits() == 0.0);
        assert_eq!(planned(64, 8), 64 + 8 + 56);
    }
}
