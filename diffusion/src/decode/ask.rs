//! One call for some decoders: the predictions of their rows, and what their rules must know beyond a summary.

use super::{DecodeError, Decoder, RunError};
use crate::denoiser::{FullDenoiser, Mixture, Prediction, Query, Row};
use crate::draw;

/// Smallest probability that a distribution is compared with, as the epsilon of KLASS's released code.
const LEAST_PROBABILITY: f64 = 1e-12;

/// Puts the questions of decoders to one denoiser, one forward pass per call. Where a decoder
/// [needs whole distributions](Decoder::needs_distributions), all rows of the call are answered from them, and the predictions also hold
/// `drift_nats` and `tempered_log_probability` where they are wanted, over the whole vocabulary and exact up to rounding to f32. Cost then:
/// a readback of rows × vocabulary f32, kept until the next call, and a second forward pass where the call before was asked by no one
/// here: a run that was taken up again decides as if it had never stopped. An asker serves one denoiser; where one decoder of a batch
/// needs distributions, all are answered from them.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    last: Option<Call>,
}

impl Asker {
    /// The predictions for the rows of all decoders, which have one length, sequence after sequence; none if all have finished.
    ///
    /// # Errors
    /// If lengths differ, the denoiser fails, or nothing can be drawn from its distributions.
    pub async fn ask<D: FullDenoiser>(
        &mut self,
        denoiser: &mut D,
        decoders: &[Decoder],
    ) -> Result<Vec<Prediction>, RunError<D::Error>> {
        let decoders: Vec<&Decoder> = decoders.iter().collect();
        self.put(denoiser, batch(&decoders)?, &decoders).await
    }

    /// The predictions for the rows of a query whose sequence i is that of decoder i; rows are in order of sequence and slot.
    pub(crate) async fn put<D: FullDenoiser>(
        &mut self,
        denoiser: &mut D,
        query: Query,
        decoders: &[&Decoder],
    ) -> Result<Vec<Prediction>, RunError<D::Error>> {
        let last = self.last.take();
        if query.rows.is_empty() {
            return Ok(Vec::new());
        }
        if !decoders.iter().any(|decoder| decoder.needs_distributions()) {
            return denoiser.predict(&query).await.map_err(RunError::Denoiser);
        }
        let now = Call::make(denoiser, query).await?;
        let mut predictions = now.summaries()?;
        now.temper(decoders, &mut predictions);
        let earlier = earlier(&now.query, decoders);
        if !earlier.rows.is_empty() {
            let before = match last.filter(|last| last.answers(&earlier)) {
                Some(last) => last,
                None => Call::make(denoiser, earlier).await?,
            };
            now.compare(&before, decoders, &mut predictions);
        }
        self.last = Some(now);
        Ok(predictions)
    }
}

/// The next call of all decoders together.
fn batch<E: std::error::Error>(decoders: &[&Decoder]) -> Result<Query, RunError<E>> {
    let length = decoders.first().map_or(0, |decoder| decoder.sequence().len());
    let mut query = Query {
        length,
        tokens: Vec::with_capacity(length * decoders.len()),
        times: decoders.iter().map(|decoder| decoder.time()).collect(),
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: Vec::new(),
    };
    for (sequence, decoder) in decoders.iter().enumerate() {
        let found = decoder.sequence().len();
        if found != length {
            return Err(RunError::Length { sequence, found, expected: length });
        }
        query.tokens.extend(decoder.tokens());
        query.mixtures.extend(decoder.mixtures(sequence as u32));
        query.rows.extend(decoder.rows(sequence as u32));
    }
    Ok(query)
}

/// The call before, of the rows whose drift is wanted. Sequences without such a row show what they show now.
fn earlier(now: &Query, decoders: &[&Decoder]) -> Query {
    let rows = now.rows.iter().filter(|row| decoders[row.sequence as usize].drifts(row.slot));
    let mut earlier = Query {
        length: now.length,
        tokens: Vec::with_capacity(now.tokens.len()),
        times: Vec::with_capacity(now.times.len()),
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: rows.copied().collect(),
    };
    for (sequence, decoder) in decoders.iter().enumerate() {
        let slots = sequence * now.length..(sequence + 1) * now.length;
        let Some(before) = decoder.before() else {
            earlier.tokens.extend(&now.tokens[slots]);
            earlier.times.push(now.times[sequence]);
            continue;
        };
        earlier.tokens.extend(&before.tokens);
        earlier.times.push(before.time);
        let mixtures = before.mixtures.iter();
        earlier.mixtures.extend(mixtures.map(|mixture| Mixture { sequence: sequence as u32, ..*mixture }));
    }
    earlier
}

/// A call with its whole distributions.
#[derive(Clone, Debug)]
struct Call {
    query: Query,
    vocabulary: usize,
    /// `// (rows, vocabulary)`
    logs: Vec<f32>,
}

impl Call {
    async fn make<D: FullDenoiser>(denoiser: &mut D, query: Query) -> Result<Self, RunError<D::Error>> {
        let logs = denoiser.distributions(&query).await.map_err(RunError::Denoiser)?;
        let (vocabulary, expected) = (denoiser.vocabulary(), query.rows.len());
        if logs.len() != expected * vocabulary {
            let found = logs.len().checked_div(vocabulary).unwrap_or(0);
            return Err(DecodeError::Count { found, expected }.into());
        }
        Ok(Self { query, vocabulary, logs })
    }

    fn summaries<E: std::error::Error>(&self) -> Result<Vec<Prediction>, RunError<E>> {
        let wrong = |row: &Row, source| DecodeError::Draw { slot: row.slot, source };
        Ok(draw::summaries(&self.query, &self.logs, self.vocabulary, wrong)?)
    }

    /// The rows with their distributions and what is said of them.
    fn answered<'a>(
        &'a self,
        predictions: &'a mut [Prediction],
    ) -> impl Iterator<Item = (&'a Row, &'a [f32], &'a mut Prediction)> {
        let rows = self.query.rows.iter().zip(self.logs.chunks(self.vocabulary.max(1)));
        rows.zip(predictions).map(|((row, logs), prediction)| (row, logs, prediction))
    }

    /// Adds how likely the draws are at their temperature.
    fn temper(&self, decoders: &[&Decoder], predictions: &mut [Prediction]) {
        for (row, logs, prediction) in self.answered(predictions) {
            // What is drawn again is no change, and how likely it is decides nothing.
            let is_other = prediction.drawn.token != row.target;
            if is_other && decoders[row.sequence as usize].tempers() {
                let log = tempered(logs, prediction.drawn.token.0 as usize, row.temperature.into());
                prediction.tempered_log_probability = Some(log as f32);
            }
        }
    }

    /// Adds how far the distributions have moved since the call before.
    fn compare(&self, before: &Self, decoders: &[&Decoder], predictions: &mut [Prediction]) {
        for (row, logs, prediction) in self.answered(predictions) {
            if decoders[row.sequence as usize].drifts(row.slot) {
                prediction.drift_nats = before.of_row(row).map(|before| drift_nats(logs, before) as f32);
            }
        }
    }

    /// The distribution of the slot that a row is about, among the same tokens. `// (vocabulary)`
    fn of_row(&self, row: &Row) -> Option<&[f32]> {
        let place = |row: &Row| (row.sequence, row.slot);
        let index = self.query.rows.binary_search_by_key(&place(row), place).ok()?;
        let is_alike = self.query.rows[index].first_token == row.first_token;
        self.logs.get(index * self.vocabulary..(index + 1) * self.vocabulary).filter(|_| is_alike)
    }

    /// Whether another query about these rows would find what this call has found.
    fn answers(&self, other: &Query) -> bool {
        let own = &self.query;
        let is_shown = |sequence: u32| {
            let slots = |query: &Query| {
                let begin = sequence as usize * query.length;
                query.tokens.get(begin..begin + query.length).map(<[_]>::to_vec)
            };
            let mixtures = |query: &Query| -> Vec<Mixture> {
                query.mixtures.iter().filter(|mixture| mixture.sequence == sequence).copied().collect()
            };
            let time = |query: &Query| query.times.get(sequence as usize).copied();
            slots(own) == slots(other) && time(own) == time(other) && mixtures(own) == mixtures(other)
        };
        let mut sequences = other.rows.chunk_by(|a, b| a.sequence == b.sequence);
        sequences.all(|rows| is_shown(rows[0].sequence))
            && other.rows.iter().all(|row| self.of_row(row).is_some())
    }
}

/// KL(now ‖ before) in nats. `// (vocabulary), (vocabulary)`
fn drift_nats(now: &[f32], before: &[f32]) -> f64 {
    let least = LEAST_PROBABILITY.ln();
    let term = |(&now, &before): (&f32, &f32)| match f64::from(now) {
        f64::NEG_INFINITY => 0.0,
        log => log.exp() * (log - f64::from(before).max(least)),
    };
    now.iter().zip(before).map(term).sum()
}

/// Log-probability of a token at a temperature above 0. `// logs: (vocabulary)`
fn tempered(logs: &[f32], token: usize, temperature: f64) -> f64 {
    let own = f64::from(logs[token]);
    let weight = |&log: &f32| ((f64::from(log) - own) / temperature).exp();
    let others: f64 = logs[..token].iter().chain(&logs[token + 1..]).map(weight).sum();
    // No draw is less likely than a float can say.
    -others.min(f64::MAX).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::near;

    fn logs(p: &[f64]) -> Vec<f32> {
        p.iter().map(|p| p.ln() as f32).collect()
    }

    #[test]
    fn the_drift_of_three_words_by_hand() {
        let (now, before) = (logs(&[0.0, 0.7, 0.2, 0.1]), logs(&[0.0, 0.6, 0.1, 0.3]));
        let expected = 0.7 * (0.7_f64 / 0.6).ln() + 0.2 * 2.0_f64.ln() + 0.1 * (0.1_f64 / 0.3).ln();
        assert!(near(drift_nats(&now, &before), expected, 1e-6));
        assert_eq!(drift_nats(&now, &now), 0.0);
        // What was impossible counts as 10⁻¹², so that a complete change of mind is a large number and no infinity.
        let other = drift_nats(&logs(&[0.0, 1.0, 0.0]), &logs(&[0.0, 0.0, 1.0]));
        assert!(near(other, 12.0 * 10.0_f64.ln(), 1e-9), "{other}");
    }

    #[test]
    fn a_log_probability_at_a_temperature_by_hand() {
        let three = logs(&[0.0, 0.7, 0.2, 0.1]);
        for (temperature, power) in [(1.0, 1), (0.5, 2), (0.1, 10)] {
            let weight = |p: f64| p.powi(power);
            let expected = (weight(0.2) / (weight(0.7) + weight(0.2) + weight(0.1))).ln();
            assert!(near(tempered(&three, 2, temperature), expected, 1e-5), "{temperature}");
        }
        // Two that are 1 to any float are still told apart.
        let [surer, sure] = [1e-9, 1e-8].map(|rest| tempered(&logs(&[1.0 - rest, rest]), 0, 0.5));
        assert!(near(surer / -1e-18, 1.0, 1e-3) && near(sure / -1e-16, 1.0, 1e-3), "{surer} {sure}");
        assert!(tempered(&logs(&[1.0, 1e-30]), 1, 1e-30).is_finite());
    }
}
