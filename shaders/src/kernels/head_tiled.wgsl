// Logits of 32 rows x 64 tokens at a time in workgroup memory, and their statistics; the 64 tokens are 32 of each
// of two stripes. Thread (i, j) of 8 x 8 computes tokens 4i..4i+3 of both stripes for rows 4j..4j+3; then
// thread t reads the logits of row t % 32 in stripe t / 32.

const WEIGHTS = 4;

struct Params {
    rows: u32,
    vocabulary: u32,
    inner: u32,
    length: u32,
    stripe: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Row>; // (rows)
@group(0) @binding(2) var<storage, read> normed: array<vec4<f32>>; // (rows, inner)
@group(0) @binding(3) var<storage, read> thresholds: array<f32>; // (rows)
@group(0) @binding(AFTER_WEIGHTS) var<storage, read_write> partials: array<Partial>; // (rows, vocabulary / stripe)

var<workgroup> x_tile: array<vec4<f32>, 128>; // (16 inputs, 32 rows)
var<workgroup> w_tile: array<vec4<f32>, 256>; // (16 inputs, 64 tokens)
var<workgroup> logits: array<vec4<f32>, 512>; // (64 tokens, 32 rows)

@compute @workgroup_size(8, 8)
fn head_tiled(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let quads = params.inner / 4u;
    // While loading, a thread is in charge of four inputs of four tokens, the first 32 also of four rows.
    let input = thread / 16u;
    let four = thread % 16u;
    let load_row = vec4<u32>(group.x * 32u + (thread % 8u) * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let x_at = min(load_row, vec4<u32>(params.rows - 1u)) * quads + thread / 8u;
    let load_token = (2u * group.y + four / 8u) * params.stripe + (four % 8u) * 4u;

    // While observing, of one row and one stripe.
    let r = min(group.x * 32u + thread % 32u, params.rows - 1u);
    let stripe = 2u * group.y + thread / 32u;
    let row = rows[r];
    let slot = row.position % params.length;
    let threshold = select(LOWEST, thresholds[r], is_truncated(row));
    var partial = empty_partial();

    for (var start = 0u; start < params.stripe; start += 32u) {
        let tokens = vec4<u32>(load_token + start) + vec4<u32>(0u, 1u, 2u, 3u);
        let w_at = min(tokens, vec4<u32>(params.vocabulary - 1u)) * quads + input;
        // Column t of a quarter holds the logits of one token for the thread's four rows.
        var c0 = mat4x4<f32>();
        var c1 = mat4x4<f32>();
        for (var k = 0u; k < quads; k += 4u) {
            let b = transpose(mat4x4<f32>(
                weight4(w_at.x + k), weight4(w_at.y + k), weight4(w_at.z + k), weight4(w_at.w + k)));
            workgroupBarrier();
            if (thread < 32u) {
                let a = transpose(mat4x4<f32>(
                    normed[x_at.x + k], normed[x_at.y + k], normed[x_at.z + k], normed[x_at.w + k]));
                let at = (thread / 8u) * 32u + thread % 8u;
                x_tile[at] = a[0];
                x_tile[at + 8u] = a[1];
                x_tile[at + 16u] = a[2];
                x_tile[at + 24u] = a[3];
            }
            w_tile[input * 64u + four] = b[0];
            w_tile[input * 64u + four + 16u] = b[1];
            w_tile[input * 64u + four + 32u] = b[2];
            w_tile[input * 64u + four + 48u] = b[3];
            workgroupBarrier();
            for (var at = 0u; at < 16u; at += 2u) {
                var a = x_tile[at * 8u + local.y];
                c0 += outer(w_tile[at * 16u + local.x], a);
                c1 += outer(w_tile[at * 16u + local.x + 8u], a);
                a = x_tile[at * 8u + local.y + 8u];
                c0 += outer(w_tile[at * 16u + local.x + 16u], a);
                c1 += outer(w_tile[at * 16u + local.x + 24u], a);
            }
        }
        // By hand, since accumulators that a loop indexes would leave the registers.
        let logit_at = local.x * 32u + local.y;
        logits[logit_at] = c0[0];
        logits[logit_at + 8u] = c0[1];
        logits[logit_at + 16u] = c0[2];
        logits[logit_at + 24u] = c0[3];
        logits[logit_at + 256u] = c1[0];
        logits[logit_at + 264u] = c1[1];
        logits[logit_at + 272u] = c1[2];
        logits[logit_at + 280u] = c1[3];
        workgroupBarrier();
        // Beyond the stripe or the vocabulary nothing counts.
        let first = stripe * params.stripe + start;
        let column = (thread / 32u) * 256u + (thread % 32u) / 4u;
        for (var t = 0u; t < 32u; t += 4u) {
            let four_logits = vec4<f32>(
                logits[column + t * 8u][thread % 4u], logits[column + t * 8u + 8u][thread % 4u],
                logits[column + t * 8u + 16u][thread % 4u], logits[column + t * 8u + 24u][thread % 4u]);
            observe(&partial, row, slot, threshold, first + t, params.vocabulary, four_logits);
        }
    }

    let stripes = (params.vocabulary + params.stripe - 1u) / params.stripe;
    if (group.x * 32u + thread % 32u < params.rows && stripe < stripes) {
        partials[r * stripes + stripe] = partial;
    }
}

// Column i of the result is a[i] * b.
fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}
