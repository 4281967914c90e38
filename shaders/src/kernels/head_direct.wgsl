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

@compute @workgroup_size(8, 8)
fn head_direct(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x * 4u;
    let first = id.y * params.stripe;
    if (row >= params.rows || first >= params.vocabulary) {
        return;
    }
    let end = min(first + params.stripe, params.vocabulary);
    let quads = params.inner / 4u;
    let r = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.rows - 1u));
    let x = r * quads;
    var p0 = empty_partial();
    var p1 = empty_partial();
    var p2 = empty_partial();
    var p3 = empty_partial();

    for (var token = first; token < end; token += 4u) {
        let w = min(vec4<u32>(token) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(end - 1u)) * quads;
        // c0[t] is the logit of token + t in the first row
        var c0 = vec4<f32>();
        var c1 = vec4<f32>();
        var c2 = vec4<f32>();
        var c3 = vec4<f32>();
        for (var block = 0u; block < quads; block += 8u) {
            let b = (w + block) / 8u;
            let scale = vec4<f32>(block_scale(b.x), block_scale(b.y), block_scale(b.z), block_scale(b.w));
            var d0 = vec4<f32>();
            var d1 = vec4<f32>();
            var d2 = vec4<f32>();
            var d3 = vec4<f32>();
            for (var k = block; k < block + 8u; k++) {
                let codes = mat4x4<f32>(code4(w.x + k), code4(w.y + k), code4(w.z + k), code4(w.w + k));
                d0 += normed[x.x + k] * codes;
                d1 += normed[x.y + k] * codes;
                d2 += normed[x.z + k] * codes;
                d3 += normed[x.w + k] * codes;
            }
            c0 += d0 * scale;
            c1 += d1 * scale;
            c2 += d2 * scale;
            c3 += d3 * scale;
        }
        observe4(&p0, r.x, token, end, c0);
        observe4(&p1, r.y, token, end, c1);
        observe4(&p2, r.z, token, end, c2);
        observe4(&p3, r.w, token, end, c3);
    }
    store(row, id.y, p0);
    store(row + 1u, id.y, p1);
    store(row + 2u, id.y, p2);
    store(row + 3u, id.y, p3);
}

// Folds the logits of four tokens, as far as they lie before `end`.
fn observe4(partial: ptr<function, Partial>, r: u32, token: u32, end: u32, logits: vec4<f32>) {
    let row = rows[r];
    let slot = row.position % params.length;
    let threshold = select(LOWEST, thresholds[r], is_truncated(row));
    for (var i = 0u; i < min(4u, end - token); i++) {
        observe(partial, row, slot, threshold, token + i, logits[i]);
    }
}

fn store(row: u32, stripe: u32, partial: Partial) {
    if (row < params.rows) {
        let stripes = (params.vocabulary + params.stripe - 1u) / params.stripe;
        partials[row * stripes + stripe] = partial;
    }
}
