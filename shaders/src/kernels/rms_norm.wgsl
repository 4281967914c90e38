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
fn rms_norm(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quads = params.width / 4u;
    let row = group.x * 4u + thread / 16u;
    let first = min(row, params.rows - 1u) * quads;
    var squares = vec4<f32>();
    for (var k = thread % 16u; k < quads; k += 16u) {
        squares += x[first + k] * x[first + k];
    }
    let sum = row_sum(thread, dot(squares, vec4<f32>(1.0)));
    if (row >= params.rows) {
        return;
    }
    let scale = inverseSqrt(sum / f32(params.width) + params.epsilon);
    for (var k = thread % 16u; k < quads; k += 16u) {
        h[first + k] = x[first + k] * scale * gain[k];
    }
}
