//! Counter-based random numbers: a pure function of four words, equal on every target, CPU and GPU.
//!
//! The hash is `pcg4d` of Jarzynski and Olano, *Hash Functions for GPU Rendering* (JCGT 9(3), 2020).
//! `shaders/src/shared/random.wgsl` is its WGSL twin; an agreement test compares the two.
//!
//! Every random decision has its own key (seed, call, slot, item), so no decision depends on how many were
//! made before it. Draws of tokens use the token id as item; everything else uses a [`Purpose`], whose
//! items begin far above any vocabulary.

/// Mixes four words into four words (`pcg4d`).
#[inline]
pub fn pcg4d(key: [u32; 4]) -> [u32; 4] {
    let [mut x, mut y, mut z, mut w] = key.map(|k| k.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    for round in 0..2 {
        if round == 1 {
            (x, y, z, w) = (x ^ (x >> 16), y ^ (y >> 16), z ^ (z >> 16), w ^ (w >> 16));
        }
        x = x.wrapping_add(y.wrapping_mul(w));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
        w = w.wrapping_add(y.wrapping_mul(z));
    }
    [x, y, z, w]
}

/// One 32-bit word for (seed, call, slot, item); item is a token id for token draws. Counting along one part of
/// the key leaves the lowest byte uneven, the others not: compare words or scale them, never take remainders.
#[inline]
pub fn word(seed: u32, call: u32, slot: u32, item: u32) -> u32 {
    pcg4d([seed, call, slot, item])[0]
}

/// A draw from Exponential(1) out of one word, exact near both ends: the resolution is 2⁻³³ near 0, and
/// the largest value is 33 ln 2 ≈ 22.9. Going through a float32 uniform first would lose every
/// outcome rarer than about 6e-8 (Zheng et al., arXiv 2409.02908).
pub fn exponential(word: u32) -> f32 {
    const SCALE: f32 = 1.0 / 4_294_967_296.0;
    if word < 0x8000_0000 {
        let w = (word as f32 + 0.5) * SCALE;
        // -log(1 - w): a series where 1 - w would round.
        if w < 1e-2 { w * (1.0 + w * (0.5 + w * (1.0 / 3.0 + w * 0.25))) } else { -(1.0 - w).ln() }
    } else {
        -(((!word) as f32 + 0.5) * SCALE).ln()
    }
}

/// A uniform number in (0, 1), never an end: the centre of the word's cell of width 2⁻³².
pub fn uniform(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 4_294_967_296.0
}

/// Whether an event of probability `p` happens: compares integers, so 0 never and 1 always happens, and
/// the probability is `p` rounded up to a multiple of 2⁻³². One word and rising `p`: once true, always true.
pub fn bernoulli(word: u32, p: f64) -> bool {
    f64::from(word) < p * 4_294_967_296.0
}

/// A number below `n`, uniform up to a relative error of n · 2⁻³².
pub fn below(word: u32, n: u32) -> u32 {
    ((u64::from(word) * u64::from(n)) >> 32) as u32
}

/// What random words are for, apart from drawing tokens. Each purpose owns 65536 items per key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Which masked slots a decoder reveals: (seed, step, slot).
    Reveal = 0xff00_0000,
    /// Corruption straight from clean text: (seed, 0, slot).
    Sample = 0xff01_0000,
    /// One step of the forward chain: (seed, step, slot).
    Chain = 0xff02_0000,
    /// One step back along the forward process: (seed, step, slot).
    Reverse = 0xff04_0000,
    /// Orders for a noise floor: (seed, draw, 0).
    NoiseFloor = 0xff05_0000,
    /// Which slots a bound hides: (seed, draw, text).
    Bound = 0xff03_0000,
    /// When the next slot is revealed: (seed, step, 0).
    Hit = 0xff06_0000,
    /// Which committed slots are opened again: (seed, step, slot).
    Remask = 0xff07_0000,
    /// Seeds of candidates and the choice among them: (seed, call, 0).
    Candidate = 0xff08_0000,
    /// Drafts and whether they are accepted: (seed, draw, slot).
    Draft = 0xff09_0000,
    /// Which sentence of a known corpus is corrupted: (seed, draw, 0).
    Text = 0xff0a_0000,
    /// Which slots of a text are corrupted, and with what: (seed, text, slot).
    Corrupt = 0xff0b_0000,
    /// In which order slots are drawn where it is sampled: (seed, call, slot).
    Order = 0xff0c_0000,
}

/// The words of one key, one after the other: for decisions that need more than one.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 4],
}

impl Stream {
    /// The words of (seed, call, slot) for one purpose.
    pub fn new(seed: u32, call: u32, slot: u32, purpose: Purpose) -> Self {
        Self { key: [seed, call, slot, purpose as u32] }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        let word = pcg4d(self.key)[0];
        self.key[3] = self.key[3].wrapping_add(1);
        word
    }

    /// Puts a uniformly random subset of `count` items in front, in random order (Fisher and Yates).
    pub fn choose<T>(&mut self, items: &mut [T], count: usize) {
        for i in 0..count.min(items.len()) {
            let rest = (items.len() - i) as u32;
            items.swap(i, i + below(self.word(), rest) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LIMIT, misfit, near};

    #[test]
    fn pcg4d_golden_values() {
        // Computed independently with Python integers; the WGSL twin must give the same.
        let golden = [
            ([0, 0, 0, 0], [0x0f02_f829, 0x2d56_8769, 0x32b0_c43b, 0xd325_48ea]),
            ([1, 2, 3, 4], [0x3622_cd16, 0xf114_71d8, 0xe110_9b3f, 0x02b9_4c2f]),
            ([u32::MAX; 4], [0x974e_d892, 0xc015_dc67, 0x9f95_5760, 0xa1bb_a208]),
            ([7, 0, 63, 999], [0x1c91_689d, 0xa69f_3ed4, 0x4ee4_f897, 0x19fe_5656]),
        ];
        for (key, words) in golden {
            assert_eq!(pcg4d(key), words, "{key:?}");
        }
    }

    #[test]
    fn counting_along_any_word_of_the_key_gives_even_high_bytes() {
        for part in 0..4 {
            for shift in [8, 16, 24] {
                let mut counts = [0; 256];
                for i in 0..20_000 {
                    let mut key = [3, 1, 4, 1];
                    key[part] = i;
                    let [seed, call, slot, item] = key;
                    counts[(word(seed, call, slot, item) >> shift) as usize & 255] += 1;
                }
                let misfit = misfit(&counts, &[1.0 / 256.0; 256]);
                assert!(misfit < LIMIT, "key word {part}, bits {shift}: {misfit}");
            }
        }
    }

    #[test]
    fn neighbours_are_independent() {
        // Top four bits of the words of neighbouring slots: 256 pairs.
        let mut counts = [0; 256];
        for seed in 0..20_000 {
            let pair = [5, 6].map(|slot| word(seed, 0, slot, 9) >> 28);
            counts[(pair[0] * 16 + pair[1]) as usize] += 1;
        }
        assert!(misfit(&counts, &[1.0 / 256.0; 256]) < LIMIT);
    }

    #[test]
    fn exponential_follows_the_exact_quantiles() {
        for word in (0..u32::MAX - 70_001).step_by(70_001) {
            let exact = -(-uniform(word)).ln_1p();
            let found = f64::from(exponential(word));
            assert!(near(found, exact, 1e-7 + 3e-7 * exact), "{word}: found {found}, expected {exact}");
        }
    }

    #[test]
    fn exponential_is_fine_at_both_ends() {
        assert!(near(f64::from(exponential(0)), 0.5_f64.powi(33), 1e-16));
        assert!(near(f64::from(exponential(u32::MAX)), 33.0 * std::f64::consts::LN_2, 1e-5));
        assert!((1..2000).all(|word| exponential(word - 1) < exponential(word)), "no two words alike near 0");
        assert!(exponential(0x7fff_ffff) <= exponential(0x8000_0000), "the two halves meet");
    }

    /// Probability that a token of probability `p` wins an exponential race against all others, when its time
    /// is `time(word)` for a uniform word: the mean of exp(−time · (1 − p) / p), summed over every word that counts.
    fn winning_probability(time: impl Fn(u32) -> f32, p: f64) -> f64 {
        let early = (0..1 << 16).chain(u32::MAX - (1 << 16)..=u32::MAX);
        let wins = early.map(|word| (-f64::from(time(word)) * (1.0 - p) / p).exp());
        wins.sum::<f64>() / 4_294_967_296.0
    }

    /// The usual way: −log of a float32 uniform of 24 bits, as in Gumbel-max samplers.
    fn float32_uniform(word: u32) -> f32 {
        -((word >> 8) as f32 / 16_777_216.0).ln()
    }

    #[test]
    fn rare_tokens_keep_their_share_where_float32_uniforms_lose_them() {
        for p in [1e-9, 3e-9, 1e-8] {
            let ours = winning_probability(exponential, p) / p;
            let naive = winning_probability(float32_uniform, p) / p;
            assert!(near(ours, 1.0, 5e-3), "p = {p}: {ours} of its share");
            // The smallest time but zero is 6e-8 there, so u = 1 aside nothing this rare can win.
            assert!(naive < 0.05, "p = {p}: {naive} of its share");
        }
    }

    #[test]
    fn bernoulli_is_exact_at_the_ends_and_monotone() {
        for word in [0, 1, 0x8000_0000, u32::MAX] {
            assert!(bernoulli(word, 1.0) && !bernoulli(word, 0.0) && !bernoulli(word, f64::NAN));
        }
        assert!(bernoulli(0x7fff_ffff, 0.5) && !bernoulli(0x8000_0000, 0.5));
        assert!(bernoulli(0, 1e-12), "a positive probability is never rounded to zero");
    }

    #[test]
    fn every_subset_is_equally_likely() {
        let mut counts = [0; 10];
        for seed in 0..10_000 {
            let mut items = [0, 1, 2, 3, 4];
            Stream::new(seed, 0, 0, Purpose::Bound).choose(&mut items, 2);
            let (a, b) = (items[0].min(items[1]), items[0].max(items[1]));
            counts[b * (b - 1) / 2 + a] += 1;
        }
        assert!(misfit(&counts, &[0.1; 10]) < LIMIT);
    }

    #[test]
    fn choosing_too_many_takes_all() {
        let mut items = [1, 2, 3];
        Stream::new(1, 0, 0, Purpose::Bound).choose(&mut items, 9);
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3]);
    }

    #[test]
    fn below_covers_its_range() {
        assert_eq!((below(0, 7), below(u32::MAX, 7)), (0, 6));
    }
}
