// The logit at which the draw of a truncated row ends: a radix search over the bits of the row's logits.
// One workgroup per row.

const WEIGHTS = 3;
const CACHED_FOURS = 768u; // four tokens each; the logits of the rest are computed anew for each digit

struct Params {
    rows: u32,
    vocabulary: u32,
    inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Row>; // (rows)
@group(0) @binding(2) var<storage, read> normed: array<vec4<f32>>; // (rows, inner)
@group(0) @binding(AFTER_WEIGHTS) var<storage, read_write> thresholds: array<f32>; // (rows)

// A search for the largest key at which what has been passed, counted from the top, reaches what is wanted.
struct Search {
    wanted: f32, // what the digits found so far leave to be reached
    found: u32, // those digits, at their places; 0 as long as everything stays
}

var<workgroup> cache: array<vec4<u32>, CACHED_FOURS>; // keys of the first tokens
var<workgroup> counts: array<atomic<u32>, 256>; // tokens with the digit
var<workgroup> coarse: array<atomic<u32>, 256>; // their mass relative to the most probable token, in units of 2^-15
var<workgroup> fine: array<atomic<u32>, 256>; // the rest of it, in units of 2^-30
var<workgroup> largest: atomic<u32>; // key of the most probable token
var<workgroup> largest_below: atomic<u32>; // of those that go
var<workgroup> lowest_kept: atomic<u32>; // complement of the smallest key of those that stay
var<workgroup> by_count: Search;
var<workgroup> by_mass: Search;

@compute @workgroup_size(64)
fn head_threshold(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group.x >= params.rows) {
        return;
    }
    let row = rows[group.x];
    if (!is_truncated(row)) {
        return;
    }
    let fours = (params.vocabulary + 3u) / 4u;
    for (var four = thread; four < fours; four += 64u) {
        let keys = logit_keys(group.x, row.first_token, four);
        atomicMax(&largest, max(max(keys.x, keys.y), max(keys.z, keys.w)));
        if (four < CACHED_FOURS) {
            cache[four] = keys;
        }
    }
    workgroupBarrier();
    let best = key_logit(atomicLoad(&largest));

    for (var place = 32u; place > 0u; place -= 8u) {
        for (var digit = thread; digit < 256u; digit += 64u) {
            atomicStore(&counts[digit], 0u);
            atomicStore(&coarse[digit], 0u);
            atomicStore(&fine[digit], 0u);
        }
        workgroupBarrier();
        for (var four = thread; four < fours; four += 64u) {
            let keys = cached_keys(group.x, row.first_token, four);
            for (var i = 0u; i < 4u; i++) {
                let digit = (keys[i] >> (place - 8u)) & 255u;
                if (row.top_k > 0u && matches(keys[i], by_count.found, place)) {
                    atomicAdd(&counts[digit], 1u);
                }
                if (row.top_p < 1.0 && matches(keys[i], by_mass.found, place)) {
                    let mass = exp((key_logit(keys[i]) - best) / row.temperature) * 32768.0;
                    atomicAdd(&coarse[digit], u32(mass));
                    atomicAdd(&fine[digit], u32(fract(mass) * 32768.0));
                }
            }
        }
        workgroupBarrier();
        if (thread == 0u) {
            if (place == 32u) {
                by_count.wanted = select(HUGE, f32(row.top_k), row.top_k > 0u);
                by_mass.wanted = select(HUGE, row.top_p * total_mass(), row.top_p < 1.0);
            }
            search_count(place - 8u);
            search_mass(place - 8u);
        }
        workgroupBarrier();
    }

    let limit = max(by_count.found, by_mass.found);
    for (var four = thread; four < fours; four += 64u) {
        let keys = cached_keys(group.x, row.first_token, four);
        for (var i = 0u; i < 4u; i++) {
            if (keys[i] < limit) {
                atomicMax(&largest_below, keys[i]);
            } else if (keys[i] > NONE) {
                atomicMax(&lowest_kept, ~keys[i]);
            }
        }
    }
    workgroupBarrier();
    if (thread == 0u) {
        let below = atomicLoad(&largest_below);
        let halfway = 0.5 * (key_logit(~atomicLoad(&lowest_kept)) + key_logit(below));
        thresholds[group.x] = select(halfway, LOWEST, below == NONE);
    }
}

const LOWEST = -1.0e30; // stands for minus infinity
const HUGE = 1.0e30; // more than can be reached
const NONE = 0u; // key of what cannot be predicted, below that of any logit

// Keys of four neighbouring tokens: words in the order of their logits.
fn logit_keys(r: u32, first_token: u32, four: u32) -> vec4<u32> {
    let tokens = vec4<u32>(4u * four) + vec4<u32>(0u, 1u, 2u, 3u);
    let channel = clamp4(4u * four, params.vocabulary);
    let octets = params.inner / 8u;
    var logits = vec4<f32>();
    for (var k = 0u; k < octets; k++) {
        let b = channels(channel, k);
        let at = 2u * (r * octets + k);
        logits += b.low * normed[at] + b.high * normed[at + 1u];
    }
    let bits = bitcast<vec4<u32>>(logits);
    let keys = select(bits | vec4<u32>(0x80000000u), ~bits, bits >= vec4<u32>(0x80000000u));
    let counts = (tokens >= vec4<u32>(first_token)) & (tokens < vec4<u32>(params.vocabulary));
    return select(vec4<u32>(NONE), keys, counts);
}

fn key_logit(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}

fn cached_keys(r: u32, first_token: u32, four: u32) -> vec4<u32> {
    if (four < CACHED_FOURS) {
        return cache[four];
    }
    return logit_keys(r, first_token, four);
}

// Whether the digits above `place` are those found so far.
fn matches(key: u32, found: u32, place: u32) -> bool {
    return key != NONE && (place == 32u || ((key ^ found) >> (place & 31u)) == 0u);
}

fn digit_mass(digit: u32) -> f32 {
    return f32(atomicLoad(&coarse[digit])) + f32(atomicLoad(&fine[digit])) / 32768.0;
}

fn total_mass() -> f32 {
    var total = 0.0;
    for (var digit = 0u; digit < 256u; digit++) {
        total += digit_mass(digit);
    }
    return total;
}

// Finds the next digit: the largest at which the tokens from the top reach what is wanted.
fn search_count(place: u32) {
    for (var i = 0u; i < 256u; i++) {
        let digit = 255u - i;
        let here = f32(atomicLoad(&counts[digit]));
        if (here > 0.0 && here >= by_count.wanted) {
            by_count.found |= digit << place;
            return;
        }
        by_count.wanted -= here;
    }
    by_count.wanted = HUGE;
}

fn search_mass(place: u32) {
    for (var i = 0u; i < 256u; i++) {
        let digit = 255u - i;
        let here = digit_mass(digit);
        if (here > 0.0 && here >= by_mass.wanted) {
            by_mass.found |= digit << place;
            return;
        }
        by_mass.wanted -= here;
    }
    by_mass.wanted = HUGE;
}
