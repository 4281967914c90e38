//! What is measured on one finished run.

use anyhow::anyhow;
use diffusion::decode::{GaussianStep, Noise};
use diffusion::measure::correlation::{CLIP_BITS, Direction, chain};
use diffusion::measure::dependency::bits_at_stake;
use diffusion::measure::surface::{adjacent_duplicates, distinct_share, histogram_bits};
use diffusion::{Denoiser, Sequence, SpecialTokens, TokenId, Trajectory};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::failure::Failure;

/// A measure: how it is called, its unit, and what it says.
pub struct Measure {
    /// Name in reports and columns.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Reads it off a text.
    pub of: fn(&Text) -> Option<f64>,
}

/// All measures, in the order of the report.
pub const MEASURES: [Measure; 11] = [
    Measure { name: "calls", unit: "calls per text", of: |text| Some(text.calls) },
    Measure { name: "words", unit: "words per text", of: |text| Some(text.words) },
    Measure { name: "violations", unit: "broken rules per story", of: |text| text.violations },
    Measure { name: "unseen", unit: "share of 3-grams above right stories", of: |text| text.unseen_excess },
    Measure { name: "duplicates", unit: "repeated neighbours per text", of: |text| Some(text.duplicates) },
    Measure { name: "stake", unit: "bits per text, sum of H - max H", of: |text| Some(text.stake_bits) },
    Measure { name: "damage", unit: "bits per text, product against chain", of: |text| text.damage_bits },
    Measure { name: "clipped", unit: "calls per text at the clip of damage", of: |text| text.clipped_calls },
    Measure { name: "collapse", unit: "share of the 20 commonest words", of: |text| text.common_share },
    Measure { name: "entropy", unit: "bits, unigram of the text", of: |text| Some(text.entropy_bits) },
    Measure { name: "distinct", unit: "distinct 2-grams over all", of: |text| text.distinct_share },
];

/// One run, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// Model calls.
    pub calls: f64,
    /// Words before the end of text.
    pub words: f64,
    /// Broken rules, where the language is known.
    pub violations: Option<f64>,
    /// Unseen 3-grams above the rate of right stories.
    pub unseen_excess: Option<f64>,
    /// Words that follow themselves.
    pub duplicates: f64,
    /// Upper bound of what was at stake in joint commits.
    pub stake_bits: f64,
    /// What joint commits did, clipped per call at 20 bits. Absent for noise of words and on vectors: there a model can be asked
    /// about what stands, not about other tokens.
    pub damage_bits: Option<f64>,
    /// Calls at the clip: where there are any, the damage is worse than said.
    pub clipped_calls: Option<f64>,
    /// Share of common words.
    pub common_share: Option<f64>,
    /// Entropy of the text's own words.
    pub entropy_bits: f64,
    /// Distinct 2-grams.
    pub distinct_share: Option<f64>,
}

impl Text {
    /// Measures a finished run; one more call for each step that committed several slots.
    pub async fn of<D: Denoiser>(
        denoiser: &mut D,
        trajectory: &Trajectory,
        world: &World,
    ) -> Result<Self, Failure> {
        let special = trajectory.special;
        let damage = match trajectory.settings.noise {
            Noise::Mask => Some(damage(denoiser, trajectory).await?),
            Noise::Uniform { .. } | Noise::MaskUniform { .. } => None,
        };
        let (damage_bits, clipped_calls) = damage.unzip();
        let end = trajectory.sequence_at(trajectory.steps.len()).map_err(Failure::run)?;
        let text: Vec<TokenId> = end.tokens().take(end.text_length(special.end_of_text)).collect();
        let stake_bits = trajectory.steps.iter().map(bits_at_stake).sum();
        let calls = trajectory.steps.len() as f64;
        Ok(Self { calls, stake_bits, damage_bits, clipped_calls, ..Self::of_words(&text, world) })
    }

    /// Measures a finished run from Gaussian noise. The last call reads all open tokens off at once.
    pub fn of_vectors(run: &[GaussianStep], start: &Sequence, world: &World) -> Self {
        let end = SpecialTokens::default().end_of_text;
        let tokens = run.last().map(|step| step.tokens.as_slice()).unwrap_or_default();
        let text: Vec<TokenId> = tokens.iter().copied().take_while(|token| *token != end).collect();
        let entropies = run.last().map(|step| step.entropy_nats.as_slice()).unwrap_or_default();
        let open = start.open_slots().filter_map(|slot| entropies.get(slot));
        let (sum, largest) = open.fold((0.0, 0.0_f64), |(sum, most), nats| (sum + nats, most.max(*nats)));
        let stake_bits = (sum - largest) / std::f64::consts::LN_2;
        Self { calls: run.len() as f64, stake_bits, ..Self::of_words(&text, world) }
    }

    /// What the words alone tell.
    fn of_words(text: &[TokenId], world: &World) -> Self {
        Self {
            calls: f64::NAN,
            words: text.len() as f64,
            violations: world.violations(text),
            unseen_excess: world.unseen_excess(text),
            duplicates: adjacent_duplicates(text) as f64,
            stake_bits: f64::NAN,
            damage_bits: None,
            clipped_calls: None,
            common_share: world.common_share(text),
            entropy_bits: histogram_bits(text.iter().copied()),
            distinct_share: distinct_share([text], 2),
        }
    }
}

/// What the joint commits of a run lost against one after the other, in bits, and in how many calls that was clipped.
async fn damage<D: Denoiser>(denoiser: &mut D, trajectory: &Trajectory) -> Result<(f64, f64), Failure> {
    let mut before = trajectory.first_checkpoint().map_err(Failure::run)?;
    let (mut bits, mut clipped) = (0.0, 0_u32);
    for (index, step) in trajectory.steps.iter().enumerate() {
        let damage = chain(denoiser, step, &before.sequence, trajectory.special, Direction::Forward).await;
        let damage = damage.map_err(|error| Failure::Run(anyhow!("{error}")))?.unwrap_or(0.0);
        bits += damage;
        clipped += u32::from(damage >= CLIP_BITS);
        trajectory.advance(&mut before, index).map_err(Failure::run)?;
    }
    Ok((bits, f64::from(clipped)))
}
