//! What is measured on one finished run.

use diffusion::decode::{Decoder, GaussianStep, Noise};
use diffusion::measure::correlation::{Damage, Direction, chain, order_gap_bits, pairs};
use diffusion::measure::dependency::bits_at_stake;
use diffusion::measure::surface::{above, adjacent_duplicates, distinct_share, histogram_bits};
use diffusion::measure::{Estimate, Moments, median};
use diffusion::{Denoiser, Sequence, SpecialTokens, TokenId, Trajectory};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::failure::Failure;
use crate::hybrid::Written;

/// A measure: how it is called, its unit, and what it says.
pub struct Measure {
    /// Name in reports and columns.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Reads it off a text.
    pub of: fn(&Text) -> Option<f64>,
    /// What stands for many texts.
    statistic: Statistic,
}

#[derive(Clone, Copy)]
enum Statistic {
    Mean,
    /// Above the same of held-out text.
    Excess,
    /// Of what has a heavy tail.
    Median,
}

impl Measure {
    /// What texts with these values tell; `None` for fewer than two, or where what is to be compared with is not known.
    pub fn estimate(&self, values: impl Iterator<Item = f64>, world: &World) -> Option<Estimate> {
        let found = self.difference(values)?;
        match self.statistic {
            Statistic::Excess => Some(above(found, world.held_out_unseen()?)),
            Statistic::Mean | Statistic::Median => Some(found),
        }
    }

    /// What differences of values, text by text, tell: what both are compared with cancels.
    pub fn difference(&self, values: impl Iterator<Item = f64>) -> Option<Estimate> {
        match self.statistic {
            Statistic::Mean | Statistic::Excess => values.collect::<Moments>().estimate(),
            Statistic::Median => median(&values.collect::<Vec<f64>>()),
        }
    }
}

const fn mean(name: &'static str, unit: &'static str, of: fn(&Text) -> Option<f64>) -> Measure {
    Measure { name, unit, of, statistic: Statistic::Mean }
}

/// All measures, in the order of the report.
pub const MEASURES: [Measure; 18] = [
    mean("calls", "calls per text", |text| Some(text.calls)),
    mean("sequences", "sequences shown per text", |text| Some(text.sequences.unwrap_or(text.calls))),
    mean("ar_calls", "autoregressive calls per text", |text| text.autoregressive_calls),
    mean("ar_sequences", "sequences in them per text", |text| text.autoregressive_sequences),
    mean("words", "words per text", |text| Some(text.words)),
    mean("violations", "broken rules per story", |text| text.violations),
    Measure {
        name: "unseen",
        unit: "share of 3-grams above held-out texts",
        of: |text| text.unseen_share,
        statistic: Statistic::Excess,
    },
    mean("duplicates", "repeated neighbours per text", |text| Some(text.duplicates)),
    mean("stake", "bits per text, sum of H - max H", |text| text.stake_bits),
    mean("damage", "bits per text, product against chain", |text| Some(text.damage?.bits)),
    Measure {
        name: "median_damage",
        unit: "bits, median over texts",
        of: |text| Some(text.damage?.bits),
        statistic: Statistic::Median,
    },
    mean("pair_damage", "bits per text, each beside the one before", |text| text.pair_damage_bits),
    mean("clipped", "share of calls at the clip of damage", |text| Some(text.damage?.clipped_share)),
    mean("heavy", "share of calls with damage above 5 bits", |text| Some(text.damage?.heavy_share)),
    mean("order_gap", "bits per text, chain against its reverse", |text| text.order_gap_bits),
    mean("collapse", "share of the 20 commonest words", |text| text.common_share),
    mean("entropy", "bits, unigram of the text", |text| Some(text.entropy_bits)),
    mean("distinct", "distinct n-grams over all, of --distinct words", |text| text.distinct_share),
];

/// One run, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Model calls.
    pub calls: f64,
    /// Sequences that the model was shown in them, where there was more than one in each: guidance, the candidates of a hybrid.
    pub sequences: Option<f64>,
    /// Calls of the second model of a hybrid.
    pub autoregressive_calls: Option<f64>,
    /// Sequences in them.
    pub autoregressive_sequences: Option<f64>,
    /// Words before the end of text.
    pub words: f64,
    /// Broken rules, where the language is known.
    pub violations: Option<f64>,
    /// Share of unseen 3-grams.
    pub unseen_share: Option<f64>,
    /// Words that follow themselves.
    pub duplicates: f64,
    /// Upper bound of what was at stake in joint commits; absent of hybrids that tell no steps.
    pub stake_bits: Option<f64>,
    /// What joint commits did, clipped per call at 20 bits. Absent for noise of words and on vectors: there a model can be asked
    /// about what stands, not about other tokens.
    pub damage: Option<Damage>,
    /// The same of each word beside the one committed just before it alone: what of the damage pairs tell already. Files kept from
    /// before lack it and are refused, lest a mean be over a part of the texts.
    #[serde(deserialize_with = "Option::deserialize")]
    pub pair_damage_bits: Option<f64>,
    /// How far the probabilities of what was committed together are apart along the order and against it, over the calls at no clip;
    /// absent as `damage` is.
    pub order_gap_bits: Option<f64>,
    /// Share of common words.
    pub common_share: Option<f64>,
    /// Entropy of the text's own words.
    pub entropy_bits: f64,
    /// Distinct n-grams.
    pub distinct_share: Option<f64>,
}

impl Text {
    /// Measures a finished run; three more calls for each step that committed several slots.
    pub async fn of<D: Denoiser>(
        denoiser: &mut D,
        trajectory: &Trajectory,
        world: &World,
    ) -> Result<Self, Failure> {
        let special = trajectory.special;
        let joint = match trajectory.settings.noise {
            Noise::Mask => Some(Joint::of(denoiser, trajectory).await?),
            Noise::Uniform { .. } | Noise::MaskUniform { .. } => None,
        };
        let end = trajectory.sequence_at(trajectory.steps.len()).map_err(Failure::run)?;
        let stake_bits = trajectory.steps.iter().map(bits_at_stake).sum();
        let calls = trajectory.steps.len() as f64;
        Ok(Self {
            calls,
            stake_bits: Some(stake_bits),
            damage: joint.as_ref().and_then(|joint| Damage::of(&joint.damage_bits)),
            pair_damage_bits: joint.as_ref().map(|joint| joint.pair_damage_bits),
            order_gap_bits: joint.as_ref().map(|joint| joint.order_gap_bits),
            ..Self::of_sequence(&end, special, world)
        })
    }

    /// Measures what a hybrid wrote; of the mask model's steps, where it tells them.
    pub async fn of_written<D: Denoiser>(
        denoiser: &mut D,
        written: &Written,
        world: &World,
    ) -> Result<Self, Failure> {
        let text = match &written.trajectory {
            Some(trajectory) => Self::of(denoiser, trajectory, world).await?,
            None => Self::of_sequence(&written.sequence, SpecialTokens::default(), world),
        };
        Ok(Self {
            calls: written.denoiser_calls.into(),
            sequences: Some(written.denoiser_sequences.into()),
            autoregressive_calls: Some(written.autoregressive_calls.into()),
            autoregressive_sequences: Some(written.autoregressive_sequences.into()),
            ..text
        })
    }

    /// The same where there is a second model: one that was asked nothing had no calls.
    pub fn beside_second_model(self) -> Self {
        Self {
            autoregressive_calls: self.autoregressive_calls.or(Some(0.0)),
            autoregressive_sequences: self.autoregressive_sequences.or(Some(0.0)),
            ..self
        }
    }

    /// What the words of a finished sequence tell.
    fn of_sequence(sequence: &Sequence, special: SpecialTokens, world: &World) -> Self {
        let text: Vec<TokenId> = sequence.tokens().take(sequence.text_length(special.end_of_text)).collect();
        Self::of_words(&text, world)
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
        Self { calls: run.len() as f64, stake_bits: Some(stake_bits), ..Self::of_words(&text, world) }
    }

    /// What the words alone tell.
    fn of_words(text: &[TokenId], world: &World) -> Self {
        Self {
            calls: f64::NAN,
            sequences: None,
            autoregressive_calls: None,
            autoregressive_sequences: None,
            words: text.len() as f64,
            violations: world.violations(text),
            unseen_share: world.unseen_share(text),
            duplicates: adjacent_duplicates(text) as f64,
            stake_bits: None,
            damage: None,
            pair_damage_bits: None,
            order_gap_bits: None,
            common_share: world.common_share(text),
            entropy_bits: histogram_bits(text.iter().copied()),
            distinct_share: distinct_share([text], world.distinct),
        }
    }
}

/// What the joint commits of a run did, over its calls.
#[derive(Default)]
struct Joint {
    /// What each call's lost against one after the other; 0 where fewer than two slots were drawn. `// (calls)`
    damage_bits: Vec<f64>,
    /// What pairs lost.
    pair_damage_bits: f64,
    /// How far the other order is off.
    order_gap_bits: f64,
}

impl Joint {
    async fn of<D: Denoiser>(denoiser: &mut D, trajectory: &Trajectory) -> Result<Self, Failure> {
        let mut before = trajectory.first_checkpoint().map_err(Failure::run)?;
        let mut joint = Self::default();
        for (index, step) in trajectory.steps.iter().enumerate() {
            let settings = trajectory.settings.clone();
            let decoder = Decoder::resume(settings, before.clone(), trajectory.special);
            let seen = decoder.map_err(Failure::run)?.query();
            let mut both = [None; 2];
            for (bits, direction) in both.iter_mut().zip([Direction::Forward, Direction::Backward]) {
                let chain = chain(denoiser, step, &seen, direction).await;
                *bits = chain.map_err(|error| Failure::of_causes(&error))?;
            }
            let pairs = pairs(denoiser, step, &seen).await.map_err(|error| Failure::of_causes(&error))?;
            joint.pair_damage_bits += pairs.iter().sum::<f64>();
            joint.damage_bits.push(both[0].unwrap_or(0.0));
            if let [Some(forward), Some(backward)] = both {
                joint.order_gap_bits += order_gap_bits(forward, backward).unwrap_or(0.0);
            }
            trajectory.advance(&mut before, index).map_err(Failure::run)?;
        }
        Ok(joint)
    }
}
