//! Between the decoder's words and the device's: queries are checked and encoded, summaries decoded.

use diffusion::{Candidate, Prediction, Query, TokenId};
use model_loader::{ModelConfig, Process};
use shaders::records::{Row, Summary};

use crate::condition::told_time;
use crate::error::Error;
use crate::posterior;

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
    let holds_vectors = matches!(config.process, Process::Gaussian { .. });
    if !query.mixtures.is_empty() && !holds_vectors {
        return wrong("number of mixtures".into(), query.mixtures.len().to_string(), "0".into());
    }
    let values = if holds_vectors { tokens * config.embedding_length } else { 0 };
    if query.vectors.len() != values {
        return wrong(
            "number of vectors' values".into(),
            query.vectors.len().to_string(),
            values.to_string(),
        );
    }
    for (index, mixture) in query.mixtures.iter().enumerate() {
        let known = mixture.parts.iter().all(|(token, _)| (token.0 as usize) < vocabulary);
        if mixture.sequence as usize >= batch || mixture.slot as usize >= length || !known {
            let found = format!("sequence {}, slot {}", mixture.sequence, mixture.slot);
            return wrong(format!("mixture {index}"), found, "a slot of the call and tokens".into());
        }
    }
    if config.process.is_timed() && query.times.len() != batch {
        return wrong("number of times".into(), query.times.len().to_string(), batch.to_string());
    }
    for (index, row) in query.rows.iter().enumerate() {
        if let Some((quantity, found, expected)) = unanswerable(config, query, row) {
            return wrong(format!("{quantity} of row {index}"), found, expected);
        }
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

/// What a model of uniform noise cannot be asked: its distribution is made the posterior by way of the present token's
/// probability, which has the place of the target's, and behind the draw.
fn unanswerable(
    config: &ModelConfig,
    query: &Query,
    row: &diffusion::Row,
) -> Option<(&'static str, String, String)> {
    if !matches!(config.process, Process::Uniform | Process::MaskUniform { .. }) {
        return None;
    }
    let position = row.sequence as usize * query.length + row.slot as usize;
    let present = query.tokens.get(position)?;
    if *present != row.target {
        let (found, expected) = (row.target.0.to_string(), format!("the token present, {}", present.0));
        return Some(("target", found, expected));
    }
    let truncates = row.top_k > 0 || row.top_p < 1.0;
    truncates.then(|| ("top-k or top-p", "a limit".to_owned(), "none, with uniform noise".to_owned()))
}

/// The words of the token buffer, shifted right by one where a slot is predicted from those before it.
/// `// (batch, length)`
pub(crate) fn tokens(config: &ModelConfig, query: &Query) -> Vec<u32> {
    let mut tokens: Vec<u32> = query.tokens.iter().map(|token| token.0).collect();
    if config.process == Process::Autoregressive {
        for sequence in tokens.chunks_exact_mut(query.length) {
            sequence.rotate_right(1);
            sequence[0] = diffusion::SpecialTokens::default().mask.0;
        }
    }
    tokens
}

/// The times that the network is told. `// (batch)`
pub(crate) fn told_times(config: &ModelConfig, query: &Query) -> Vec<f64> {
    query.times.iter().map(|&time| told_time(config, time)).collect()
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

/// What the summaries' words mean, as posteriors. `// (rows, 16)`
pub(crate) fn predictions(
    config: &ModelConfig,
    words: &[u32],
    rows: &[Row],
    length: usize,
    times: &[f64],
) -> Vec<Prediction> {
    let posterior = |(summary, row): (&Summary, &Row)| {
        let time = times.get(row.position as usize / length).copied().unwrap_or_default();
        let rise = posterior::rise(config, TokenId(row.target), time);
        posterior::with_rise(&prediction(summary), row, length, rise)
    };
    bytemuck::cast_slice(words).iter().zip(rows).map(posterior).collect()
}

fn prediction(summary: &Summary) -> Prediction {
    let candidate = |token, log_probability| Candidate { token: TokenId(token), log_probability };
    Prediction {
        drawn: candidate(summary.drawn, summary.drawn_log_probability),
        entropy_nats: summary.entropy_nats,
        log_sum_exp: summary.log_sum_exp,
        target_log_probability: summary.target_log_probability,
        top: std::array::from_fn(|i| candidate(summary.top_tokens[i], summary.top_log_probabilities[i])),
        drift_nats: None,
        tempered_log_probability: None,
    }
}
