// Counter-based random numbers, four items at a time: the twin of `diffusion::random`.
// The hash is pcg4d of Jarzynski and Olano, Hash Functions for GPU Rendering (JCGT 9(3), 2020).

fn words(seed: u32, call: u32, slot: u32, item: vec4<u32>) -> vec4<u32> {
    var x = vec4<u32>(seed * 1664525u + 1013904223u);
    var y = vec4<u32>(call * 1664525u + 1013904223u);
    var z = vec4<u32>(slot * 1664525u + 1013904223u);
    var w = item * 1664525u + 1013904223u;
    x += y * w;
    y += z * x;
    z += x * y;
    w += y * z;
    x ^= x >> vec4<u32>(16u);
    y ^= y >> vec4<u32>(16u);
    w ^= w >> vec4<u32>(16u);
    return x + y * w;
}

// Draws from Exponential(1) out of words, exact near both ends.
fn exponentials(words: vec4<u32>) -> vec4<f32> {
    let low = words < vec4<u32>(0x80000000u);
    let w = (vec4<f32>(select(~words, words, low)) + 0.5) * 2.3283064365386963e-10; // 2^-32
    let series = w * (1.0 + w * (0.5 + w * (1.0 / 3.0 + w * 0.25))); // where 1 - w would round
    let logs = -natural_log(select(w, 1.0 - w, low));
    return select(logs, series, low & (w < vec4<f32>(1e-2)));
}

// ln x for normal x > 0, to a relative 3e-7. The built-in may be off by 2^-21 around 1, which would show in draws.
fn natural_log(x: vec4<f32>) -> vec4<f32> {
    // x = m 2^e with m between sqrt(1/2) and sqrt(2)
    let bits = bitcast<vec4<u32>>(x) - 0x3f3504f3u;
    let e = vec4<f32>(bitcast<vec4<i32>>(bits) >> vec4<u32>(23u));
    let m = bitcast<vec4<f32>>((bits & vec4<u32>(0x7fffffu)) + 0x3f3504f3u);
    // ln m = 2 artanh s with s = (m - 1) / (m + 1)
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    return e * 0.69314718 + 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0)))));
}
