//! Frequency collapse, measured: how fast predictions fall back to the unigram with distance from what is visible.
//!
//! For every masked slot KL(p_i ‖ unigram) = Σ p_i log2(p_i / unigram) in bits, sorted by distance to the nearest
//! visible slot; and the fit KL ≈ a exp(−d / ℓ) with a in bits and the e-folding distance ℓ in slots. It is a line
//! through ln KL by least squares, ln a − d / ℓ; from the residuals' variance s² (n − 2 degrees of freedom) and
//! S = Σ (d − d̄)² the slope has the error s / √S and ln a has s √(1 / n + d̄² / S); a and ℓ get theirs by the delta
//! method. Cost: one call for whole distributions. Blind spots: an exact denoiser decays too (for a Markov chain
//! [`Markov::information_at_bits`](crate::exact::Markov) says how fast), so the defect is decay in excess of the
//! truth; a model that collapses to end of text is far from the unigram of words and looks healthy here; learned
//! decays need not be exponential; a is extrapolated, since no masked slot has distance 0; and the errors take the
//! points as independent and equally scattered in ln KL, while those of one call see the same words. Where there are
//! calls on several texts, [`over_runs`] and [`e_folding_over_runs`] take each as one draw instead.

use std::collections::{BTreeMap, BTreeSet};

use super::{Estimate, Moments};
use crate::denoiser::{FullDenoiser, Query, Row};
use crate::sequence::{Sequence, SlotState, SpecialTokens};

/// The fitted decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// KL in bits at distance 0.
    pub at_zero_bits: f64,
    /// Standard error of [`Self::at_zero_bits`], from the scatter about the line.
    pub at_zero_standard_error: f64,
    /// Distance in slots over which the KL falls to 1/e.
    pub e_folding_slots: f64,
    /// Standard error of [`Self::e_folding_slots`], from the scatter about the line.
    pub standard_error: f64,
}

/// KL to the unigram in bits by distance, a mean over the slots at that distance (`None` for a single one: it tells
/// no error). Empty if nothing is visible. `unigram` has a probability for every token id.
///
/// # Errors
/// If the denoiser fails.
pub async fn kl_by_distance<D: FullDenoiser>(
    denoiser: &mut D,
    sequence: &Sequence,
    unigram: &[f64],
    special: SpecialTokens,
) -> Result<ByDistance, D::Error> {
    let visible: Vec<usize> =
        (0..sequence.len()).filter(|&slot| sequence.slots[slot].state != SlotState::Masked).collect();
    let query = query(sequence, special);
    let all = denoiser.distributions(&query).await?;
    let mut groups: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (row, logits) in query.rows.iter().zip(all.chunks(denoiser.vocabulary())) {
        let distance = visible.iter().map(|seen| (row.slot as usize).abs_diff(*seen)).min();
        if let Some(distance) = distance {
            groups.entry(distance as u32).or_default().push(kl_bits(logits, unigram));
        }
    }
    let summary = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.into_iter().collect::<Moments>().estimate())
    };
    Ok(groups.into_iter().map(|(distance, values)| (distance, summary(values))).collect())
}

/// KL(p ‖ unigram) in bits of log-probabilities in nats; infinite where the unigram is zero and p is not. `// (vocabulary)`
pub fn kl_bits(log_probabilities: &[f32], unigram: &[f64]) -> f64 {
    let term = |(&log_p, &q): (&f32, &f64)| match f64::from(log_p).exp() {
        0.0 => 0.0,
        p => p * (f64::from(log_p) - q.ln()) / std::f64::consts::LN_2,
    };
    log_probabilities.iter().zip(unigram).map(term).sum::<f64>().clamp(0.0, f64::INFINITY)
}

/// Fits a line to ln KL over distance by least squares; `None` for fewer than three positive points, no decay, or
/// a point that is no number. Points at 0 or infinity have no logarithm and are left out.
pub fn fit(points: &[(f64, f64)]) -> Option<Decay> {
    // What is no number stays: it makes the slope none.
    let has_log = |(_, kl): &&(f64, f64)| kl.is_nan() || (*kl > 0.0 && kl.is_finite());
    let logs: Vec<(f64, f64)> = points.iter().filter(has_log).map(|&(d, kl)| (d, kl.ln())).collect();
    let n = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / n;
    let (mean_d, mean_log) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = logs.iter().map(|(d, _)| (d - mean_d).powi(2)).sum();
    let slope = logs.iter().map(|(d, log)| (d - mean_d) * (log - mean_log)).sum::<f64>() / spread;
    if logs.len() < 3 || slope.is_nan() || slope >= 0.0 {
        return None;
    }
    let level = mean_log - slope * mean_d;
    let scatter: f64 = logs.iter().map(|(d, log)| (log - level - slope * d).powi(2)).sum();
    let variance = scatter / (n - 2.0);
    let slope_error = (variance / spread).sqrt();
    let level_error = (variance * (1.0 / n + mean_d * mean_d / spread)).sqrt();
    let (at_zero_bits, e_folding_slots) = (level.exp(), -1.0 / slope);
    Some(Decay {
        at_zero_bits,
        at_zero_standard_error: level_error * at_zero_bits,
        e_folding_slots,
        standard_error: slope_error * e_folding_slots * e_folding_slots,
    })
}

/// What one call found: [`kl_by_distance`].
pub type ByDistance = BTreeMap<u32, (f64, Option<Estimate>)>;

/// Mean KL in bits by distance over runs, each one draw, however many slots it has there. Distances that fewer than two
/// runs have are left out: they tell no error.
pub fn over_runs<'a>(runs: impl IntoIterator<Item = &'a ByDistance>) -> BTreeMap<u32, Estimate> {
    let mut groups: BTreeMap<u32, Moments> = BTreeMap::new();
    for (&distance, (bits, _)) in runs.into_iter().flatten() {
        groups.entry(distance).or_default().push(*bits);
    }
    groups.into_iter().filter_map(|(distance, bits)| Some((distance, bits.estimate()?))).collect()
}

/// E-folding distance in slots of the runs' mean KL, over the distances up to `most` that all have, with its jackknife
/// error √((n − 1) / n Σ (ℓ_j − ℓ̄)²), ℓ_j without run j. `None` for fewer than two runs, or if any of these has no
/// decay: then it is not known well enough to be told.
pub fn e_folding_over_runs(runs: &[ByDistance], most: u32) -> Option<Estimate> {
    let of_all = |distance: &u32| runs.iter().all(|run| run.contains_key(distance));
    let distances: BTreeSet<u32> = runs.iter().flat_map(|run| run.range(..=most)).map(|(d, _)| *d).collect();
    let distances: Vec<u32> = distances.into_iter().filter(of_all).collect();
    let without = |left_out: Option<usize>| {
        let kept = || (0..runs.len()).filter(|run| Some(*run) != left_out).map(|run| &runs[run]);
        let mean = |distance: &u32| kept().map(|run| run[distance].0).collect::<Moments>().mean();
        let points: Vec<(f64, f64)> = distances.iter().map(|d| (f64::from(*d), mean(d))).collect();
        Some(fit(&points)?.e_folding_slots)
    };
    let value = without(None).filter(|_| runs.len() > 1)?;
    let parts: Option<Moments> = (0..runs.len())
        .map(|run| without(Some(run)))
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.into_iter().collect());
    let n = runs.len() as f64;
    let standard_error = (parts?.squares() * (n - 1.0) / n).sqrt();
    Some(Estimate { value, standard_error, samples: runs.len() as u64 })
}

/// Asks about every masked slot.
pub(super) fn query(sequence: &Sequence, special: SpecialTokens) -> Query {
    let row = |slot: usize| Row::measured(0, slot as u32, special.first_token(false), special.mask);
    Query {
        length: sequence.len(),
        tokens: sequence.tokens().collect(),
        times: vec![sequence.masked_count() as f64 / sequence.len().max(1) as f64],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: sequence.masked_slots().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Markov;
    use crate::process::normal::normal;
    use crate::random::{Purpose, Stream};
    use crate::sequence::TokenId;
    use crate::testing::near;

    const UNIGRAM: [f64; 5] = [0.0, 0.0, 0.0, 0.5, 0.5];

    fn by_distance(template: &[Option<TokenId>]) -> ByDistance {
        let special = SpecialTokens::default();
        let mut chain = Markov::symmetric(0.1, 3, special.mask);
        let sequence = Sequence::infill(template, special.mask);
        pollster::block_on(kl_by_distance(&mut chain, &sequence, &UNIGRAM, special)).unwrap()
    }

    #[test]
    fn after_a_prompt_the_chain_decays_as_its_closed_form() {
        let mut template = vec![None; 129];
        template[0] = Some(TokenId(3));
        let found = by_distance(&template);
        let chain = Markov::symmetric(0.1, 3, TokenId(0));
        for distance in [1, 2, 3, 4, 8, 16] {
            let (bits, _) = found[&distance];
            assert!(near(bits, chain.information_at_bits(distance), 1e-5), "distance {distance}: {bits}");
        }
        // Far out KL ≈ .8^(2 d) / (2 ln 2): it falls to 1/e over −1 / (2 ln .8) = 2.24 slots.
        let points: Vec<(f64, f64)> = (4..16).map(|d| (f64::from(d), found[&d].0)).collect();
        let decay = fit(&points).unwrap();
        assert!(near(decay.e_folding_slots, -0.5 / 0.8_f64.ln(), 0.03), "{decay:?}");
        assert!(decay.standard_error < 0.01, "{decay:?}");
    }

    #[test]
    fn slots_at_one_distance_give_an_error_and_nothing_visible_gives_nothing() {
        let found = by_distance(&[None, Some(TokenId(3)), None]);
        assert_eq!(found.len(), 1);
        let (_, estimate) = found[&1];
        assert!(estimate.is_some_and(|e| e.samples == 2 && near(e.standard_error, 0.0, 1e-9)));
        assert!(by_distance(&[None; 4]).is_empty());
    }

    /// A run that decays over so many slots.
    fn decaying(slots: f64) -> ByDistance {
        (1..=8).map(|d| (d, ((-f64::from(d) / slots).exp(), None))).collect()
    }

    #[test]
    fn runs_tell_the_error_of_the_divergence_and_of_its_decay() {
        let mut runs = [decaying(4.0), decaying(6.0)];
        // Without one of two the other is left: 6 and 4, squared deviations 1 + 1, times 1/2.
        let found = e_folding_over_runs(&runs, 8).unwrap();
        assert!(4.0 < found.value && found.value < 6.0, "{found:?}");
        assert!(near(found.standard_error, 1.0, 1e-9) && found.samples == 2, "{found:?}");
        runs[1].insert(9, (1e9, None));
        assert_eq!(e_folding_over_runs(&runs, 9), Some(found), "only one run has distance 9");
        let bits = over_runs(&runs);
        assert_eq!(bits.keys().copied().collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
        let (a, b) = ((-0.25_f64).exp(), (-1.0_f64 / 6.0).exp());
        assert!(near(bits[&1].value, (a + b) / 2.0, 1e-12));
        assert!(near(bits[&1].standard_error, (b - a) / 2.0, 1e-12));
        assert_eq!(e_folding_over_runs(&runs[..1], 8), None);
        runs[0].insert(2, (f64::NAN, None));
        assert_eq!(e_folding_over_runs(&runs, 8), None);
    }

    #[test]
    fn a_line_is_found_again_and_no_decay_is_none() {
        let line: Vec<(f64, f64)> =
            (1..9).map(|d| (f64::from(d), 3.0 * (-f64::from(d) / 5.0).exp())).collect();
        let decay = fit(&line).unwrap();
        assert!(near(decay.at_zero_bits, 3.0, 1e-9) && near(decay.e_folding_slots, 5.0, 1e-9));
        assert!(near(decay.standard_error, 0.0, 1e-6) && near(decay.at_zero_standard_error, 0.0, 1e-6));
        assert_eq!(fit(&[(1.0, 0.5), (2.0, 0.5), (3.0, 0.6)]), None);
        assert_eq!(fit(&[(1.0, f64::NAN), (2.0, 0.5), (3.0, 0.4)]), None, "two points tell no scatter");
        assert_eq!(
            fit(&[(1.0, 0.5), (2.0, f64::NAN), (3.0, 0.4), (4.0, 0.3)]),
            None,
            "nor does what is none"
        );
    }

    #[test]
    fn errors_of_three_points_are_those_by_hand() {
        // ln KL −1, −1, −4 at 1, 2, 3: slope −3/2, level 1, residuals −1/2, 1, −1/2, so s² = 3/2; S = 2.
        let decay = fit(&[(1.0, -1.0), (2.0, -1.0), (3.0, -4.0)].map(|(d, log): (f64, f64)| (d, log.exp())));
        let decay = decay.unwrap();
        let e = std::f64::consts::E;
        assert!(near(decay.at_zero_bits, e, 1e-12) && near(decay.e_folding_slots, 2.0 / 3.0, 1e-12));
        // Variance of the level 3/2 (1/3 + 4/2), of the slope 3/2 / 2.
        assert!(near(decay.at_zero_standard_error, 3.5_f64.sqrt() * e, 1e-12), "{decay:?}");
        assert!(near(decay.standard_error, 0.75_f64.sqrt() * 4.0 / 9.0, 1e-12), "{decay:?}");
    }

    #[test]
    fn errors_are_the_scatter_of_fits_to_noisy_points() {
        let point = |seed, d: u32| {
            let noise = normal(&mut Stream::new(seed, d, 0, Purpose::Sample));
            (f64::from(d), 3.0 * (0.05 * noise - f64::from(d) / 5.0).exp())
        };
        let fits: Vec<Decay> =
            (0..2000).filter_map(|seed| fit(&(1..=12).map(|d| point(seed, d)).collect::<Vec<_>>())).collect();
        let scatter = |of: fn(&Decay) -> f64| {
            (fits.iter().map(of).collect::<Moments>().squares() / (fits.len() - 1) as f64).sqrt()
        };
        let typical =
            |of: fn(&Decay) -> f64| fits.iter().map(|fit| of(fit).powi(2)).collect::<Moments>().mean().sqrt();
        let at_zero = typical(|fit| fit.at_zero_standard_error) / scatter(|fit| fit.at_zero_bits);
        let length = typical(|fit| fit.standard_error) / scatter(|fit| fit.e_folding_slots);
        // A standard deviation of 2000 fits has a relative error of 1 / √4000 = .016.
        assert!(near(at_zero, 1.0, 0.064) && near(length, 1.0, 0.064), "{at_zero}, {length}");
    }
}
