//! Whether x_t drawn straight agrees with a chain of many small steps: property D2, tried out.

use diffusion::measure::agreement::Agreement;
use diffusion::schedule::Schedule;

use super::shown::Corruption;
use crate::session::language::VECTOR_POWER;

/// Steps of a chain.
pub const STEPS: u32 = 64;
/// Chains for every word of the text.
pub const CHAINS: u32 = 200;

/// Runs the chains with seeds `first` and on, and adds what came of them.
pub fn push(
    agreement: &mut Agreement,
    corruption: &Corruption<'_>,
    tokens: &[diffusion::TokenId],
    t: f64,
    seed: u32,
) {
    for (slot, &token) in tokens.iter().enumerate() {
        agreement.push(&*corruption.process(slot), token, t, STEPS, seed, slot as u32);
    }
}

/// The same for noise on vectors; what is compared is their part along the clean word's own vector.
pub fn push_vectors(agreement: &mut Agreement, schedule: Schedule, words: usize, t: f64, seed: u32) {
    for slot in 0..words {
        agreement.push_along(schedule, VECTOR_POWER.sqrt(), t, STEPS, seed, slot as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::corrupt::shown::{Shown, tests::text};

    #[test]
    fn chains_agree_with_direct_draws_for_every_process() {
        let text = text();
        for shown in Shown::ALL {
            let corruption = Corruption::new(shown, &text, Schedule::Linear, 1);
            let mut agreement = Agreement::default();
            (0..CHAINS).for_each(|seed| match &corruption {
                Some(corruption) => push(&mut agreement, corruption, &text.tokens, 0.5, seed),
                None => push_vectors(&mut agreement, Schedule::Linear, text.tokens.len(), 0.5, seed),
            });
            assert_eq!(agreement.words, 600);
            assert!(agreement.agrees(), "{shown:?}: {agreement:?}");
        }
    }
}
