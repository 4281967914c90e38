// Merges the partials of each row into its summary; one thread per row.

struct Params {
    rows: u32,
    partials: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<Partial>; // (rows, partials)
@group(0) @binding(2) var<storage, read_write> summaries: array<u32>; // (rows, 16) floats as bits

@compute @workgroup_size(64)
fn head_merge(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    let first = row * params.partials;
    let end = first + params.partials;
    var merged = empty_partial();
    for (var p = first; p < end; p++) {
        for (var i = 0u; i < 5u; i++) {
            insert(&merged, partials[p].top_tokens[i], partials[p].top_logits[i]);
        }
        if (partials[p].key < merged.key) {
            merged.key = partials[p].key;
            merged.drawn = partials[p].drawn;
            merged.drawn_logit = partials[p].drawn_logit;
        }
        merged.target_logit = max(merged.target_logit, partials[p].target_logit);
    }
    for (var p = first; p < end; p++) {
        let shift = partials[p].top_logits[0] - merged.top_logits[0];
        let share = exp(shift);
        merged.sum += share * partials[p].sum;
        merged.weighted += share * (partials[p].weighted + shift * partials[p].sum);
    }

    let log_sum = log(merged.sum);
    let log_sum_exp = merged.top_logits[0] + log_sum;
    let at = row * 16u;
    summaries[at] = merged.drawn;
    summaries[at + 1u] = log_probability(merged.drawn_logit, log_sum_exp);
    summaries[at + 2u] = bitcast<u32>(log_sum - merged.weighted / merged.sum);
    summaries[at + 3u] = bitcast<u32>(log_sum_exp);
    summaries[at + 4u] = log_probability(merged.target_logit, log_sum_exp);
    for (var i = 0u; i < 5u; i++) {
        summaries[at + 5u + i] = merged.top_tokens[i];
        summaries[at + 10u + i] = log_probability(merged.top_logits[i], log_sum_exp);
    }
    summaries[at + 15u] = 0u;
}

// Bits of the log-probability; minus infinity, which no expression may yield, is written as bits.
fn log_probability(logit: f32, log_sum_exp: f32) -> u32 {
    return select(bitcast<u32>(logit - log_sum_exp), 0xff800000u, logit <= LOWEST);
}
