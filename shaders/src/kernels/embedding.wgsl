// x = embedding[tokens] + positions[slot]

const WEIGHTS = 3;

struct Params {
    rows: u32,
    width: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>; // (rows)
@group(0) @binding(2) var<storage, read> positions: array<vec4<f32>>; // (length, width)
@group(0) @binding(AFTER_WEIGHTS) var<storage, read_write> x: array<vec4<f32>>; // (rows, width)

@compute @workgroup_size(64)
fn embedding(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = params.width / 4u;
    if (id.x >= quads) {
        return;
    }
    let position = positions[id.y % params.length * quads + id.x];
    x[id.y * quads + id.x] = weight4(tokens[id.y] * quads + id.x) + position;
}
