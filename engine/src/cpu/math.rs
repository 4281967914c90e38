//! Elementary functions and reductions that the compiler turns into SIMD.
//!
//! Everything here is branch-free (or has fixed trip counts) and `inline(always)`: inlined into a function that
//! `pulp` compiles for the machine's instruction set, a loop over these becomes vector code. Only `+`, `*` and
//! bit operations are used, so that a result does not depend on whether the machine fuses multiply and add.

/// Partial sums kept side by side: whole vectors on every instruction set (4, 8 or 16 floats).
pub const LANES: usize = 16;

/// e^x with a relative error below 3e-7 for x in -87..=88; beyond, the value at the nearer end. NaN stays NaN.
///
/// Coefficients: Cephes `expf` (S. Moshier), on |r| <= ln 2 / 2.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits.
    const ROUNDER: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Not `clamp` or `max`: those would turn a NaN into a number.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let value = p * (r * r) + r + 1.0;
    // Times 2^n: n is added to the exponent.
    f32::from_bits(value.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// ln x with an absolute error below 1e-7 + 1e-7 |ln x| for positive normal x (nothing else is asked of it).
///
/// Coefficients: Cephes `logf` (S. Moshier), on sqrt(1/2) <= m < sqrt(2).
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let exponent = (x.to_bits().wrapping_sub(SQRT_HALF) as i32) >> 23;
    let m = f32::from_bits(x.to_bits().wrapping_sub((exponent << 23) as u32)) - 1.0;
    let (n, z) = (exponent as f32, m * m);
    let p = 7.037_683_6e-2;
    let p = p * m - 1.151_461e-1;
    let p = p * m + 1.167_699_9e-1;
    let p = p * m - 1.242_014_1e-1;
    let p = p * m + 1.424_932_3e-1;
    let p = p * m - 1.666_805_8e-1;
    let p = p * m + 2.000_071_4e-1;
    let p = p * m - 2.499_999_4e-1;
    let p = p * m + 3.333_333e-1;
    let tail = p * m * z - 2.121_944_4e-4 * n - 0.5 * z;
    m + tail + 0.693_359_4 * n
}

/// x / (1 + e^-x)
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The sum of `term` over all values; [`LANES`] partial sums, added pairwise at the end.
#[inline(always)]
pub fn sum_by(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += term(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += term(value);
    }
    fold(lanes, |a, b| a + b)
}

/// The sum of `term` over the pairs of two slices of equal length; summed as in [`sum_by`].
#[inline(always)]
pub fn sum_by_two(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (left, right) in left.iter().zip(right) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(left).zip(right) {
            *lane += term(a, b);
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += term(a, b);
    }
    fold(lanes, |a, b| a + b)
}

/// The largest value; minus infinity if there are none, and NaN only if NaNs hide all else.
#[inline(always)]
pub fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, value);
    }
    fold(lanes, larger)
}

/// One comparison and one choice, where `f32::max` would be three instructions.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// Largest of `error` over a grid of `count` points; NaN if any error is.
    fn worst(from: f64, to: f64, error: impl Fn(f32) -> f64) -> f64 {
        let count = 200_000;
        let at = |i: i32| (from + (to - from) * f64::from(i) / f64::from(count)) as f32;
        (0..=count).map(|i| error(at(i))).fold(0.0, |worst, e| if e <= worst { worst } else { e })
    }

    #[test]
    fn exp_is_within_three_in_ten_million() {
        let error = worst(-86.9, 87.9, |x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs());
        assert!(error < 3e-7, "{error}");
    }

    #[test]
    fn exp_saturates_and_keeps_nan() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), exp(-87.0));
        assert!(exp(-1000.0) < 1e-37 && exp(1000.0) > 1e38 && exp(1000.0).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn ln_is_within_one_in_ten_million() {
        let scaled = |x: f32| {
            let truth = f64::from(x).ln();
            (f64::from(ln(x)) - truth).abs() / (1.0 + truth.abs())
        };
        let error = worst(-25.0, 4.0, |t| scaled(t.exp()));
        assert!(error < 1e-7, "{error}");
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn silu_of_large_arguments_is_linear_or_zero() {
        assert_eq!(silu(100.0), 100.0);
        assert!(silu(-100.0).abs() < 1e-30);
        assert!((silu(1.0) - 0.731_058_6).abs() < 1e-6);
    }

    #[test]
    fn reductions_cover_every_length() {
        for length in 0..70usize {
            let values: Vec<f32> = (0..length).map(|i| ((i * 37) % 41) as f32 - 20.0).collect();
            let sum: f32 = values.iter().map(|v| v * v).sum();
            assert_eq!(sum_by(&values, |v| v * v), sum, "length {length}");
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max(&values), largest, "length {length}");
        }
    }

    #[test]
    fn a_sum_with_a_nan_is_nan() {
        let mut values = vec![1.0; 40];
        values[33] = f32::NAN;
        assert!(sum_by(&values, |v| v).is_nan());
    }
}
