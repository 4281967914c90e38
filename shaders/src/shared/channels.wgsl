// Weights of four channels as matrices, for the direct kernels.

// Four neighbours from `first` on, none beyond `count`.
fn clamp4(first: u32, count: u32) -> vec4<u32> {
    return min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(count - 1u));
}

// Inputs 8k..8k+7 of four channels, an input to a column.
struct Channels {
    low: mat4x4<f32>,
    high: mat4x4<f32>,
}

fn channels(n: vec4<u32>, k: u32) -> Channels {
    let octet = n * (params.inner / 8u) + k;
    let block = n * (params.inner / 32u) + k / 4u;
    let a = code8(octet.x) * block_scale(block.x);
    let b = code8(octet.y) * block_scale(block.y);
    let c = code8(octet.z) * block_scale(block.z);
    let d = code8(octet.w) * block_scale(block.w);
    return Channels(
        transpose(mat4x4<f32>(a[0], b[0], c[0], d[0])),
        transpose(mat4x4<f32>(a[1], b[1], c[1], d[1])));
}
