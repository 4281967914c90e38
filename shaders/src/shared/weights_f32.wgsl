// A weight matrix (N, K) of plain floats, which need no scale. Offers what weights_q4.wgsl says.

const AFTER_WEIGHTS = WEIGHTS + 1;

@group(0) @binding(WEIGHTS) var<storage, read> weights: array<vec4<f32>>; // (N, K)

fn code4(quad: u32) -> vec4<f32> {
    return weights[quad];
}

fn code8(octet: u32) -> mat2x4<f32> {
    return mat2x4<f32>(code4(2u * octet), code4(2u * octet + 1u));
}

fn block_scale(block: u32) -> f32 {
    return 1.0;
}

fn weight4(quad: u32) -> vec4<f32> {
    return weights[quad];
}
