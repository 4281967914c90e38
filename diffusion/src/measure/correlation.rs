//! L2, on demand: what committing several slots in one call did to them.
//!
//! Slots S committed together were drawn from Π p_i(x_i | x_t). Revealed one after the other they would have had
//! p_chain(x_S | x_t) = Π_k p(x_k | x_t, the k − 1 before). The pointwise total correlation is the difference of the
//! logarithms, pTC = log2 p_chain − log2 Π p_i, in bits. Drawn from the product, the mean of −pTC is
//! KL(product ‖ chain), the damage done: 0 or more in the mean, with a heavy tail. Cost: one call with |S| − 1
//! sequences, since all tokens are known ([`chain`]); of [`pairs`] as many. Blind spots: a learned network's
//! conditionals do not agree between orders; how much shows only if both [`Direction`]s are asked, for twice the cost
//! ([`order_gap_bits`]). A product draw that the chain finds impossible is infinitely damaged, so values are clipped at
//! [`CLIP_BITS`], their mean is too low wherever that happened, and they are to be read with their median
//! ([`median`](super::median)) and how many were clipped ([`Damage`]). The questions show what the call was shown
//! ([`Decoder::query`](crate::decode::Decoder::query)): slots that a correction opens are masks there though the text
//! still holds their old words, and those that soft feedback softens are mixtures until they are revealed. Over texts
//! each is one draw; steps of one text hang together.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use crate::decode::{Commit, Step};
use crate::denoiser::{Denoiser, Mixture, Query, Row};

/// Largest size of a value in bits.
pub const CLIP_BITS: f64 = 20.0;

/// Damage in bits above which a call counts as heavy.
pub const HEAVY_BITS: f64 = 5.0;

/// What joint commits did to one run, from the damage of each of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Sum over the calls, in bits.
    pub bits: f64,
    /// Share of the calls at the clip, on either side: where there are any, `bits` is not the whole.
    pub clipped_share: f64,
    /// Share of the calls above [`HEAVY_BITS`].
    pub heavy_share: f64,
}

impl Damage {
    /// Of the damage in bits of every call, 0 where fewer than two slots were drawn; `None` without calls.
    pub fn of(calls: &[f64]) -> Option<Self> {
        let share = |is_counted: fn(f64) -> bool| {
            let counted =
                |bits: &f64| if bits.is_nan() { *bits } else { f64::from(u8::from(is_counted(*bits))) };
            calls.iter().map(counted).sum::<f64>() / calls.len() as f64
        };
        (!calls.is_empty()).then(|| Self {
            bits: calls.iter().sum(),
            clipped_share: share(|bits| bits.abs() >= CLIP_BITS),
            heavy_share: share(|bits| bits > HEAVY_BITS),
        })
    }
}

/// In which order a chain reveals what was committed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As the decoding order ranked it.
    Forward,
    /// The other way round.
    Backward,
}

/// −pTC in bits of the drawn tokens that the step committed, clipped; `None` for fewer than two. What an end of text
/// fills was not drawn. `seen` is what the call asked of one run.
///
/// # Errors
/// If the denoiser fails.
pub async fn chain<D: Denoiser>(
    denoiser: &mut D,
    step: &Step,
    seen: &Query,
    direction: Direction,
) -> Result<Option<f64>, D::Error> {
    let mut commits = drawn(step);
    if direction == Direction::Backward {
        commits.reverse();
    }
    let asked: Vec<(&[usize], usize)> = (1..commits.len()).map(|k| (&commits[..k], commits[k])).collect();
    let drops = drops(denoiser, step, seen, &asked).await?;
    Ok((!drops.is_empty()).then(|| drops.iter().sum::<f64>().clamp(-CLIP_BITS, CLIP_BITS)))
}

/// By how many bits the two directions of a chain differ on the same tokens, |log2 p_backward − log2 p_forward|: 0 of an exact
/// denoiser. `None` where either is clipped, which does not tell their difference.
pub fn order_gap_bits(forward: f64, backward: f64) -> Option<f64> {
    let is_clipped = |bits: f64| bits.abs() >= CLIP_BITS;
    (!is_clipped(forward) && !is_clipped(backward)).then(|| (backward - forward).abs())
}

/// log2 Π p_i in bits of what the step committed: what the tokens were worth one by one.
pub fn product_bits(step: &Step) -> f64 {
    step.commits.iter().filter_map(|commit| alone(step, commit)).map(f64::from).sum::<f64>() / LN_2
}

/// ln p of a commit when it was drawn; `None` if it was not.
fn alone(step: &Step, commit: &Commit) -> Option<f32> {
    let found = step.predictions.iter().find(|p| p.is_drawn(commit));
    found.map(|p| p.prediction.drawn.log_probability)
}

/// Indices of the commits that were drawn.
fn drawn(step: &Step) -> Vec<usize> {
    (0..step.commits.len()).filter(|&index| alone(step, &step.commits[index]).is_some()).collect()
}

/// −pTC in bits of each slot with the one committed just before it in the same step, clipped.
///
/// # Errors
/// If the denoiser fails.
pub async fn pairs<D: Denoiser>(denoiser: &mut D, step: &Step, seen: &Query) -> Result<Vec<f64>, D::Error> {
    let commits = drawn(step);
    let asked: Vec<(&[usize], usize)> =
        (1..commits.len()).map(|k| (&commits[k - 1..k], commits[k])).collect();
    let drops = drops(denoiser, step, seen, &asked).await?;
    Ok(drops.into_iter().map(|bits| bits.clamp(-CLIP_BITS, CLIP_BITS)).collect())
}

/// For each (revealed commits, commit): log2 p(its token | x_t) − log2 p(its token | x_t, the revealed).
async fn drops<D: Denoiser>(
    denoiser: &mut D,
    step: &Step,
    seen: &Query,
    asked: &[(&[usize], usize)],
) -> Result<Vec<f64>, D::Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query {
        length: seen.length,
        tokens: Vec::with_capacity(seen.length * asked.len()),
        times: seen.times.repeat(asked.len()),
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::with_capacity(asked.len()),
    };
    for (sequence, (revealed, commit)) in (0..).zip(asked) {
        let revealed = || revealed.iter().map(|&index| step.commits[index]);
        let mut tokens = seen.tokens.clone();
        revealed().for_each(|commit| tokens[commit.slot as usize] = commit.token);
        query.tokens.extend(tokens);
        let is_soft = |mixture: &&Mixture| revealed().all(|commit| commit.slot != mixture.slot);
        query.mixtures.extend(seen.mixtures.iter().filter(is_soft).map(|m| Mixture { sequence, ..*m }));
        query.rows.push(row(step, *commit, sequence, seen));
    }
    let predictions = denoiser.predict(&query).await?;
    let drop = |((_, commit), together): (&(&[usize], usize), &crate::Prediction)| {
        alone(step, &step.commits[*commit])
            .map(|alone| f64::from(alone - together.target_log_probability) / LN_2)
    };
    Ok(asked.iter().zip(&predictions).filter_map(drop).collect())
}

/// Asks over the tokens that the draw was over.
fn row(step: &Step, commit: usize, sequence: u32, seen: &Query) -> Row {
    let commit = step.commits[commit];
    let first_token = seen.rows.first().map_or(0, |row| row.first_token);
    let row = Row::measured(sequence, commit.slot, first_token, commit.token);
    Row { call: step.call, ..row }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prediction;
    use crate::decode::{Correction, DecodeSettings, Decoder, Parallelism, SoftFeedback, Trajectory};
    use crate::exact::{Corpus, ExactError, two_sentences};
    use crate::measure::{Estimate, Moments};
    use crate::sequence::{Sequence, SpecialTokens, TokenId};
    use crate::testing::{decode, near};

    /// What the call after so many steps was shown.
    fn seen(run: &Trajectory, step: usize) -> Query {
        run.fork(step).unwrap().query()
    }

    /// Damage of the first step of runs that commit all at once.
    fn damages(corpus: &Corpus, direction: Direction) -> Vec<f64> {
        let parallelism = Parallelism::SlotsPerCall { slots: corpus.length() as u32 };
        let damage = |seed| {
            let settings = DecodeSettings { seed, parallelism, ..DecodeSettings::default() };
            let run = decode(&mut corpus.clone(), settings);
            let mut denoiser = corpus.clone();
            let seen = seen(&run, 0);
            let chain = chain(&mut denoiser, &run.steps[0], &seen, direction);
            pollster::block_on(chain).unwrap().unwrap()
        };
        (0..4000).map(damage).collect()
    }

    #[test]
    fn the_mean_damage_of_a_soft_pair_is_the_divergence_of_product_and_joint() {
        // p(ab) = .4, .1, .1, .4 over two words each: product .25 each; KL = −.5 log2(1.6) − .5 log2(.4) = .3219.
        let sentence = |a, b, p| (vec![TokenId(a), TokenId(b)], p);
        let sentences =
            vec![sentence(3, 5, 0.4), sentence(3, 6, 0.1), sentence(4, 5, 0.1), sentence(4, 6, 0.4)];
        let corpus = Corpus::new(sentences, TokenId(0)).unwrap();
        for direction in [Direction::Forward, Direction::Backward] {
            let mean = damages(&corpus, direction).into_iter().collect::<Moments>().estimate().unwrap();
            assert!(near(mean.value, 0.321_928, 4.0 * mean.standard_error), "{direction:?}: {mean:?}");
            assert!(mean.standard_error < 0.02, "power: no correlation would be 0");
        }
    }

    /// Mean damage of a Gibbs correction that opens both words before a given third, where the questions show what the call was
    /// shown, and where they show the text as it stood.
    fn damages_of_correction(corpus: &Corpus) -> [Estimate; 2] {
        let correction = Some(Correction::Gibbs { slots: 2, calls: 1 });
        let special = SpecialTokens::default();
        let start = Sequence::infill(&[None, None, Some(TokenId(7))], special.mask);
        let damage = |seed| {
            let settings = DecodeSettings { seed, correction, ..DecodeSettings::default() };
            let decoder = Decoder::new(settings, start.clone(), special).unwrap();
            let run = pollster::block_on(crate::decode::run(&mut corpus.clone(), decoder)).unwrap();
            let shown = seen(&run, 2);
            let stood = Query { tokens: run.sequence_at(2).unwrap().tokens().collect(), ..shown.clone() };
            [shown, stood].map(|seen| {
                let mut denoiser = corpus.clone();
                let chain = chain(&mut denoiser, &run.steps[2], &seen, Direction::Forward);
                pollster::block_on(chain).unwrap().unwrap()
            })
        };
        let all: Vec<[f64; 2]> = (0..4000).map(damage).collect();
        [0, 1].map(|which| all.iter().map(|both| both[which]).collect::<Moments>().estimate().unwrap())
    }

    #[test]
    fn the_damage_of_a_correction_is_that_of_words_it_does_not_see() {
        // Before word 7 the pairs have .4, .1, .1, .4, so that KL(product ‖ joint | rest) = .3219; before 8 they are even.
        let sentence = |a, b, c, p| ([a, b, c].map(TokenId).to_vec(), p);
        let pairs = [(3, 5, 0.2), (3, 6, 0.05), (4, 5, 0.05), (4, 6, 0.2)];
        let before = |c| move |(a, b, p)| sentence(a, b, c, if c == 7 { p } else { 0.125 });
        let sentences = pairs.into_iter().map(before(7)).chain(pairs.into_iter().map(before(8)));
        let corpus = Corpus::new(sentences.collect(), TokenId(0)).unwrap();
        let [shown, stood] = damages_of_correction(&corpus);
        assert!(near(shown.value, 0.321_928, 4.0 * shown.standard_error), "{shown:?}");
        assert!(shown.standard_error < 0.02, "power: no correlation would be 0");
        assert!(!near(stood.value, 0.321_928, 8.0 * stood.standard_error), "power: {stood:?}");
    }

    /// Keeps what it was asked.
    struct Listening(Corpus, Option<Query>);

    impl Denoiser for Listening {
        type Error = ExactError;

        async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, ExactError> {
            self.1 = Some(query.clone());
            self.0.predict(query).await
        }
    }

    #[test]
    fn open_slots_stay_soft_until_they_are_revealed_and_the_time_is_the_calls() {
        let corpus = Corpus::new(vec![([3, 4, 5, 6].map(TokenId).to_vec(), 1.0)], TokenId(0)).unwrap();
        let soft_feedback = Some(SoftFeedback::default());
        let parallelism = Parallelism::SlotsPerCall { slots: 2 };
        let settings = DecodeSettings { soft_feedback, parallelism, ..DecodeSettings::default() };
        let run = decode(&mut corpus.clone(), settings);
        let (seen, step) = (seen(&run, 1), &run.steps[1]);
        let mut listening = Listening(corpus, None);
        pollster::block_on(chain(&mut listening, step, &seen, Direction::Forward)).unwrap();
        let asked = listening.1.unwrap();
        let softened: Vec<Mixture> =
            seen.mixtures.iter().copied().filter(|m| m.slot == step.commits[1].slot).collect();
        assert_eq!((seen.mixtures.len(), softened.len()), (2, 1));
        assert_eq!((asked.mixtures, asked.times), (softened, vec![0.5]));
    }

    /// Says of the second slot what the corpus says, and of the first always the same.
    struct Stubborn(Corpus);

    impl Denoiser for Stubborn {
        type Error = ExactError;

        async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, ExactError> {
            let hidden: Vec<TokenId> = query.tokens.iter().map(|_| TokenId(0)).collect();
            let blind = Query { tokens: hidden, ..query.clone() };
            let (all, none) = (self.0.predict(query).await?, self.0.predict(&blind).await?);
            let one =
                |((row, all), none): ((&Row, Prediction), Prediction)| if row.slot == 0 { none } else { all };
            Ok(query.rows.iter().zip(all).zip(none).map(one).collect())
        }
    }

    #[test]
    fn orders_agree_for_an_exact_denoiser_and_differ_by_what_one_of_them_does_not_see() {
        // p(ab) = .4, .1, .1, .4: seeing the other word moves a word's probability from .5 to .8 or .2.
        let sentence = |a, b, p| (vec![TokenId(a), TokenId(b)], p);
        let sentences =
            vec![sentence(3, 5, 0.4), sentence(3, 6, 0.1), sentence(4, 5, 0.1), sentence(4, 6, 0.4)];
        let corpus = Corpus::new(sentences, TokenId(0)).unwrap();
        let parallelism = Parallelism::SlotsPerCall { slots: 2 };
        for seed in 0..40 {
            let run = decode(
                &mut corpus.clone(),
                DecodeSettings { seed, parallelism, ..DecodeSettings::default() },
            );
            let (step, seen) = (&run.steps[0], &seen(&run, 0));
            let both = |denoiser: &mut dyn FnMut(Direction) -> f64| {
                order_gap_bits(denoiser(Direction::Forward), denoiser(Direction::Backward)).unwrap()
            };
            let exact = both(&mut |direction| {
                pollster::block_on(chain(&mut corpus.clone(), step, seen, direction)).unwrap().unwrap()
            });
            assert!(near(exact, 0.0, 1e-5), "{exact}");
            let stubborn = both(&mut |direction| {
                let mut denoiser = Stubborn(corpus.clone());
                pollster::block_on(chain(&mut denoiser, step, seen, direction)).unwrap().unwrap()
            });
            let text: Vec<TokenId> = run.sequence_at(1).unwrap().tokens().collect();
            let together = corpus.probability(&text);
            assert!(near(stubborn, (together / 0.25).log2().abs(), 1e-5), "{stubborn} for {together}");
        }
        assert_eq!(order_gap_bits(CLIP_BITS, 1.0), None);
        assert!(order_gap_bits(f64::NAN, 1.0).is_some_and(f64::is_nan));
    }

    #[test]
    fn damage_of_a_run_is_summed_and_its_calls_counted_by_hand() {
        let runs = [&[CLIP_BITS, 5.0, -1.0, 0.0][..], &[-CLIP_BITS, 6.0]].map(|c| Damage::of(c).unwrap());
        assert_eq!(runs[0], Damage { bits: 24.0, clipped_share: 0.25, heavy_share: 0.25 });
        assert_eq!(runs[1], Damage { bits: -14.0, clipped_share: 0.5, heavy_share: 0.5 });
        assert!(Damage::of(&[]).is_none());
        let broken = Damage::of(&[f64::NAN, 0.0]).unwrap();
        assert!([broken.bits, broken.clipped_share, broken.heavy_share].iter().all(|number| number.is_nan()));
    }

    #[test]
    fn mixed_sentences_are_clipped_and_whole_ones_gain_what_was_at_stake() {
        let damages = damages(&two_sentences::corpus(0.5).unwrap(), Direction::Forward);
        // Whole sentences: log2 (1/8) − log2 (1/2) = −2 bits; an extrapolated chain of a mixture is clipped or above.
        let whole = damages.iter().filter(|bits| near(**bits, -2.0, 1e-5)).count();
        assert!(crate::testing::share_fits(whole as u64, 4000, 0.25), "{whole} of 4000");
        assert!(damages.iter().all(|bits| bits.abs() <= CLIP_BITS));
        assert!(damages.contains(&CLIP_BITS));
    }

    #[test]
    fn three_words_of_two_even_sentences_are_worth_three_bits() {
        let parallelism = Parallelism::SlotsPerCall { slots: 3 };
        let settings = DecodeSettings { parallelism, ..DecodeSettings::default() };
        let run = decode(&mut two_sentences::corpus(0.5).unwrap(), settings);
        assert!(near(product_bits(&run.steps[0]), -3.0, 1e-6));
    }

    #[test]
    fn one_commit_has_nothing_to_correlate_with() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let run = decode(&mut corpus, DecodeSettings::default());
        let (step, seen) = (&run.steps[0], &seen(&run, 0));
        let chain = chain(&mut corpus, step, seen, Direction::Forward);
        assert_eq!(pollster::block_on(chain), Ok(None));
        assert_eq!(pollster::block_on(pairs(&mut corpus, step, seen)), Ok(vec![]));
    }

    #[test]
    fn pairs_of_equal_words_are_a_coin_flip_each() {
        let mut corpus = two_sentences::corpus(0.5).unwrap();
        let parallelism = Parallelism::SlotsPerCall { slots: 2 };
        let found = (0..50).map(|seed| {
            let run = decode(&mut corpus, DecodeSettings { seed, parallelism, ..DecodeSettings::default() });
            pollster::block_on(pairs(&mut corpus, &run.steps[0], &seen(&run, 0))).unwrap()[0]
        });
        assert!(found.into_iter().all(|bits| near(bits, -1.0, 1e-5) || bits == CLIP_BITS));
    }
}
