// output = softmax(q . k^T / sqrt(head_dim)) v within each sequence; one thread per row and head.

override HEAD_DIM: u32 = 64u;

struct Params {
    rows: u32,
    length: u32,
    heads: u32,
    causal: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4<f32>>; // (rows, 3 * heads * head_dim)
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>; // (rows, heads * head_dim)

const LOWEST = -1.0e30; // stands for minus infinity

@compute @workgroup_size(64)
fn attention(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    let quads = HEAD_DIM / 4u;
    let width = params.heads * quads; // of queries, of keys, and of values
    let query = row * 3u * width + id.y * quads;
    let first = row - row % params.length;
    let end = select(first + params.length, row + 1u, params.causal == 1u);
    let scale = inverseSqrt(f32(HEAD_DIM));

    var mixed: array<vec4<f32>, 32>; // the values so far, weighted by exp(score - best)
    var best = LOWEST;
    var sum = 0.0;
    for (var key = first; key < end; key += 8u) {
        // Where the next eight keys begin; behind the end, the last one stands in.
        let low = vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u);
        let high = low + vec4<u32>(4u);
        let k0 = min(low, vec4<u32>(end - 1u)) * (3u * width) + width + id.y * quads;
        let k1 = min(high, vec4<u32>(end - 1u)) * (3u * width) + width + id.y * quads;
        var s0 = vec4<f32>();
        var s1 = vec4<f32>();
        for (var j = 0u; j < quads; j++) {
            let q = qkv[query + j];
            s0 += q * mat4x4<f32>(qkv[k0.x + j], qkv[k0.y + j], qkv[k0.z + j], qkv[k0.w + j]);
            s1 += q * mat4x4<f32>(qkv[k1.x + j], qkv[k1.y + j], qkv[k1.z + j], qkv[k1.w + j]);
        }
        s0 = select(vec4<f32>(LOWEST), s0 * scale, low < vec4<u32>(end));
        s1 = select(vec4<f32>(LOWEST), s1 * scale, high < vec4<u32>(end));

        let most = max(s0, s1);
        let new_best = max(best, max(max(most.x, most.y), max(most.z, most.w)));
        let keep = exp(best - new_best);
        let p0 = exp(s0 - new_best);
        let p1 = exp(s1 - new_best);
        best = new_best;
        sum = sum * keep + dot(p0 + p1, vec4<f32>(1.0));
        let v0 = k0 + width;
        let v1 = k1 + width;
        for (var j = 0u; j < quads; j++) {
            mixed[j] = mixed[j] * keep
                + mat4x4<f32>(qkv[v0.x + j], qkv[v0.y + j], qkv[v0.z + j], qkv[v0.w + j]) * p0
                + mat4x4<f32>(qkv[v1.x + j], qkv[v1.y + j], qkv[v1.z + j], qkv[v1.w + j]) * p1;
        }
    }
    for (var j = 0u; j < quads; j++) {
        output[row * width + id.y * quads + j] = mixed[j] / sum;
    }
}
