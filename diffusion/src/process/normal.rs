//! The normal distribution: its distribution function, the inverse, and draws from random words.

use std::f64::consts::{SQRT_2, TAU};

use crate::random::{Stream, uniform};

/// Φ(x), the probability of a standard normal number below `x`; small values keep their relative precision.
pub fn below(x: f64) -> f64 {
    libm::erfc(-x / SQRT_2) / 2.0
}

/// Φ⁻¹(p) for p in (0, 1): Abramowitz and Stegun 26.2.23 (within 4.5 · 10⁻⁴), then two steps of Halley's method, each
/// of which cubes the error. Within 10⁻¹³ for p ≤ 1/2; above, as near as 1 − p allows.
pub fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let r = (-2.0 * p.ln()).sqrt();
    let above = 2.515_517 + r * (0.802_853 + r * 0.010_328);
    let under = 1.0 + r * (1.432_788 + r * (0.189_269 + r * 0.001_308));
    (0..2).fold(above / under - r, |x, _| {
        let newton = (below(x) - p) * TAU.sqrt() * (x * x / 2.0).exp();
        x - newton / (1.0 + x * newton / 2.0)
    })
}

/// A standard normal number from one word: the quantile of the centre of its cell of probability 2⁻³², so at most
/// 6.34 in size, and no two words give one number.
pub fn normal(stream: &mut Stream) -> f64 {
    quantile(uniform(stream.word()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::testing::{GAP_LIMIT, gap, near};

    #[test]
    fn golden_quantiles() {
        for (p, x) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.1, -1.281_551_565_544_600_4),
            (1e-9, -5.997_807_015_007_69),
        ] {
            assert!(near(quantile(p), x, 1e-12), "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn the_inverse_undoes_the_distribution_function() {
        for i in -62..=0 {
            let x = f64::from(i) / 10.0;
            assert!(near(quantile(below(x)), x, 1e-12) && near(below(x) + below(-x), 1.0, 1e-15), "{x}");
        }
    }

    #[test]
    fn draws_are_normal_and_a_wrong_spread_shows() {
        let draw = |seed| normal(&mut Stream::new(seed, 0, 0, Purpose::Sample));
        let draws: Vec<f64> = (0..20_000).map(draw).collect();
        assert!(gap(draws.clone(), below) < GAP_LIMIT);
        assert!(gap(draws, |x| below(x / 1.1)) > GAP_LIMIT, "no power");
    }

    #[test]
    fn the_ends_are_finite() {
        let ends = [0, u32::MAX].map(|word| quantile(uniform(word)));
        assert!(ends[0] > -6.34 && ends[0] < -6.3 && near(ends[0], -ends[1], 1e-5));
    }
}
