// The draw: an exponential race in which token v runs at rate exp(logit / temperature); the first to arrive wins.

// Logarithm of the arrival time; the smallest wins. At temperature 0 the largest logit wins.
fn race_key(row: Row, slot: u32, token: u32, logit: f32) -> f32 {
    if (row.temperature == 0.0) {
        return -logit;
    }
    return natural_log(exponential(word(row.seed, row.call, slot, token))) - logit / row.temperature;
}

// Folds one token of a row into the row's partial. Tokens come in ascending order.
fn observe(partial: ptr<function, Partial>, row: Row, slot: u32, threshold: f32, token: u32, logit: f32) {
    if (token < row.first_token) {
        return;
    }
    include(partial, logit);
    insert(partial, token, logit);
    if (token == row.target_token) {
        (*partial).target_logit = logit;
    }
    if (logit >= threshold) {
        let key = race_key(row, slot, token, logit);
        if (key < (*partial).key) {
            (*partial).key = key;
            (*partial).drawn = token;
            (*partial).drawn_logit = logit;
        }
    }
}
