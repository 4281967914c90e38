//! Whole distributions: from the logits of every position to the log-probabilities of the rows asked.

use diffusion::Query;
use model_loader::ModelConfig;

use crate::posterior::rise;

/// ln p of every token for each row: a softmax over the tokens from the row's `first_token` on, as the posterior that a
/// [`FullDenoiser`](diffusion::FullDenoiser) promises. `logits // (batch * length, vocabulary)`; `times` are those told.
/// `// (rows, vocabulary)`
pub(crate) fn of_rows(config: &ModelConfig, query: &Query, times: &[f64], logits: &[f32]) -> Vec<f32> {
    let mut answer = Vec::with_capacity(query.rows.len() * config.vocab_size);
    let mut row_logits = vec![0.0; config.vocab_size];
    for row in &query.rows {
        let position = row.sequence as usize * query.length + row.slot as usize;
        let of_position = &logits[position * config.vocab_size..][..config.vocab_size];
        row_logits.iter_mut().zip(of_position).for_each(|(wide, &logit)| *wide = f64::from(logit));
        let (present, first) = (query.tokens[position], row.first_token as usize);
        let time = times.get(row.sequence as usize).copied().unwrap_or_default();
        row_logits[present.0 as usize] += rise(config, present, time);
        let allowed = &row_logits[first..];
        let largest = allowed.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = largest + allowed.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln();
        answer.extend(std::iter::repeat_n(f32::NEG_INFINITY, first));
        answer.extend(allowed.iter().map(|logit| (logit - log_sum) as f32));
    }
    answer
}
