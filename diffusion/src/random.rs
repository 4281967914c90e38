//! Counter-based random numbers: a pure function of four words, equal on every target, CPU and GPU.
//!
//! The hash is `pcg4d` of Jarzynski and Olano, *Hash Functions for GPU Rendering* (JCGT 9(3), 2020).
//! `shaders/src/shared/random.wgsl` is its WGSL twin; an agreement test compares the two.

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
