//! Bits left of held-out texts at several times, under every process that the model can be asked about, on one axis.
//!
//! A model of plain masks is asked about all processes that hide ([`hidden`](diffusion::measure::hidden)): what it ignores stands there. Any other
//! model tells its own process alone, by the terms of its bound ([`smoothness`](diffusion::measure::smoothness)).

use std::f64::consts::LN_2;

use diffusion::decode::SoftFeedback;
use diffusion::measure::hidden::hidden_bits;
use diffusion::measure::smoothness::{Curve, PARTS, estimate};
use diffusion::measure::surprisal::surprisal_bits;
use diffusion::measure::{BoundSettings, Estimate, Moments};
use diffusion::process::candi::DEFAULT_RANK_ERRORS;
use diffusion::process::salience::DEFAULT_STRENGTH;
use diffusion::process::{
    Block, Candi, FrequencyMask, Mask, Masking, ProcessDescription, Spindle, deviations_of_surprisal,
};
use diffusion::{FullDenoiser, Schedule, SpecialTokens, TokenId};
use engine::{Engine, TokenNoise, hiding_rare_first};
use model_loader::Checkpoint;
use serde::Serialize;

use crate::eval::bounds::{self, Noise};
use crate::eval::passages::Passage;
use crate::failure::Failure;
use crate::output::Progress;

/// Parts of time after which it is told what is left, of [`PARTS`]. Blocks have lost something at 0, CANDI and blocks keep something
/// at 1.
const SHOWN: [usize; 5] = [0, PARTS / 4, PARTS / 2, 3 * PARTS / 4, PARTS];
/// Blocks of a text; the second of them is corrupted.
const BLOCKS: u32 = 4;

/// Bits left, a mean over texts.
#[derive(Serialize)]
pub struct Left {
    unit: &'static str,
    /// In the order in which they were measured.
    processes: Vec<Row>,
    /// A sentence for each kind of process that this model says nothing of.
    not_measured: Vec<&'static str>,
}

/// One process.
#[derive(Serialize)]
struct Row {
    process: ProcessDescription,
    /// From t = 0 to 1.
    left: Vec<At>,
}

/// What is left at one time; nothing for fewer than two texts.
#[derive(Clone, Copy, Serialize)]
struct At {
    t: f64,
    bits: Option<Estimate>,
}

/// What a model of masks does not tell.
const OTHER_NOISE: &str = "uniform, mask_uniform and gaussian were not measured: a model of masks never saw their states, \
                           and models of such noise tell their own";
/// What any other model does not tell.
const OTHER_PROCESSES: &str = "processes other than its own were not measured: this model never saw their states, and a model of masks tells those that hide";
/// What needs counts.
const NO_COUNTS: &str =
    "frequency_mask and gen_md4 were not measured: the model's file does not say how often its tokens occur";

/// Asks the model; nothing for one without a process.
pub async fn of_texts(
    engine: &mut Engine,
    checkpoint: &Checkpoint,
    noise: &Noise,
    passages: &[Passage],
    settings: BoundSettings,
) -> Result<Option<Left>, Failure> {
    let unit = "bits of a whole window, a mean over texts";
    if let Noise::Tokens(TokenNoise::Mask(mask)) = noise {
        let asked = Asked { engine, checkpoint, passages, settings, mask: *mask };
        let (processes, has_counts) = asked.all().await?;
        let not_measured = [Some(OTHER_NOISE), (!has_counts).then_some(NO_COUNTS)];
        let not_measured = not_measured.into_iter().flatten().collect();
        return Ok(Some(Left { unit, processes, not_measured }));
    }
    let Some(process) = description(noise) else { return Ok(None) };
    let Some(curves) = bounds::curves(engine, noise, passages, settings).await? else { return Ok(None) };
    let at = |part: usize| {
        let read = |curve: &Curve| curve.bits.get(part).copied().unwrap_or(f64::NAN);
        At { t: part as f64 / PARTS as f64, bits: estimate(&curves, read) }
    };
    let left = SHOWN.map(at).into();
    Ok(Some(Left { unit, processes: vec![Row { process, left }], not_measured: vec![OTHER_PROCESSES] }))
}

/// The process of a model's own noise.
fn description(noise: &Noise) -> Option<ProcessDescription> {
    let schedule = Schedule::Linear;
    Some(match noise {
        Noise::Tokens(TokenNoise::Mask(_)) => ProcessDescription::Mask { schedule },
        Noise::Tokens(TokenNoise::Uniform(_)) => ProcessDescription::Uniform { schedule },
        Noise::Tokens(TokenNoise::MaskUniform(process)) => {
            ProcessDescription::MaskUniform { uniform_share: process.uniform_share, schedule }
        }
        Noise::RareFirst(_) => ProcessDescription::GenMd4 { schedule },
        Noise::Gaussian(_) => ProcessDescription::Gaussian { schedule },
        Noise::None => return None,
    })
}

/// A model of masks and the texts that it is asked about.
struct Asked<'a> {
    engine: &'a mut Engine,
    checkpoint: &'a Checkpoint,
    passages: &'a [Passage],
    settings: BoundSettings,
    mask: Mask,
}

impl Asked<'_> {
    /// Every process that hides, and whether the file has counts.
    async fn all(mut self) -> Result<(Vec<Row>, bool), Failure> {
        let (schedule, strength, mask) = (Schedule::Linear, DEFAULT_STRENGTH, self.mask);
        let wholes = self.open("whole texts", 1.0, |_, _| mask).await?;
        let mut rows = Vec::new();
        let masks = self.row(&wholes, ProcessDescription::Mask { schedule }, |_, _| mask).await?;
        let feedback = SoftFeedback::default();
        // Masks of the same draws, and mixtures of what the model itself says: they tell nothing more.
        let soft =
            Row { process: ProcessDescription::SoftMask { schedule, feedback }, left: masks.left.clone() };
        rows.extend([masks, soft]);
        let deviations = self.deviations().await?;
        let surprisal = |text: usize, slot: usize| {
            let deviation = deviations[text][slot];
            Spindle { mask: mask.mask, strength, deviation }
        };
        rows.push(
            self.row(&wholes, ProcessDescription::SurprisalMask { strength, schedule }, surprisal).await?,
        );
        let width = (self.checkpoint.config.context_length as u32 / BLOCKS).max(1);
        let block = Block { mask, width, current: 1 };
        let described = ProcessDescription::Block { schedule, width, current: 1 };
        rows.push(self.row(&wholes, described, |_, slot| block.slot(slot as u32)).await?);
        let [least_rank_error, most_rank_error] = DEFAULT_RANK_ERRORS;
        let vocabulary = self.engine.vocabulary() as u32;
        let candi = Candi { schedule, vocabulary, least_rank_error, most_rank_error };
        let described = ProcessDescription::Candi { schedule, least_rank_error, most_rank_error };
        rows.push(self.row(&wholes, described, |_, _| candi).await?);
        let counts = self.checkpoint.origin.token_counts.as_deref().unwrap_or_default();
        if counts.iter().all(|&count| count == 0) {
            return Ok((rows, false));
        }
        let frequency = FrequencyMask::new(mask.mask, strength, counts).map_err(Failure::input)?;
        let described = ProcessDescription::FrequencyMask { strength, schedule };
        rows.push(self.row(&wholes, described, |_, _| frequency.clone()).await?);
        let gen_md4 = hiding_rare_first(counts).map_err(Failure::input)?;
        let described = ProcessDescription::GenMd4 { schedule };
        rows.push(self.row(&wholes, described, |_, _| gen_md4.clone()).await?);
        Ok((rows, true))
    }

    /// What is left under one process, given that of each text and slot and the bits of every whole text.
    async fn row<P: Masking>(
        &mut self,
        wholes: &[f64],
        process: ProcessDescription,
        at_slot: impl Fn(usize, usize) -> P,
    ) -> Result<Row, Failure> {
        let name = serde_json::to_string(&process).map_err(Failure::run)?;
        let mut left = Vec::new();
        for part in SHOWN {
            let t = part as f64 / PARTS as f64;
            let open = self.open(&name, t, &at_slot).await?;
            let differences = wholes.iter().zip(open).map(|(whole, open)| whole - open);
            left.push(At { t, bits: differences.collect::<Moments>().estimate() });
        }
        Ok(Row { process, left })
    }

    /// Bits that are open of every text at `t`.
    async fn open<P: Masking>(
        &mut self,
        name: &str,
        t: f64,
        at_slot: impl Fn(usize, usize) -> P,
    ) -> Result<Vec<f64>, Failure> {
        let (mut line, mut open) = (Progress::new(), Vec::new());
        for (index, passage) in self.passages.iter().enumerate() {
            line.show(&format!("passage {} of {} at {t}, {name}", index + 1, self.passages.len()));
            let slots: Vec<P> = (0..passage.window.len()).map(|slot| at_slot(index, slot)).collect();
            let (text, index, special) = (&passage.window, index as u32, SpecialTokens::default());
            let bits = hidden_bits(self.engine, &slots, text, index, t, special, self.settings).await;
            open.push(bits.map_err(|error| Failure::of_causes(&error))?.value);
        }
        Ok(open)
    }

    /// How far each slot lies from the mean salience of its text, by the model's own surprisal: one call per slot. `// (texts, length)`
    async fn deviations(&mut self) -> Result<Vec<Vec<f64>>, Failure> {
        let (mut line, mut all) = (Progress::new(), Vec::new());
        for (index, passage) in self.passages.iter().enumerate() {
            line.show(&format!("surprisals of passage {} of {}", index + 1, self.passages.len()));
            let mut nats = Vec::new();
            for slot in 0..passage.window.len() {
                let text: &[TokenId] = &passage.window;
                let bits = surprisal_bits(self.engine, text, slot, SpecialTokens::default()).await;
                nats.push((bits.map_err(Failure::run)? * LN_2).max(0.0));
            }
            all.push(deviations_of_surprisal(&nats).map_err(Failure::run)?);
        }
        Ok(all)
    }
}

impl Left {
    /// As a table for people.
    pub fn page(&self) -> String {
        let mut page = format!("{:<16}", "bits left at t =");
        let Some(first) = self.processes.first() else { return page + "\n" };
        first.left.iter().for_each(|at| page += &format!(" {:>18}", at.t));
        page += "\n";
        for Row { process, left } in &self.processes {
            page += &format!("{:<16}", name(process));
            for at in left {
                let cell =
                    at.bits.map_or("-".into(), |e| format!("{:.2} ± {:.2}", e.value, e.standard_error));
                page += &format!(" {cell:>18}");
            }
            page += "\n";
        }
        page += &format!("{}\n", self.unit);
        self.not_measured.iter().for_each(|sentence| page += &format!("{sentence}\n"));
        page
    }
}

/// A process's name in JSON.
fn name(process: &ProcessDescription) -> String {
    let json = serde_json::to_value(process).ok();
    json.and_then(|json| Some(json.get("process")?.as_str()?.to_owned())).unwrap_or_default()
}
