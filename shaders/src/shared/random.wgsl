// Counter-based random numbers: the twin of `diffusion::random`.
// The hash is pcg4d of Jarzynski and Olano, Hash Functions for GPU Rendering (JCGT 9(3), 2020).

fn word(seed: u32, call: u32, slot: u32, item: u32) -> u32 {
    var v = vec4<u32>(seed, call, slot, item) * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4<u32>(16u);
    return v.x + v.y * v.w;
}

// A draw from Exponential(1) out of one word, exact near both ends.
fn exponential(word: u32) -> f32 {
    const SCALE = 2.3283064365386963e-10; // 2^-32
    if (word < 0x80000000u) {
        let w = (f32(word) + 0.5) * SCALE;
        if (w < 1e-2) {
            return w * (1.0 + w * (0.5 + w * (1.0 / 3.0 + w * 0.25)));
        }
        return -natural_log(1.0 - w);
    }
    return -natural_log((f32(~word) + 0.5) * SCALE);
}

// ln x for normal x > 0, to about 1e-7. The built-in may be off by 2^-21 below 2, which would show in draws.
fn natural_log(x: f32) -> f32 {
    // x = m 2^e with m between sqrt(1/2) and sqrt(2)
    let bits = bitcast<u32>(x) - 0x3f3504f3u;
    let e = f32(bitcast<i32>(bits) >> 23u);
    let m = bitcast<f32>((bits & 0x7fffffu) + 0x3f3504f3u);
    // ln m = 2 artanh s with s = (m - 1) / (m + 1)
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    return e * 0.69314718 + 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0)))));
}
