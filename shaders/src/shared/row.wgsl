// One position whose distribution is wanted, and how to draw from it.
struct Row {
    position: u32, // sequence * length + slot
    seed: u32,
    call: u32,
    target_token: u32, // its log-probability is wanted too (`target` alone is a reserved word)
    temperature: f32, // 0: the most probable token
    top_k: u32, // 0: no limit
    top_p: f32, // 1: no limit
    first_token: u32, // smaller ids have probability zero
}

// Whether some tokens are kept out of the draw.
fn is_truncated(row: Row) -> bool {
    return row.temperature > 0.0 && (row.top_k > 0u || row.top_p < 1.0);
}
