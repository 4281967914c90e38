//! x = embedding[token] + positions[slot].

use super::matrix::PackedMatrix;

/// Writes the activations of all tokens; a row's slot is its number modulo `length`.
/// `// positions (length or more, width), x (tokens, width)`
pub fn embed(tokens: &[u32], matrix: &PackedMatrix, positions: &[f32], length: usize, x: &mut [f32]) {
    let width = matrix.inputs();
    let slots = positions.chunks_exact(width).take(length).cycle();
    for ((&token, position), x) in tokens.iter().zip(slots).zip(x.chunks_exact_mut(width)) {
        matrix.copy_row(token as usize, x);
        for (x, &position) in x.iter_mut().zip(position) {
            *x += position;
        }
    }
}
