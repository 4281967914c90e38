//! The run as a picture that stands alone: the slots at the cursor, the film strip, and a line that says what they are. SVG, so that
//! it stays sharp in print; the page draws the same text on a canvas for those who need PNG.

use std::fmt::Write;

use model_loader::Tokenizer;
use model_loader::tokenizer::END;

use crate::draw::heatmap::Heatmap;
use crate::draw::palette::{PageColours, Rgb, StateColours, Theme, page_colours, ramp, state_colours};
use crate::draw::slots::{Scale, film, share};
use crate::settings::ColourBy;
use crate::view::{Cell, Mark};

/// Width of the picture, in its own units; so are all lengths below.
pub const WIDTH: usize = 960;
const MARGIN: usize = 32;
const SLOTS_SIDE_BY_SIDE: usize = 8;
const SLOT_HEIGHT: usize = 38;
/// So that the slots, of whole widths, fill the picture.
const GAP: usize = 8;
const FILM_HEIGHT: usize = 160;
/// Between two parts of the picture.
const SPACE: usize = 26;
/// Words with more letters are set smaller.
const LONG_WORD: usize = 9;

/// What is drawn.
pub struct Figure<'a> {
    /// All cells of the run. `// (steps + 1, positions)`
    pub columns: &'a [Vec<Cell>],
    /// The column whose slots are shown.
    pub cursor: usize,
    /// Words of the tokens.
    pub words: Option<&'a Tokenizer>,
    /// What colour says.
    pub by: ColourBy,
    /// What full colour means.
    pub scale: Scale,
    /// Light or dark.
    pub theme: Theme,
    /// What it is a picture of.
    pub caption: &'a str,
}

/// A picture under way.
struct Pen {
    svg: String,
    page: PageColours,
    states: StateColours,
}

/// The text of an SVG file, and its height.
pub fn svg(figure: &Figure) -> (String, usize) {
    let cells = figure.columns.get(figure.cursor).map_or(&[][..], Vec::as_slice);
    let rows = cells.len().div_ceil(SLOTS_SIDE_BY_SIDE);
    let film_top = MARGIN + rows * (SLOT_HEIGHT + GAP) + SPACE - GAP;
    let height = film_top + FILM_HEIGHT + SPACE + 22 + MARGIN;
    let (page, states) = (page_colours(figure.theme), state_colours(figure.theme));
    let mut pen = Pen { svg: String::new(), page, states };
    pen.put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" font-family=\"Charter, Cambria, Georgia, serif\">\n<title>{}</title>\n",
        escape(figure.caption),
    ));
    pen.rectangle((0, 0, WIDTH, height), page.paper, "");
    for (index, cell) in cells.iter().enumerate() {
        pen.slot(index, cell, figure);
    }
    let image = film(figure.columns, figure.by, figure.scale, figure.theme);
    pen.film(film_top, &image, figure.cursor);
    let axis = film_top + FILM_HEIGHT + 18;
    pen.label((MARGIN, axis), "start", "start");
    pen.label((WIDTH / 2, axis), "middle", "one row per slot, one column per call");
    pen.label((WIDTH - MARGIN, axis), "end", &format!("call {}", figure.scale.calls));
    pen.label((MARGIN, height - MARGIN + 8), "start", figure.caption);
    pen.svg.push_str("</svg>\n");
    (pen.svg, height)
}

impl Pen {
    fn put(&mut self, text: std::fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = self.svg.write_fmt(text);
    }

    /// Left, top, width, height; `more` are further attributes.
    fn rectangle(&mut self, (x, y, width, height): (usize, usize, usize, usize), fill: Rgb, more: &str) {
        let fill = fill.css();
        self.put(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"{more}/>\n"
        ));
    }

    fn label(&mut self, (x, y): (usize, usize), anchor: &str, text: &str) {
        let (ink, text) = (self.page.muted.css(), escape(text));
        self.put(format_args!(
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"14\" fill=\"{ink}\">{text}</text>\n"
        ));
    }

    fn slot(&mut self, index: usize, cell: &Cell, figure: &Figure) {
        let width = (WIDTH - 2 * MARGIN - (SLOTS_SIDE_BY_SIDE - 1) * GAP) / SLOTS_SIDE_BY_SIDE;
        let x = MARGIN + index % SLOTS_SIDE_BY_SIDE * (width + GAP);
        let y = MARGIN + index / SLOTS_SIDE_BY_SIDE * (SLOT_HEIGHT + GAP);
        let (fill, ring) = self.look(cell.mark);
        let scaled = share(cell, figure.by, figure.scale).map(ramp);
        let (fill, ink) = scaled.map_or((fill, self.page.ink), |fill| (fill, fill.ink()));
        let ring = match (cell.mark, scaled) {
            // On a scale of colours, the ring has none of its own.
            (Mark::Fresh, Some(_)) => self.page.ink,
            _ => ring,
        };
        let dashes = if cell.mark == Mark::Noisy { " stroke-dasharray=\"5 3\"" } else { "" };
        let stroke = if cell.mark == Mark::Fresh { "2.5" } else { "1.5" };
        let more = format!(" rx=\"7\" stroke=\"{}\" stroke-width=\"{stroke}\"{dashes}", ring.css());
        self.rectangle((x, y, width, SLOT_HEIGHT), fill, &more);
        if cell.mark == Mark::Given {
            self.rectangle((x + 5, y + SLOT_HEIGHT - 4, width - 10, 3), self.states.given, " rx=\"1.5\"");
        }
        let text = word(cell, figure.words);
        // The end of the text is no word of it.
        let is_end = cell.token.0 == END;
        let size = if is_end || text.chars().count() > LONG_WORD { 13 } else { 17 };
        let weight = if cell.mark == Mark::Given && !is_end { "600" } else { "400" };
        let ink = if is_end && scaled.is_none() { self.page.muted } else { ink };
        let (ink, middle, base) = (ink.css(), x + width / 2, y + SLOT_HEIGHT / 2 + size / 3);
        self.put(format_args!(
            "<text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\" font-size=\"{size}\" font-weight=\"{weight}\" \
             fill=\"{ink}\">{}</text>\n",
            escape(&text),
        ));
    }

    /// Fill and ring of a slot whose colour says its state.
    fn look(&self, mark: Mark) -> (Rgb, Rgb) {
        match mark {
            Mark::Masked => (self.states.masked, self.states.masked),
            Mark::Given => (self.page.given_soft, self.page.given_soft),
            Mark::Fresh => (self.page.fresh_soft, self.states.fresh),
            Mark::Committed => (self.page.surface, self.page.line),
            Mark::Noisy => (self.page.surface, self.states.noisy),
        }
    }

    /// The film strip; equal neighbours in a row become one rectangle, which makes the file ten times smaller.
    fn film(&mut self, top: usize, image: &Heatmap, cursor: usize) {
        if image.columns == 0 || image.rows == 0 {
            return;
        }
        let inner = (WIDTH - 2 * MARGIN) as f64;
        let (cell, row) = (inner / image.columns as f64, FILM_HEIGHT as f64 / image.rows as f64);
        let at = |column: usize| MARGIN as f64 + column as f64 * cell;
        self.put(format_args!("<g shape-rendering=\"crispEdges\">\n"));
        for (index, pixels) in image.rgba.chunks(image.columns * 4).enumerate() {
            let y = top as f64 + index as f64 * row;
            let mut first = 0;
            for run in pixels.chunks(4).collect::<Vec<_>>().chunk_by(|a, b| a == b) {
                let (x, width) = (at(first), cell * run.len() as f64);
                let fill = Rgb(run[0][0], run[0][1], run[0][2]).css();
                self.put(format_args!(
                    "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{row:.2}\" fill=\"{fill}\"/>\n"
                ));
                first += run.len();
            }
        }
        let (x, ink) = (at(cursor), self.page.ink.css());
        self.put(format_args!(
            "</g>\n<rect x=\"{x:.2}\" y=\"{top}\" width=\"{cell:.2}\" height=\"{FILM_HEIGHT}\" rx=\"3\" fill=\"none\" \
             stroke=\"{ink}\" stroke-width=\"2\"/>\n"
        ));
    }
}

fn word(cell: &Cell, words: Option<&Tokenizer>) -> String {
    match cell.mark {
        Mark::Masked => String::new(),
        _ if cell.token.0 == END => "end".into(),
        _ => words.and_then(|words| words.word(cell.token.0)).unwrap_or("?").trim().to_owned(),
    }
}

/// Text as XML holds it. Control characters, which a byte pair may be, are no XML at all.
fn escape(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control()).collect::<String>();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::start::tests::tokenizer;
    use crate::view::columns;
    use crate::view::tests::trajectory;

    fn draw(by: ColourBy, theme: Theme, cursor: usize) -> String {
        let words = tokenizer();
        let (scale, columns) = (Scale { most_nats: 8.0, calls: 3, revisions: 0 }, columns(&trajectory()));
        let figure =
            Figure { columns: &columns, cursor, words: Some(&words), by, scale, theme, caption: "a < b & c" };
        svg(&figure).0
    }

    #[test]
    fn every_slot_and_every_word_is_drawn() {
        let picture = draw(ColourBy::State, Theme::Light, 1);
        assert_eq!(picture.matches("rx=\"7\"").count(), 4);
        assert!(picture.contains(">mat</text>") && picture.contains("a &lt; b &amp; c"), "{picture}");
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert_eq!(picture.matches('<').count(), picture.matches('>').count());
    }

    #[test]
    fn equal_neighbours_of_the_film_are_one_rectangle() {
        let picture = draw(ColourBy::State, Theme::Light, 0);
        let film = picture.split("crispEdges").nth(1).and_then(|rest| rest.split("</g>").next());
        // Slot 0: masked, fresh, committed; slot 1: given; slot 2: masked, fresh, committed; slot 3: masked, fresh.
        assert_eq!(film.map(|film| film.matches("<rect").count()), Some(3 + 1 + 3 + 2), "{picture}");
    }

    #[test]
    fn theme_colour_and_cursor_change_the_picture() {
        let usual = draw(ColourBy::State, Theme::Light, 1);
        for other in [
            draw(ColourBy::Entropy, Theme::Light, 1),
            draw(ColourBy::State, Theme::Dark, 1),
            draw(ColourBy::State, Theme::Light, 2),
        ] {
            assert_ne!(other, usual);
        }
    }

    #[test]
    fn what_is_no_xml_is_left_out() {
        assert_eq!(escape("a\u{0}\n&\u{7f}<b>"), "a&amp;&lt;b&gt;");
    }
}
