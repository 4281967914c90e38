// Sums over rows that sixteen threads share: of 64 threads, t belongs to row t / 16.

var<workgroup> parts: array<f32, 64>;

// Call it once, from all threads.
fn row_sum(thread: u32, part: f32) -> f32 {
    parts[thread] = part;
    workgroupBarrier();
    let first = thread & 48u;
    var sum = 0.0;
    for (var i = first; i < first + 16u; i++) {
        sum += parts[i];
    }
    return sum;
}
