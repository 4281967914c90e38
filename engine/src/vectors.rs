//! Slots that hold vectors: from noisy embeddings and the model's last guess to the residual stream as it begins.

use diffusion::Query;
use model_loader::{Checkpoint, Process};

use crate::error::Error;

/// The embeddings of a model of Gaussian noise.
#[derive(Clone, Debug)]
pub(crate) struct Vectors {
    width: usize,
    /// Squared norm of every embedding.
    power: f64,
    /// `// (vocabulary, width)`
    embeddings: Vec<f32>,
}

impl Vectors {
    /// Of a model whose slots hold vectors; none for others.
    ///
    /// # Errors
    /// [`Error::MissingWeight`].
    pub fn of(checkpoint: &Checkpoint) -> Result<Option<Self>, Error> {
        let Process::Gaussian { embedding_power } = checkpoint.config.process else { return Ok(None) };
        let name = "token_embd.weight";
        let table = checkpoint.tensor(name).ok_or_else(|| Error::MissingWeight { name: name.into() })?;
        Ok(Some(Self {
            width: checkpoint.config.embedding_length,
            power: f64::from(embedding_power),
            embeddings: table.to_f32(),
        }))
    }

    /// `// (vocabulary, width)`
    pub fn embeddings(&self) -> &[f32] {
        &self.embeddings
    }

    /// Adds the slots' vectors, scaled to unit variance, to `offsets`. `// (batch * length, width)`
    pub fn stream(&self, query: &Query, times: &[f64], mut offsets: Vec<f32>) -> Vec<f32> {
        let per_sequence = query.length * self.width;
        for (sequence, &time) in times.iter().enumerate() {
            let part = sequence * per_sequence..(sequence + 1) * per_sequence;
            let variance = (1.0 - time) * self.power / self.width as f64 + time;
            let scale = variance.sqrt().recip() as f32;
            for (x, vector) in offsets[part.clone()].iter_mut().zip(&query.vectors[part]) {
                *x += scale * vector;
            }
        }
        offsets
    }

    /// The last guess of every slot, Σ p_v E_v over the parts of its mixture; zero where there is none.
    /// `// (batch * length, width)`
    pub fn estimates(&self, query: &Query) -> Vec<f32> {
        let mut estimates = vec![0.0; query.vectors.len()];
        for mixture in &query.mixtures {
            let at = (mixture.sequence as usize * query.length + mixture.slot as usize) * self.width;
            for &(token, weight) in mixture.parts.iter().filter(|(_, weight)| *weight != 0.0) {
                let embedding = &self.embeddings[token.0 as usize * self.width..][..self.width];
                let estimate = &mut estimates[at..at + self.width];
                estimate.iter_mut().zip(embedding).for_each(|(sum, x)| *sum += weight * x);
            }
        }
        estimates
    }
}
