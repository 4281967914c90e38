//! A first-order Markov chain: exact conditionals for any visible words, at any length, without enumeration.

use super::ExactError;
use super::corpus::logs;
use crate::denoiser::{Denoiser, FullDenoiser, Prediction, Query, Row};
use crate::draw::summarise;
use crate::sequence::TokenId;

/// A stationary chain over words `first`, `first` + 1, … as a denoiser for masks.
///
/// p(x_i | visible) depends on the nearest visible word on either side only: with powers of the transition matrix
/// it is ∝ p(left → i) p(i → right).
#[derive(Clone, Debug, PartialEq)]
pub struct Markov {
    mask: TokenId,
    first: u32,
    /// p(next | present). `// (words, words)`
    transition: Vec<Vec<f64>>,
    /// `// (words)`
    stationary: Vec<f64>,
}

impl Markov {
    /// The symmetric chain of two words that changes word with probability `flip`, in (0, 1).
    pub fn symmetric(flip: f64, first: u32, mask: TokenId) -> Self {
        Self::new(vec![vec![1.0 - flip, flip], vec![flip, 1.0 - flip]], vec![0.5; 2], first, mask)
    }

    /// A chain with this transition matrix and its stationary distribution.
    ///
    /// # Panics
    /// If rows do not sum to one or the distribution is not stationary.
    pub fn new(transition: Vec<Vec<f64>>, stationary: Vec<f64>, first: u32, mask: TokenId) -> Self {
        let is_one = |sum: f64| (sum - 1.0).abs() < 1e-9;
        assert!(transition.iter().all(|row| is_one(row.iter().sum())), "rows of the transition sum to one");
        let chain = Self { mask, first, transition, stationary };
        let moved = chain.walk(&chain.stationary, 1);
        let stays = moved.iter().zip(&chain.stationary).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(stays, "the distribution is stationary");
        chain
    }

    /// Probability of a sequence of words.
    pub fn probability(&self, tokens: &[TokenId]) -> f64 {
        let word = |token: &TokenId| (token.0 - self.first) as usize;
        let start = tokens.first().map_or(1.0, |token| self.stationary[word(token)]);
        start * tokens.windows(2).map(|pair| self.transition[word(&pair[0])][word(&pair[1])]).product::<f64>()
    }

    /// Entropy rate in bits per word.
    pub fn entropy_rate_bits(&self) -> f64 {
        let row = |row: &Vec<f64>| row.iter().map(|&p| entropy_term(p)).sum::<f64>();
        self.stationary.iter().zip(&self.transition).map(|(weight, next)| weight * row(next)).sum()
    }

    /// KL in bits from the unigram of a word at distance d to the right of a visible one, a mean over that: how fast
    /// even the exact denoiser collapses.
    pub fn information_at_bits(&self, distance: u32) -> f64 {
        let at = |word: usize| {
            let mut one = vec![0.0; self.stationary.len()];
            one[word] = 1.0;
            let far = self.walk(&one, distance);
            let term = |(p, q): (&f64, &f64)| if *p > 0.0 { p * (p / q).log2() } else { 0.0 };
            far.iter().zip(&self.stationary).map(term).sum::<f64>()
        };
        (0..self.stationary.len()).map(|word| self.stationary[word] * at(word)).sum()
    }

    /// L(t): mean entropy in bits of a masked word of a long text when each word is masked with probability t, from 0 to 1. The
    /// nearest visible words at distances a and b are all that counts, p(a, b) = (1 − t)² t^(a + b − 2), and leave
    /// H − I_a − I_b + I_(a + b), with H the unigram entropy and I_d [`information_at_bits`](Self::information_at_bits). Its mean over t is
    /// the entropy rate. Cost: grows as 1 / (1 − t)²: I_d is summed up to a t^d of 10⁻¹⁶, 350 distances at t = .9.
    pub fn loss_bits(&self, t: f64) -> f64 {
        let unigram = self.stationary.iter().map(|&p| entropy_term(p)).sum();
        if t >= 1.0 {
            return unigram;
        }
        // (1 − t) t^(d − 1) for either neighbour, (1 − t)² (d − 1) t^(d − 2) for both together.
        let mut loss: f64 = unigram - 2.0 * (1.0 - t) * self.information_at_bits(1);
        let (mut distance, mut power) = (2, 1.0);
        while power > 1e-16 {
            let both = (1.0 - t).powi(2) * f64::from(distance - 1) * power;
            loss += (both - 2.0 * (1.0 - t) * power * t) * self.information_at_bits(distance);
            (distance, power) = (distance + 1, power * t);
        }
        loss
    }

    /// Distribution after so many steps.
    fn walk(&self, from: &[f64], steps: u32) -> Vec<f64> {
        let step = |from: Vec<f64>| -> Vec<f64> {
            let to = |word: usize| from.iter().zip(&self.transition).map(|(p, row)| p * row[word]).sum();
            (0..from.len()).map(to).collect()
        };
        (0..steps).fold(from.to_vec(), |from, _| step(from))
    }

    /// p(x_slot | visible), the stationary distribution where no text has what is visible. `// (words)`
    pub fn posterior(&self, tokens: &[TokenId], slot: usize) -> Vec<f64> {
        let words = self.stationary.len();
        let seen = |token: &TokenId| (*token != self.mask).then(|| (token.0 - self.first) as usize);
        let certain = |word: usize| (0..words).map(|other| f64::from(u8::from(other == word))).collect();
        if let Some(word) = seen(&tokens[slot]) {
            return certain(word);
        }
        let left = (0..slot).rev().find_map(|i| Some((seen(&tokens[i])?, slot - i)));
        let right = (slot + 1..tokens.len()).find_map(|i| Some((seen(&tokens[i])?, i - slot)));
        let prior = left.map_or_else(
            || self.stationary.clone(),
            |(word, distance)| self.walk(&certain(word), distance as u32),
        );
        let likelihood = |word: usize| {
            right.map_or(1.0, |(seen, distance)| self.walk(&certain(word), distance as u32)[seen])
        };
        let joint: Vec<f64> = (0..words).map(|word| prior[word] * likelihood(word)).collect();
        let total: f64 = joint.iter().sum();
        if total == 0.0 {
            return self.stationary.clone();
        }
        joint.into_iter().map(|p| p / total).collect()
    }

    /// Probabilities of a row, allowed tokens only, not yet normalised. `// (vocabulary)`
    fn row(&self, query: &Query, row: &Row) -> Result<Vec<f64>, ExactError> {
        let Row { sequence, slot, .. } = *row;
        let begin = sequence as usize * query.length;
        let tokens = query.tokens.get(begin..begin + query.length);
        let tokens = tokens.filter(|_| (slot as usize) < query.length);
        let tokens = tokens.ok_or(ExactError::Row { sequence, slot })?;
        let known = |token: &TokenId| {
            *token == self.mask || (self.first..self.vocabulary() as u32).contains(&token.0)
        };
        if !tokens.iter().all(known) {
            return Err(ExactError::Row { sequence, slot });
        }
        let mut all = vec![0.0; self.first as usize];
        all.extend(self.posterior(tokens, slot as usize));
        all.iter_mut().take(row.first_token as usize).for_each(|p| *p = 0.0);
        Ok(all)
    }
}

/// −p log2 p.
fn entropy_term(p: f64) -> f64 {
    if p > 0.0 { -p * p.log2() } else { 0.0 }
}

impl Denoiser for Markov {
    type Error = ExactError;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, ExactError> {
        let predict = |row: &Row| Ok(summarise(self.row(query, row)?.into_iter().map(f64::ln), row)?);
        query.rows.iter().map(predict).collect()
    }
}

impl FullDenoiser for Markov {
    fn vocabulary(&self) -> usize {
        self.first as usize + self.stationary.len()
    }

    async fn distributions(&mut self, query: &Query) -> Result<Vec<f32>, ExactError> {
        let mut all = Vec::with_capacity(query.rows.len() * self.vocabulary());
        for row in &query.rows {
            all.extend(logs(&self.row(query, row)?, row)?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder, run};
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::{LIMIT, misfit, near};

    const MASK: TokenId = TokenId(0);

    fn chain() -> Markov {
        Markov::symmetric(0.1, 3, MASK)
    }

    /// A chain without symmetry.
    fn uneven() -> Markov {
        // Stationary: π = (.5, .3, .2) of a birth-death chain: flows balance, .5 · .3 = .3 · .5, .3 · .2 = .2 · .3.
        let transition = vec![vec![0.7, 0.3, 0.0], vec![0.5, 0.3, 0.2], vec![0.0, 0.3, 0.7]];
        Markov::new(transition, vec![0.5, 0.3, 0.2], 3, MASK)
    }

    #[test]
    fn golden_numbers_of_the_symmetric_chain() {
        assert!(near(chain().entropy_rate_bits(), 0.4690, 5e-5));
        for (distance, bits) in [(1, 0.531), (2, 0.320), (3, 0.198), (4, 0.125), (8, 0.020), (16, 0.0006)] {
            assert!(near(chain().information_at_bits(distance), bits, 6e-4), "distance {distance}");
        }
    }

    #[test]
    fn per_word_loss_by_masked_share_has_the_golden_numbers() {
        // Nearest visible words at distances a and b with p = (1 − t)² t^(a + b − 2): sums to the mean entropy.
        let loss = |t: f64| {
            let mut sum = 0.0;
            for a in 1..200_usize {
                for b in 1..200_usize {
                    let weight = (1.0 - t).powi(2) * t.powi((a + b - 2) as i32);
                    if weight > 1e-14 {
                        sum += weight * between(a, b);
                    }
                }
            }
            sum
        };
        for (t, bits) in [(0.0, 0.2579), (0.25, 0.3138), (0.5, 0.4057), (0.75, 0.5799)] {
            assert!(near(loss(t), bits, 1e-4), "t {t}: {}", loss(t));
            assert!(near(chain().loss_bits(t), loss(t), 1e-9), "t {t}: {}", chain().loss_bits(t));
        }
        assert!(
            near(chain().loss_bits(1.0), 1.0, 1e-12)
                && near(uneven().loss_bits(1.0), unigram(&uneven()), 1e-12)
        );
    }

    fn unigram(chain: &Markov) -> f64 {
        chain.stationary.iter().map(|&p| entropy_term(p)).sum()
    }

    #[test]
    fn the_mean_of_the_loss_over_time_is_the_entropy_rate() {
        for chain in [chain(), uneven()] {
            // Midpoints.
            let mean = (0..40).map(|i| chain.loss_bits((f64::from(i) + 0.5) / 40.0)).sum::<f64>() / 40.0;
            assert!(near(mean, chain.entropy_rate_bits(), 1e-3), "{mean}, {}", chain.entropy_rate_bits());
        }
    }

    /// Mean entropy in bits of a word with visible ones a to the left and b to the right.
    fn between(a: usize, b: usize) -> f64 {
        let chain = chain();
        let mut sum = 0.0;
        for (left, right) in [(3, 3), (3, 4)] {
            let mut tokens = vec![MASK; a + b + 1];
            (tokens[0], tokens[a + b]) = (TokenId(left), TokenId(right));
            let equal = (1.0 + 0.8_f64.powi((a + b) as i32)) / 2.0;
            let weight = if left == right { equal } else { 1.0 - equal };
            sum += weight * chain.posterior(&tokens, a).into_iter().map(entropy_term).sum::<f64>();
        }
        sum
    }

    #[test]
    fn conditionals_match_enumeration() {
        for chain in [chain(), uneven()] {
            let words = chain.stationary.len() as u32;
            let texts: Vec<[TokenId; 4]> = (0..words.pow(4))
                .map(|n| [0, 1, 2, 3].map(|i| TokenId(3 + n / words.pow(i) % words)))
                .collect();
            for visible in 0..16_u32 {
                let text = texts[texts.len() / 2];
                let seen = [0, 1, 2, 3].map(|i| if visible >> i & 1 == 1 { text[i] } else { MASK });
                let fits = |t: &&[TokenId; 4]| seen.iter().zip(*t).all(|(s, t)| *s == MASK || s == t);
                let total: f64 = texts.iter().filter(fits).map(|t| chain.probability(t)).sum();
                if total == 0.0 {
                    continue;
                }
                for slot in 0..4 {
                    let found = chain.posterior(&seen, slot);
                    for word in 0..words {
                        let holds = |t: &&[TokenId; 4]| t[slot] == TokenId(3 + word);
                        let exact = texts.iter().filter(fits).filter(holds).map(|t| chain.probability(t));
                        let exact = exact.sum::<f64>() / total;
                        assert!(near(found[word as usize], exact, 1e-12), "{seen:?}, slot {slot}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_slot_per_call_draws_from_the_chain() {
        let mut chain = uneven();
        let special = SpecialTokens::default();
        let mut counts = vec![0; 9];
        for seed in 0..9000 {
            let settings = DecodeSettings { seed, ..DecodeSettings::default() };
            let decoder = Decoder::new(settings, Sequence::masked(2, special.mask), special).unwrap();
            let run = pollster::block_on(run(&mut chain, decoder)).unwrap();
            let text: Vec<u32> = run.sequence_at(2).unwrap().tokens().map(|token| token.0 - 3).collect();
            counts[(text[0] * 3 + text[1]) as usize] += 1;
        }
        let pairs = (0..9).map(|n| chain.probability(&[TokenId(3 + n / 3), TokenId(3 + n % 3)]));
        let found = misfit(&counts, &pairs.collect::<Vec<f64>>());
        assert!(found < LIMIT, "{found}");
    }

    #[test]
    fn a_word_of_another_chain_is_refused() {
        let row = Row {
            sequence: 0,
            slot: 0,
            seed: 0,
            call: 0,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
            target: MASK,
        };
        let tokens = vec![MASK, TokenId(9)];
        let query = Query {
            length: 2,
            tokens,
            times: vec![1.0],
            mixtures: Vec::new(),
            vectors: Vec::new(),
            rows: vec![row],
        };
        assert!(matches!(pollster::block_on(chain().predict(&query)), Err(ExactError::Row { .. })));
    }
}
