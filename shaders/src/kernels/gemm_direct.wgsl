// output = x . weights^T without workgroup memory: each thread computes 8 rows x 4 columns.

const WEIGHTS = 2;

struct Params {
    rows: u32,
    columns: u32,
    inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // (rows, inner)

@compute @workgroup_size(8, 8)
fn gemm_direct(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * 8u;
    let column = id.x * 4u;
    if (row >= params.rows || column >= params.columns) {
        return;
    }
    let quads = params.inner / 4u;
    let blocks = params.inner / 32u;
    let w = min(vec4<u32>(column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.columns - 1u));
    let last = params.rows - 1u;
    let r0 = row * quads;
    let r1 = min(row + 1u, last) * quads;
    let r2 = min(row + 2u, last) * quads;
    let r3 = min(row + 3u, last) * quads;
    let r4 = min(row + 4u, last) * quads;
    let r5 = min(row + 5u, last) * quads;
    let r6 = min(row + 6u, last) * quads;
    let r7 = min(row + 7u, last) * quads;
    var c0 = vec4<f32>();
    var c1 = vec4<f32>();
    var c2 = vec4<f32>();
    var c3 = vec4<f32>();
    var c4 = vec4<f32>();
    var c5 = vec4<f32>();
    var c6 = vec4<f32>();
    var c7 = vec4<f32>();

    for (var block = 0u; block < blocks; block++) {
        let scale = vec4<f32>(
            block_scale(w.x * blocks + block), block_scale(w.y * blocks + block),
            block_scale(w.z * blocks + block), block_scale(w.w * blocks + block));
        for (var k = block * 8u; k < block * 8u + 8u; k++) {
            // A row vector times this matrix is its dot product with each of the four channels.
            let b = mat4x4<f32>(
                code4(w.x * quads + k) * scale.x, code4(w.y * quads + k) * scale.y,
                code4(w.z * quads + k) * scale.z, code4(w.w * quads + k) * scale.w);
            c0 += x[r0 + k] * b;
            c1 += x[r1 + k] * b;
            c2 += x[r2 + k] * b;
            c3 += x[r3 + k] * b;
            c4 += x[r4 + k] * b;
            c5 += x[r5 + k] * b;
            c6 += x[r6 + k] * b;
            c7 += x[r7 + k] * b;
        }
    }

    write4(row, column, c0);
    write4(row + 1u, column, c1);
    write4(row + 2u, column, c2);
    write4(row + 3u, column, c3);
    write4(row + 4u, column, c4);
    write4(row + 5u, column, c5);
    write4(row + 6u, column, c6);
    write4(row + 7u, column, c7);
}
