//! Between the decoder's words and the device's: queries are checked and encoded, summaries decoded.

use diffusion::{Candidate, Prediction, Query, TokenId};
use model_loader::ModelConfig;
use shaders::records::{Row, Summary};

use crate::error::Error;

/// Most slots and most rows of one call: what WebGPU guarantees as `maxComputeWorkgroupsPerDimension`, since some
/// kernels take a workgroup for each.
const LARGEST_CALL: usize = 65_535;

/// Checks a query against the model and gives back its number of sequences.
///
/// # Errors
/// [`Error::Query`] with what was found and what was expected.
pub(crate) fn check(config: &ModelConfig, query: &Query) -> Result<usize, Error> {
    let wrong =
        |quantity: String, found: String, expected: String| Err(Error::Query { quantity, found, expected });
    let (length, tokens) = (query.length, query.tokens.len());
    if length == 0 || length > config.context_length {
        return wrong("length".into(), length.to_string(), format!("1 to {}", config.context_length));
    }
    if tokens == 0 || !tokens.is_multiple_of(length) {
        return wrong("number of tokens".into(), tokens.to_string(), format!("a multiple of {length}"));
    }
    for (quantity, found) in [("number of tokens", tokens), ("number of rows", query.rows.len())] {
        if found > LARGEST_CALL {
            return wrong(quantity.into(), found.to_string(), format!("up to {LARGEST_CALL}"));
        }
    }
    let vocabulary = config.vocab_size;
    if let Some((index, token)) =
        query.tokens.iter().enumerate().find(|(_, token)| token.0 as usize >= vocabulary)
    {
        return wrong(format!("token {index}"), token.0.to_string(), format!("0 to {}", vocabulary - 1));
    }
    let batch = tokens / length;
    if !query.mixtures.is_empty() {
        return wrong("number of mixtures".into(), query.mixtures.len().to_string(), "0".into());
    }
    for (index, row) in query.rows.iter().enumerate() {
        if let Some((quantity, found, expected)) = fault(row, batch, length, vocabulary) {
            return wrong(format!("{quantity} of row {index}"), found, expected);
        }
    }
    Ok(batch)
}

/// What is wrong with one row, if anything. Comparisons are written so that NaN is wrong.
fn fault(
    row: &diffusion::Row,
    batch: usize,
    length: usize,
    vocabulary: usize,
) -> Option<(&'static str, String, String)> {
    let below = |quantity, found: u32, bound: usize| {
        (found as usize >= bound).then(|| (quantity, found.to_string(), format!("0 to {}", bound - 1)))
    };
    let holds = |holds: bool, quantity, found: f32, expected: &str| {
        (!holds).then(|| (quantity, found.to_string(), expected.to_owned()))
    };
    let warm = row.temperature >= 0.0 && row.temperature.is_finite();
    below("sequence", row.sequence, batch)
        .or_else(|| below("slot", row.slot, length))
        .or_else(|| below("first token", row.first_token, vocabulary))
        .or_else(|| below("target", row.target.0, vocabulary))
        .or_else(|| holds(warm, "temperature", row.temperature, "0 or a positive number"))
        .or_else(|| holds(row.top_p > 0.0 && row.top_p <= 1.0, "top-p", row.top_p, "above 0 and up to 1"))
}

/// The words of the token buffer. `// (batch, length)`
pub(crate) fn tokens(query: &Query) -> Vec<u32> {
    query.tokens.iter().map(|token| token.0).collect()
}

/// The rows as records.
pub(crate) fn rows(query: &Query) -> Vec<Row> {
    let record = |row: &diffusion::Row| Row {
        position: row.sequence * query.length as u32 + row.slot,
        seed: row.seed,
        call: row.call,
        target: row.target.0,
        temperature: row.temperature,
        top_k: row.top_k,
        top_p: row.top_p,
        first_token: row.first_token,
    };
    query.rows.iter().map(record).collect()
}

/// What the summaries' words mean. `// (rows, 16)`
pub(crate) fn predictions(words: &[u32]) -> Vec<Prediction> {
    bytemuck::cast_slice(words).iter().map(prediction).collect()
}

fn prediction(summary: &Summary) -> Prediction {
    let candidate = |token, log_probability| Candidate { token: TokenId(token), log_probability };
    Prediction {
        drawn: candidate(summary.drawn, summary.drawn_log_probability),
        entropy_nats: summary.entropy_nats,
        log_sum_exp: summary.log_sum_exp,
        target_log_probability: summary.target_log_probability,
        top: std::array::from_fn(|i| candidate(summary.top_tokens[i], summary.top_log_probabilities[i])),
    }
}
