//! The film strip as an image: rows are positions, columns are steps, one pixel per cell.
//!
//! The browser scales it with `image-rendering: pixelated`; the cost is one byte quadruple per cell.

use super::palette::Rgb;

/// An image in the layout of a canvas `ImageData`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heatmap {
    /// Width in pixels: steps.
    pub columns: usize,
    /// Height in pixels: positions.
    pub rows: usize,
    /// Red, green, blue, opacity. `// (rows, columns, 4)`
    pub rgba: Vec<u8>,
}

/// Paints every cell with `colour(row, column)`.
pub fn heatmap(rows: usize, columns: usize, colour: impl Fn(usize, usize) -> Rgb) -> Heatmap {
    let mut rgba = Vec::with_capacity(rows * columns * 4);
    for row in 0..rows {
        for column in 0..columns {
            let Rgb(red, green, blue) = colour(row, column);
            rgba.extend([red, green, blue, u8::MAX]);
        }
    }
    Heatmap { columns, rows, rgba }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_positions_and_columns_are_steps() {
        let image = heatmap(2, 3, |row, column| Rgb(row as u8, column as u8, 9));
        assert_eq!((image.rows, image.columns), (2, 3));
        assert_eq!(image.rgba.len(), 24);
        let pixel = |row: usize, column: usize| &image.rgba[(row * 3 + column) * 4..][..4];
        assert_eq!(pixel(0, 2), [0, 2, 9, 255]);
        assert_eq!(pixel(1, 0), [1, 0, 9, 255]);
    }

    #[test]
    fn nothing_to_draw_is_an_empty_image() {
        assert!(heatmap(0, 5, |_, _| Rgb(1, 2, 3)).rgba.is_empty());
    }
}
