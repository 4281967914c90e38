//! D2, on demand: whether the states of a run from Gaussian noise are such as its network was trained on.
//!
//! In training x_t is drawn from q(x_t | x_0). A run's states should look as if they had been drawn so from the text x̂ that
//! it ends in. With the surprise S(x_t) = −1/n Σ_i log2 p(x̂_i | x_t) over the n open slots, the path gap is the mean over the
//! calls between the first and the last of S(x_t) − S(x'_t), in bits per slot: x_t the run's states, x'_t a path of the forward
//! process from x̂, which the network goes along with guesses of its own, as it did in the run. Of an exact denoiser and many
//! small steps (x_t, x̂) has the law of (x_t, x_0), so that the mean over runs is 0. Below 0 a run's states tell its own text
//! better than noise on that text does: the network has talked itself into it. Above 0 they tell it worse. Single surprises are
//! clipped at [`CLIP_BITS`]. Cost: two runs more, since a run keeps no distributions. One run is one value; errors come over runs.
//! Blind spots: what differs is seen through the network alone; gaps of either sign at different times cancel; and a few
//! large steps along the mean embedding leave the path even with an exact denoiser (two sentences of three words, 1000 runs:
//! .031 ± .015 bits with 4 steps, −.008 ± .013 with 64).

use std::f64::consts::LN_2;

use super::Moments;
use super::correlation::CLIP_BITS;
use crate::decode::gaussian::Way;
use crate::decode::{GaussianError, GaussianSettings, GaussianStep};
use crate::denoiser::FullDenoiser;
use crate::process::Gaussian;
use crate::sequence::{Sequence, SpecialTokens, TokenId};

/// The path gap of a run in bits per slot, from what decided the run; `None` where it has no states between the first and the
/// last, or nothing to write.
///
/// # Errors
/// [`GaussianError`].
pub async fn path_gap_bits<D: FullDenoiser>(
    denoiser: &mut D,
    process: &Gaussian,
    start: &Sequence,
    settings: GaussianSettings,
    special: SpecialTokens,
    run: &[GaussianStep],
) -> Result<Option<f64>, GaussianError<D::Error>> {
    let Some(text) = run.last().map(|step| step.tokens.as_slice()) else { return Ok(None) };
    let way = Way { process, start, settings, special };
    let own = surprise_bits(denoiser, &way, None, text).await?;
    let drawn = surprise_bits(denoiser, &way, Some(text), text).await?;
    let is_there = settings.steps > 1 && start.open_slots().next().is_some();
    Ok(is_there.then_some(own - drawn))
}

/// Mean surprise at a text over a way and its open slots, in bits.
async fn surprise_bits<D: FullDenoiser>(
    denoiser: &mut D,
    way: &Way<'_>,
    clean: Option<&[TokenId]>,
    text: &[TokenId],
) -> Result<f64, GaussianError<D::Error>> {
    let mut moments = Moments::default();
    way.walk(denoiser, clean, |call, _, logs| {
        if (1..way.settings.steps).contains(&call) {
            let open = way.rows(logs).enumerate().filter(|(slot, _)| !way.is_given(*slot));
            open.for_each(|(slot, logs)| moments.push(clipped_bits(logs, text[slot])));
        }
    })
    .await?;
    Ok(moments.mean())
}

/// −log2 p of a token, clipped; what is no number stays none.
fn clipped_bits(logs: &[f32], token: TokenId) -> f64 {
    let bits = -f64::from(logs[token.0 as usize]) / LN_2;
    if bits > CLIP_BITS { CLIP_BITS } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::run_gaussian;
    use crate::denoiser::{Denoiser, Prediction, Query};
    use crate::exact::{Embedded, ExactError, two_sentences};
    use crate::measure::Estimate;
    use crate::schedule::Schedule;
    use crate::sequence::Slot;

    /// Knows the corpus, and then takes every distribution to a power.
    struct Sharpened {
        exact: Embedded,
        power: f32,
    }

    impl Denoiser for Sharpened {
        type Error = ExactError;

        async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, ExactError> {
            self.exact.predict(query).await
        }
    }

    impl FullDenoiser for Sharpened {
        fn vocabulary(&self) -> usize {
            self.exact.vocabulary()
        }

        async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, ExactError> {
            let mut all = self.exact.distributions(query).await?;
            for row in all.chunks_mut(self.exact.vocabulary()) {
                let sum: f32 = row.iter().map(|log| (log * self.power).exp()).sum();
                row.iter_mut().for_each(|log| *log = *log * self.power - sum.ln());
            }
            Ok(all)
        }
    }

    fn process() -> Gaussian {
        let embeddings = (0..9).map(|token| if token < 6 { 1.0 } else { -1.0 }).collect();
        Gaussian::new(Schedule::Linear, embeddings, 1)
    }

    /// Of one run.
    fn gap(power: f32, start: &Sequence, settings: GaussianSettings) -> Option<f64> {
        let (process, special) = (process(), SpecialTokens::default());
        let exact = Embedded::new(two_sentences::corpus(0.5).unwrap(), process.clone());
        let mut denoiser = Sharpened { exact, power };
        pollster::block_on(async {
            let run = run_gaussian(&mut denoiser, &process, start, settings, special).await.unwrap();
            path_gap_bits(&mut denoiser, &process, start, settings, special, &run).await.unwrap()
        })
    }

    fn mean_gap(power: f32) -> Estimate {
        let start = Sequence::masked(3, SpecialTokens::default().mask);
        let one = |seed| gap(power, &start, GaussianSettings { seed, steps: 64 });
        (0..1000).filter_map(one).collect::<Moments>().estimate().unwrap()
    }

    #[test]
    fn an_exact_denoiser_stays_on_the_path_and_one_that_is_too_sure_or_unsure_leaves_it_either_way() {
        let in_errors = |power| {
            let found = mean_gap(power);
            assert!(found.standard_error < 0.05, "{found:?}");
            found.value / found.standard_error
        };
        assert!(in_errors(1.0).abs() < 4.0);
        assert!(in_errors(4.0) < -4.0, "it talks itself into its text");
        assert!(in_errors(0.5) > 4.0);
    }

    #[test]
    fn without_a_state_in_between_or_a_slot_to_write_there_is_no_gap() {
        let mask = SpecialTokens::default().mask;
        let settings = |steps| GaussianSettings { seed: 0, steps };
        assert_eq!(gap(1.0, &Sequence::masked(3, mask), settings(1)), None);
        let given = Sequence { slots: two_sentences::FIRST.map(Slot::given).to_vec() };
        assert_eq!(gap(1.0, &given, settings(8)), None);
    }
}
