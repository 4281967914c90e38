// A weight matrix (N, K) in signed bytes, 32 inputs to a scale. Offers what weights_q4.wgsl says.

const AFTER_WEIGHTS = WEIGHTS + 2;

@group(0) @binding(WEIGHTS) var<storage, read> weights: array<u32>; // (N, K/4) four bytes to a word
@group(0) @binding(WEIGHTS + 1) var<storage, read> scales: array<u32>; // (N, K/32) f16, two to a word

fn code4(quad: u32) -> vec4<f32> {
    // Each byte goes to the top of a word, and comes back with its sign.
    let high = vec4<u32>(weights[quad]) << vec4<u32>(24u, 16u, 8u, 0u);
    return vec4<f32>(bitcast<vec4<i32>>(high) >> vec4<u32>(24u));
}

fn code8(octet: u32) -> mat2x4<f32> {
    return mat2x4<f32>(code4(2u * octet), code4(2u * octet + 1u));
}

fn block_scale(block: u32) -> f32 {
    let pair = unpack2x16float(scales[block / 2u]);
    return select(pair.x, pair.y, (block & 1u) == 1u);
}

fn weight4(quad: u32) -> vec4<f32> {
    return code4(quad) * block_scale(quad / 8u);
}
