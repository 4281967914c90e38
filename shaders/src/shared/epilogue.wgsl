// What happens to a matrix product before it is stored.

// 0: output = product. 1: output += product. 2: SwiGLU over neighbouring channels (gate, up).
override EPILOGUE: u32 = 0u;

@group(0) @binding(AFTER_WEIGHTS) var<storage, read_write> output: array<f32>; // (rows, columns) or half as wide

// Stores one row of the product at four neighbouring columns, as far as they lie within the output.
fn write4(row: u32, column: u32, product: vec4<f32>) {
    if (row >= params.rows) {
        return;
    }
    if (EPILOGUE == 2u) {
        // Beyond -80 the quotient is as good as zero, and the exponential would overflow.
        let hidden = product.xz / (1.0 + exp(min(-product.xz, vec2<f32>(80.0)))) * product.yw;
        let at = row * (params.columns / 2u) + column / 2u;
        if (column < params.columns) {
            output[at] = hidden.x;
        }
        if (column + 2u < params.columns) {
            output[at + 1u] = hidden.y;
        }
        return;
    }
    let at = row * params.columns + column;
    for (var i = 0u; i < min(4u, max(column, params.columns) - column); i++) {
        output[at + i] = product[i] + select(0.0, output[at + i], EPILOGUE == 1u);
    }
}
