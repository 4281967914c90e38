// output = x . weights^T through tiles of 64 rows x 64 columns x 16 inputs; thread (i, j) of 8 x 8 computes
// columns 4i..4i+3 and 32+4i..32+4i+3 of rows 4j..4j+3 and 32+4j..32+4j+3.

const WEIGHTS = 2;

struct Params {
    rows: u32,
    columns: u32,
    inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // (rows, inner)

var<workgroup> x_tile: array<vec4<f32>, 256>; // (16 inputs, 64 rows)
var<workgroup> w_tile: array<vec4<f32>, 256>; // (16 inputs, 64 columns)

@compute @workgroup_size(8, 8)
fn gemm_tiled(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let quads = params.inner / 4u;
    // While loading, a thread is in charge of four inputs of four rows and of four columns.
    let input = thread / 16u;
    let four = thread % 16u;
    let row = vec4<u32>(group.y * 64u + four * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let column = vec4<u32>(group.x * 64u + four * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let x_at = min(row, vec4<u32>(params.rows - 1u)) * quads + input;
    let w_at = min(column, vec4<u32>(params.columns - 1u)) * quads + input;
    let tile_at = input * 64u + four;
    // (rows, columns): the four quarters of the thread's outputs
    var c00 = mat4x4<f32>();
    var c01 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c11 = mat4x4<f32>();

    for (var k = 0u; k < quads; k += 4u) {
        let a = transpose(mat4x4<f32>(x[x_at.x + k], x[x_at.y + k], x[x_at.z + k], x[x_at.w + k]));
        let b = transpose(mat4x4<f32>(
            weight4(w_at.x + k), weight4(w_at.y + k), weight4(w_at.z + k), weight4(w_at.w + k)));
        workgroupBarrier();
        x_tile[tile_at] = a[0];
        x_tile[tile_at + 16u] = a[1];
        x_tile[tile_at + 32u] = a[2];
        x_tile[tile_at + 48u] = a[3];
        w_tile[tile_at] = b[0];
        w_tile[tile_at + 16u] = b[1];
        w_tile[tile_at + 32u] = b[2];
        w_tile[tile_at + 48u] = b[3];
        workgroupBarrier();
        for (var at = 0u; at < 256u; at += 32u) {
            var a0 = x_tile[at + local.y];
            var a1 = x_tile[at + local.y + 8u];
            var b0 = w_tile[at + local.x];
            var b1 = w_tile[at + local.x + 8u];
            c00 += outer(a0, b0);
            c01 += outer(a0, b1);
            c10 += outer(a1, b0);
            c11 += outer(a1, b1);
            a0 = x_tile[at + local.y + 16u];
            a1 = x_tile[at + local.y + 24u];
            b0 = w_tile[at + local.x + 16u];
            b1 = w_tile[at + local.x + 24u];
            c00 += outer(a0, b0);
            c01 += outer(a0, b1);
            c10 += outer(a1, b0);
            c11 += outer(a1, b1);
        }
    }

    let first_row = group.y * 64u + local.y * 4u;
    let first_column = group.x * 64u + local.x * 4u;
    write_quarter(first_row, first_column, c00);
    write_quarter(first_row, first_column + 32u, c01);
    write_quarter(first_row + 32u, first_column, c10);
    write_quarter(first_row + 32u, first_column + 32u, c11);
}

// Row i of the result is a[i] * b.
fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn write_quarter(row: u32, column: u32, product: mat4x4<f32>) {
    write4(row, column, product[0]);
    write4(row + 1u, column, product[1]);
    write4(row + 2u, column, product[2]);
    write4(row + 3u, column, product[3]);
}
