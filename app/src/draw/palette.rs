//! Colours that stay apart for colour-blind eyes, and the ink that stays readable on them.

/// A colour in sRGB, eight bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// Light or dark page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark ink on paper.
    #[default]
    Light,
    /// Light ink on slate.
    Dark,
}

/// Colours of the five states of a slot; `static/styles/tokens.css` holds the same values for the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateColours {
    /// A slot that is still hidden.
    pub masked: Rgb,
    /// A slot that belongs to the prompt or survived the corruption.
    pub given: Rgb,
    /// A slot that was committed in this very step.
    pub fresh: Rgb,
    /// A slot that was committed earlier.
    pub committed: Rgb,
    /// A slot whose word may be noise.
    pub noisy: Rgb,
}

/// Evenly spaced samples of *viridis* (van der Walt and Smith, 2015): lightness grows evenly, and it reads
/// the same with any of the common colour-vision deficiencies, and in grey.
const VIRIDIS: [Rgb; 9] = [
    Rgb(68, 1, 84),
    Rgb(71, 45, 123),
    Rgb(59, 82, 139),
    Rgb(44, 114, 142),
    Rgb(33, 145, 140),
    Rgb(40, 174, 128),
    Rgb(94, 201, 98),
    Rgb(173, 220, 48),
    Rgb(253, 231, 37),
];

impl Rgb {
    /// As CSS writes it: `#rrggbb`.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Relative luminance as WCAG 2.2 defines it, 0 (black) to 1 (white).
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// This colour, moved so far towards another: 0 is this one, 1 the other.
    pub fn towards(self, other: Rgb, share: f32) -> Rgb {
        let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
        Rgb(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// Contrast ratio as WCAG 2.2 defines it, 1 to 21.
    pub fn contrast(self, other: Rgb) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever reads better on this colour; always at least 4.5 to 1.
    pub fn ink(self) -> Rgb {
        const BLACK: Rgb = Rgb(0, 0, 0);
        const WHITE: Rgb = Rgb(255, 255, 255);
        if self.contrast(BLACK) >= self.contrast(WHITE) { BLACK } else { WHITE }
    }
}

/// The sequential scale at `x` in 0..=1, dark to bright; values outside are clamped, NaN counts as 0.
pub fn ramp(x: f32) -> Rgb {
    let last = VIRIDIS.len() - 1;
    let at = if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) } * last as f32;
    let low = (at as usize).min(last - 1);
    VIRIDIS[low].towards(VIRIDIS[low + 1], at - low as f32)
}

/// The colours of the states: grey for what is hidden, Okabe and Ito's blue, orange and purple for the rest.
pub fn state_colours(theme: Theme) -> StateColours {
    match theme {
        Theme::Light => StateColours {
            masked: Rgb(212, 207, 196),
            given: Rgb(79, 131, 168),
            fresh: Rgb(230, 159, 0),
            committed: Rgb(154, 197, 223),
            noisy: Rgb(216, 170, 196),
        },
        Theme::Dark => StateColours {
            masked: Rgb(58, 63, 72),
            given: Rgb(127, 179, 218),
            fresh: Rgb(240, 180, 60),
            committed: Rgb(45, 96, 134),
            noisy: Rgb(118, 72, 102),
        },
    }
}

/// Colours of the page around the slots; `static/styles/tokens.css` holds the same values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageColours {
    /// Behind everything.
    pub paper: Rgb,
    /// Behind a word.
    pub surface: Rgb,
    /// Text.
    pub ink: Rgb,
    /// Text that stands back.
    pub muted: Rgb,
    /// Hairlines.
    pub line: Rgb,
    /// Behind a given word.
    pub given_soft: Rgb,
    /// Behind a word that was just committed.
    pub fresh_soft: Rgb,
}

/// The colours of the page.
pub fn page_colours(theme: Theme) -> PageColours {
    match theme {
        Theme::Light => PageColours {
            paper: Rgb(251, 250, 247),
            surface: Rgb(255, 255, 255),
            ink: Rgb(29, 33, 39),
            muted: Rgb(90, 95, 105),
            line: Rgb(227, 223, 214),
            given_soft: Rgb(229, 239, 246),
            fresh_soft: Rgb(253, 241, 214),
        },
        Theme::Dark => PageColours {
            paper: Rgb(20, 22, 26),
            surface: Rgb(27, 30, 36),
            ink: Rgb(233, 230, 223),
            muted: Rgb(173, 178, 188),
            line: Rgb(44, 48, 56),
            given_soft: Rgb(26, 43, 57),
            fresh_soft: Rgb(59, 47, 20),
        },
    }
}

/// The page behind the film strip, for columns that have not happened yet.
pub fn blank(theme: Theme) -> Rgb {
    match theme {
        Theme::Light => Rgb(241, 238, 231),
        Theme::Dark => Rgb(28, 31, 37),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_readable_on_every_colour_of_the_scale() {
        for i in 0..=100 {
            let colour = ramp(i as f32 / 100.0);
            assert!(colour.contrast(colour.ink()) >= 4.5, "{colour:?}");
        }
    }

    #[test]
    fn the_scale_grows_in_lightness_so_that_it_reads_in_grey() {
        let lightness: Vec<f64> = (0..=64).map(|i| ramp(i as f32 / 64.0).luminance()).collect();
        assert!(lightness.windows(2).all(|pair| pair[0] < pair[1]), "{lightness:?}");
    }

    #[test]
    fn the_scale_clamps_and_survives_nan() {
        assert_eq!(ramp(-3.0), VIRIDIS[0]);
        assert_eq!(ramp(7.0), VIRIDIS[8]);
        assert_eq!(ramp(f32::NAN), VIRIDIS[0]);
        assert_eq!(ramp(0.5), VIRIDIS[4]);
    }

    #[test]
    fn states_differ_in_lightness_and_not_only_in_hue() {
        for theme in [Theme::Light, Theme::Dark] {
            let c = state_colours(theme);
            assert!(c.fresh.contrast(c.given) > 1.07 && c.committed.contrast(c.given) > 1.5, "{theme:?}");
            assert!(c.fresh.contrast(c.masked) > 1.2, "{theme:?}");
        }
    }

    #[test]
    fn the_grid_and_the_film_strip_use_the_same_colours() {
        let sheet = include_str!("../../../static/styles/tokens.css");
        let (light, dark) = sheet.split_once("data-theme=\"dark\"").expect("two themes");
        for (theme, sheet) in [(Theme::Light, light), (Theme::Dark, dark)] {
            let c = state_colours(theme);
            for (name, colour) in [
                ("masked", c.masked),
                ("given", c.given),
                ("fresh", c.fresh),
                ("committed", c.committed),
                ("noisy", c.noisy),
            ] {
                let rule = format!("--state-{name}: {};", colour.css());
                assert!(sheet.contains(&rule), "tokens.css has no {rule} for {theme:?}");
            }
            assert!(sheet.contains(&format!("--sunken: {};", blank(theme).css())), "{theme:?}");
            let page = page_colours(theme);
            for (name, colour) in [
                ("paper", page.paper),
                ("surface", page.surface),
                ("ink", page.ink),
                ("muted", page.muted),
                ("line", page.line),
                ("given-soft", page.given_soft),
                ("fresh-soft", page.fresh_soft),
            ] {
                let rule = format!("--{name}: {};", colour.css());
                assert!(sheet.contains(&rule), "tokens.css has no {rule} for {theme:?}");
            }
        }
    }

    #[test]
    fn contrast_of_black_on_white_is_twenty_one() {
        assert!((Rgb(0, 0, 0).contrast(Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn css_is_hexadecimal() {
        assert_eq!(Rgb(0, 159, 255).css(), "#009fff");
    }
}
