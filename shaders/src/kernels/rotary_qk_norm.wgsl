// Per head of queries and keys, in place: RMS norm with gain, then rotation by the angle of the slot.

struct Params {
    rows: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<vec4<f32>>; // (length, head_dim) cosines, then sines
@group(0) @binding(2) var<storage, read> query_gain: array<vec4<f32>>; // (head_dim)
@group(0) @binding(3) var<storage, read> key_gain: array<vec4<f32>>; // (head_dim)
@group(0) @binding(4) var<storage, read_write> qkv: array<vec4<f32>>; // (rows, 3 * heads * head_dim)

@compute @workgroup_size(64)
fn rotary_qk_norm(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x / (2u * params.heads);
    let head = id.x % (2u * params.heads); // queries first, then keys
    if (row >= params.rows) {
        return;
    }
    let quads = params.head_dim / 4u;
    let half = quads / 2u;
    let low = (row * 3u * params.heads + head) * quads;
    let high = low + half;
    let turn = (row % params.length) * quads;

    var squares = vec4<f32>();
    for (var j = low; j < low + quads; j++) {
        squares += qkv[j] * qkv[j];
    }
    let mean_square = dot(squares, vec4<f32>(1.0)) / f32(params.head_dim);
    let scale = inverseSqrt(mean_square + params.epsilon);
    let is_query = head < params.heads;
    for (var j = 0u; j < half; j++) {
        let a = qkv[low + j] * scale * select(key_gain[j], query_gain[j], is_query);
        let b = qkv[high + j] * scale * select(key_gain[half + j], query_gain[half + j], is_query);
        let cosine = rotations[turn + j];
        let sine = rotations[turn + half + j];
        qkv[low + j] = a * cosine - b * sine;
        qkv[high + j] = b * cosine + a * sine;
    }
}
