//! Counter-based random numbers: a pure function of four words, equal on every target, CPU and GPU.
//!
//! The hash is `pcg4d` of Jarzynski and Olano, *Hash Functions for GPU Rendering* (JCGT 9(3), 2020).
//! `shaders/src/shared/random.wgsl` is its WGSL twin; an agreement test compares the two.
//!
//! Every random decision has its own key (seed, call, slot, item), so no decision depends on how many were
//! made before it. Draws of tokens use the token id as item; everything else uses a [`Purpose`], whose
//! items begin far above any vocabulary.

/// Mixes four words into four words (`pcg4d`).
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

/// One 32-bit word for (seed, call, slot, item); item is a token id for token draws.
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
    /// Which slots a bound hides: (seed, draw, text).
    Bound = 0xff03_0000,
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
