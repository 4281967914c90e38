// A weight matrix (N, K) in 4-bit codes, 32 inputs to a scale.
// The kernel declares WEIGHTS, the binding of the codes; AFTER_WEIGHTS is the first binding behind the matrix.
// Every format offers: code4, code8, block_scale, weight4. A quad is four neighbouring inputs of one channel, an
// octet eight, a block 32; all are counted from the start of the matrix.

const AFTER_WEIGHTS = WEIGHTS + 2;

@group(0) @binding(WEIGHTS) var<storage, read> weights: array<u32>; // (N, K/8) eight codes to a word
@group(0) @binding(WEIGHTS + 1) var<storage, read> scales: array<u32>; // (N, K/32) f16, two to a word

// The four weights of a quad, not yet multiplied by their scale.
fn code4(quad: u32) -> vec4<f32> {
    let codes = weights[quad / 2u] >> (16u * (quad & 1u));
    return vec4<f32>((vec4<u32>(codes) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u)) - 8.0;
}

// The eight weights of an octet, not yet multiplied by their scale.
fn code8(octet: u32) -> mat2x4<f32> {
    let codes = vec4<u32>(weights[octet]);
    let low = (codes >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
    let high = (codes >> vec4<u32>(16u, 20u, 24u, 28u)) & vec4<u32>(15u);
    return mat2x4<f32>(vec4<f32>(low) - 8.0, vec4<f32>(high) - 8.0);
}

// The scale of a block.
fn block_scale(block: u32) -> f32 {
    let pair = unpack2x16float(scales[block / 2u]);
    return select(pair.x, pair.y, (block & 1u) == 1u);
}

// The four weights of a quad.
fn weight4(quad: u32) -> vec4<f32> {
    return code4(quad) * block_scale(quad / 8u);
}
