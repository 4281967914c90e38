// h = x / sqrt(mean(x^2) + epsilon) * gain

struct Params {
    rows: u32,
    width: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // (rows, width)
@group(0) @binding(2) var<storage, read> gain: array<vec4<f32>>; // (width)
@group(0) @binding(3) var<storage, read_write> h: array<vec4<f32>>; // (rows, width)

@compute @workgroup_size(64)
fn rms_norm(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = params.width / 4u;
    let row = id.x / 4u;
    if (row >= params.rows) {
        return;
    }
    let first = row * quads;
    var squares = vec4<f32>();
    for (var k = first; k < first + quads; k++) {
        squares += x[k] * x[k];
    }
    let mean_square = dot(squares, vec4<f32>(1.0)) / f32(params.width);
    let scale = inverseSqrt(mean_square + params.epsilon);
    for (var k = id.x % 4u; k < quads; k += 4u) {
        h[first + k] = x[first + k] * scale * gain[k];
    }
}
