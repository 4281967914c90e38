// output = x . weights^T without workgroup memory: each thread computes 16 rows x 8 columns.

const WEIGHTS = 2;

struct Params {
    rows: u32,
    columns: u32,
    inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // (rows, inner)

@compute @workgroup_size(8, 4)
fn gemm_direct(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * 16u;
    let column = id.x * 8u;
    if (row >= params.rows || column >= params.columns) {
        return;
    }
    // Where four rows of x begin, and which four channels; behind the end, the last one stands in.
    let r0 = clamp4(row, params.rows) * (params.inner / 4u);
    let r1 = clamp4(row + 4u, params.rows) * (params.inner / 4u);
    let r2 = clamp4(row + 8u, params.rows) * (params.inner / 4u);
    let r3 = clamp4(row + 12u, params.rows) * (params.inner / 4u);
    let w0 = clamp4(column, params.columns);
    let w1 = clamp4(column + 4u, params.columns);
    // Column r of cij: the products of row 4i + r with channels 4j..4j+3.
    var c00 = mat4x4<f32>();
    var c01 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c11 = mat4x4<f32>();
    var c20 = mat4x4<f32>();
    var c21 = mat4x4<f32>();
    var c30 = mat4x4<f32>();
    var c31 = mat4x4<f32>();

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
        let x2 = rows4(r2, low);
        let y2 = rows4(r2, high);
        c20 += b0.low * x2 + b0.high * y2;
        c21 += b1.low * x2 + b1.high * y2;
        let x3 = rows4(r3, low);
        let y3 = rows4(r3, high);
        c30 += b0.low * x3 + b0.high * y3;
        c31 += b1.low * x3 + b1.high * y3;
    }

    write_rows(row, column, c00, c01);
    write_rows(row + 4u, column, c10, c11);
    write_rows(row + 8u, column, c20, c21);
    write_rows(row + 12u, column, c30, c31);
}

// Inputs 4k..4k+3 of four rows, a row to a column.
fn rows4(at: vec4<u32>, k: u32) -> mat4x4<f32> {
    return mat4x4<f32>(x[at.x + k], x[at.y + k], x[at.z + k], x[at.w + k]);
}

fn write_rows(row: u32, column: u32, left: mat4x4<f32>, right: mat4x4<f32>) {
    for (var r = 0u; r < 4u; r++) {
        write4(row + r, column, left[r]);
        write4(row + r, column + 4u, right[r]);
    }
}
