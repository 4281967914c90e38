// Logits and their statistics without workgroup memory: each thread owns four rows and one stripe of tokens.

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

// The logits of eight rows x eight tokens: rows, then the two halves of the tokens.
var<private> logits: array<vec4<f32>, 16>;

@compute @workgroup_size(4, 8)
fn head_direct(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x * 8u;
    let first = id.y * params.stripe;
    if (row >= params.rows || first >= params.vocabulary) {
        return;
    }
    let end = min(first + params.stripe, params.vocabulary);
    let r0 = clamp4(row, params.rows) * (params.inner / 4u);
    let r1 = clamp4(row + 4u, params.rows) * (params.inner / 4u);
    var partials_here: array<Partial, 8>;
    for (var r = 0u; r < 8u; r++) {
        partials_here[r] = empty_partial();
    }

    for (var token = first; token < end; token += 8u) {
        let w0 = clamp4(token, end);
        let w1 = clamp4(token + 4u, end);
        // Column r of cij: the logits of row 4i + r for tokens 4j..4j+3.
        var c00 = mat4x4<f32>();
        var c01 = mat4x4<f32>();
        var c10 = mat4x4<f32>();
        var c11 = mat4x4<f32>();
        for (var k = 0u; k < params.inner / 8u; k++) {
            let low = 2u * k;
            let high = 2u * k + 1u;
            let b0 = channels(w0, k);
            let b1 = channels(w1, k);
            let x0 = rows4(r0, low);
            let y0 = rows4(r0, high);
            c00 += b0.low * x0 + b0.high * y0;
            c01 += b1.low * x0 + b1.high * y0;
            let x1 = rows4(r1, low);
            let y1 = rows4(r1, high);
            c10 += b0.low * x1 + b0.high * y1;
            c11 += b1.low * x1 + b1.high * y1;
        }
        for (var r = 0u; r < 4u; r++) {
            logits[2u * r] = c00[r];
            logits[2u * r + 1u] = c01[r];
            logits[2u * r + 8u] = c10[r];
            logits[2u * r + 9u] = c11[r];
        }
        for (var r = 0u; r < 8u; r++) {
            let here = min(row + r, params.rows - 1u);
            let asked = rows[here];
            let slot = asked.position % params.length;
            let threshold = select(LOWEST, thresholds[here], is_truncated(asked));
            var partial = partials_here[r];
            observe(&partial, asked, slot, threshold, token, end, logits[2u * r]);
            observe(&partial, asked, slot, threshold, token + 4u, end, logits[2u * r + 1u]);
            partials_here[r] = partial;
        }
    }

    let stripes = (params.vocabulary + params.stripe - 1u) / params.stripe;
    for (var r = 0u; r < min(8u, params.rows - row); r++) {
        partials[(row + r) * stripes + id.y] = partials_here[r];
    }
}

// Inputs 4k..4k+3 of four rows, a row to a column.
fn rows4(at: vec4<u32>, k: u32) -> mat4x4<f32> {
    return mat4x4<f32>(normed[at.x + k], normed[at.y + k], normed[at.z + k], normed[at.w + k]);
}
