//! The parts of the page that an embed may do without: `hide=prompt,settings` in its address.

use crate::labs::Lab;
use crate::texts::say;

/// A part, by its name in an address. `static/styles/embed.css` has a rule for each, and for each single setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name.
    pub name: &'static str,
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

static TRAP: [Part; 3] = [part("controls", true), part("toy", true), part("on-model", true)];

static STAGE: [Part; 14] = [
    part("status", true),
    part("colours", false),
    part("legend", true),
    part("film", true),
    part("transport", true),
    part("corruption", true),
    part("temperature", true),
    part("parallelism", true),
    part("prose", false),
    part("prompt", true),
    part("settings", false),
    part("numbers", false),
    part("gauges", false),
    part("inspector", false),
];

/// Names of the parts that a new snippet does without.
pub fn hidden_at_first() -> Vec<&'static str> {
    STAGE.iter().chain(&TRAP).filter(|part| !part.shown).map(|part| part.name).collect()
}

const fn part(name: &'static str, shown: bool) -> Part {
    Part { name, shown }
}

impl Part {
    /// What authors call it.
    pub fn says(&self) -> &'static str {
        match self.name {
            "controls" => say("embed.part.controls"),
            "toy" => say("embed.part.toy"),
            "on-model" => say("embed.part.on-model"),
            "status" => say("embed.part.status"),
            "colours" => say("embed.part.colours"),
            "legend" => say("embed.part.legend"),
            "film" => say("embed.part.film"),
            "transport" => say("embed.part.transport"),
            "corruption" => say("embed.part.corruption"),
            "temperature" => say("embed.part.temperature"),
            "parallelism" => say("embed.part.parallelism"),
            "prose" => say("embed.part.prose"),
            "prompt" => say("embed.part.prompt"),
            "settings" => say("embed.part.settings"),
            "numbers" => say("embed.part.numbers"),
            "gauges" => say("embed.part.gauges"),
            "inspector" => say("embed.part.inspector"),
            other => other,
        }
    }
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
        assert!(
            STAGE.iter().chain(&TRAP).all(|part| part.says() != part.name),
            "every part has a name for authors"
        );
    }
}
