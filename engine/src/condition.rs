//! What goes into a call besides tokens: positions, and the noise level of models that are told it. A few thousand
//! multiplications per sequence, done here so that no kernel has to know of time.

use model_loader::{Checkpoint, ModelConfig, TIME_FEATURES};

use crate::error::Error;

/// Times scale: features are those of 1000 t, as for the usual thousand steps.
const TIME_SCALE: f64 = 1000.0;
/// Lowest frequency is 1 over this.
const PERIOD: f64 = 10_000.0;

/// Positions and the two layers that turn a time into a vector.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    width: usize,
    /// `// (context length, width)`
    positions: Vec<f32>,
    /// `// (width, 64)`
    time_in: Linear,
    /// `// (width, width)`
    time_out: Linear,
}

#[derive(Clone, Debug)]
struct Linear {
    inputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    fn apply(&self, x: &[f64]) -> impl Iterator<Item = f64> {
        let rows = self.weight.chunks_exact(self.inputs).zip(&self.bias);
        rows.map(move |(row, &bias)| {
            row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum::<f64>() + f64::from(bias)
        })
    }
}

impl Condition {
    /// Of a model that is told the time; none for others.
    ///
    /// # Errors
    /// [`Error::MissingWeight`].
    pub fn of(checkpoint: &Checkpoint) -> Result<Option<Self>, Error> {
        let config = &checkpoint.config;
        if !config.process.is_timed() {
            return Ok(None);
        }
        let values = |name: &str| {
            let missing = || Error::MissingWeight { name: name.to_owned() };
            checkpoint.tensor(name).map(model_loader::Tensor::to_f32).ok_or_else(missing)
        };
        let width = config.embedding_length;
        let linear = |name: &str, inputs| -> Result<Linear, Error> {
            let (weight, bias) = (values(&format!("{name}.weight"))?, values(&format!("{name}.bias"))?);
            Ok(Linear { inputs, weight, bias })
        };
        Ok(Some(Self {
            width,
            positions: values("position_embd.weight")?,
            time_in: linear("time_in", TIME_FEATURES)?,
            time_out: linear("time_out", width)?,
        }))
    }

    /// What is added to the embedding of every slot. `// (times * length, width)`
    pub fn offsets(&self, times: &[f64], length: usize) -> Vec<f32> {
        let mut offsets = Vec::with_capacity(times.len() * length * self.width);
        for &time in times {
            let told = self.told(time);
            let slots = self.positions.chunks_exact(self.width).take(length);
            offsets.extend(
                slots.flat_map(|slot| slot.iter().zip(&told).map(|(position, told)| position + told)),
            );
        }
        offsets
    }

    /// time_out . silu(time_in . features(t)). `// (width)`
    fn told(&self, time: f64) -> Vec<f32> {
        let half = TIME_FEATURES / 2;
        let angle = |k: usize| TIME_SCALE * time * PERIOD.powf(-(k as f64) / half as f64);
        let features: Vec<f64> =
            (0..half).map(|k| angle(k).cos()).chain((0..half).map(|k| angle(k).sin())).collect();
        let hidden: Vec<f64> = self.time_in.apply(&features).map(|x| x / (1.0 + (-x).exp())).collect();
        self.time_out.apply(&hidden).map(|x| x as f32).collect()
    }
}

/// The time that a network is told for a time that is asked: it was trained a little away from both ends, where weights
/// of its bound have no limit.
pub(crate) fn told_time(config: &ModelConfig, time: f64) -> f64 {
    use model_loader::Process::{Autoregressive, Gaussian, Mask, MaskUniform, Uniform};
    match config.process {
        Uniform | MaskUniform { .. } => time.clamp(1e-3, 1.0 - 1e-3),
        Gaussian { .. } => time.clamp(0.02, 1.0),
        Mask | Autoregressive => time,
    }
}
