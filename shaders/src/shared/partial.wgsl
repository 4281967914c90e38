// What some tokens say about one row: sums, candidates, and the winner of the race among them.

const LOWEST = -1.0e30; // stands for minus infinity

struct Partial {
    sum: f32, // of exp(x - m), where m = top_logits[0] is the largest logit
    weighted: f32, // of (x - m) exp(x - m)
    key: f32, // smallest race key
    drawn: u32, // whose key that is
    drawn_logit: f32,
    target_logit: f32, // LOWEST if not among these tokens
    top_tokens: array<u32, 5>, // best first, ties by smaller id
    top_logits: array<f32, 5>,
}

fn empty_partial() -> Partial {
    let logits = array<f32, 5>(LOWEST, LOWEST, LOWEST, LOWEST, LOWEST);
    return Partial(0.0, 0.0, -LOWEST, 0u, LOWEST, LOWEST, array<u32, 5>(), logits);
}

// Puts a token among the best five, if it belongs there.
fn insert(partial: ptr<function, Partial>, token: u32, logit: f32) {
    if (logit < (*partial).top_logits[4]) {
        return;
    }
    if (logit == (*partial).top_logits[4] && token >= (*partial).top_tokens[4]) {
        return;
    }
    (*partial).top_logits[4] = logit;
    (*partial).top_tokens[4] = token;
    rise(partial, 4u);
    rise(partial, 3u);
    rise(partial, 2u);
    rise(partial, 1u);
}

// Swaps candidate i with the one before it, if that one is worse.
fn rise(partial: ptr<function, Partial>, i: u32) {
    let token = (*partial).top_tokens[i];
    let logit = (*partial).top_logits[i];
    let other_token = (*partial).top_tokens[i - 1u];
    let other_logit = (*partial).top_logits[i - 1u];
    if (logit > other_logit || (logit == other_logit && token < other_token)) {
        (*partial).top_tokens[i - 1u] = token;
        (*partial).top_logits[i - 1u] = logit;
        (*partial).top_tokens[i] = other_token;
        (*partial).top_logits[i] = other_logit;
    }
}
