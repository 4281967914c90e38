//! D3: what a run takes back, and whether a corrector mends more than it breaks.
//!
//! [`revisions`] counts, over a run, changes of what was already written: committed tokens replaced, noisy tokens
//! redrawn, slots opened again; per call and open slot. Unit: share, 0 to 1; 0 by construction for masks without
//! remasking or correction. Cost: no call, the run is there. Blind spot: a change need not be for the better, hence
//! [`Repair`]: of slots that were corrupted, those that have their clean token back; of slots that were intact, those
//! that have not any more; and the difference over all slots, (repaired − damaged) / slots, −1 to 1. Cost: comparing
//! three texts takes no call ([`Repair::of`]); letting a correction at a text ([`repair`]) takes the correction's, one
//! sequence each, as many as [`Correction`](crate::decode::Correction) says, and none without one. Blind spot of that:
//! another word than the original may be as good. All are counts of one run or text, no estimates; errors come over
//! texts.

use crate::decode::{Asker, Commit, Decoder, RunError, Step, Trajectory, TrajectoryError};
use crate::denoiser::FullDenoiser;
use crate::process::Words;
use crate::random::{Purpose, Stream, below, bernoulli};
use crate::sequence::{Sequence, Slot, SlotState, TokenId};

/// How much a run takes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Revisions {
    /// Committed or noisy tokens that were replaced by other tokens, over calls times open slots.
    pub replaced_share: f64,
    /// Committed slots that were opened again, over the same.
    pub remasked_share: f64,
}

/// What one step takes back of the slots that it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Committed or noisy tokens that were replaced by other tokens.
    pub replaced: usize,
    /// Committed slots that were opened again.
    pub remasked: usize,
}

impl TakenBack {
    /// Of a step and the sequence `before` it.
    pub fn of(step: &Step, before: &Sequence) -> Self {
        let slot = |slot: u32| before.slots.get(slot as usize).filter(|s| s.state != SlotState::Masked);
        let is_other = |change: &&Commit| slot(change.slot).is_some_and(|s| s.token != change.token);
        Self {
            replaced: step.commits.iter().chain(&step.noisy).filter(is_other).count(),
            remasked: step.remasks.iter().filter(|remasked| slot(**remasked).is_some()).count(),
        }
    }
}

/// What a run takes back; `None` before the first call or without open slots.
///
/// # Errors
/// If the trajectory contradicts itself.
pub fn revisions(trajectory: &Trajectory) -> Result<Option<Revisions>, TrajectoryError> {
    let (mut replaced, mut remasked) = (0_usize, 0_usize);
    let mut before = trajectory.first_checkpoint()?;
    for (index, step) in trajectory.steps.iter().enumerate() {
        let taken_back = TakenBack::of(step, &before.sequence);
        trajectory.advance(&mut before, index)?;
        replaced += taken_back.replaced;
        remasked += taken_back.remasked;
    }
    let chances = trajectory.steps.len() * trajectory.start.sequence.open_slots().count();
    let share = |count: usize| count as f64 / chances as f64;
    Ok((chances > 0).then(|| Revisions { replaced_share: share(replaced), remasked_share: share(remasked) }))
}

/// What a corrector did to a text of which some slots had been corrupted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repair {
    /// Corrupted slots.
    pub corrupted: usize,
    /// Of these, how many hold the clean token again.
    pub repaired: usize,
    /// Intact slots.
    pub intact: usize,
    /// Of these, how many hold another token now.
    pub damaged: usize,
}

impl Repair {
    /// Compares a clean text, its corruption, and what a corrector made of that.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of(clean: &[TokenId], corrupted: &[TokenId], corrected: &[TokenId]) -> Self {
        assert!(
            clean.len() == corrupted.len() && clean.len() == corrected.len(),
            "the three texts have one length"
        );
        let mut repair = Self { corrupted: 0, repaired: 0, intact: 0, damaged: 0 };
        for ((clean, corrupted), corrected) in clean.iter().zip(corrupted).zip(corrected) {
            if clean == corrupted {
                repair.intact += 1;
                repair.damaged += usize::from(corrected != clean);
            } else {
                repair.corrupted += 1;
                repair.repaired += usize::from(corrected == clean);
            }
        }
        repair
    }

    /// Repaired less damaged, over all slots: above 0 if the corrector helps. `None` for an empty text.
    pub fn net(&self) -> Option<f64> {
        let slots = self.corrupted + self.intact;
        (slots > 0).then(|| (self.repaired as f64 - self.damaged as f64) / slots as f64)
    }
}

/// How a text is corrupted before a corrector gets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corruption {
    /// The words that replace others, each equally likely.
    pub words: Words,
    /// Probability that a slot is corrupted, in [0, 1].
    pub share: f64,
    /// Slots from the front that may be: those before the padding.
    pub slots: usize,
    /// Keys the draws, with the number of the text.
    pub seed: u32,
}

impl Corruption {
    /// Text number `index`, corrupted, as a corrector finds it: written in full.
    pub fn of(&self, clean: &[TokenId], index: u32) -> Sequence {
        let corrupted = |(slot, &token): (usize, &TokenId)| {
            let mut stream = Stream::new(self.seed, index, slot as u32, Purpose::Corrupt);
            let hit = slot < self.slots && bernoulli(stream.word(), self.share);
            let other = TokenId(self.words.first + below(stream.word(), self.words.count));
            Slot::committed(if hit { other } else { token })
        };
        Sequence { slots: clean.iter().enumerate().map(corrupted).collect() }
    }
}

/// Lets a correction at a corrupted text, with which the decoder begins. Settings without one leave it as it is: nothing repaired,
/// nothing damaged. Not for clocked schedules (ancestral remasking, noise of words): these would write the text anew before they correct it.
///
/// # Errors
/// If the denoiser fails.
///
/// # Panics
/// If the clean text has another length.
pub async fn repair<D: FullDenoiser>(
    denoiser: &mut D,
    clean: &[TokenId],
    mut decoder: Decoder,
) -> Result<Repair, RunError<D::Error>> {
    let corrupted: Vec<TokenId> = decoder.sequence().tokens().collect();
    let mut asker = Asker::default();
    while !decoder.is_finished() {
        let predictions = asker.ask(denoiser, std::slice::from_ref(&decoder)).await?;
        decoder.apply(&predictions)?;
    }
    Ok(Repair::of(clean, &corrupted, &decoder.sequence().tokens().collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Correction, DecodeSettings, Decoder, Noise, Parallelism, Remasking, run};
    use crate::exact::{Noisy, two_sentences};
    use crate::process::{Uniform, Words};
    use crate::schedule::Schedule;
    use crate::sequence::{Sequence, Slot, SpecialTokens};
    use crate::testing::{decode, near};

    const WORDS: Words = Words { first: 3, count: 6 };

    #[test]
    fn masks_without_remasking_take_nothing_back() {
        let run = decode(&mut two_sentences::corpus(0.5).unwrap(), DecodeSettings::default());
        let found = revisions(&run).unwrap().unwrap();
        assert_eq!((found.replaced_share, found.remasked_share), (0.0, 0.0));
    }

    #[test]
    fn remasking_opens_and_the_share_is_that_of_its_rate() {
        // From t = 1/2 to 1/4 of four steps σ = .3 of the half that is written; from 3/4 to 1/2 of a quarter.
        let parallelism = Parallelism::Ancestral { steps: 4, schedule: Schedule::Linear };
        let settings = |seed| DecodeSettings {
            seed,
            parallelism,
            remasking: Remasking::Cap { eta: 0.3 },
            ..DecodeSettings::default()
        };
        let share = |seed| {
            let run = decode(&mut two_sentences::corpus(0.5).unwrap(), settings(seed));
            revisions(&run).unwrap().unwrap().remasked_share
        };
        let mean = (0..4000).map(share).sum::<f64>() / 4000.0;
        let expected = 0.3 * (0.25 + 0.5) / 4.0;
        assert!(near(mean, expected, 0.003), "{mean}, expected {expected}");
    }

    #[test]
    fn an_exact_uniform_corrector_repairs_a_word_of_a_sentence() {
        let process = Uniform { schedule: Schedule::Linear, words: WORDS };
        let mut denoiser = Noisy::new(two_sentences::corpus(0.5).unwrap(), process);
        let correction = Correction::OneByOne { temperature: 0.1, time: 0.2, patience: 8, calls: 8 };
        let settings = DecodeSettings { correction: Some(correction), ..DecodeSettings::default() };
        let clean = two_sentences::FIRST;
        let mut corrupted = clean;
        corrupted[1] = two_sentences::SECOND[1];
        let start = Sequence { slots: corrupted.map(Slot::committed).to_vec() };
        let decoder = Decoder::new(settings, start.clone(), SpecialTokens::default()).unwrap();
        let run = pollster::block_on(run(&mut denoiser, decoder.clone())).unwrap();
        let repair = pollster::block_on(repair(&mut denoiser, &clean, decoder)).unwrap();
        assert_eq!(repair, Repair { corrupted: 1, repaired: 1, intact: 2, damaged: 0 });
        assert!(near(repair.net().unwrap(), 1.0 / 3.0, 1e-12));
        let found = revisions(&run).unwrap().unwrap();
        assert!(near(found.replaced_share, 1.0 / 3.0 / run.steps.len() as f64, 1e-12), "one change");
    }

    #[test]
    fn without_a_correction_nothing_is_repaired_and_nothing_damaged() {
        let corruption = Corruption { words: WORDS, share: 0.5, slots: 2, seed: 3 };
        let clean = two_sentences::FIRST;
        let (mut hit, mut changed) = (0, 0);
        for index in 0..2000 {
            let start = corruption.of(&clean, index);
            assert_eq!(start.slots[2].token, clean[2], "behind the text");
            let decoder = Decoder::new(DecodeSettings::default(), start, SpecialTokens::default()).unwrap();
            let mut corpus = two_sentences::corpus(0.5).unwrap();
            let found = pollster::block_on(repair(&mut corpus, &clean, decoder)).unwrap();
            assert_eq!((found.repaired, found.damaged, found.net()), (0, 0, Some(0.0)));
            (hit, changed) = (hit + found.corrupted, changed + found.intact);
        }
        // Half of two slots, of which one in six draws the word that stood there.
        assert!(near(hit as f64 / 2000.0, 5.0 / 6.0, 0.05), "{hit}");
        assert_eq!(hit + changed, 6000);
    }

    #[test]
    fn uniform_runs_replace_what_they_hold() {
        let noise = Noise::Uniform { words: WORDS, greedy_tail: false };
        let parallelism = Parallelism::Ancestral { steps: 8, schedule: Schedule::Linear };
        let settings = DecodeSettings { noise, parallelism, ..DecodeSettings::default() };
        let process = Uniform { schedule: Schedule::Linear, words: WORDS };
        let mut denoiser = Noisy::new(two_sentences::corpus(0.5).unwrap(), process);
        let decoder = Decoder::new(settings, Sequence::masked(3, TokenId(0)), SpecialTokens::default());
        let run = pollster::block_on(run(&mut denoiser, decoder.unwrap())).unwrap();
        assert!(revisions(&run).unwrap().unwrap().replaced_share > 0.0);
    }

    #[test]
    fn damage_counts_against_repair() {
        let ids = |ids: [u32; 4]| ids.map(TokenId);
        let repair = Repair::of(&ids([3, 4, 5, 6]), &ids([3, 9, 9, 6]), &ids([3, 4, 9, 9]));
        assert_eq!((repair.corrupted, repair.repaired, repair.intact, repair.damaged), (2, 1, 2, 1));
        assert_eq!(repair.net(), Some(0.0));
        assert_eq!(Repair::of(&[], &[], &[]).net(), None);
    }
}
