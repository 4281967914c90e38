// Folds logits into a partial, four tokens at a time and with few branches, which cost more than they save.

// Adds four neighbouring tokens from `token` on, as far as they lie before `end`; tokens come in ascending order.
fn observe(partial: ptr<function, Partial>, row: Row, slot: u32, threshold: f32, token: u32, end: u32, all: vec4<f32>) {
    let tokens = vec4<u32>(token) + vec4<u32>(0u, 1u, 2u, 3u);
    let counts = (tokens >= vec4<u32>(row.first_token)) & (tokens < vec4<u32>(end));
    let logits = select(vec4<f32>(LOWEST), all, counts);

    // The sums move to the largest logit so far.
    let before = (*partial).top_logits[0];
    let largest = max(before, highest(logits));
    let shift = before - largest;
    let shifted = select(vec4<f32>(), logits - largest, counts);
    let e = select(vec4<f32>(), exp(shifted), counts);
    (*partial).weighted = exp(shift) * ((*partial).weighted + shift * (*partial).sum) + dot(e, shifted);
    (*partial).sum = exp(shift) * (*partial).sum + dot(e, vec4<f32>(1.0));

    let target_logits = select(vec4<f32>(LOWEST), logits, tokens == vec4<u32>(row.target_token));
    (*partial).target_logit = max((*partial).target_logit, highest(target_logits));

    if (any(logits > vec4<f32>((*partial).top_logits[4]))) {
        insert(partial, tokens.x, logits.x);
        insert(partial, tokens.y, logits.y);
        insert(partial, tokens.z, logits.z);
        insert(partial, tokens.w, logits.w);
    }

    let keys = select(vec4<f32>(-LOWEST), race_keys(row, slot, tokens, logits), counts & (logits >= vec4<f32>(threshold)));
    let key = -highest(-keys);
    if (key < (*partial).key) {
        // The first of equals.
        let is_key = keys == vec4<f32>(key);
        (*partial).key = key;
        (*partial).drawn = select(select(select(tokens.w, tokens.z, is_key.z), tokens.y, is_key.y), tokens.x, is_key.x);
        (*partial).drawn_logit =
            select(select(select(logits.w, logits.z, is_key.z), logits.y, is_key.y), logits.x, is_key.x);
    }
}

// The draw is an exponential race in which token v runs at rate exp(logit / temperature), and the first to arrive
// wins: these are logarithms of arrival times. At temperature 0 the largest logit wins.
fn race_keys(row: Row, slot: u32, tokens: vec4<u32>, logits: vec4<f32>) -> vec4<f32> {
    if (row.temperature == 0.0) {
        return -logits;
    }
    let arrivals = exponentials(words(row.seed, row.call, slot, tokens));
    return natural_log(arrivals) - logits / row.temperature;
}

fn highest(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}
