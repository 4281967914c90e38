//! A counter-based generator: draw n of a seed is a pure function of (seed, n), equal on every target.

/// Random numbers of one seed, drawn in order.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    count: u64,
}

impl Random {
    /// The stream of a seed, from its start.
    pub fn new(seed: u64) -> Self {
        Random { seed: mix(seed ^ 0x5357_4f52_4c44_2131), count: 0 }
    }

    /// Uniform in [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        self.count += 1;
        let bits = mix(self.seed.wrapping_add(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An index with probability proportional to its weight. Weights are finite, not negative, and not all zero.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.uniform() * weights.iter().sum::<f64>();
        let mut last = 0;
        for (index, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            last = index;
            if rest < weight {
                break;
            }
            rest -= weight;
        }
        last
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_draws_follow_their_weights() {
        let mut random = Random::new(7);
        let mut counts = [0.0f64; 3];
        let draws = 60_000;
        for _ in 0..draws {
            counts[random.weighted(&[1.0, 0.0, 3.0])] += 1.0;
        }
        assert_eq!(counts[1], 0.0);
        let share = counts[2] / f64::from(draws);
        assert!((share - 0.75).abs() < 0.01, "share {share}");
    }
}
