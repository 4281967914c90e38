//! Drivers: decoders and a denoiser until all is written.

use super::{Asker, DecodeError, Decoder, Trajectory};
use crate::denoiser::FullDenoiser;

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
pub async fn run<D: FullDenoiser>(
    denoiser: &mut D,
    decoder: Decoder,
) -> Result<Trajectory, RunError<D::Error>> {
    let (mut asker, mut decoders) = (Asker::default(), [decoder]);
    let mut trajectories = [Trajectory::begin(&decoders[0])];
    while step_batch(denoiser, &mut asker, &mut decoders, &mut trajectories).await? {}
    let [trajectory] = trajectories;
    Ok(trajectory)
}

/// Decodes many sequences of one length side by side, one query per call for all of them.
pub async fn run_batch<D: FullDenoiser>(
    denoiser: &mut D,
    mut decoders: Vec<Decoder>,
) -> Result<Vec<Trajectory>, RunError<D::Error>> {
    let mut asker = Asker::default();
    let mut trajectories: Vec<Trajectory> = decoders.iter().map(Trajectory::begin).collect();
    while step_batch(denoiser, &mut asker, &mut decoders, &mut trajectories).await? {}
    Ok(trajectories)
}

/// One call for all; false if all had finished. The batch keeps its size, because programs are recorded per
/// size: a finished sequence stays in it and asks for no rows.
async fn step_batch<D: FullDenoiser>(
    denoiser: &mut D,
    asker: &mut Asker,
    decoders: &mut [Decoder],
    trajectories: &mut [Trajectory],
) -> Result<bool, RunError<D::Error>> {
    let answer = asker.ask(denoiser, decoders).await?;
    let mut rest = &answer[..];
    let mut has_asked = false;
    for (decoder, trajectory) in decoders.iter_mut().zip(trajectories).filter(|(d, _)| !d.is_finished()) {
        let asked = decoder.asked_count();
        let found = rest.len();
        let (own, others) =
            rest.split_at_checked(asked).ok_or(DecodeError::Count { found, expected: asked })?;
        trajectory.push(decoder.apply(own)?);
        (rest, has_asked) = (others, true);
    }
    Ok(has_asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Parallelism};
    use crate::denoiser::{Denoiser, Prediction, Query};
    use crate::exact::{Corpus, ExactError, two_sentences};
    use crate::schedule::Schedule;
    use crate::sequence::{Sequence, SpecialTokens, TokenId};
    use crate::testing::{LIMIT, misfit};

    fn decoder(seed: u32, length: usize) -> Decoder {
        ancestral(seed, length, 4)
    }

    fn ancestral(seed: u32, length: usize, steps: u32) -> Decoder {
        let special = SpecialTokens::default();
        let parallelism = Parallelism::Ancestral { steps, schedule: Schedule::Linear };
        let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
        Decoder::new(settings, Sequence::masked(length, special.mask), special).unwrap()
    }

    #[test]
    fn a_batch_is_the_same_runs_side_by_side() {
        let mut denoiser = two_sentences::corpus(0.5).unwrap();
        let decoders: Vec<Decoder> = (0..50).map(|seed| decoder(seed, 3)).collect();
        let together = pollster::block_on(run_batch(&mut denoiser, decoders.clone())).unwrap();
        for (decoder, trajectory) in decoders.into_iter().zip(together) {
            assert_eq!(pollster::block_on(run(&mut denoiser, decoder)).unwrap(), trajectory);
        }
    }

    #[test]
    fn splitting_time_finer_leaves_independent_slots_alone() {
        // Two independent slots, one word of 2 in 1000: with nothing to disturb but the draws themselves, every
        // number of steps must give the same text. A draw of token and reveal in one would lose the rare word.
        let (first, second) = ([0.6, 0.398, 0.002], [0.7, 0.3]);
        let pairs = (0..6).map(|i| (vec![TokenId(3 + i / 2), TokenId(6 + i % 2)], i as usize));
        let weights: Vec<f64> = (0..6).map(|i| first[i / 2] * second[i % 2]).collect();
        let sentences = pairs.map(|(tokens, i)| (tokens, weights[i])).collect();
        let mut corpus = Corpus::new(sentences, SpecialTokens::default().mask).unwrap();
        for steps in [1, 8, 300] {
            let decoders = (0..20_000).map(|seed| ancestral(seed, 2, steps)).collect();
            let mut counts = [0; 6];
            for run in pollster::block_on(run_batch(&mut corpus, decoders)).unwrap() {
                let text: Vec<u32> =
                    run.sequence_at(run.steps.len()).unwrap().tokens().map(|t| t.0).collect();
                counts[((text[0] - 3) * 2 + text[1] - 6) as usize] += 1;
            }
            assert!(misfit(&counts, &weights) < LIMIT, "{steps} steps: {counts:?}");
        }
    }

    #[test]
    fn an_empty_batch_asks_nothing() {
        assert!(pollster::block_on(run_batch(&mut Broken, Vec::new())).unwrap().is_empty());
    }

    /// A denoiser that leaves out every prediction.
    struct Broken;

    impl Denoiser for Broken {
        type Error = ExactError;

        async fn predict(&mut self, _: &Query) -> Result<Vec<Prediction>, ExactError> {
            Ok(Vec::new())
        }
    }

    impl FullDenoiser for Broken {
        fn vocabulary(&self) -> usize {
            9
        }

        async fn distributions(&mut self, _: &Query) -> Result<Vec<f32>, ExactError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_short_answer_is_an_error() {
        let result = pollster::block_on(run(&mut Broken, decoder(0, 3)));
        assert!(matches!(result, Err(RunError::Decode(DecodeError::Count { found: 0, expected: 3 }))));
    }

    #[test]
    fn lengths_must_agree_with_each_other_and_with_the_denoiser() {
        let mut denoiser = two_sentences::corpus(0.5).unwrap();
        let unequal = pollster::block_on(run_batch(&mut denoiser, vec![decoder(0, 3), decoder(1, 4)]));
        assert!(matches!(unequal, Err(RunError::Length { sequence: 1, found: 4, expected: 3 })));
        let wrong = pollster::block_on(run(&mut denoiser, decoder(0, 4)));
        assert!(matches!(wrong, Err(RunError::Denoiser(ExactError::Length { found: 4, expected: 3 }))));
    }
}
