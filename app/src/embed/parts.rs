//! The parts of the page that an embed may do without: `hide=prompt,settings` in its address.

use crate::labs::Lab;

/// A part, by its name in an address. `static/styles/embed.css` has a rule for each, and for each single setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name.
    pub name: &'static str,
    /// What authors call it.
    pub says: &'static str,
    /// Whether a new snippet shows it: an article is narrow, and its text says what matters.
    pub shown: bool,
}

/// What the dialog offers to do without in a lab, from the top of the page to its end.
pub fn of(lab: Lab) -> &'static [Part] {
    match lab {
        Lab::Generate => &STAGE,
        Lab::Trap => &TRAP,
        _ => &TRAP[..1],
    }
}

static TRAP: [Part; 3] = [
    part("controls", "Controls", true),
    part("toy", "The two sentences", true),
    part("on-model", "The same on the real model", true),
];

static STAGE: [Part; 12] = [
    part("status", "Status line", true),
    part("colours", "Colour menu", false),
    part("legend", "Legend", true),
    part("film", "Film strip", true),
    part("transport", "Play and step", true),
    part("corruption", "Corruption knob", true),
    part("temperature", "Temperature knob", true),
    part("parallelism", "Parallelism knob", true),
    part("prose", "The text as prose", false),
    part("prompt", "Prompt", true),
    part("settings", "Model, seed and the rest", false),
    part("numbers", "Numbers and inspector", false),
];

/// Names of the parts that a new snippet does without.
pub fn hidden_at_first() -> Vec<&'static str> {
    STAGE.iter().chain(&TRAP).filter(|part| !part.shown).map(|part| part.name).collect()
}

const fn part(name: &'static str, says: &'static str, shown: bool) -> Part {
    Part { name, says, shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_can_be_hidden() {
        let sheet = include_str!("../../../static/styles/embed.css");
        let settings = [
            "model",
            "text",
            "seed",
            "order",
            "rule",
            "schedule",
            "length",
            "top_k",
            "top_p",
            "backend",
            "suppress_end",
        ];
        for name in STAGE.iter().chain(&TRAP).map(|part| part.name).chain(settings) {
            assert!(sheet.contains(&format!("[data-hide~=\"{name}\"]")), "{name}");
        }
    }
}
