//! What colour a slot has, in the grid and in the film strip.

use super::heatmap::{Heatmap, heatmap};
use super::palette::{Rgb, Theme, blank, ramp, state_colours};
use crate::run::RunState;
use crate::settings::ColourBy;
use crate::view::{Cell, Mark};

/// What a full scale means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Largest entropy that the vocabulary allows.
    pub most_nats: f32,
    /// Number of calls of the run.
    pub calls: usize,
    /// How often the word was taken back that was taken back most.
    pub revisions: u32,
}

impl Scale {
    /// Of the run that is shown, and its columns.
    pub fn of(state: &RunState, columns: &[Vec<Cell>]) -> Self {
        let most_nats = state.words.as_ref().map_or(1.0, |words| (words.vocab_size() as f32).ln());
        let last = columns.last().into_iter().flatten();
        let revisions = last.map(|cell| cell.revisions).max().unwrap_or(0);
        Self { most_nats, calls: state.planned, revisions }
    }
}

/// The place of a cell on the sequential scale, 0 to 1; none where colour has nothing to say about it.
pub fn share(cell: &Cell, by: ColourBy, scale: Scale) -> Option<f32> {
    match by {
        ColourBy::State => None,
        ColourBy::Confidence => cell.confidence,
        ColourBy::Entropy => cell.entropy_nats.map(|nats| nats / scale.most_nats),
        ColourBy::CommitTime => cell.call.map(|call| call as f32 / scale.calls.max(1) as f32),
        ColourBy::Revisions => {
            (cell.revisions > 0).then(|| cell.revisions as f32 / scale.revisions.max(1) as f32)
        }
    }
}

/// How far the colour of noise fades in calls that leave a slot's word alone.
const FADED: f32 = 0.55;

/// The film strip: `columns` of cells, and blank columns up to `planned` calls. Noise shows where it changes.
pub fn film(columns: &[Vec<Cell>], by: ColourBy, scale: Scale, theme: Theme) -> Heatmap {
    let rows = columns.first().map_or(0, Vec::len);
    let planned = columns.len().max(scale.calls + 1);
    heatmap(rows, planned, |row, column| {
        let at = |column: usize| columns.get(column).and_then(|cells| cells.get(row));
        let Some(cell) = at(column) else { return blank(theme) };
        let before = column.checked_sub(1).and_then(at);
        let rests = cell.mark == Mark::Noisy && before.is_some_and(|before| before.token == cell.token);
        let flat = || {
            let colour = flat(cell.mark, by, theme);
            if rests { colour.towards(blank(theme), FADED) } else { colour }
        };
        share(cell, by, scale).map_or_else(flat, ramp)
    })
}

/// The colour of a cell without a place on the scale.
fn flat(mark: Mark, by: ColourBy, theme: Theme) -> Rgb {
    let colours = state_colours(theme);
    match (by, mark) {
        (ColourBy::State, Mark::Given) => colours.given,
        (ColourBy::State, Mark::Fresh) => colours.fresh,
        (ColourBy::State, Mark::Committed) => colours.committed,
        (ColourBy::State, Mark::Noisy) => colours.noisy,
        (ColourBy::State, Mark::Masked) | (_, Mark::Masked) => colours.masked,
        _ => blank(theme),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::columns;
    use crate::view::tests::trajectory;

    const SCALE: Scale = Scale { most_nats: 8.0, calls: 5, revisions: 2 };

    fn pixel(image: &Heatmap, row: usize, column: usize) -> Rgb {
        let at = (row * image.columns + column) * 4;
        Rgb(image.rgba[at], image.rgba[at + 1], image.rgba[at + 2])
    }

    #[test]
    fn noise_shows_where_it_changes() {
        let noisy = |token| Cell {
            token: diffusion::TokenId(token),
            mark: Mark::Noisy,
            confidence: None,
            entropy_nats: None,
            call: None,
            revisions: 0,
        };
        let columns = [3, 3, 4].map(|token| vec![noisy(token)]);
        let image = film(&columns, ColourBy::State, Scale { calls: 2, ..SCALE }, Theme::Light);
        let strong = state_colours(Theme::Light).noisy;
        assert_eq!([0, 2].map(|column| pixel(&image, 0, column)), [strong; 2]);
        assert_ne!(pixel(&image, 0, 1), strong);
    }

    #[test]
    fn the_film_shows_states_and_leaves_the_future_blank() {
        let image = film(&columns(&trajectory()), ColourBy::State, SCALE, Theme::Light);
        let colours = state_colours(Theme::Light);
        assert_eq!((image.rows, image.columns), (4, 6));
        assert_eq!(pixel(&image, 0, 0), colours.masked);
        assert_eq!(pixel(&image, 0, 1), colours.fresh);
        assert_eq!(pixel(&image, 0, 2), colours.committed);
        assert_eq!(pixel(&image, 1, 3), colours.given);
        assert_eq!(pixel(&image, 2, 5), blank(Theme::Light));
    }

    #[test]
    fn numbers_take_their_place_on_the_scale() {
        let cells = columns(&trajectory());
        assert_eq!(share(&cells[1][2], ColourBy::Entropy, SCALE), Some(3.0 / 8.0));
        assert_eq!(share(&cells[2][2], ColourBy::CommitTime, SCALE), Some(2.0 / 5.0));
        let taken_back = Cell { revisions: 1, ..cells[2][0] };
        assert_eq!(share(&taken_back, ColourBy::Revisions, SCALE), Some(0.5));
        assert_eq!(share(&cells[2][2], ColourBy::Revisions, SCALE), None, "never taken back");
        assert_eq!(
            share(&cells[2][1], ColourBy::Confidence, SCALE),
            None,
            "nothing is predicted where words are given"
        );
    }
}
