//! The draw: an exponential race between tokens, eight or sixteen at a time.

use diffusion::random::word;
use shaders::records::Row;

use super::math::{exp, ln, max, sum_by};

/// The index of the winner among `logits` (of tokens `row.first_token` on) at a positive temperature; none if
/// every key is NaN. `work` is as long as `logits`.
#[inline(always)]
pub fn winner(row: &Row, slot: u32, logits: &[f32], work: &mut [f32]) -> Option<usize> {
    let threshold = if row.is_truncated() { threshold(row, logits, work) } else { f32::NEG_INFINITY };
    let cold = 1.0 / row.temperature;
    for (index, key) in work.iter_mut().enumerate() {
        let token = row.first_token.wrapping_add(index as u32);
        *key = -ln(exponential(word(row.seed, row.call, slot, token)));
    }
    for (key, &logit) in work.iter_mut().zip(logits) {
        *key = if logit >= threshold { *key + logit * cold } else { f32::NEG_INFINITY };
    }
    // Keys are negated: the largest wins, and the first of equals.
    let best = max(work);
    work.iter().position(|&key| key == best)
}

/// [`diffusion::random::exponential`] without branches; equal to it within a few units in the last place.
#[inline(always)]
fn exponential(word: u32) -> f32 {
    const SCALE: f32 = 1.0 / 4_294_967_296.0;
    let low = word < 0x8000_0000;
    // Below 2^31, so that the conversion may be signed, which every instruction set has.
    let folded = (if low { word } else { !word }) as i32 as f32;
    let w = (folded + 0.5) * SCALE;
    let series = w * (1.0 + w * (0.5 + w * (1.0 / 3.0 + w * 0.25)));
    let exact = -ln(if low { 1.0 - w } else { w });
    if low & (w < 1e-2) { series } else { exact }
}

/// The smallest logit that stays in the race: fewer than `top_k` tokens are strictly more probable, and their
/// tempered mass is below `top_p`.
#[inline(always)]
fn threshold(row: &Row, logits: &[f32], work: &mut [f32]) -> f32 {
    let (largest, cold) = (max(logits), 1.0 / row.temperature);
    let target = if row.top_p < 1.0 {
        f64::from(row.top_p) * f64::from(sum_by(logits, |logit| exp((logit - largest) * cold)))
    } else {
        f64::INFINITY
    };
    let limit = if row.top_k > 0 { row.top_k as usize } else { usize::MAX };
    work.copy_from_slice(logits);
    let mass = |logit: f32| f64::from(exp((logit - largest) * cold));
    smallest_kept(work, limit, target, mass)
}

/// Walks down from the largest logit until `limit` tokens or a mass of `target` are passed. Sorts only as many
/// as it needs: a peaked distribution has few that matter.
fn smallest_kept(logits: &mut [f32], limit: usize, target: f64, mass: impl Fn(f32) -> f64) -> f32 {
    let descending = |a: &f32, b: &f32| b.total_cmp(a);
    let (mut kept, mut passed) = (f32::INFINITY, 0.0);
    let (mut sorted, mut wanted) = (0, 32);
    while sorted < logits.len() {
        let rest = &mut logits[sorted..];
        let count = wanted.min(rest.len());
        if count < rest.len() {
            rest.select_nth_unstable_by(count, descending);
        }
        rest[..count].sort_unstable_by(descending);
        for (index, &logit) in (sorted..).zip(&rest[..count]) {
            // Equals stand or fall with the first of them.
            if logit != kept && (index >= limit || passed >= target) {
                return kept;
            }
            kept = logit;
            passed += mass(logit);
        }
        (sorted, wanted) = (sorted + count, 4 * wanted);
    }
    f32::NEG_INFINITY
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn arrivals_are_those_of_the_random_module() {
        let words = (0..u32::MAX - 65_537).step_by(65_537).chain(0..1000).chain(u32::MAX - 1000..=u32::MAX);
        for word in words {
            let (found, expected) = (exponential(word), diffusion::random::exponential(word));
            assert!((found - expected).abs() <= 1e-6 * expected, "{word}: {found} instead of {expected}");
        }
    }

    /// How many of the logits stay, for a mass of one each.
    fn stay(logits: &[f32], limit: usize, target: f64) -> usize {
        let kept = smallest_kept(&mut logits.to_vec(), limit, target, |_| 1.0);
        logits.iter().filter(|&&logit| logit >= kept).count()
    }

    #[test]
    fn equals_stand_or_fall_together() {
        let logits: Vec<f32> = (0..300u32).map(|i| -((i * 7 % 100) as f32)).collect();
        for limit in [1, 2, 3, 4, 31, 32, 33, 34, 100, 299] {
            assert_eq!(stay(&logits, limit, f64::INFINITY), limit.div_ceil(3) * 3, "limit {limit}");
            assert_eq!(stay(&logits, usize::MAX, limit as f64), limit.div_ceil(3) * 3, "target {limit}");
        }
        assert_eq!(stay(&logits, 300, f64::INFINITY), 300);
        assert_eq!(stay(&[5.0], 1, f64::INFINITY), 1);
    }
}
