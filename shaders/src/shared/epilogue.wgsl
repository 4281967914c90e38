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
        write(row, column / 2u, params.columns / 2u, hidden.x);
        write(row, column / 2u + 1u, params.columns / 2u, hidden.y);
    } else {
        write(row, column, params.columns, product.x);
        write(row, column + 1u, params.columns, product.y);
        write(row, column + 2u, params.columns, product.z);
        write(row, column + 3u, params.columns, product.w);
    }
}

fn write(row: u32, column: u32, width: u32, value: f32) {
    if (column < width) {
        let at = row * width + column;
        output[at] = value + select(0.0, output[at], EPILOGUE == 1u);
    }
}
