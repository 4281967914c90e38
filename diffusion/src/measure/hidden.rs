//! D1 of processes that hide, asked of a network that was trained on masks: how many bits of a text are still open at time t.
//!
//! open(t) = E −log2 p(hidden slots | slots in sight): x_t is drawn from the process, and of its m hidden slots k are asked together, the
//! other m − k shown, k uniform in 1..m, weight m / k - the bound of masks ([`text_bound`](super::text_bound)) within the hidden
//! set, which for an exact denoiser is the chain rule. What the text has in bits, all slots hidden, less open(t) is what is left:
//! for every process on one axis. Unit: bits of a whole window. Cost: one sequence of a call per draw and time, whole distributions.
//!
//! What a hidden slot's own state tells is weighed in ([`Masking`]): that tokens which are hidden late are likelier there
//! (frequency, GenMD4), and a noisy one-hot vector (CANDI). Exact given an exact denoiser for masks, soft masks, blocks, and saliences
//! that are known beforehand. Blind spots: ignored is what the states of the *other* slots that are still hidden tell, so that under
//! frequency masks, GenMD4 and CANDI open(t) is too large and what is left a lower bound; ignored too is that saliences from
//! the model's surprisal tell something of the text themselves. And it is the network that is asked, not the truth.

use std::f64::consts::LN_2;

use super::{BoundError, BoundSettings, Estimate, Moments};
use crate::denoiser::{FullDenoiser, Query, Row};
use crate::process::Masking;
use crate::random::{Purpose, Stream, below, word};
use crate::sequence::{SpecialTokens, TokenId};

/// Bits of one window (number `index` of its file, which keys the draws) that are open at `t`, a mean over draws; `slots` has the
/// process of each slot. The same draws at every t, so that what is hidden stays so. `// slots, text: (length)`
///
/// # Errors
/// [`BoundError`].
pub async fn hidden_bits<D: FullDenoiser, P: Masking>(
    denoiser: &mut D,
    slots: &[P],
    text: &[TokenId],
    index: u32,
    t: f64,
    special: SpecialTokens,
    settings: BoundSettings,
) -> Result<Estimate, BoundError<D::Error>> {
    let BoundSettings { seed, draws, batch } = settings;
    settings.check(text)?;
    let seed = word(seed, index, 0, Purpose::Bound as u32);
    let (mut moments, numbers) = (Moments::default(), (0..draws).collect::<Vec<u32>>());
    for numbers in numbers.chunks(batch as usize) {
        let draws: Vec<Draw<P>> =
            numbers.iter().map(|&number| Draw::new(slots, text, t, seed, number)).collect();
        let bits = bits_of_draws(denoiser, slots, text, t, special, &draws).await?;
        bits.into_iter().for_each(|bits| moments.push(bits));
    }
    moments.estimate().filter(|bits| bits.value.is_finite()).ok_or(BoundError::Infinite)
}

/// A corrupted text and which of its hidden slots are asked.
struct Draw<P: Masking> {
    states: Vec<P::State>,
    /// Those that are asked.
    asked: Vec<usize>,
    /// Number of hidden slots.
    hidden: usize,
}

impl<P: Masking> Draw<P> {
    fn new(slots: &[P], text: &[TokenId], t: f64, seed: u32, number: u32) -> Self {
        let state = |(slot, (process, &clean)): (usize, (&P, &TokenId))| {
            process.sample(clean, t, &mut Stream::new(seed, number, slot as u32, Purpose::Sample))
        };
        let states: Vec<P::State> = slots.iter().zip(text).enumerate().map(state).collect();
        let is_hidden = |slot: &usize| slots[*slot].shown(&states[*slot]).is_none();
        let mut asked: Vec<usize> = (0..states.len()).filter(is_hidden).collect();
        let hidden = asked.len();
        if hidden > 0 {
            let mut stream = Stream::new(seed, number, u32::MAX, Purpose::Bound);
            let count = 1 + below(stream.word(), hidden as u32) as usize;
            stream.choose(&mut asked, count);
            asked.truncate(count);
        }
        Self { states, asked, hidden }
    }
}

/// (m / k) Σ −log2 p over the slots that are asked, draw by draw.
async fn bits_of_draws<D: FullDenoiser, P: Masking>(
    denoiser: &mut D,
    slots: &[P],
    text: &[TokenId],
    t: f64,
    special: SpecialTokens,
    draws: &[Draw<P>],
) -> Result<Vec<f64>, BoundError<D::Error>> {
    let (query, vocabulary) = (query(text, special, draws), denoiser.vocabulary());
    let mut bits = vec![0.0; draws.len()];
    if query.rows.is_empty() {
        return Ok(bits);
    }
    let all = denoiser.distributions(&query).await.map_err(BoundError::Denoiser)?;
    let expected = query.rows.len() * vocabulary;
    if all.len() != expected {
        return Err(BoundError::Count { found: all.len(), expected });
    }
    let mut prediction = vec![0.0; vocabulary];
    for (row, logs) in query.rows.iter().zip(all.chunks(vocabulary)) {
        let (draw, slot) = (&draws[row.sequence as usize], row.slot as usize);
        prediction.iter_mut().zip(logs).for_each(|(p, &log)| *p = f64::from(log).exp());
        slots[slot].weigh(&mut prediction, &draw.states[slot], t);
        let total: f64 = prediction.iter().sum();
        let own = prediction.get(text[slot].0 as usize).copied().unwrap_or(0.0);
        bits[row.sequence as usize] -=
            (own / total).ln() / LN_2 * draw.hidden as f64 / draw.asked.len() as f64;
    }
    Ok(bits)
}

/// One sequence per draw.
fn query<P: Masking>(text: &[TokenId], special: SpecialTokens, draws: &[Draw<P>]) -> Query {
    let length = text.len();
    let mut query = Query {
        length,
        tokens: text.repeat(draws.len()),
        times: draws.iter().map(|draw| draw.asked.len() as f64 / length as f64).collect(),
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::new(),
    };
    for (sequence, draw) in draws.iter().enumerate() {
        for &slot in &draw.asked {
            query.tokens[sequence * length + slot] = special.mask;
            let first_token = special.first_token(false);
            query.rows.push(Row::measured(sequence as u32, slot as u32, first_token, text[slot]));
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::SoftFeedback;
    use crate::exact::{Corpus, information_drawn_bits, information_left_bits, two_sentences};
    use crate::process::{
        Block, Candi, Clocked, FrequencyMask, GenMd4, Likelihood, Mask, SoftMask, Spindle, TokenProcess,
    };
    use crate::schedule::Schedule;
    use crate::testing::{near, prediction};

    const MASK: TokenId = TokenId(0);
    const SPECIAL: SpecialTokens = SpecialTokens { mask: MASK, unknown: TokenId(1), end_of_text: TokenId(2) };
    const TIMES: [f64; 4] = [0.0, 0.3, 0.7, 1.0];

    fn linear() -> Mask {
        Mask { schedule: Schedule::Linear, mask: MASK }
    }

    /// Four sentences of two free bits: the first and the last word, the second follows the first.
    fn corpus() -> Corpus {
        let sentence = |ids: [u32; 3], p| (ids.map(TokenId).to_vec(), p);
        let all = [([3, 5, 7], 0.4), ([3, 5, 8], 0.1), ([4, 6, 7], 0.2), ([4, 6, 8], 0.3)];
        Corpus::new(all.map(|(ids, p)| sentence(ids, p)).to_vec(), MASK).unwrap()
    }

    /// Bits left, over texts as the corpus has them.
    fn left<P: Masking>(corpus: &Corpus, process: impl Fn(usize) -> P, t: f64) -> Estimate {
        let slots: Vec<P> = (0..corpus.length()).map(process).collect();
        let masks = vec![linear(); corpus.length()];
        let settings = BoundSettings { seed: 3, draws: 4000, batch: 64 };
        let (mut value, mut variance) = (0.0, 0.0);
        for (index, (text, weight)) in (0..).zip(corpus.sentences()) {
            let mut denoiser = corpus.clone();
            let whole = hidden_bits(&mut denoiser, &masks, text, 100 + index, 1.0, SPECIAL, settings);
            let whole = pollster::block_on(whole).unwrap();
            let open =
                pollster::block_on(hidden_bits(&mut denoiser, &slots, text, index, t, SPECIAL, settings))
                    .unwrap();
            value += weight * (whole.value - open.value);
            variance += (weight * whole.standard_error.hypot(open.standard_error)).powi(2);
        }
        let found = Estimate { value, standard_error: variance.sqrt(), samples: 4000 };
        assert!(found.standard_error < 0.03, "power: {found:?}");
        found
    }

    fn agrees<P: Masking + Likelihood>(corpus: &Corpus, process: impl Fn(usize) -> P + Copy) {
        for t in TIMES {
            let exact = information_drawn_bits(corpus, process, t, 40_000, 5).unwrap();
            let found = left(corpus, process, t);
            let error = exact.standard_error.hypot(found.standard_error);
            assert!(near(found.value, exact.value, 4.0 * error + 1e-6), "t {t}: {found:?}, exact {exact:?}");
        }
    }

    #[test]
    fn masks_saliences_blocks_and_soft_masks_leave_what_is_known_exactly() {
        let deviations = [0.4, 0.2, -0.6];
        let spindle = |slot: usize| Spindle { mask: MASK, strength: 0.3, deviation: deviations[slot] };
        let block = Block { mask: linear(), width: 2, current: 0 };
        let soft = SoftMask { mask: linear(), feedback: SoftFeedback::default() };
        let guess = prediction(0.0, [0.7_f32.ln(), 0.3_f32.ln()], 0.6);
        for corpus in [corpus(), two_sentences::corpus(0.7).unwrap()] {
            agrees(&corpus, |_| linear());
            agrees(&corpus, spindle);
            agrees(&corpus, |slot| Clocked { schedule: Schedule::Cosine, process: spindle(slot) });
            agrees(&corpus, |slot| block.slot(slot as u32));
            agrees(&corpus, |slot| soft.slot(slot as u32, &guess));
        }
    }

    /// What is found is no more than what is left, and no more than `slack` bits less; the masks' own is further off.
    fn bounds<P: TokenProcess + Masking + Clone>(process: &P, slack: f64) {
        let corpus = corpus();
        for t in TIMES {
            let exact = information_left_bits(&corpus, process, t);
            let found = left(&corpus, |_| process.clone(), t);
            let error = 4.0 * found.standard_error + 1e-6;
            assert!(found.value <= exact + error, "t {t}: {found:?}, exact {exact}");
            assert!(found.value >= exact - slack - error, "t {t}: {found:?}, exact {exact}");
        }
    }

    #[test]
    fn where_other_hidden_slots_tell_something_it_is_a_lower_bound() {
        bounds(&FrequencyMask::new(MASK, 0.3, &[0, 0, 0, 9, 900, 90, 3, 1, 1]).unwrap(), 0.05);
        let exponents = vec![1.0, 1.0, 1.0, 0.5, 3.0, 2.0, 0.7, 1.0, 4.0];
        bounds(&GenMd4::new(MASK, exponents).unwrap(), 0.3);
    }

    #[test]
    fn noisy_vectors_tell_more_than_masks_and_not_all() {
        let corpus = corpus();
        let candi = Candi {
            schedule: Schedule::Linear,
            vocabulary: 9,
            least_rank_error: 0.05,
            most_rank_error: 0.25,
        };
        for t in [0.3, 0.7] {
            let exact = information_drawn_bits(&corpus, |_| candi, t, 40_000, 5).unwrap();
            let [found, masks] = [left(&corpus, |_| candi, t), left(&corpus, |_| linear(), t)];
            let error = 4.0 * exact.standard_error.hypot(found.standard_error);
            assert!(found.value <= exact.value + error, "t {t}: {found:?}, exact {exact:?}");
            assert!(found.value > masks.value + error, "t {t}: {found:?}, masks {masks:?}");
        }
    }

    #[test]
    fn what_cannot_be_measured_is_an_error() {
        let mut corpus = corpus();
        let mut run = |text: &[TokenId], draws| {
            let settings = BoundSettings { seed: 0, draws, batch: 8 };
            pollster::block_on(hidden_bits(&mut corpus, &[linear(); 3], text, 0, 0.5, SPECIAL, settings))
                .unwrap_err()
        };
        assert!(matches!(run(&[], 4), BoundError::Empty));
        assert!(matches!(run(&two_sentences::FIRST, 1), BoundError::Settings { draws: 1, .. }));
        assert!(matches!(run(&[TokenId(3), TokenId(1), TokenId(7)], 64), BoundError::Infinite));
    }
}
