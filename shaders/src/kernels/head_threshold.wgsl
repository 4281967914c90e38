// The logit at which the draw of a truncated row ends: a radix search over the bits of the row's logits.
// One workgroup per row.

const WEIGHTS = 3;
const CACHED = 3072u; // logits that are kept; the rest is computed anew for each digit

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

var<workgroup> cache: array<u32, CACHED>; // keys of the first tokens
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
    let first = row.first_token + thread;
    for (var token = first; token < params.vocabulary; token += 64u) {
        let key = logit_key(group.x, token);
        atomicMax(&largest, key);
        if (token < CACHED) {
            cache[token] = key;
        }
    }
    workgroupBarrier();
    let best = key_logit(atomicLoad(&largest));

    for (var shift = 32u; shift > 0u; shift -= 8u) {
        for (var digit = thread; digit < 256u; digit += 64u) {
            atomicStore(&counts[digit], 0u);
            atomicStore(&coarse[digit], 0u);
            atomicStore(&fine[digit], 0u);
        }
        workgroupBarrier();
        for (var token = first; token < params.vocabulary; token += 64u) {
            let key = token_key(group.x, token);
            let digit = (key >> (shift - 8u)) & 255u;
            if (matches(key, by_count.found, shift)) {
                atomicAdd(&counts[digit], 1u);
            }
            if (matches(key, by_mass.found, shift)) {
                let mass = exp((key_logit(key) - best) / row.temperature) * 32768.0;
                atomicAdd(&coarse[digit], u32(mass));
                atomicAdd(&fine[digit], u32(fract(mass) * 32768.0));
            }
        }
        workgroupBarrier();
        if (thread == 0u) {
            if (shift == 32u) {
                by_count.wanted = select(HUGE, f32(row.top_k), row.top_k > 0u);
                by_mass.wanted = select(HUGE, row.top_p * total_mass(), row.top_p < 1.0);
            }
            search_count(shift - 8u);
            search_mass(shift - 8u);
        }
        workgroupBarrier();
    }

    let limit = max(by_count.found, by_mass.found);
    for (var token = first; token < params.vocabulary; token += 64u) {
        let key = token_key(group.x, token);
        if (key < limit) {
            atomicMax(&largest_below, key);
        } else {
            atomicMax(&lowest_kept, ~key);
        }
    }
    workgroupBarrier();
    if (thread == 0u) {
        let below = atomicLoad(&largest_below);
        let halfway = 0.5 * (key_logit(~atomicLoad(&lowest_kept)) + key_logit(below));
        thresholds[group.x] = select(halfway, LOWEST, below == 0u);
    }
}

const LOWEST = -1.0e30; // stands for minus infinity
const HUGE = 1.0e30; // more than can be reached

// Words in the order of their floats.
fn logit_key(r: u32, token: u32) -> u32 {
    let quads = params.inner / 4u;
    var logit = 0.0;
    for (var k = 0u; k < quads; k++) {
        logit += dot(normed[r * quads + k], weight4(token * quads + k));
    }
    let bits = bitcast<u32>(logit);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn key_logit(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

fn token_key(r: u32, token: u32) -> u32 {
    if (token < CACHED) {
        return cache[token];
    }
    return logit_key(r, token);
}

// Whether the digits above `shift` are those found so far.
fn matches(key: u32, found: u32, shift: u32) -> bool {
    return shift == 32u || ((key ^ found) >> (shift & 31u)) == 0u;
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
